package camera

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestMemoryKills: what the kernel has ended in the gateway's own group counts, with either version of
// control groups, and what it has ended elsewhere only where that is all that is known.
func TestMemoryKills(t *testing.T) {
	const v2 = "sys/fs/cgroup/system.slice/sentrybox.service/memory.events"
	const v1 = "sys/fs/cgroup/memory/box/memory.oom_control"
	for name, tc := range map[string]struct {
		files map[string]string
		want  uint64
	}{
		"nothing is there":  {nil, 0},
		"the machine":       {map[string]string{"proc/vmstat": "nr_free_pages 7\noom_kill 17"}, 17},
		"version 2":         {map[string]string{"proc/vmstat": "oom_kill 17\n", "proc/self/cgroup": "0::/system.slice/sentrybox.service\n", v2: "low 1\noom 9\noom_kill 3\noom_group_kill 8\n"}, 3},
		"version 1":         {map[string]string{"proc/vmstat": "oom_kill 17\n", "proc/self/cgroup": "5:cpu,memory:/box\n0::/\n", v1: "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"}, 4},
		"both, as here":     {map[string]string{"proc/vmstat": "oom_kill 17\n", "proc/self/cgroup": "0::/\n4:memory:/box\n", v1: "oom_kill 5\n"}, 5},
		"without memory":    {map[string]string{"proc/vmstat": "oom_kill 17\n", "proc/self/cgroup": "0::/system.slice/sentrybox.service\n"}, 17},
		"nothing to be had": {map[string]string{"proc/vmstat": "oom_killer 4\noom_kill x\n", "proc/self/cgroup": "junk\n0:\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, text := range tc.files {
				path := filepath.Join(root, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if got := memoryKills(root); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}

// TestStarvedWait: a camera whose processes are ended for want of memory asks less and less often, but goes on.
func TestStarvedWait(t *testing.T) {
	last := time.Duration(0)
	for n := 1; n < 100; n++ {
		w := starvedWait(n)
		if w < last || w < time.Second || w > 30*time.Second {
			t.Errorf("after %d: %v", n, w)
		}
		last = w
	}
	if last != starvedMost {
		t.Errorf("in the end %v", last)
	}
}
