package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

const maxOpenFiles = 64

// Enter closes the sandbox around the whole process, for good, and says what
// holds it. Call it once libraries are loaded and decoders were opened, and
// before the first hostile byte. After an error the process is partly shut in
// and should exit: only Landlock is optional.
func Enter(cfg Config) (Report, error) {
	var box Report
	runtime.LockOSThread() // no_new_privs and seccomp must be set by one thread
	defer runtime.UnlockOSThread()
	warmUp()
	for _, step := range []struct {
		doing string
		do    func() error
	}{
		{"give up root", func() error { return dropRoot(cfg.User) }},
		{"give up capabilities", dropCapabilities},
		{"restrict files", func() error { return restrictFiles(&box) }},
		{"set limits", func() error { return setLimits(cfg, &box) }},
		{"forbid dumps", func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }},
		{"forbid new privileges", func() error { return forbidNewPrivs(&box) }},
		{"filter system calls", func() error { return filterCalls(cfg, &box) }},
	} {
		if err := step.do(); err != nil {
			return box, fmt.Errorf("enter sandbox: %s: %w", step.doing, err)
		}
	}
	return box, nil
}

// warmUp does what the runtime would otherwise do later, with files.
func warmUp() {
	_, _ = time.Now().Local().Zone() // reads the zone file
	time.AfterFunc(0, func() {})     // sets up the poller
	Offer(os.Getpid(), Expendable)
}

// dropRoot makes root an unprivileged user, in all threads.
func dropRoot(user int) error {
	if os.Geteuid() != 0 && os.Getuid() != 0 {
		return nil
	}
	if user == 0 {
		user = nobody
	}
	if err := unix.Setgroups(nil); err != nil {
		return ifPrivileged(fmt.Errorf("drop groups: %w", err))
	}
	if err := unix.Setresgid(user, user, user); err != nil {
		return ifPrivileged(fmt.Errorf("become group %d: %w", user, err))
	}
	if err := unix.Setresuid(user, user, user); err != nil {
		return ifPrivileged(fmt.Errorf("become user %d: %w", user, err))
	}
	return nil
}

// dropCapabilities empties the sets of all threads: a service may have been
// given some without being root.
func dropCapabilities() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&none[0])), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// ifPrivileged forgives a refusal if there is nothing to give up: root in a
// container that has no capabilities.
func ifPrivileged(err error) error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if e := unix.Capget(&head, &caps[0]); e != nil {
		return errors.Join(err, fmt.Errorf("read capabilities: %w", e))
	}
	if caps[0].Permitted|caps[1].Permitted != 0 {
		return err
	}
	return nil
}

func restrictFiles(box *Report) error {
	abi, err := llsys.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return nil // ENOSYS, or EOPNOTSUPP where it is not enabled
	}
	if err := landlock.V5.BestEffort().Restrict(); err != nil {
		return err
	}
	box.Landlock = abi
	return nil
}

func setLimits(cfg Config, box *Report) error {
	if err := limit("RLIMIT_CORE", unix.RLIMIT_CORE, 0); err != nil {
		return err
	}
	if err := limit("RLIMIT_NOFILE", unix.RLIMIT_NOFILE, maxOpenFiles); err != nil {
		return err
	}
	// A log file on stderr may still grow: a write past the limit would kill.
	if !isRegular(1) && !isRegular(2) {
		if err := limit("RLIMIT_FSIZE", unix.RLIMIT_FSIZE, 0); err != nil {
			return err
		}
	}
	if cfg.AddressSpace == 0 {
		return nil
	}
	if err := limit("RLIMIT_AS", unix.RLIMIT_AS, cfg.AddressSpace); err != nil {
		return err
	}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &now); err != nil {
		return fmt.Errorf("read RLIMIT_AS: %w", err)
	}
	box.AddressSpace = now.Cur
	return nil
}

// limit lowers a limit, soft and hard; one that is lower already stays.
func limit(name string, resource int, value uint64) error {
	var old unix.Rlimit
	if err := unix.Getrlimit(resource, &old); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	value = min(value, old.Max)
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: min(value, old.Cur), Max: value}); err != nil {
		return fmt.Errorf("set %s to %d: %w", name, value, err)
	}
	return nil
}

func isRegular(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

func forbidNewPrivs(box *Report) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	box.NoNewPrivs = v == 1
	return nil
}
