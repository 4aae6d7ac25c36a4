//go:build cgo

package motion

import "time"

const (
	// maxPause is the longest time between two glances that the background is learned over.
	maxPause = 5 * time.Second
	// learnGlance is how quickly noise is learned by glances, which are few.
	learnGlance = 30 * time.Second
	// learnCalm is the same for that a pixel has ceased to flicker.
	learnCalm = 60 * time.Second
	// A scene flickers if so many of its pixels do, part of them, this much: changes of state a
	// second × 256.
	flickerShare = 0.002
	flickerMuch  = 2 * flickerFree
)

// clocks are what Detect moves on besides the pixels.
type clocks struct{ step, last, age, settle, calm, still time.Duration }

// Glance is Detect for a picture a few seconds after the last one, when those in
// between were not looked at. It shows the same; but if the whole picture has
// changed, it is not taken for the background. Either Undo takes it back, as if it had never been
// seen, and those in between can be looked at first; or Learn takes it into the background.
// How much pixels flicker is not learned from pictures that are so far apart, but that they do not any more.
func (d *Detector) Glance(luma []byte, t time.Duration) (Result, error) {
	if !d.seeded {
		return Result{Settling: true}, nil
	}
	d.before = clocks{d.step, d.last, d.age, d.settle, d.calm, d.still}
	d.glance, d.longest = true, maxPause
	return d.detect(luma, t)
}

// Undo takes back the last Glance.
//
//go:norace
func (d *Detector) Undo() {
	if !d.seeded {
		return
	}
	b := d.before
	d.step, d.last, d.age, d.settle, d.calm, d.still = b.step, b.last, b.age, b.settle, b.calm, b.still
	d.cur, d.prev = d.prev, d.cur
	d.curPix, d.prevPix = d.prevPix, d.curPix
	for i, s := range d.state {
		d.state[i] = s >> 2 & 1 // segment moved it there; nobody asks for the rest
	}
}

// Age returns for how much media time the background has been learned.
func (d *Detector) Age() time.Duration { return d.age }

// Flickers says whether some parts of the scene are never still. How much they flicker must be
// looked at again from time to time, for they are looked at with less care.
//
//go:norace
func (d *Detector) Flickers() bool {
	n := 0
	for _, f := range d.flicker {
		if f > flickerMuch {
			n++
		}
	}
	return float64(n) > flickerShare*float64(len(d.flicker))
}
