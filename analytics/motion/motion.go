//go:build cgo

// Package motion tells what is new in a camera's picture from its background.
//
// It looks at luma, about eight pictures a second, and gives for each the blobs
// that differ from the background. It holds no opinion on what they are: that
// is for the trackers and rules that are driven with them.
//
// # Method
//
// The background is one grey value a pixel, seeded from the first picture. A
// picture is compared not with it but with what it would look like in the
// picture's light: a gain and an offset for the whole, found from the parts whose
// structure is unchanged, and a smooth remainder for parts of it. A pixel is foreground
// if it leaves the range of its neighbours by more than a threshold made of the pixel's own
// noise and of how often it flickers, which is what branches and water do.
//
// What a caller holds is not learned into the background, so that a person
// who stands still stays in the foreground for as long as somebody tracks them;
// what nobody holds is learned within seconds.
//
// # Use
//
// The loops over all pixels are exempt from the race detector: a Detector is for one
// goroutine, and tests with it would take ten times as long.
//
// For each picture call [Detector.Detect], set Hold on the blobs that belong to
// something known, then call [Detector.Learn]. While nothing happens [Detector.Glance] will do,
// once in a few seconds.
package motion

import (
	"errors"
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/zone"
)

// MinSide is the shortest side of a picture that can be judged, in pixels.
const MinSide = 32

// MaxBlobs bounds the blobs of a picture; the largest are kept.
const MaxBlobs = 64

// filler is the bit of a class that marks a pixel enclosed by a blob and not of it.
const filler = 0x80

// Blob is a connected part of the foreground. Boxes and centres are in pixels
// of the working size.
type Blob struct {
	Box    image.Rectangle
	Area   int     // number of foreground pixels
	CX, CY float64 // centre of gravity
	// New and Lost say which part of the outline is an edge that the background
	// has not, and which is no edge but one in the background, 0 to 1. Something that came
	// has new edges; the place it left has lost ones; a shadow has neither.
	New, Lost float64
	// Moving is the part of the pixels that changed since the picture before.
	Moving float64
	// Contrast is the mean difference from the background, in grey levels.
	Contrast float64
	// Through is how far the background's structure shows through, 0 to 1: all of it
	// through light, a shadow or a thread before the lens, and nothing through a person. 0 too where
	// the background has none.
	Through float64
	// Restless is the part of its surroundings, as far as its own size around
	// it, that is never still: foliage, water, a screen. 0 to 1.
	Restless float64
	// Hold keeps the blob's pixels out of the background. The caller sets it
	// before Learn.
	Hold bool

	id int // its fragment
}

// Result is what one picture showed.
type Result struct {
	// Blobs are valid until the next Detect. Their order is that of their size.
	Blobs []Blob
	// Settling says that the background is too fresh to judge by: after the
	// first picture and after the whole picture changed. No new thing should be believed.
	Settling bool
	// Foreground is the part of the analysed picture that differs, 0 to 1.
	Foreground float64
}

// Detector holds the background of one camera at one size. It is for one
// goroutine at a time.
type Detector struct {
	w, h   int
	ignore []uint8 // 1 where nothing is analysed; nil if everything is
	pixels int     // number of pixels analysed

	// OpenCV's side. Each Mat keeps its size and so its memory for good; the
	// slices are views of them.
	mats                              []gocv.Mat
	src, cur, prev, pred, high, low   gocv.Mat
	fg, opened                        gocv.Mat
	envelope, openKernel, closeKernel gocv.Mat
	srcPix, curPix, prevPix, predPix  []uint8
	highPix, lowPix, fgPix, openedPix []uint8
	blur                              cv.Blur
	reach                             int // of the blur, in pixels

	background []uint16 // grey levels × 256
	noise      []uint16 // mean |difference|, grey levels × 256
	flicker    []uint16 // changes of state a second × 256
	state      []uint8  // bit 0: differs by more than its noise, flicker left aside; bit 1: changed since the last picture
	class      []uint8  // 0, or 1 + the index of the pixel's blob, with filler or without

	light light
	label labeller
	blobs []Blob

	seeded   bool
	recalled bool          // and no picture has come since
	holding  bool          // recalled a moment ago: all blobs are held
	last     time.Duration // media time of the last picture
	step     time.Duration // since the picture before, at most maxStep
	age      time.Duration // since the seed
	settle   time.Duration // left until the background can be trusted
	calm     time.Duration // media time when little was last foreground
	still    time.Duration // for how long most of the picture has differed but stood still

	glance  bool          // the last picture came by Glance
	longest time.Duration // of step
	before  clocks        // that picture
}

// New returns a detector for pictures of one size. It fails for pictures too
// small to judge. The pixels of ignore, which may be nil and else has the same
// size, are not looked at.
func New(width, height int, ignore *zone.Mask) (*Detector, error) {
	if width < MinSide || height < MinSide {
		return nil, fmt.Errorf("motion on %d×%d pixels: at least %d a side are needed", width, height, MinSide)
	}
	d := &Detector{w: width, h: height, pixels: width * height, reach: 2}
	if ignore != nil && ignore.Area > 0 {
		if ignore.Width != width || ignore.Height != height {
			return nil, fmt.Errorf("motion on %d×%d pixels: ignore mask of %d×%d", width, height, ignore.Width, ignore.Height)
		}
		d.ignore = ignore.Pix
		d.pixels -= ignore.Area
	}
	if err := d.allocate(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Detector) allocate() error {
	views := []struct {
		mat *gocv.Mat
		pix *[]uint8
	}{
		{&d.src, &d.srcPix}, {&d.cur, &d.curPix}, {&d.prev, &d.prevPix}, {&d.pred, &d.predPix},
		{&d.high, &d.highPix}, {&d.low, &d.lowPix}, {&d.fg, &d.fgPix}, {&d.opened, &d.openedPix},
	}
	for _, v := range views {
		*v.mat = gocv.NewMatWithSize(d.h, d.w, gocv.MatTypeCV8U)
		d.mats = append(d.mats, *v.mat)
		pix, err := v.mat.DataPtrUint8()
		if err != nil || len(pix) != d.w*d.h {
			return errors.Join(fmt.Errorf("motion: no memory for %d×%d pixels", d.w, d.h), err)
		}
		clear(pix)
		*v.pix = pix
	}
	// Small pictures show people of few pixels, which large kernels would erase.
	env, opening, closing := 5, 3, 5
	if d.w < 480 {
		d.reach, env, closing = 1, 3, 3
	}
	for _, k := range []struct {
		mat  *gocv.Mat
		side int
	}{{&d.envelope, env}, {&d.openKernel, opening}, {&d.closeKernel, closing}} {
		*k.mat = gocv.GetStructuringElement(gocv.MorphRect, image.Pt(k.side, k.side))
		d.mats = append(d.mats, *k.mat)
	}
	n := d.w * d.h
	d.background, d.noise, d.flicker = make([]uint16, n), make([]uint16, n), make([]uint16, n)
	d.state, d.class = make([]uint8, n), make([]uint8, n)
	d.blobs = make([]Blob, 0, MaxBlobs)
	d.light.init(d.w, d.h)
	d.label.init(d.w, d.h)
	return nil
}

// Close frees OpenCV's memory. The detector is of no use afterwards.
func (d *Detector) Close() {
	for i := range d.mats {
		_ = d.mats[i].Close() // gocv's Close always returns nil
	}
	d.mats = nil
}

// Size returns the size of the pictures, in pixels.
func (d *Detector) Size() (width, height int) { return d.w, d.h }

// Classes returns for each pixel 1 + the index in Result.Blobs of the blob that
// it belongs to, and any other value for pixels of none. It is valid until the
// next Detect.
func (d *Detector) Classes() []uint8 { return d.class }
