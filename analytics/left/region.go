//go:build cgo

package left

import (
	"image"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/wire"
)

// region is something that is new and still. Boxes are at the size that the
// watch looks at.
type region struct {
	pix   []int32
	box   image.Rectangle
	found bool // among the still pixels of this picture
	other int  // pictures in which what is still there was much larger or smaller

	birth time.Duration // when its pixels became new
	start time.Duration // when it came to rest
	clock time.Duration // for how long it has lain alone
	seen  time.Duration // when it was last still and in sight
	there time.Duration // when its place was last new, whatever was before it

	owner    bool     // somebody much larger was there at its birth,
	owners   []uint64 // these tracks,
	tall     int      // so tall the largest,
	departed bool     // and has gone away from it
	near     []nearby
	company  bool // somebody is near

	edges    float64 // sums: part of its outline that is new, less what is lost of it;
	fresh    float64 // part that is new;
	odd      float64 // by how much more its shades stand out than those of the background did;
	whole    float64 // area of the blob that it is a part of, in its own;
	judged   int     // of so many pictures
	same     float64 // sum: how much its pattern is the background's,
	compared int     // of so many pictures

	portrait []uint8 // the picture in framed
	framed   image.Rectangle
	changed  int // pictures in a row that did not resemble it

	left  bool // it was left behind
	open  bool
	event behaviour.Event
}

// nearby is somebody within a body's height.
type nearby struct {
	id    uint64
	since time.Duration
	seen  time.Duration
}

func (r *region) end(at time.Duration) behaviour.Event {
	r.open = false
	e := r.event
	e.Phase, e.End = wire.Ended, max(at, e.Start)
	return e
}

// forget gives up everything that depends on the background.
func (w *Watch) forget(now time.Duration) {
	clear(w.ticks)
	for i := range w.regions {
		if r := &w.regions[i]; r.open {
			w.out = append(w.out, r.end(now))
		}
	}
	w.regions, w.visits, w.people = w.regions[:0], w.visits[:0], w.people[:0]
}

// settle counts for each pixel for how long it has been new and the same.
//
//go:norace
func (w *Watch) settle() {
	now := int32(w.last / time.Millisecond)
	class, cur, bg := w.motion.Classes(), w.motion.Picture(), w.motion.Expected()
	for i, c := range class {
		k := w.ticks[i]
		if c == 0 || c > motion.MaxBlobs {
			w.ticks[i] = k - min(k, 2)
			w.absent[i] = min(w.absent[i]+1, longAbsent)
			continue
		}
		if w.absent[i] >= longAbsent {
			w.arrived[i] = now
		}
		w.absent[i] = 0
		d := int16(cur[i]) - int16(bg[i])
		switch e := d - w.shade[i]; {
		case k == 0:
			w.shade[i], w.ticks[i] = d, 1
		case e <= sameShade && e >= -sameShade:
			w.ticks[i] = min(k+1, fullTicks)
		default:
			w.ticks[i] = k - 1
		}
	}
}

func (w *Watch) scale(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X/w.f, r.Min.Y/w.f, (r.Max.X+w.f-1)/w.f, (r.Max.Y+w.f-1)/w.f)
}

// match finds the still regions of the picture and gives them to those known.
func (w *Watch) match(now time.Duration) {
	for i := range w.regions {
		w.regions[i].found = false
	}
	clear(w.mark)
	size := float64(w.w * w.h)
	for i, k := range w.ticks {
		if k < stillTicks || w.mark[i] != 0 {
			continue
		}
		pix, box := w.flood(int32(i))
		if n := float64(len(pix)); n < minArea*size || n > maxArea*size {
			continue
		}
		w.know(pix, box, now)
	}
}

// flood collects the still pixels connected to one, over gaps of one pixel.
// What it returns is valid until the next call.
func (w *Watch) flood(from int32) ([]int32, image.Rectangle) {
	w.stack = append(w.stack[:0], from)
	w.mark[from] = 1
	box := image.Rectangle{Min: image.Pt(w.w, w.h)}
	for n := 0; n < len(w.stack); n++ {
		x, y := int(w.stack[n])%w.w, int(w.stack[n])/w.w
		box.Min.X, box.Max.X = min(box.Min.X, x), max(box.Max.X, x+1)
		box.Min.Y, box.Max.Y = min(box.Min.Y, y), max(box.Max.Y, y+1)
		for yy := max(y-2, 0); yy <= min(y+2, w.h-1); yy++ {
			for xx := max(x-2, 0); xx <= min(x+2, w.w-1); xx++ {
				if i := yy*w.w + xx; w.mark[i] == 0 && w.ticks[i] >= stillTicks {
					w.mark[i] = 1
					w.stack = append(w.stack, int32(i))
				}
			}
		}
	}
	return w.stack, box
}

// know gives still pixels to the region that they overlap, or begins one.
func (w *Watch) know(pix []int32, box image.Rectangle, now time.Duration) {
	for i := range w.regions {
		r := &w.regions[i]
		if 5*area(r.box.Intersect(box)) < 2*min(area(r.box), area(box)) {
			continue
		}
		n, old := len(pix), len(r.pix)
		if r.other++; r.left || r.company || 2*n >= old && n <= 2*old {
			r.other = 0
		}
		switch {
		case r.other > otherLooks: // the rest was somebody, who is gone
			was := *r
			*r = w.newRegion(pix, box, now)
			r.departed = was.departed && slices.ContainsFunc(was.owners, func(id uint64) bool { return slices.Contains(r.owners, id) })
		case n <= 2*old && (!r.found || n > old) && 2*n > old:
			// Someone who stands before it does not make it larger or smaller.
			r.pix, r.box = append(r.pix[:0], pix...), box
		}
		r.found = true
		return
	}
	if len(w.regions) < maxRegions {
		w.regions = append(w.regions, w.newRegion(pix, box, now))
	}
}

func (w *Watch) newRegion(pix []int32, box image.Rectangle, now time.Duration) region {
	oldest := uint8(0)
	w.births = w.births[:0]
	for _, p := range pix {
		oldest = max(oldest, w.ticks[p])
		w.births = append(w.births, w.arrived[p])
	}
	slices.Sort(w.births)
	start := now - time.Duration(oldest)*period
	r := region{pix: slices.Clone(pix), box: box, found: true, start: max(start, 0), seen: now, there: now,
		birth: time.Duration(w.births[len(w.births)/2]) * time.Millisecond}
	// What came with a change of light is light.
	r.owner = w.owned(&r) && (w.unsettled == 0 || (w.unsettled-r.birth).Abs() > lightBefore)
	return r
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }
