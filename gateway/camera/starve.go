package camera

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"
)

// ErrNoMemory means that the kernel ended a vision process since memory was short.
var ErrNoMemory = errors.New("the kernel ended the vision process: memory is short")

const (
	// A process that was ended for want of memory would be ended again at once, and others with it.
	starvedFirst = time.Second
	starvedMost  = 30 * time.Second
)

// starvedWait is how long the nth process in a row that was ended for want of memory is followed by none.
func starvedWait(n int) time.Duration {
	return min(starvedFirst<<min(n-1, 10), starvedMost)
}

// memoryKills returns how many processes the kernel has ended for want of memory on this machine, in
// groups of processes too (Linux 4.13 and later; else 0).
func memoryKills() uint64 {
	b, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	return oomKills(b)
}

// oomKills reads it from /proc/vmstat.
func oomKills(b []byte) uint64 {
	for line := range bytes.Lines(b) {
		if value, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			n, _ := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 64)
			return n
		}
	}
	return 0
}
