package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestOffer: a score is raised, and never lowered.
func TestOffer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere there is no such score")
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	for _, c := range []struct {
		score int
		want  string
	}{{Expendable, "900"}, {MostExpendable, "1000"}, {Expendable, "1000"}} {
		Offer(cmd.Process.Pid, c.score)
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid))
		if got := strings.TrimSpace(string(b)); err != nil || got != c.want {
			t.Errorf("%d: %s, %v", c.score, got, err)
		}
	}
}
