//go:build cgo

package motion

import (
	"fmt"
	"math"
	"time"

	"gocv.io/x/gocv"
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
	gocv.Blur(d.src, &d.cur, d.blur)
	d.blobs = d.blobs[:0]
	clear(d.class)
	if !d.seeded {
		d.seed(t)
		for i := range d.noise {
			d.noise[i] = firstNoise
		}
		copy(d.prevPix, d.curPix)
		d.seeded = true
		return Result{Settling: true}, nil
	}
	d.age += d.step
	d.settle = max(d.settle-d.step, 0)

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
	if d.upheaval(t, share, float64(moving)/float64(max(fg, 1))) {
		if !d.glance {
			d.seed(t)
		}
		return Result{Settling: true, Foreground: share}, nil
	}
	gocv.MorphologyEx(d.fg, &d.opened, gocv.MorphOpen, d.openKernel)
	gocv.MorphologyEx(d.opened, &d.fg, gocv.MorphClose, d.closeKernel)
	d.findBlobs()
	return Result{Blobs: d.blobs, Settling: d.settle > 0, Foreground: share}, nil
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
	d.age, d.still, d.calm = 0, 0, t
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
//
//go:norace
func (d *Detector) segment() (fg, moving int) {
	n := len(d.curPix)
	cur, prev, high, low := d.curPix, d.prevPix[:n], d.highPix[:n], d.lowPix[:n]
	noise, flicker, state, out := d.noise[:n], d.flicker[:n], d.state[:n], d.fgPix[:n]
	for i, v := range cur {
		c, s := int32(v), int32(noise[i])
		diff := max(c-int32(high[i]), int32(low[i])-c, 0) << 8
		base := baseThreshold<<8 + s*noiseFactor/2
		change := c - int32(prev[i])
		change = max(change, -change) << 8
		// The old state moves up, so that Learn can count the changes.
		st := state[i] & 1 << 2
		if change > changeThreshold<<8+s {
			st |= 2
		}
		var f uint8
		if diff > base {
			st |= 1
			if diff > base+flickerFactor*max(int32(flicker[i])-flickerFree, 0) {
				f = 255
				fg++
				moving += int(st >> 1 & 1)
			}
		}
		state[i], out[i] = st, f
	}
	return fg, moving
}

// Learn takes the last picture into the background. Blobs with Hold set stay
// out of it.
//
//go:norace
func (d *Detector) Learn() {
	if d.step == 0 {
		return
	}
	var rates [256]int32
	var held [256]bool
	for i := range rates {
		rates[i] = rate(d.step, learnBackground)
	}
	for i := range d.blobs {
		b := &d.blobs[i]
		rates[i+1], held[i+1] = rate(d.step, learnBlob), b.Hold
		switch {
		case b.Hold: // it follows the light as its surroundings do
			rates[i+1] = rates[0]
		case b.Lost > 0.3 && b.Lost > 2*b.New:
			rates[i+1] = rate(d.step, learnGhost)
		}
		held[filler|(i+1)] = b.Hold
	}
	quick := rate(d.step, min(learnNoise, max(d.age, time.Second)))
	slow := rate(d.step, learnNoise)
	if d.glance {
		quick, slow = rate(d.step, learnGlance), rate(d.step, learnCalm)
	}
	flip := int32(min(256*float64(time.Second)/float64(d.step), math.MaxUint16))

	n := len(d.curPix)
	cur, pred, class := d.curPix, d.predPix[:n], d.class[:n]
	bg, noise, flicker, state := d.background[:n], d.noise[:n], d.flicker[:n], d.state[:n]
	for i, v := range cur {
		c, p, b, k := int32(v), int32(pred[i]), int32(bg[i]), class[i]
		if held[k] {
			bg[i] = uint16(b + (p<<8-b)*rates[k]>>16)
			continue
		}
		bg[i] = uint16(b + ((c<<8-b)*rates[k]+1<<15)>>16)
		diff := c - p
		s := int32(noise[i])
		// What is far beyond the noise is something else; it counts for little.
		diff = min(max(diff, -diff)<<8, 3*s+noiseStep)
		noise[i] = uint16(s + ((diff-s)*quick+1<<15)>>16)
		f, x, st := int32(flicker[i]), int32(0), state[i]
		if d.glance {
			if st&5 == 0 { // still now and then; what was in between is not known
				flicker[i] = uint16(f - f*slow>>16)
			}
			continue
		}
		if (st^st>>2)&1 != 0 {
			x = flip
		}
		flicker[i] = uint16(f + ((x-f)*slow)>>16)
	}
}

// rate returns the weight of a picture in a mean of time constant tau, × 65536,
// at most what keeps the products within 31 bits.
func rate(step, tau time.Duration) int32 {
	return int32(min(65536*(1-math.Exp(-float64(step)/float64(tau))), 32767))
}
