package camera

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// memoryKills returns how many processes the kernel has ended for want of memory in the gateway's group of
// processes (control groups v2 and v1; Linux 4.13 and later), or where there is none on the machine. root is in front of /proc and /sys.
func memoryKills(root string) uint64 {
	groups, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.Lines(string(groups)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // cgroups(7): hierarchy, controllers, path
		if len(f) < 3 {
			continue
		}
		file := ""
		switch {
		case f[0] == "0":
			file = filepath.Join("sys/fs/cgroup", f[2], "memory.events")
		case slices.Contains(strings.Split(f[1], ","), "memory"):
			file = filepath.Join("sys/fs/cgroup/memory", f[2], "memory.oom_control")
		}
		if n, ok := oomKills(filepath.Join(root, file)); file != "" && ok {
			return n
		}
	}
	n, _ := oomKills(filepath.Join(root, "proc/vmstat"))
	return n
}

// oomKills reads the line oom_kill of a file.
func oomKills(path string) (n uint64, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
