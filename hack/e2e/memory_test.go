//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// memoryGroup is a group of processes that get so much memory together (cgroups v1 and v2).
type memoryGroup struct {
	t                        testing.TB
	dir, limit, usage, cache string
}

func newMemoryGroup(t testing.TB) *memoryGroup {
	t.Helper()
	name := fmt.Sprintf("sentrybox-test-%d", os.Getpid())
	for _, g := range []*memoryGroup{
		{t, filepath.Join("/sys/fs/cgroup/memory", name), "memory.limit_in_bytes", "memory.usage_in_bytes", "cache"},
		{t, filepath.Join("/sys/fs/cgroup", name), "memory.max", "memory.current", "file"},
	} {
		if os.Mkdir(g.dir, 0o755) != nil {
			continue
		}
		t.Cleanup(g.remove)
		if _, err := os.Stat(filepath.Join(g.dir, g.limit)); err == nil {
			return g
		}
	}
	t.Fatal("no group of processes can be given a limit of memory here")
	return nil
}

func (g *memoryGroup) remove() {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err := os.Remove(g.dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	g.t.Errorf("%s stays", g.dir)
}

func (g *memoryGroup) read(name string) string {
	g.t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(b)
}

// needed is what the processes have that cannot be read from the disk again, in bytes.
func (g *memoryGroup) needed() int64 {
	g.t.Helper()
	used, err := strconv.ParseInt(strings.TrimSpace(g.read(g.usage)), 10, 64)
	if err != nil {
		g.t.Fatal(err)
	}
	for line := range strings.SplitSeq(g.read("memory.stat"), "\n") {
		if name, value, _ := strings.Cut(line, " "); name == g.cache {
			n, _ := strconv.ParseInt(value, 10, 64)
			used -= n
		}
	}
	return used
}

// add has a process be of the group, and what it starts from then on.
func (g *memoryGroup) add(pid int) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.procs"), fmt.Append(nil, pid), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// holds reports whether so many processes are all in the group.
func (g *memoryGroup) holds(pids []int, n int) bool {
	in := strings.Fields(g.read("cgroup.procs"))
	return len(pids) == n && !slices.ContainsFunc(pids, func(pid int) bool { return !slices.Contains(in, strconv.Itoa(pid)) })
}

// squeeze sets a limit that leaves what the process keeper needs and half of what the others have, once
// neither grows any more.
func (g *memoryGroup) squeeze(keeper int, others func() []int) {
	g.t.Helper()
	var theirs int64
	for last, n := int64(0), 0; n < 30; n++ { // in the end, whatever it is
		theirs = 0
		for _, pid := range others() {
			theirs += anonymous(g.t, pid)
		}
		now := anonymous(g.t, keeper) + theirs
		if now-last < 1<<20 {
			break
		}
		last = now
		time.Sleep(time.Second)
	}
	most := g.needed() - theirs/2
	eventually(g.t, "the limit", func() bool { // it cannot be below what is used, as long as it is
		for _, pid := range others() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return os.WriteFile(filepath.Join(g.dir, g.limit), fmt.Append(nil, most), 0o600) == nil
	})
	g.t.Logf("the limit is %d MiB: that of the gateway is %d, vision processes have had %d", most>>20, anonymous(g.t, keeper)>>20, theirs>>20)
}

// release takes the limit away.
func (g *memoryGroup) release() {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, g.limit), fmt.Append(nil, int64(1)<<32), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// anonymous is what a process has that is in no file, in bytes; 0 once it has ended.
func anonymous(t testing.TB, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, ok := strings.Cut(string(b), "RssAnon:")
	if err != nil || !ok {
		return 0 // it has ended
	}
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
