package app

import (
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		goal, live int64
		want       int
	}{{40, 20, 100}, {40, 0, gcMost}, {40, 1, gcMost}, {40, 39, gcLeast}, {40, 400, gcLeast}, {1 << 40, 1 << 39, 100}} {
		if got := gcPercent(c.goal, c.live); got != c.want {
			t.Errorf("%d of %d live: %d %%, want %d", c.live, c.goal, got, c.want)
		}
	}
}

// TestGiveBack: memory is given back after the start, and now and then.
func TestGiveBack(t *testing.T) {
	var c collector
	for at, want := range []struct{ heap, pages time.Duration }{{10, 10}, {10, 10}, {310, 71}} {
		if err := c.giveBack(time.Unix(0, 0).Add([]time.Duration{0, 9 * time.Second, 11 * time.Second}[at])); err != nil {
			t.Fatal(err)
		}
		heap, pages := c.heap.Sub(time.Unix(0, 0)).Round(10*time.Second), c.pages.Sub(time.Unix(0, 0))
		if heap != want.heap*time.Second || pages != want.pages*time.Second {
			t.Errorf("step %d: the heap at %v, pages at %v", at, heap, pages)
		}
	}
}
