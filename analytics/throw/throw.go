// Package throw finds objects that fall through a picture, such as those thrown
// from the windows of a tall building.
//
// Such an object is a few pixels large and gone within two seconds, so it is looked for
// at native resolution and at the stream's full rate. A temporal top-hat
// finds what is brighter or darker than the same place 0.12 s before, 0.24 s before and
// 0.12 s after: steps of light cancel. Thresholds follow the noise of each
// 8×8 pixels, and places that fire often are left out. Small blobs are
// linked into tracks, several hypotheses at a time, and a track that
// has ended is held against free fall: it accelerates downwards, smoothly, alone.
//
// One object is one event, decided about half a second after it was seen last. A track
// is not judged while it goes on: the first points of much that flies and sways
// look like a fall.
//
// Everything is pure Go on slices that are reused. The same pictures give the same events.
package throw

import (
	"cmp"
	"image"
	"math"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	// lag is the distance in time of the pictures that are compared.
	lag = 0.12
	// minStep is how much media time lies between two pictures at least; 50 and
	// 60 a second are halved.
	minStep = 22 * time.Millisecond
	// maxPause is how much media time may pass between pictures; after more, or
	// backwards, everything begins anew. Time that goes back by less is no other clock.
	maxPause = time.Second
	// warmUp is how long nothing is found at first.
	warmUp = time.Second
	// maxActive is the part of the cells beyond which a picture is left out:
	// something happened to all of it.
	maxActive = 0.25
	maxLag    = 5 // pictures
	intervals = 32
	// maxPixels is the size of a region beyond which it is shrunk.
	maxPixels = 1920 * 1088

	// patience is how long after its last point a fall waits, at most, for a longer track of the
	// same object.
	patience = 900 * time.Millisecond
	memory   = 2 * time.Second // of falls told, for the rest of their tracks
	maxFalls = 16              // that wait, and that are remembered
)

// picture is the region at a time.
type picture struct {
	pix []byte
	t   time.Duration
}

// fall is a track that passed.
type fall struct {
	track int32
	v     verdict
	end   time.Duration // media time of its last point
	since time.Duration // when it passed, or was told of
}

// Detector watches one rule's zone. It is for one goroutine at a time.
type Detector struct {
	width, height int             // of the whole picture, in pixels of the stream
	factor        int             // by which the region is shrunk
	region        image.Rectangle // in pixels of the stream
	w, h          int             // of the region as it is analysed
	mask          []uint8         // of the zone without what is private
	private       []int           // pixels of the region, in pairs from and to before

	history []picture // newest first
	spare   [][]byte  // the last is what Buffer gives out
	last    time.Duration
	begun   bool
	first   time.Duration
	steps   [intervals]float64 // between pictures that differ, in seconds
	nsteps  int
	sorted  [intervals]float64
	changes [3]int  // pixels that changed in the last pictures that were none
	inRow   int     // such pictures before this one
	repeats float64 // part of the pictures that repeat the one before, lately
	step    float64 // between pictures, in seconds
	k       int     // pictures in lag

	cells   *cells
	label   labeller
	link    *linker
	waiting []fall
	told    []fall
	events  []Event
	trace   func(*track, verdict) // told of every verdict, in tests
}

// New returns a detector for pictures of width × height pixels. Only what lies in the
// polygon is analysed, and nothing of the private polygons. It returns nil if
// that leaves fewer than 16 rows or columns.
func New(polygon []wire.Point, private [][]wire.Point, width, height int) *Detector {
	d := &Detector{width: width, height: height, region: bounds(polygon, width, height), k: 1}
	for d.factor = 1; d.region.Dx()/d.factor*(d.region.Dy()/d.factor) > maxPixels; d.factor++ {
	}
	d.w, d.h = d.region.Dx()/d.factor, d.region.Dy()/d.factor
	if d.w < 2*cell || d.h < 2*cell {
		return nil
	}
	w, h := width/d.factor, height/d.factor
	in, out := zone.Rasterize(polygon, w, h), zone.Privacy(private, w, h)
	m := zone.New(d.w, d.h)
	x0, y0 := d.region.Min.X/d.factor, d.region.Min.Y/d.factor
	for y := range d.h {
		for x := range d.w {
			u, v := min(x0+x, w-1), min(y0+y, h-1)
			i, hidden := v*w+u, false
			if hidden = out.Pix[i] != 0; !hidden && in.Pix[i] != 0 {
				m.Pix[y*d.w+x] = 1
				m.Area++
			}
			if at := y*d.w + x; !hidden {
			} else if n := len(d.private); n > 0 && d.private[n-1] == at {
				d.private[n-1]++
			} else {
				d.private = append(d.private, at, at+1)
			}
		}
	}
	d.mask = m.Pix
	d.cells = newCells(m)
	d.link = newLinker(d.w, d.h, float64(height)/float64(d.factor))
	d.waiting, d.told = make([]fall, 0, maxFalls), make([]fall, 0, maxFalls)
	return d
}

// bounds returns the pixels around a polygon, widened to whole cells.
func bounds(polygon []wire.Point, width, height int) image.Rectangle {
	x0, y0, x1, y1 := 1.0, 1.0, 0.0, 0.0
	for _, p := range polygon {
		x0, x1 = min(x0, p[0]), max(x1, p[0])
		y0, y1 = min(y0, p[1]), max(y1, p[1])
	}
	r := image.Rect(int(x0*float64(width)), int(y0*float64(height)),
		int(math.Ceil(x1*float64(width))), int(math.Ceil(y1*float64(height))))
	r = r.Intersect(image.Rect(0, 0, width, height))
	if over := r.Dx() % cell; over != 0 && r.Max.X+cell-over <= width {
		r.Max.X += cell - over
	} else if over != 0 {
		r.Min.X = max(r.Min.X-cell+over, 0)
	}
	return r
}

// Region returns which rectangle of the picture, in its own pixels, Buffer is
// to be filled with, and by which factor it is to be shrunk.
func (d *Detector) Region() (image.Rectangle, int) { return d.region, d.factor }

// Due says whether a picture of a media time is wanted. Some cameras stamp pictures unevenly: one whose time goes back a
// little is left out, since all would begin anew with it.
func (d *Detector) Due(t time.Duration) bool {
	return len(d.history) == 0 || t < d.last-maxPause || t >= d.last+minStep
}

// Buffer returns where the luma of the next picture's region goes, row by row.
// It is valid until the next Step.
func (d *Detector) Buffer() []byte {
	if len(d.spare) == 0 {
		d.spare = append(d.spare, make([]byte, d.w*d.h))
	}
	return d.spare[len(d.spare)-1]
}

// Step takes in the picture in Buffer, of media time t. The events are valid
// until the next call.
func (d *Detector) Step(t time.Duration) []Event {
	d.events = d.events[:0]
	buf := d.Buffer()
	if !d.begun || t < d.last || t > d.last+maxPause {
		d.flush()
		d.reset(t)
	}
	d.last = t
	for i := 0; i < len(d.private); i += 2 {
		clear(buf[d.private[i]:d.private[i+1]])
	}
	if !d.repeated(buf) {
		d.push(t)
	}
	s := d.look(t)
	d.follow(&s)
	return d.events
}

// Finish judges what is under way, since nothing more will be seen.
func (d *Detector) Finish() []Event {
	d.events = d.events[:0]
	d.flush()
	return d.events
}

func (d *Detector) flush() {
	if !d.begun {
		return
	}
	d.link.end(math.Inf(1))
	d.judge(d.last)
	d.resolve(math.MaxInt64)
	d.begun = false
}

func (d *Detector) reset(t time.Duration) {
	d.begun, d.first = true, t
	for i := len(d.history) - 1; i >= 0; i-- {
		d.spare = append(d.spare, d.history[i].pix)
	}
	d.history = d.history[:0]
	d.nsteps, d.repeats, d.step, d.k = 0, 0, lag, 1
	d.changes, d.inRow = [3]int{}, 0
	d.waiting, d.told = d.waiting[:0], d.told[:0]
	d.link.reset()
}

func (d *Detector) push(t time.Duration) {
	if len(d.history) > 0 {
		d.steps[d.nsteps%intervals] = (t - d.history[0].t).Seconds()
		d.nsteps++
		d.pace()
	}
	pix := d.spare[len(d.spare)-1]
	d.spare = d.spare[:len(d.spare)-1]
	for len(d.history) > 3*d.k {
		d.spare = append(d.spare, d.history[len(d.history)-1].pix)
		d.history = d.history[:len(d.history)-1]
	}
	d.history = slices.Insert(d.history, 0, picture{pix, t})
}

// pace measures the time between pictures, by one of the shorter steps: where
// nothing moves and repeated pictures are left out, the others say little.
func (d *Detector) pace() {
	n := min(d.nsteps, intervals)
	s := d.sorted[:n]
	copy(s, d.steps[:n])
	slices.Sort(s)
	step := max(s[n*3/10], 0.001)
	d.step = step
	d.k = min(max(int(math.Round(lag/step)), 1), maxLag)
}

// follow links what was seen, judges the tracks that have ended and tells of the falls that no
// longer track can replace.
func (d *Detector) follow(s *sight) {
	d.link.interval, d.link.jitter = s.interval, s.jitter
	switch {
	case !s.looked:
	case s.warm:
		d.link.update(s.at, s.blobs)
	default:
		d.link.crowd(s.blobs)
	}
	d.link.end(s.at)
	d.judge(s.t)
	d.resolve(s.t)
	d.told = slices.DeleteFunc(d.told, func(f fall) bool {
		if s.t-f.since <= memory {
			return false
		}
		d.link.release(f.track)
		return true
	})
}

func (d *Detector) judge(t time.Duration) {
	for _, i := range d.link.done {
		v := d.link.judge(&d.link.pool[i])
		if d.trace != nil {
			d.trace(&d.link.pool[i], v)
		}
		if v.reason != "" || len(d.waiting) == maxFalls {
			d.link.release(i)
			continue
		}
		d.waiting = append(d.waiting, fall{track: i, v: v, end: seconds(d.link.pool[i].points[v.n-1].t), since: t})
	}
	d.link.done = d.link.done[:0]
}

// resolve tells of the falls of which no part is still under way: of several
// tracks of one object, the best.
func (d *Detector) resolve(t time.Duration) {
	l := d.link
	slices.SortFunc(d.waiting, func(a, b fall) int {
		return cmp.Or(cmp.Compare(l.pool[b.track].best, l.pool[a.track].best), cmp.Compare(a.track, b.track))
	})
	d.waiting = slices.DeleteFunc(d.waiting, func(f fall) bool {
		if t+seconds(d.step) < f.end+patience && d.goesOn(&f) {
			return false
		}
		tr := &l.pool[f.track]
		for i := range d.told {
			o := &d.told[i]
			if l.same(&l.pool[o.track], &o.v.fit, tr, &f.v.fit) {
				l.release(f.track)
				return true
			}
		}
		if len(d.told) == maxFalls {
			l.release(d.told[0].track)
			d.told = slices.Delete(d.told, 0, 1)
		}
		d.told = append(d.told, fall{track: f.track, v: f.v, end: f.end, since: t})
		d.tell(tr, &f.v, min(t, d.last))
		return true
	})
}

// goesOn says whether a track that is still seen has points of this one.
func (d *Detector) goesOn(f *fall) bool {
	a := &d.link.pool[f.track]
	for _, i := range d.link.live {
		b := &d.link.pool[i]
		if b.best >= a.best/2 && share(a.points[:a.n], b.points[:b.n]) >= 3 && d.link.judge(b).reason == "" {
			return true
		}
	}
	return false
}

func seconds(t float64) time.Duration { return time.Duration(math.Round(t * float64(time.Second))) }
