// Package spawn is what programs and tests that start others need.
package spawn

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sentrybox/uplink/linetest/freeport"
)

// FreePort returns a TCP port of the loopback interface that nobody listens on, and that no other
// process is told here.
func FreePort() (int, error) { return freeport.TCP() }

// Children returns the processes that a process has started and that are still there (proc(5), stat).
func Children(pid int) (all []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it is gone
		}
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(pid) {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			all = append(all, id)
		}
	}
	return all
}
