package analyticstest

import (
	"strings"
	"testing"
	"time"
)

func TestGatherings(t *testing.T) {
	for _, seed := range []uint64{1} {
		names := map[string]bool{}
		var total time.Duration
		for _, c := range append(Clips(seed, Stock{}), Wide(seed, Stock{})...) {
			if !strings.HasPrefix(c.Name, "gather_") {
				continue
			}
			if names[c.Name] {
				t.Errorf("%s twice", c.Name)
			}
			names[c.Name] = true
			total += c.Length
			want := 1
			switch {
			case strings.HasPrefix(c.Name, "gather_none"):
				want = 0
			case strings.HasPrefix(c.Name, "gather_again"):
				want = 2
			}
			if len(c.Events) != want {
				t.Errorf("%s: %d gatherings, want %d", c.Name, len(c.Events), want)
			}
			for _, e := range c.Events {
				if e.Agitated != strings.HasPrefix(c.Name, "gather_agitated") {
					t.Errorf("%s: agitated %v", c.Name, e.Agitated)
				}
				if after := seconds64(c.Rules[0].After); e.End-e.Start < after+4*time.Second || e.End > c.Length {
					t.Errorf("%s: from %v to %v of %v, rule %v", c.Name, e.Start, e.End, c.Length, after)
				}
			}
			for i := range c.Scene.Actors {
				if a := &c.Scene.Actors[i]; a.Height < 0.05 || a.Height > 0.6 {
					t.Errorf("%s: a person of %v", c.Name, a.Height)
				}
			}
		}
		if total < 12*time.Minute || total > 25*time.Minute {
			t.Errorf("seed %d: %v of gatherings", seed, total)
		}
	}
}
