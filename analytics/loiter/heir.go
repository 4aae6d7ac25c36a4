//go:build cgo

package loiter

import (
	"image"
	"math"
	"time"
)

const (
	soon     = 4 * time.Second  // a track found again within it may have gone a step
	samePlot = 10 * time.Second // within it, it must stand where it stood
	overlaps = 0.4              // intersection over union of those who stand where they stood
	reach    = 0.5              // heights, and as much a second
	reachMax = 1.5
	ratio    = 1.6  // of heights
	strolls  = 0.25 // heights a second, from where they came in to where they went out
)

// misfit says how badly a new track fits where somebody was lost: up to 1 it
// may be the same person.
func (v *stay) misfit(heir *stay) float64 {
	gap := heir.entered - v.last
	if gap < -time.Second/2 {
		return math.Inf(1)
	}
	gap = max(gap, 0)
	if v.reported() && gap <= forget && !v.edge {
		// A loiterer who is already reported must not be reported again.
		return distance(v.box, heir.first) / (2 * float64(v.box.Dy()))
	}
	if gap > soon {
		if gap <= samePlot && !v.edge && overlap(v.box, heir.first) >= overlaps {
			return 1 - overlap(v.box, heir.first)
		}
		return math.Inf(1)
	}
	limit := min(reach+reach*gap.Seconds(), reachMax) * float64(v.box.Dy())
	far := distance(v.box, heir.first) / max(limit, 1)
	if v.edge {
		// Out of the picture and back: only somebody who looks the same, and did
		// not just walk through.
		if !v.lingered(v.box) {
			return math.Inf(1)
		}
		return max(far, heir.now.difference(v.known())/(shades/2))
	}
	a, b := float64(max(v.box.Dy(), 1)), float64(max(heir.first.Dy(), 1))
	return max(far, math.Abs(math.Log(a/b))/math.Log(ratio))
}

// twin says the same of a track that has long been where a loiterer's was lost: two
// tracks may have followed one person, who must not be reported twice.
func (v *stay) twin(other *stay, now time.Duration) float64 {
	if !v.reported() || !other.person || now-v.last > forget || other.entered >= v.last {
		return math.Inf(1)
	}
	return distance(v.box, other.box) / max(v.tall, 1)
}

// lingered says whether somebody who went out there has come less far in their time here than
// those who walk through.
func (c *clock) lingered(out image.Rectangle) bool {
	return distance(c.first, out) < strolls*max(c.tall, 1)*c.dwell.Seconds()
}

func distance(a, b image.Rectangle) float64 {
	return math.Hypot(float64(a.Min.X+a.Max.X-b.Min.X-b.Max.X)/2, float64(a.Max.Y-b.Max.Y))
}

func overlap(a, b image.Rectangle) float64 {
	in := a.Intersect(b)
	n := in.Dx() * in.Dy()
	return float64(n) / float64(max(a.Dx()*a.Dy()+b.Dx()*b.Dy()-n, 1))
}
