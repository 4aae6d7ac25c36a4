//go:build cgo

// Package left finds what somebody left behind: a thing that is new in the
// picture, lies still, and whose owner is gone.
//
// # Method
//
// A background of its own, which takes in nothing that came to rest, tells what is new, twice
// to four times a second and at half the working size. Pixels that stay
// new and do not change for two seconds form a region. A region is something left if
//
//   - it came out of somebody: at the moment when its pixels became new, somebody much larger
//     was there. A patch of light or what the wind brings appears by itself;
//   - they went away from it by a body's height or out of the picture. Who sits
//     down came with a larger body too, but none leaves. Since what is left can inherit
//     its owner's track, a track that begins beside it counts as the owner's too;
//   - it has a thing's size and is no part of something larger that is new, such as a
//     car or somebody who sits;
//   - its outline is an edge of the picture and not one of the background: what was
//     taken away, a shadow or a patch of light are no things, nor is what still has the
//     ground's pattern;
//   - it looks for as long as the rule says as it did at first, light aside, as nobody
//     does who sits;
//   - it has lain there for so long without its owner within three body heights, which is about the
//     three metres of the PETS 2006 benchmark, and without anyone else lingering within one.
//
// Who walks before it stops the clock and turns it back a little, and does not reset it.
//
// # End
//
// It is over when the thing is gone, or after an hour, from when on it is a part of
// the background.
package left

import (
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	period     = 230 * time.Millisecond // least media time between pictures
	maxGap     = 2 * time.Second
	maxRegions = 32
	maxVisits  = 512
	keepBelow  = 480 // narrower pictures are not halved

	stillTicks = 8  // pictures that a pixel stays as it is before it counts as still
	fullTicks  = 24 // beyond which it does not get any stiller
	sameShade  = 12 // grey levels

	minArea = 0.00025 // of the picture
	maxArea = 0.03

	// The owner was there so long before it came, at most, or after. Of 40 things put down the pictures
	// were 0.8 s apart at most, of lights that came while people passed 1 s at least.
	visitBefore = 900 * time.Millisecond
	visitAfter  = 600 * time.Millisecond
	smaller     = 0.3  // of the square of its owner's height, at most
	lower       = 0.65 // of that height
	highest     = 0.65 // above where they stand, in their heights: on a table or a wall
	maxOwners   = 8
	heirBefore  = time.Second // a track that began so long before it came can be a passer-by's
	departs     = 1.0         // of their own heights: they have gone away
	attends     = 3.0         // within so many they still look after it
	lingering   = 3 * time.Second

	longAbsent = 4 // pictures in the background after which a pixel is new again
	otherLooks = 4 // pictures after which what is still there takes the region's place

	goneAfter   = 2 * time.Second
	unseenFor   = 2 * time.Minute // behind others
	forgetAfter = time.Hour
	// A region that is nothing left is given so long beyond the rule's time to become something.
	spare = 30 * time.Second

	freshFor = 10 * time.Second // a background that is not known well yet

	fragment    = 3    // times its area: the blob of which it is a part, at most. Things: 1.0 to 1.2
	samePattern = 0.65 // correlation with the ground. Things: up to 0.5, a lamp's light 0.74 and odd by 0.2
	// The same where it is odd by standsOut: a black bag in the shade, 0.70 and odd by 0.48.
	chancePattern = 0.8
	standsOut     = 0.35
	evenGround    = 9    // grey levels², variance below which it has no pattern
	sameSelf      = 0.85 // correlation with its portrait. Things: from 0.89 in a gale
	changeLooks   = 3    // pictures in a row
	lightShare    = 0.12 // of the picture in the foreground, people aside: the light changes
	lightBefore   = 3 * time.Second
	edgeNew       = 0.2  // of the outline
	edgeMore      = 0.1  // more of it new than lost
	shadeShare    = 0.7  // weight of standing out in shade
	minEdge       = 6    // grey levels over two pixels
	restless      = 0.03 // of the pixels that change
	around        = 4    // pixels beside what is held that are not learned either
	shakeCost     = 4    // by which what moves of itself turns the clock back
)

// Watch holds one rule's zone. It is for one goroutine at a time.
type Watch struct {
	polygon []wire.Point
	privacy [][]wire.Point
	after   time.Duration
	armed   bool
	since   time.Duration // when it was armed last

	width   int // of the working size
	w, h, f int // of the pictures looked at, and by how much they are smaller
	zone    *zone.Mask
	motion  *motion.Detector
	pix     []byte  // the picture at this size
	shade   []int16 // difference from the background that a pixel has kept
	ticks   []uint8 // for how long
	mark    []uint8 // for the search of regions
	stack   []int32
	arrived []int32 // when a pixel became new, ms
	absent  []uint8 // for how many pictures it has not been
	births  []int32 // scratch

	started   bool
	last      time.Duration
	unsettled time.Duration // when the light last changed
	regions   []region
	people    []person
	visits    []visit
	next      int // of visits, when full
	number    uint64
	out       []behaviour.Event
	ended     []behaviour.Event // to be said with the next picture
}

// New returns a watch for pictures of a size, in pixels. Nothing in the privacy
// polygons is looked at. A thing must lie for after, at least five seconds.
func New(polygon []wire.Point, privacy [][]wire.Point, after time.Duration, width, height int, armed bool) *Watch {
	w := &Watch{polygon: polygon, privacy: privacy, armed: armed}
	w.SetAfter(after)
	w.Resize(width, height)
	return w
}

// SetAfter changes how long a thing must lie, at least five seconds.
func (w *Watch) SetAfter(after time.Duration) { w.after = max(after, 5*time.Second) }

// Resize begins anew with pictures of another size. What is open ends.
func (w *Watch) Resize(width, height int) {
	for i := range w.regions {
		if r := &w.regions[i]; r.open {
			w.ended = append(w.ended, r.end(w.last))
		}
	}
	w.Close()
	w.f = 1
	if width >= keepBelow {
		w.f = 2
	}
	w.width, w.w, w.h = width, width/w.f, height/w.f
	w.regions, w.visits, w.people, w.started = w.regions[:0], w.visits[:0], w.people[:0], false
	d, err := motion.New(w.w, w.h, zone.Privacy(w.privacy, w.w, w.h))
	if err != nil {
		return // too small a picture to see a thing in
	}
	w.motion = d
	w.zone = zone.Rasterize(w.polygon, w.w, w.h)
	n := w.w * w.h
	w.pix, w.shade, w.ticks, w.mark = make([]byte, n), make([]int16, n), make([]uint8, n), make([]uint8, n)
	w.arrived, w.absent = make([]int32, n), make([]uint8, n)
	for i := range w.absent {
		w.absent[i] = longAbsent
	}
}

// Close frees the background. The watch sees nothing until the next Resize.
func (w *Watch) Close() {
	if w.motion != nil {
		w.motion.Close()
		w.motion = nil
	}
}

// Arm arms or disarms the rule at a media time. Disarming ends what is open; what
// lies there when the rule becomes armed is said with the next picture.
func (w *Watch) Arm(armed bool, now time.Duration) []behaviour.Event {
	if armed && !w.armed {
		w.since = now
	}
	w.armed = armed
	if armed {
		return nil
	}
	return w.endAll(now)
}

// Finish ends what is open since nothing more will be seen.
func (w *Watch) Finish() []behaviour.Event { return w.endAll(w.last) }

func (w *Watch) endAll(at time.Duration) []behaviour.Event {
	w.out = append(w.out[:0], w.ended...)
	w.ended = w.ended[:0]
	for i := range w.regions {
		if r := &w.regions[i]; r.open {
			w.out = append(w.out, r.end(at))
		}
	}
	return w.out
}

// Step takes in a picture. What it returns is valid until the next call.
func (w *Watch) Step(s *behaviour.Scene) []behaviour.Event {
	w.out = append(w.out[:0], w.ended...)
	w.ended = w.ended[:0]
	if w.motion == nil || w.started && s.Time >= w.last && s.Time-w.last < period {
		return w.out
	}
	step := s.Time - w.last
	if !w.started || step < 0 || step > maxGap {
		step = 0
	}
	w.started, w.last = true, s.Time
	w.shrink(s.Pix)
	look := w.motion.Detect
	if s.Glance {
		look = w.motion.Glance
	}
	r, err := look(w.pix, s.Time)
	if err != nil {
		return w.out // another size than was said; the watcher's own detector tells
	}
	if r.Settling && r.Foreground == 0 || r.Foreground > 0.5 {
		w.forget(s.Time)
	}
	w.settle()
	if share := w.remember(s); r.Settling || r.Foreground-share > lightShare {
		w.unsettled = s.Time
	}
	w.match(s.Time)
	w.judge(&r, s, step)
	w.hold(&r, s)
	w.motion.Learn()
	return w.out
}

// Pending says whether something lies there that may have been left, so that every picture is
// wanted. What has been found needs no more than a look now and then.
func (w *Watch) Pending() bool {
	for i := range w.regions {
		if r := &w.regions[i]; !r.open && !w.spent(r) {
			return true
		}
	}
	return w.motion != nil && w.motion.Age() < freshFor
}

// shrink writes the mean of each f × f pixels.
//
//go:norace
func (w *Watch) shrink(luma []byte) {
	if w.f == 1 {
		copy(w.pix, luma)
		return
	}
	for y := range w.h {
		a := luma[2*y*w.width:]
		b := a[w.width:]
		out := w.pix[y*w.w : (y+1)*w.w]
		for x := range out {
			out[x] = uint8((int(a[2*x]) + int(a[2*x+1]) + int(b[2*x]) + int(b[2*x+1]) + 2) >> 2)
		}
	}
}
