package beat

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be a program that calls Loosen.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "loosen" {
		tell()
		return
	}
	os.Exit(m.Run())
}

// tell prints what Loosen has made of the program.
func tell() {
	err := Loosen()
	var mu sync.Mutex
	least := int(Slack)
	var together, all sync.WaitGroup
	together.Add(8)
	for range 8 { // each on a thread of its own
		all.Go(func() {
			runtime.LockOSThread()
			together.Done()
			together.Wait()
			n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				n = -1
			}
			least = min(least, n)
		})
	}
	all.Wait()
	_, marked := os.LookupEnv(loosened)
	fmt.Printf("%d %v %d %v %s %v %s\n", os.Getpid(), err, least, Loosen(), os.Args[2], marked, os.Getenv("KEPT"))
}

func TestLoosen(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &strings.Builder{}
	cmd := exec.Command(self, "loosen", "argument")
	cmd.Env = append(os.Environ(), "KEPT=kept")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := fmt.Sprintf("%d <nil> %d <nil> argument false kept", cmd.Process.Pid, Slack)
	if got := strings.TrimSpace(out.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
