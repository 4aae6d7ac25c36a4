package spawn

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestChildren(t *testing.T) {
	cmd := exec.Command("cat") // until its input ends
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if all := Children(os.Getpid()); !slices.Contains(all, cmd.Process.Pid) {
		t.Errorf("%d is not among %v", cmd.Process.Pid, all)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if all := Children(os.Getpid()); slices.Contains(all, cmd.Process.Pid) {
		t.Errorf("%d has ended and is among %v", cmd.Process.Pid, all)
	}
}
