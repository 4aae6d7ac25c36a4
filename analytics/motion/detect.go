//go:build cgo

package motion

import (
	"fmt"
	"math"
	"time"

	"gocv.io/x/gocv"

	"sentrybox/analytics/cv"
)

// What worked on real footage; see the package's doc for the method.
const (
	baseThreshold   = 6  // grey levels
	noiseFactor     = 5  // halves of the noise
	flickerFactor   = 60 // grey levels for each change of state a second beyond flickerFree
	flickerFree     = 64 // changes of state a second × 256
	changeThreshold = 4  // grey levels between pictures, beyond the noise

	learnBackground = 8 * time.Second
	learnBlob       = 12 * time.Second // foreground that nobody holds
	learnGhost      = time.Second      // foreground that is a place left empty
	learnNoise      = 10 * time.Second

	firstNoise = 2 << 8
	noiseStep  = 2 << 8 // by which it can grow beyond three times itself
	settleTime = 800 * time.Millisecond
	maxStep    = time.Second

	upheavalShare = 0.3 // foreground beyond which the picture as a whole has changed
	calmShare     = 0.15
	suddenRise    = time.Second
	stillSudden   = 1 * time.Second
	stillSlow     = 5 * time.Second
)

// Detect looks at one picture: width × height bytes of luma of media time t. Times must
// not go back. The picture is copied. It is not learned until Learn.
func (d *Detector) Detect(luma []byte, t time.Duration) (Result, error) {
	d.glance, d.longest = false, maxStep
	return d.detect(luma, t)
}

func (d *Detector) detect(luma []byte, t time.Duration) (Result, error) {
	if len(luma) != d.w*d.h {
		return Result{}, fmt.Errorf("motion: picture of %d bytes, want %d×%d", len(luma), d.w, d.h)
	}
	d.step = min(max(t-d.last, 0), d.longest)
	d.last = t
	d.cur, d.prev = d.prev, d.cur
	d.curPix, d.prevPix = d.prevPix, d.curPix
	d.copyIn(luma)
	d.blur.Run(d.curPix, d.srcPix, d.w, d.h, d.reach)
	d.blobs = d.blobs[:0]
	clear(d.class)
	if !d.seeded {
		d.begin(t)
		return Result{Settling: true}, nil
	}
	if d.recalled { // there is no picture before
		copy(d.prevPix, d.curPix)
	}
	d.age += d.step
	d.settle = max(d.settle-d.step, 0)
	d.holding = d.holding && d.settle > 0

	d.light.estimate(d.curPix, d.background, d.ignore)
	d.light.apply(d.predPix, d.background)
	gocv.Dilate(d.pred, &d.high, d.envelope)
	gocv.Erode(d.pred, &d.low, d.envelope)
	for i, v := range d.ignore {
		if v != 0 { // anything is within these bounds
			d.highPix[i], d.lowPix[i] = 255, 0
		}
	}
	fg, moving := d.segment()
	share := float64(fg) / float64(max(d.pixels, 1))
	if d.recalled {
		d.recalled = false
		return d.recognise(t, share), nil
	}
	if d.upheaval(t, share, float64(moving)/float64(max(fg, 1))) {
		if !d.glance {
			d.seed(t)
		}
		return Result{Settling: true, Foreground: share}, nil
	}
	d.tidy()
	return Result{Blobs: d.blobs, Settling: d.settle > 0, Foreground: share}, nil
}

// tidy makes blobs of the foreground.
func (d *Detector) tidy() {
	gocv.MorphologyEx(d.fg, &d.opened, gocv.MorphOpen, d.openKernel)
	gocv.MorphologyEx(d.opened, &d.fg, gocv.MorphClose, d.closeKernel)
	d.findBlobs()
}

// begin takes the first picture for the background.
func (d *Detector) begin(t time.Duration) {
	d.seed(t)
	for i := range d.noise {
		d.noise[i], d.flicker[i] = firstNoise, 0
	}
	copy(d.prevPix, d.curPix)
	d.seeded = true
}

// Settle makes the pictures of the next 0.8 s count as unsettled, for after something was lost.
func (d *Detector) Settle() { d.settle = settleTime }

func (d *Detector) copyIn(luma []byte) {
	if d.ignore == nil {
		copy(d.srcPix, luma)
		return
	}
	for i, v := range luma {
		d.srcPix[i] = v * (1 - d.ignore[i])
	}
}

// seed takes the current picture for the background.
func (d *Detector) seed(t time.Duration) {
	for i, v := range d.curPix {
		d.background[i] = uint16(v) << 8
	}
	copy(d.predPix, d.curPix)
	clear(d.state)
	d.age, d.still, d.calm, d.holding = 0, 0, t, false
	d.settle = settleTime
}

// upheaval says whether the picture as a whole has become another: the light
// stepped beyond what compensation explains, infra-red came on, or the camera
// came to rest elsewhere. Something large that moves is none of these.
func (d *Detector) upheaval(t time.Duration, share, moving float64) bool {
	if share < calmShare {
		d.calm = t
	}
	if share < upheavalShare {
		d.still = 0
		return false
	}
	if d.light.structure > sameStructure && d.light.shift() > 6 {
		return true
	}
	if moving > 0.15 {
		d.still = 0
		return false
	}
	d.still += d.step
	// When it stands still for so long, it began to differ at t - d.still.
	if t-d.still-d.calm < suddenRise {
		return d.still >= stillSudden
	}
	return d.still >= stillSlow
}

// segment fills fg and state, and returns the number of foreground pixels and
// of those among them that changed since the picture before.
func (d *Detector) segment() (fg, moving int) {
	p := d.views()
	return p.Segment(&cv.Thresholds{Base: baseThreshold << 8, Noise: noiseFactor, Change: changeThreshold << 8,
		Flicker: flickerFactor, FlickerFree: flickerFree})
}

// views returns the pixels as package cv has them.
func (d *Detector) views() cv.Pixels {
	return cv.Pixels{Cur: d.curPix, Prev: d.prevPix, Pred: d.predPix, High: d.highPix, Low: d.lowPix, Foreground: d.fgPix,
		State: d.state, Class: d.class, Background: d.background, Noise: d.noise, Flicker: d.flicker}
}

// Learn takes the last picture into the background. Blobs with Hold set stay
// out of it.
func (d *Detector) Learn() {
	if d.step == 0 {
		return
	}
	w := cv.Weights{Bound: noiseStep, Glance: d.glance,
		Noise: rate(d.step, min(learnNoise, max(d.age, time.Second))), Flicker: rate(d.step, learnNoise),
		Flip: int32(min(256*float64(time.Second)/float64(d.step), math.MaxUint16))}
	if d.glance {
		w.Noise, w.Flicker = rate(d.step, learnGlance), rate(d.step, learnCalm)
	}
	for i := range w.Background {
		w.Background[i] = rate(d.step, learnBackground)
	}
	for i := range d.blobs {
		b := &d.blobs[i]
		b.Hold = b.Hold || d.holding // whoever is there is followed as soon as it has settled
		w.Background[i+1], w.Held[i+1] = rate(d.step, learnBlob), b.Hold
		switch {
		case b.Hold: // it follows the light as its surroundings do
			w.Background[i+1] = w.Background[0]
		case b.Lost > 0.3 && b.Lost > 2*b.New:
			w.Background[i+1] = rate(d.step, learnGhost)
		}
		w.Held[filler|(i+1)] = b.Hold
	}
	p := d.views()
	p.Learn(&w)
}

// rate returns the weight of a picture in a mean of time constant tau, × 65536,
// at most what keeps the products within 31 bits.
func rate(step, tau time.Duration) int32 {
	return int32(min(65536*(1-math.Exp(-float64(step)/float64(tau))), 32767))
}
