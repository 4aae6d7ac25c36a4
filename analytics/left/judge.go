//go:build cgo

package left

import (
	"image"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/wire"
)

// judge moves the regions' clocks, says what was left and drops what is gone.
func (w *Watch) judge(res *motion.Result, s *behaviour.Scene, step time.Duration) {
	kept := w.regions[:0]
	for i := range w.regions {
		r := w.regions[i]
		alone := w.follow(&r, res, s, step)
		if w.over(&r, s.Time) {
			if r.open {
				w.out = append(w.out, r.end(r.seen))
			}
			continue
		}
		r.left = r.left || alone && r.clock >= w.after && w.thing(&r)
		if r.left && !r.open && w.armed {
			w.begin(&r, s.Time)
		}
		kept = append(kept, r)
	}
	clear(w.regions[len(kept):])
	w.regions = kept
}

func (w *Watch) begin(r *region, now time.Duration) {
	w.number++
	r.open = true
	r.event = behaviour.Event{Phase: wire.Begun, Number: w.number, Start: max(r.start, w.since), Detected: now,
		Box: behaviour.Fractions(r.box, w.w, w.h), Confidence: 0.5 + 0.4*min(r.fresh/float64(max(r.judged, 1)), 1)}
	w.out = append(w.out, r.event)
}

// over says whether nothing is left of a region.
func (w *Watch) over(r *region, now time.Duration) bool {
	return now-r.there > goneAfter || now-r.seen > unseenFor || now-r.start > forgetAfter
}

// spent says whether a region has had its time to turn out as something left.
func (w *Watch) spent(r *region) bool {
	most := w.after + spare
	if r.owner {
		most = 5*w.after + 2*time.Minute
	}
	return !r.left && w.last-r.start > most
}

// thing says whether a region looks like something that was put there by somebody
// who went away.
func (w *Watch) thing(r *region) bool {
	n := float64(r.judged)
	wide, high := r.box.Dx(), r.box.Dy()
	switch {
	case !r.owner || !r.departed || r.judged < 4 || !r.fits(r.tall):
		return false
	case high > 3*wide || wide > 4*high || 3*len(r.pix) < wide*high:
		return false
	case r.whole > fragment*n: // a part of somebody, or of a car
		return false
	case 2*r.compared > r.judged && r.same > w.likest(r)*float64(r.compared): // light
		return false
	}
	return r.fresh > edgeNew*n && r.edges+shadeShare*r.odd > edgeMore*n && w.zone.Share(r.box) >= 0.5
}

// likest returns up to which correlation with the ground a region can be a thing. What
// stands out in shade can look like the ground by chance; light hardly stands out where it is like it.
func (w *Watch) likest(r *region) float64 {
	if r.odd > standsOut*float64(r.judged) {
		return chancePattern
	}
	return samePattern
}

// follow looks at a region's place in the picture. It returns whether nobody lingers there.
func (w *Watch) follow(r *region, res *motion.Result, s *behaviour.Scene, step time.Duration) bool {
	blob := w.blobOf(r, res, s.Time)
	if r.found = r.found && blob != nil; r.found {
		r.seen = s.Time
	}
	// What shakes with the camera, or flickers, still looks as it did.
	moving := blob != nil && blob.Moving > restless && !(len(r.portrait) > 0 && w.resembles(r) > sameSelf)
	alone, anyone := w.company(r, s)
	r.company = anyone
	switch {
	case r.found && alone && !moving:
		r.clock += step
	case r.found && !moving:
	case anyone:
		r.clock = max(r.clock-step/2, 0)
	default:
		r.clock = max(r.clock-shakeCost*step, 0)
	}
	if r.found && !moving && !anyone {
		if w.lives(r) {
			r.clock = 0
		}
		w.compare(r, blob)
	}
	return alone
}

// blobOf returns the blob that most of a region belongs to, nil if none.
func (w *Watch) blobOf(r *region, res *motion.Result, now time.Duration) *motion.Blob {
	class := w.motion.Classes()
	var count [motion.MaxBlobs + 1]int
	fresh, best := 0, 1
	for _, p := range r.pix {
		if c := class[p]; c != 0 && c <= motion.MaxBlobs {
			count[c]++
			fresh++
		}
	}
	if 3*fresh > len(r.pix) {
		r.there = now
	}
	for c := range count {
		if count[c] > count[best] {
			best = c
		}
	}
	if count[best] == 0 {
		return nil
	}
	return &res.Blobs[best-1]
}

// compare adds up how a region differs from the background and what it is a part of.
func (w *Watch) compare(r *region, blob *motion.Blob) {
	w.outline(r)
	r.whole += float64(blob.Area) / float64(len(r.pix))
	if v, ok := w.likeness(r); ok {
		r.same += v
		r.compared++
	}
	r.odd += w.oddness(w.motion.Picture(), r) - w.oddness(w.motion.Expected(), r)
}

// hold keeps out of the background who is followed and what may have been left.
func (w *Watch) hold(res *motion.Result, s *behaviour.Scene) {
	class := w.motion.Classes()
	var still, spent [256]int
	for i, k := range w.ticks {
		if k >= stillTicks/2 {
			still[class[i]]++
		}
	}
	var left [256]int
	for i := range w.regions {
		r := &w.regions[i]
		to := &left
		if w.spent(r) {
			to = &spent
		}
		for _, p := range r.pix {
			to[class[p]]++
		}
	}
	for i := range res.Blobs {
		b := &res.Blobs[i]
		k := i + 1
		switch {
		case 2*spent[k] > b.Area && left[k] == 0:
		case left[k] > 0:
			b.Hold = true
			w.motion.Surround(i, b.Box.Inset(-around))
		case b.Lost > 0.3 && b.Lost > 2*b.New:
		default:
			b.Hold = 5*still[k] > b.Area || w.followed(b.Box, s)
		}
	}
}

// followed says whether a blob belongs to somebody's track.
func (w *Watch) followed(b image.Rectangle, s *behaviour.Scene) bool {
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if (t.Person || t.Mover) && 3*area(w.scale(t.Box).Intersect(b)) > area(b) {
			return true
		}
	}
	return false
}
