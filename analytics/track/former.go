//go:build cgo

package track

import (
	"image"
	"slices"
	"time"
)

const (
	// formerFor is for how long those are expected whom another tracker has known.
	formerFor = 3 * time.Second
	// formerIn is how much of one box, of both together, must be the same.
	formerIn = 0.4
)

// Expect tells a new Tracker where those were that another has known for people, up to now. Who begins there soon is one
// of them, and need not show it again. They must be known not to be a part of the background.
func (t *Tracker) Expect(people []image.Rectangle, now time.Duration) {
	t.former, t.until = people, now+formerFor
}

// expected says whether a box is that of somebody who is expected, who is not any more then.
func (t *Tracker) expected(b image.Rectangle, now time.Duration) bool {
	if len(t.former) == 0 {
		return false
	}
	if now > t.until {
		t.former = nil
		return false
	}
	i := slices.IndexFunc(t.former, func(f image.Rectangle) bool {
		in := area(f.Intersect(b))
		return float64(in) >= formerIn*float64(area(f)+area(b)-in)
	})
	if i < 0 {
		return false
	}
	t.former = slices.Delete(t.former, i, i+1)
	return true
}
