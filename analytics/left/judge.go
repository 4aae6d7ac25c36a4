//go:build cgo

package left

import (
	"image"
	"math"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
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

// thing says whether a region looks like something that was put there.
func (w *Watch) thing(r *region) bool {
	n := float64(r.judged)
	wide, high := r.box.Dx(), r.box.Dy()
	return r.owner && r.judged >= 4 && high <= 3*wide && wide <= 4*high && 3*len(r.pix) > wide*high && r.same < samePattern*n &&
		r.fresh > edgeNew*n && r.edges+shadeShare*r.odd > edgeMore*n &&
		w.zone.Share(r.box) >= 0.5
}

// follow looks at a region's place in the picture. It returns whether nobody lingers there.
func (w *Watch) follow(r *region, res *motion.Result, s *behaviour.Scene, step time.Duration) bool {
	class := w.motion.Classes()
	var count [motion.MaxBlobs + 1]int
	fresh := 0
	for _, p := range r.pix {
		if c := class[p]; c != 0 && c <= motion.MaxBlobs {
			count[c]++
			fresh++
		}
	}
	if 3*fresh > len(r.pix) {
		r.there = s.Time
	}
	if r.found {
		r.seen = s.Time
	}
	best := 1
	for c := range count {
		if count[c] > count[best] {
			best = c
		}
	}
	moving := count[best] > 0 && res.Blobs[best-1].Moving > restless
	alone, anyone := w.alone(r, s)
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
		w.outline(r)
		r.same += w.likeness(r)
		r.odd += w.oddness(w.motion.Picture(), r) - w.oddness(w.motion.Expected(), r)
	}
	return alone
}

// alone says that nobody lingers within a body's height of a region; anyone,
// that somebody is there at all.
func (w *Watch) alone(r *region, s *behaviour.Scene) (alone, anyone bool) {
	alone = true
	for i := range s.Tracks {
		t := &s.Tracks[i]
		box := w.scale(t.Box)
		if !t.Person && !t.Mover || itself(t, box, r.box) {
			continue
		}
		tall := box.Dy()
		if image.Rect(box.Min.X-tall, box.Min.Y-tall/2, box.Max.X+tall, box.Max.Y+tall/2).Intersect(r.box).Empty() {
			continue
		}
		anyone = true
		at := slices.IndexFunc(r.near, func(n nearby) bool { return n.id == t.ID })
		if at < 0 {
			r.near = append(r.near, nearby{id: t.ID, since: s.Time})
			at = len(r.near) - 1
		}
		r.near[at].seen = s.Time
		alone = alone && s.Time-r.near[at].since < lingering
	}
	r.near = slices.DeleteFunc(r.near, func(n nearby) bool { return s.Time-n.seen > time.Second })
	return alone, anyone
}

// itself says whether a track is the region's: what somebody leaves can inherit
// their track.
func itself(t *track.Track, box, region image.Rectangle) bool {
	common := area(box.Intersect(region.Inset(-max(region.Dx(), region.Dy())/4 - 1)))
	return 5*common > 3*area(box) || common > 0 && t.Still() > 2*time.Second
}

// outline adds up how much of a region's outline is new, and how much is lost.
func (w *Watch) outline(r *region) {
	class, cur, bg := w.motion.Classes(), w.motion.Picture(), w.motion.Expected()
	n, fresh, lost := 0, 0, 0
	for _, p := range r.pix {
		i := int(p)
		x, y := i%w.w, i/w.w
		if x < 3 || y < 3 || x >= w.w-3 || y >= w.h-3 {
			continue
		}
		if class[i-1] != 0 && class[i+1] != 0 && class[i-w.w] != 0 && class[i+w.w] != 0 {
			continue
		}
		c, b := w.edge(cur, i), w.edge(bg, i)
		n++
		switch {
		case c-b > minEdge:
			fresh++
		case b-c > minEdge:
			lost++
		}
	}
	if n == 0 {
		return
	}
	r.judged++
	r.fresh += float64(fresh) / float64(n)
	r.edges += float64(fresh-lost) / float64(n)
}

// likeness returns the correlation of a region and its border with what the
// background expects there: 1 if but the light has changed.
func (w *Watch) likeness(r *region) float64 {
	cur, bg := w.motion.Picture(), w.motion.Expected()
	var n, c, b, cc, bb, cb float64
	box := r.box.Inset(-2).Intersect(image.Rect(0, 0, w.w, w.h))
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for i := y*w.w + box.Min.X; i < y*w.w+box.Max.X; i++ {
			p, q := float64(cur[i]), float64(bg[i])
			n, c, b, cc, bb, cb = n+1, c+p, b+q, cc+p*p, bb+q*q, cb+p*q
		}
	}
	n = max(n, 1)
	return (cb - c*b/n) / math.Sqrt(max(cc-c*c/n, 1)*max(bb-b*b/n, 1))
}

// oddness returns how much a region's shades differ from those around it, 0 to 1. What
// lies there is odd in the picture; what was taken away was odd in the background.
func (w *Watch) oddness(pix []uint8, r *region) float64 {
	const bins = 32
	var in, out [bins + 1]float64
	class := w.motion.Classes()
	add := func(h *[bins + 1]float64, v uint8) { // shared by two bins
		b, f := int(v)*bins>>8, float64(int(v)*bins&255)/256
		h[b] += 1 - f
		h[b+1] += f
	}
	for _, p := range r.pix {
		add(&in, pix[p])
	}
	n := 0
	around := r.box.Inset(-max(3, (r.box.Dx()+r.box.Dy())/4)).Intersect(image.Rect(0, 0, w.w, w.h))
	for y := around.Min.Y; y < around.Max.Y; y++ {
		for i := y*w.w + around.Min.X; i < y*w.w+around.Max.X; i++ {
			if class[i] == 0 {
				add(&out, pix[i])
				n++
			}
		}
	}
	if n == 0 {
		return 0
	}
	sum := 0.0
	for b := range in {
		sum += math.Abs(in[b]/float64(len(r.pix)) - out[b]/float64(n))
	}
	return sum / 2
}

// edge returns the strongest gradient within a pixel, in grey levels over two pixels.
func (w *Watch) edge(pix []uint8, at int) int {
	best := 0
	for i := at - w.w; i <= at+w.w; i += w.w {
		for k := i - 1; k <= i+1; k++ {
			best = max(best, diff(pix[k+1], pix[k-1])+diff(pix[k+w.w], pix[k-w.w]))
		}
	}
	return best
}

func diff(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

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
