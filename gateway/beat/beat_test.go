package beat

import (
	"testing"
	"time"
)

func TestUntil(t *testing.T) {
	for _, c := range []struct {
		at    time.Time
		every time.Duration
		want  time.Duration
	}{
		{time.Unix(100, 0), time.Second, time.Second},
		{time.Unix(100, 1), time.Second, time.Second - 1},
		{time.Unix(101, 250e6), 2 * time.Second, 750 * time.Millisecond},
		{time.Unix(-1, 250e6), time.Second, 750 * time.Millisecond},
		{time.Unix(-1, 0), time.Second, time.Second},
	} {
		if got := Until(c.at, c.every); got != c.want {
			t.Errorf("at %v every %v: %v, want %v", c.at.UTC(), c.every, got, c.want)
		}
	}
}
