package camera

import (
	"testing"
	"time"
)

func TestOOMKills(t *testing.T) {
	for in, want := range map[string]uint64{
		"":                               0,
		"nr_free_pages 7\noom_kill 17":   17,
		"oom_kill 3\ndrop_pagecache 0\n": 3,
		"oom_killer 4\n":                 0,
		"oom_kill x\n":                   0,
	} {
		if got := oomKills([]byte(in)); got != want {
			t.Errorf("%q: %d", in, got)
		}
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
