package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests start this binary again as a child that enters the sandbox and then
// does what childEnv names. A child that ends well says done.
const (
	childEnv = "SENTRYBOX_SANDBOX_CHILD"
	done     = "done"
)

func TestMain(m *testing.M) {
	name := os.Getenv(childEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	act, ok := acts()[name]
	if !ok {
		fmt.Println("no such act")
		os.Exit(3)
	}
	if err := runChild(act); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(done)
	os.Exit(0)
}

// An act is what a child does: prepare before the sandbox closes, then within.
type act struct {
	prepare func() error
	enter   func() (Report, error) // Enter, unless said otherwise
	within  func(Report) error
}

func runChild(a act) error {
	if a.prepare != nil {
		if err := a.prepare(); err != nil {
			return err
		}
	}
	enter := a.enter
	if enter == nil {
		enter = func() (Report, error) { return Enter(Config{AddressSpace: DefaultAddressSpace}) }
	}
	box, err := enter()
	if err != nil {
		return err
	}
	return a.within(box)
}

// refused wants an error of that kind.
func refused(err error, want ...error) error {
	for _, w := range want {
		if errors.Is(err, w) {
			return nil
		}
	}
	return fmt.Errorf("got %w, want one of %v", err, want)
}

func acts() map[string]act {
	m := map[string]act{
		"report": {within: func(b Report) error { return json.NewEncoder(os.Stdout).Encode(b) }},
		"open": {within: func(Report) error {
			_, err := os.Open("/etc/passwd")
			return refused(err, unix.EACCES)
		}},
		"create": {within: func(Report) error {
			return refused(os.WriteFile("/tmp/sentrybox-sandbox-test", []byte("x"), 0o600), unix.EACCES)
		}},
		"go on": {within: goOn},
		"wait": {within: func(Report) error {
			fmt.Println("ready")
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		}},
		"landlock alone": landlockAlone(),
		"panic":          {within: func(Report) error { panic("a crash must be told") }},
		"grow a file": {within: func(Report) error {
			_, err := os.NewFile(3, "inherited").WriteString("x") // SIGXFSZ or an error
			return refused(err, unix.EFBIG)
		}},
		"memory": {within: func(Report) error {
			_, err := unix.Mmap(-1, 0, int(min(uint64(DefaultAddressSpace), math.MaxInt)), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
			return refused(err, unix.ENOMEM)
		}},
		"descriptors": {within: func(Report) error {
			for range maxOpenFiles + 1 {
				if _, err := unix.EpollCreate1(0); err != nil {
					return refused(err, unix.EMFILE)
				}
			}
			return errors.New("no limit")
		}},
	}
	maps.Copy(m, fatalActs())
	maps.Copy(m, decodingActs())
	return m
}

// fatalActs end the child with SIGSYS.
func fatalActs() map[string]act {
	m := map[string]act{"socket from a thread that was there before": earlierThread()}
	for name, try := range map[string]func() error{
		"socket":      func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
		"socket pair": func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"dial":        func() error { _, err := net.Dial("tcp", "127.0.0.1:9"); return err },
		"execve":      func() error { return unix.Exec("/bin/true", []string{"true"}, nil) },
		"fork": func() error {
			_, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
			return errno
		},
		"start a process": func() error {
			_, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
			return err
		},
		"ptrace":      func() error { return unix.PtraceAttach(os.Getppid()) },
		"kill parent": func() error { return unix.Kill(os.Getppid(), 0) },
		"unlink":      func() error { return unix.Unlink("/tmp/sentrybox-no-such-file") },
		"make code": func() error {
			_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
			return err
		},
		"become root": func() error {
			_, _, errno := unix.RawSyscall(unix.SYS_SETUID, 0, 0, 0)
			return errno
		},
	} {
		m[name] = act{within: func(Report) error { return fmt.Errorf("came back: %w", try()) }}
	}
	return m
}

// landlockAlone opens files with nothing else in the way, from this thread, from
// one that was there before and from a new one.
func landlockAlone() act {
	try := func() error {
		_, err := os.ReadFile("/etc/passwd")
		return refused(err, unix.EACCES)
	}
	onThread := func(start <-chan struct{}, result chan<- error) {
		runtime.LockOSThread()
		<-start
		result <- try()
	}
	start, result := make(chan struct{}), make(chan error)
	return act{
		prepare: func() error {
			go onThread(start, result)
			time.Sleep(10 * time.Millisecond)
			return nil
		},
		enter: func() (box Report, err error) { return box, restrictFiles(&box) },
		within: func(Report) error {
			close(start)
			go onThread(start, result)
			return errors.Join(try(), <-result, <-result)
		},
	}
}

// earlierThread is an act of a thread that ran before the sandbox closed.
func earlierThread() act {
	start, result := make(chan struct{}), make(chan error)
	return act{
		prepare: func() error {
			up := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				close(up)
				<-start
				_, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
				result <- err
			}()
			<-up
			return nil
		},
		within: func(Report) error {
			close(start)
			return fmt.Errorf("came back: %w", <-result)
		},
	}
}

// goOn is what the runtime does in a long life: threads, garbage, stacks, timers, the
// clock, a file of the log's time zone, and its periodic look at the cgroup.
func goOn(Report) error {
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			runtime.LockOSThread() // a thread each, which ends with its goroutine
			var keep [][]byte
			for i := range 300 {
				keep = append(keep, bytes.Repeat([]byte{byte(i)}, 20<<10))
				if i%50 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			runtime.KeepAlive(keep)
		})
	}
	spin := time.Now().Add(300 * time.Millisecond)
	wg.Go(func() {
		for time.Now().Before(spin) { // preempted by signals
		}
	})
	wg.Wait()
	for range 3 {
		runtime.GC()
	}
	slog.New(slog.NewTextHandler(os.Stderr, nil)).Info("told", "at", time.Now())
	time.Sleep(1500 * time.Millisecond)
	return nil
}

// child runs an act and returns how it ended and what it said.
func child(t *testing.T, name string, cmd *exec.Cmd) (syscall.WaitStatus, string) {
	t.Helper()
	var out bytes.Buffer
	cmd.Env = append(os.Environ(), childEnv+"="+name, "GOTRACEBACK=single", "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = &out, &out
	timer := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		t.Fatal("no wait status")
	}
	return status, out.String()
}

// asUsers runs a test as who we are, and as nobody if we are root.
func asUsers(t *testing.T, f func(*testing.T, func() *exec.Cmd)) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Run(fmt.Sprintf("uid=%d", os.Getuid()), func(t *testing.T) {
		f(t, func() *exec.Cmd { return exec.Command(exe) })
	})
	if os.Getuid() != 0 {
		return
	}
	// The test binary lies in a folder that only root may enter.
	dir, err := os.MkdirTemp("", "sandbox")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	copied := dir + "/child"
	if err := os.WriteFile(copied, b, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("uid=65534", func(t *testing.T) {
		f(t, func() *exec.Cmd {
			cmd := exec.Command(copied)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			return cmd
		})
	})
}

func TestRefusedByKernel(t *testing.T) {
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		for name := range fatalActs() {
			t.Run(name, func(t *testing.T) {
				status, out := child(t, name, command())
				if !status.Signaled() || status.Signal() != syscall.SIGSYS {
					t.Errorf("ended with %#x, not by SIGSYS: %s", status, out)
				}
			})
		}
	})
}

func TestWithin(t *testing.T) {
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		names := []string{"open", "create", "memory", "descriptors"}
		for name := range decodingActs() {
			names = append(names, name)
		}
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				status, out := child(t, name, command())
				if status.ExitStatus() != 0 || !strings.HasSuffix(out, done+"\n") {
					t.Errorf("ended with %#x: %s", status, out)
				}
				t.Log(out)
			})
		}
	})
}
