//go:build cgo

package motion

import (
	"errors"
	"image"
	"slices"
	"time"
)

const (
	keptFiner = 3 // bits of noise and flicker that are not kept
	// A background that was kept fits a picture of which less than calmShare differs and so much of the structure, where
	// no blob covers it, is there. Of 14 real views, 640 pixels wide, with none, one and three people drawn into them, it fitted
	// each as it was and none that was moved by four pixels.
	fitsStructure = 0.9
	fitsCovered   = 0.3 // part of it that may be behind somebody
)

// errKept means that what was kept is of another size.
var errKept = errors.New("motion: a background of another size")

// KeepSize returns how many bytes Keep takes for pictures of a size.
func KeepSize(width, height int) int { return 3 * width * height }

// Keep writes the background into b, which has KeepSize bytes: planes of grey levels, of noise in 1/32 of a grey level,
// and of flicker in 1/32 of a change of state a second, a byte a pixel each.
//
//go:norace
func (d *Detector) Keep(b []byte) error {
	n := d.w * d.h
	if len(b) != KeepSize(d.w, d.h) {
		return errKept
	}
	grey, noise, flicker := b[:n], b[n:2*n], b[2*n:]
	for i, v := range d.background[:n] {
		grey[i] = uint8((min(v, 255<<8-128) + 128) >> 8)
	}
	for i, v := range d.noise[:n] {
		noise[i] = uint8(min(v>>keptFiner, 255))
	}
	for i, v := range d.flicker[:n] {
		flicker[i] = uint8(min(v>>keptFiner, 255))
	}
	return nil
}

// Recall has a new Detector begin with what Keep wrote. The first picture decides whether it fits; if not, it is
// the background, as if nothing had been recalled.
//
//go:norace
func (d *Detector) Recall(b []byte) error {
	n := d.w * d.h
	if len(b) != KeepSize(d.w, d.h) {
		return errKept
	}
	for i, v := range b[:n] {
		d.background[i] = uint16(v) << 8
	}
	for i, v := range b[n : 2*n] {
		d.noise[i] = uint16(v) << keptFiner
	}
	for i, v := range b[2*n:] {
		d.flicker[i] = uint16(v) << keptFiner
	}
	for i, v := range d.ignore {
		if v != 0 {
			d.background[i] = 0
		}
	}
	clear(d.state)
	d.seeded, d.recalled = true, true
	d.age, d.last = learnNoise, -time.Hour
	return nil
}

// recognise decides whether the first picture, of which that share differs, is of the background that was recalled.
func (d *Detector) recognise(t time.Duration, share float64) Result {
	d.tidy()
	if share >= calmShare || !d.fits() {
		d.blobs = d.blobs[:0]
		clear(d.class)
		d.begin(t)
		return Result{Settling: true}
	}
	d.settle, d.calm, d.holding = settleTime, t, true
	return Result{Blobs: d.blobs, Settling: true, Foreground: share}
}

// fits says whether the structure of the background is there but where there are blobs, which are few. Those who
// stand there cover it; if the camera was moved, what is not there is everywhere.
func (d *Detector) fits() bool {
	covered, seen, same := 0, 0, 0
	for i := range d.light.blocks {
		k := &d.light.blocks[i]
		if !k.textured {
			continue
		}
		x, y := i%gridSide, i/gridSide
		r := image.Rect(x*d.w/gridSide, y*d.h/gridSide, (x+1)*d.w/gridSide, (y+1)*d.h/gridSide)
		switch {
		case slices.ContainsFunc(d.blobs, func(b Blob) bool { return b.Box.Inset(-2).Overlaps(r) }):
			covered++
		case k.same:
			same++
			seen++
		default:
			seen++
		}
	}
	return float64(covered) <= fitsCovered*float64(covered+seen) && float64(same) >= fitsStructure*float64(seen)
}
