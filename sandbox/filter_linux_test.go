package sandbox

import (
	"encoding/binary"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	allow = uint32(unix.SECCOMP_RET_ALLOW)
	kill  = uint32(unix.SECCOMP_RET_KILL_PROCESS)
)

func errno(e unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }

// run gives the filter's verdict on a call. The VM loads words big-endian, so
// they are laid out as it reads them, at the kernel's offsets.
func run(t *testing.T, a *arch.Info, nr uint32, args ...uint64) uint32 {
	t.Helper()
	return judge(t, a, rules(4242, false), nr, args...)
}

func judge(t *testing.T, a *arch.Info, by []rule, nr uint32, args ...uint64) uint32 {
	t.Helper()
	prog, err := program(a, by)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[offsetNumber:], nr)
	binary.BigEndian.PutUint32(data[offsetArch:], uint32(a.ID))
	for i, v := range args {
		binary.BigEndian.PutUint32(data[offsetArgs+8*i:], uint32(v))
		binary.BigEndian.PutUint32(data[offsetArgs+8*i+4:], uint32(v>>32))
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(got)
}

func TestFilter(t *testing.T) {
	const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM
	for _, tc := range []struct {
		name string
		args []uint64
		want uint32
	}{
		{"read", nil, allow},
		{"exit_group", nil, allow},
		{"socket", nil, kill},
		{"connect", nil, kill},
		{"execve", nil, kill},
		{"execveat", nil, kill},
		{"fork", nil, kill},
		{"vfork", nil, kill},
		{"ptrace", nil, kill},
		{"process_vm_writev", nil, kill},
		{"bpf", nil, kill},
		{"io_uring_setup", nil, kill},
		{"userfaultfd", nil, kill},
		{"memfd_create", nil, kill},
		{"setuid", nil, kill},
		{"seccomp", nil, kill},
		{"kexec_load", nil, kill},
		{"open", nil, errno(unix.EACCES)},
		{"openat", nil, errno(unix.EACCES)},
		{"newfstatat", nil, errno(unix.EACCES)},
		{"unlinkat", nil, kill},
		{"mkdirat", nil, kill},
		{"clone", []uint64{thread}, allow},
		{"clone", []uint64{uint64(unix.SIGCHLD)}, kill},
		{"clone", []uint64{thread | unix.CLONE_NEWUSER}, kill},
		{"clone", []uint64{unix.CLONE_THREAD}, kill},
		{"clone", []uint64{unix.CLONE_VM | unix.CLONE_VFORK}, kill},
		{"clone3", []uint64{0x1000}, errno(unix.ENOSYS)},
		{"mprotect", []uint64{0x7f0000000000, 4096, unix.PROT_READ | unix.PROT_WRITE}, allow},
		{"mprotect", []uint64{0x7f0000000000, 4096, unix.PROT_READ | unix.PROT_EXEC}, kill},
		{"tgkill", []uint64{4242, 4243, 23}, allow},
		{"tgkill", []uint64{1, 1, 9}, kill},
		{"kill", []uint64{4242, 6}, allow},
		{"kill", []uint64{0, 9}, kill},
		{"kill", []uint64{^uint64(0), 9}, kill},
		{"prctl", []uint64{unix.PR_SET_NAME}, allow},
		{"prctl", []uint64{prSetVMA}, allow},
		{"prctl", []uint64{unix.PR_SET_DUMPABLE, 1}, errno(unix.EINVAL)},
		{"prlimit64", []uint64{0, 7, 0, 0x7ff000}, allow},
		{"prlimit64", []uint64{0, 7, 0x7ff000, 0}, errno(unix.EPERM)},
		{"prlimit64", []uint64{0, 7, 0x700000000, 0}, errno(unix.EPERM)},
		{"prlimit64", []uint64{1, 7, 0, 0x7ff000}, errno(unix.EPERM)},
		{"ioctl", []uint64{0, unix.TIOCSTI}, errno(unix.ENOTTY)},
	} {
		for _, a := range []*arch.Info{arch.X86_64, arch.AARCH64, arch.ARM} {
			nr, ok := a.SyscallNames[tc.name]
			if !ok {
				continue // the architecture has no such call, so its number cannot be sent
			}
			if got := run(t, a, uint32(nr), tc.args...); got != tc.want {
				t.Errorf("%s: %s%v: %#x, want %#x", a.Name, tc.name, tc.args, got, tc.want)
			}
		}
	}
}

// Whatever the arguments are, they must not be taken for a call's number, and what
// is not in the rules must not pass: every call of every table is tried with
// arguments that are numbers of allowed calls.
func TestFilterAllowsNothingElse(t *testing.T) {
	named := map[string]rule{}
	for _, r := range rules(4242, false) {
		for _, n := range r.names {
			named[n] = r
		}
	}
	for _, a := range []*arch.Info{arch.X86_64, arch.AARCH64, arch.ARM} {
		munmap := uint64(a.SyscallNames["munmap"])
		futex := uint64(a.SyscallNames["futex"])
		for name, nr := range a.SyscallNames {
			r, ok := named[name]
			always := ok && !r.never && len(r.allow) == 0
			for _, v := range []uint64{munmap, futex | unix.PROT_EXEC, 0xdeadbeef} {
				got := run(t, a, uint32(nr), v, v, v|unix.PROT_EXEC, v, v, v)
				switch {
				case !ok && got != kill:
					t.Errorf("%s: %s is not in the rules, yet %#x", a.Name, name, got)
				case always && got != allow:
					t.Errorf("%s: %s: %#x", a.Name, name, got)
				case ok && !always && got == allow:
					t.Errorf("%s: %s allowed with arguments %#x", a.Name, name, v)
				}
			}
		}
	}
	if got := run(t, arch.X86_64, 0x40000000); got != kill { // read of the x32 ABI
		t.Errorf("x32 read: %#x", got)
	}
	other := *arch.X86_64
	other.ID = arch.I386.ID
	prog, err := program(arch.X86_64, rules(1, true))
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[offsetArch:], uint32(other.ID))
	if got, err := vm.Run(data); err != nil || uint32(got) != kill {
		t.Errorf("call of another architecture: %#x, %v", got, err)
	}
}

// A name that no table knows is a slip of the pen.
func TestRuleNames(t *testing.T) {
	for _, r := range rules(1, true) {
		for _, n := range r.names {
			found := false
			for _, a := range []*arch.Info{arch.X86_64, arch.AARCH64, arch.ARM} {
				_, ok := a.SyscallNames[n]
				found = found || ok
			}
			if !found {
				t.Errorf("no architecture knows %s", n)
			}
		}
	}
}

// TestFilterOfVideo: of a process that was given a V4L2 device only the requests of V4L2 pass.
func TestFilterOfVideo(t *testing.T) {
	for _, a := range []*arch.Info{arch.X86_64, arch.AARCH64, arch.ARM} {
		nr := uint32(a.SyscallNames["ioctl"])
		for _, c := range []struct {
			video   bool
			request uint64
			want    uint32
		}{
			{true, 0xc0585611, allow}, // VIDIOC_DQBUF
			{true, 0x80685600, allow}, // VIDIOC_QUERYCAP
			{true, unix.TCGETS, errno(unix.ENOTTY)},
			{true, unix.TIOCSTI, errno(unix.ENOTTY)},
			{true, 0x5600 << 8, errno(unix.ENOTTY)},
			{false, 0x80685600, errno(unix.ENOTTY)},
		} {
			if got := judge(t, a, rules(4242, c.video), nr, 5, c.request, 0); got != c.want {
				t.Errorf("%s: request %#x, video %v: %#x, want %#x", a.Name, c.request, c.video, got, c.want)
			}
		}
		if got := judge(t, a, rules(4242, true), uint32(a.SyscallNames["socket"]), 0); got != kill {
			t.Errorf("%s: a process with video may open a socket: %#x", a.Name, got)
		}
	}
}
