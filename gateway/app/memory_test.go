package app

import "testing"

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
