package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// What a process adds to its score when the kernel looks for one to end for want of memory, in thousandths of
// all memory (oom_score_adj of proc(5)). A stream that eats memory should cost its camera, not the gateway.
const (
	// Expendable goes before the gateway; in a small group of processes 500 was too little.
	Expendable = 900
	// MostExpendable goes before those.
	MostExpendable = 1000
)

// Offer raises a process's score. [Enter] does it for its own process, to Expendable; until then that has the score of who
// started it, while its libraries and models take memory already: so the starter does it too. Best
// effort: there may be no /proc.
func Offer(pid, score int) {
	path := fmt.Sprintf("/proc/%d/oom_score_adj", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(b))); err != nil || now < score {
		_ = os.WriteFile(path, strconv.AppendInt(nil, int64(score), 10), 0)
	}
}
