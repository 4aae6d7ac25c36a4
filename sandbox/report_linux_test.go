package sandbox

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

func TestReport(t *testing.T) {
	abi, err := llsys.LandlockGetABIVersion()
	if err != nil {
		abi = 0
	}
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		status, out := child(t, "report", command())
		line, _, _ := strings.Cut(out, "\n")
		var got Report
		if err := json.Unmarshal([]byte(line), &got); err != nil || status.ExitStatus() != 0 {
			t.Fatalf("ended with %#x, %v: %s", status, err, out)
		}
		want := Report{NoNewPrivs: true, Seccomp: true, Landlock: abi, AddressSpace: DefaultAddressSpace}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		t.Logf("%+v", got)
	})
}

// What the kernel says of a process in the sandbox, seen from outside.
func TestSeenFromOutside(t *testing.T) {
	asUsers(t, seenFromOutside)
	if os.Getuid() != 0 {
		return
	}
	// A service that is not root but was given a capability.
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		seenFromOutside(t, func() *exec.Cmd {
			cmd := command()
			if cmd.SysProcAttr == nil {
				return cmd
			}
			cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_BIND_SERVICE}
			return cmd
		})
	})
}

func seenFromOutside(t *testing.T, command func() *exec.Cmd) {
	cmd := command()
	cmd.Env = append(os.Environ(), childEnv+"=wait")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 6)
	if _, err := stdout.Read(buf); err != nil || string(buf[:5]) != "ready" {
		t.Errorf("child said %q, %v", buf, err)
	}
	dir := "/proc/" + strconv.Itoa(cmd.Process.Pid)
	tasks, err := os.ReadDir(dir + "/task")
	if err != nil || len(tasks) < 2 {
		t.Errorf("threads: %v, %v", tasks, err)
	}
	for _, task := range tasks {
		b, err := os.ReadFile(dir + "/task/" + task.Name() + "/status")
		if err != nil {
			t.Fatal(err)
		}
		status := string(b)
		for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapAmb:\t0000000000000000\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("thread %s lacks %q", task.Name(), want)
			}
		}
		if strings.Contains(status, "Uid:\t0") || strings.Contains(status, "Gid:\t0") {
			t.Errorf("thread %s is root: %s", task.Name(), status)
		}
		if os.Getuid() == 0 && !strings.Contains(status, "Groups:\t \n") && !strings.Contains(status, "Groups:\t65534 \n") {
			t.Errorf("thread %s has groups: %s", task.Name(), status)
		}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(dir+"/mem", &st); err != nil || st.Uid != 0 {
		t.Errorf("memory belongs to user %d, so it is dumpable: %v", st.Uid, err)
	}
	limits, err := os.ReadFile(dir + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for name, limit := range map[string]uint64{
		"Max core file size": 0, "Max file size": 0, "Max open files": maxOpenFiles, "Max address space": DefaultAddressSpace,
	} {
		want := strconv.FormatUint(limit, 10)
		_, rest, _ := strings.Cut(string(limits), name)
		if f := strings.Fields(rest); len(f) < 2 || f[0] != want || f[1] != want {
			t.Errorf("%s is not %s: %.60s", name, want, rest)
		}
	}
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// A crash must be told on stderr and end the process in the usual way.
func TestCrashIsTold(t *testing.T) {
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		status, out := child(t, "panic", command())
		if status.ExitStatus() != 2 || !strings.Contains(out, "panic: a crash must be told") || !strings.Contains(out, "goroutine 1") {
			t.Errorf("ended with %#x: %s", status, out)
		}
	})
}

func TestRuntimeGoesOn(t *testing.T) {
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		status, out := child(t, "go on", command())
		if status.ExitStatus() != 0 || !strings.HasSuffix(out, done+"\n") {
			t.Errorf("ended with %#x: %s", status, out)
		}
	})
}

func TestLandlock(t *testing.T) {
	if abi, err := llsys.LandlockGetABIVersion(); err != nil || abi < 1 {
		t.Skipf("this kernel has no Landlock: ABI %d, %v", abi, err)
	}
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		status, out := child(t, "landlock alone", command())
		if status.ExitStatus() != 0 || !strings.HasSuffix(out, done+"\n") {
			t.Errorf("ended with %#x: %s", status, out)
		}
	})
}

// A file that was open before must not grow.
func TestOpenFileStays(t *testing.T) {
	asUsers(t, func(t *testing.T, command func() *exec.Cmd) {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		cmd := command()
		cmd.ExtraFiles = []*os.File{f}
		status, out := child(t, "grow a file", cmd)
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if st.Size() != 0 || (status.ExitStatus() == 0 && !strings.HasSuffix(out, done+"\n")) {
			t.Errorf("%d bytes, ended with %#x: %s", st.Size(), status, out)
		}
	})
}

// Root in a container without capabilities cannot become another user, and need not.
func TestRootWithoutCapabilities(t *testing.T) {
	setpriv, err := exec.LookPath("setpriv")
	if os.Getuid() != 0 || err != nil {
		t.Skipf("needs root and setpriv: user %d, %v", os.Getuid(), err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	status, out := child(t, "report", exec.Command(setpriv, "--bounding-set=-all", "--inh-caps=-all", exe))
	if status.ExitStatus() != 0 || !strings.Contains(out, `"seccomp":true`) {
		t.Errorf("ended with %#x: %s", status, out)
	}
}
