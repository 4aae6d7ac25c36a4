//go:build cgo

package cv

/*
#cgo noescape sb_segment
#cgo nocallback sb_segment
#cgo noescape sb_learn
#cgo nocallback sb_learn
#include "pixels.h"
*/
import "C"

import "unsafe"

// Pixels is what is known of each pixel of a picture and its background. All slices are
// as long as the picture has pixels. See package motion, whose loops these are.
type Pixels struct {
	Cur, Prev  []uint8 // the picture and the one before
	Pred       []uint8 // the background in the picture's light
	High, Low  []uint8 // the range of its surroundings
	Foreground []uint8 // 255 where the picture leaves that range
	// State has bit 0 where a pixel differs by more than its noise, bit 1 where it
	// changed since the picture before, bit 2 where it differed in that.
	State []uint8
	// Class is 0 where there is no blob, else its number, with or without its highest bit.
	Class      []uint8
	Background []uint16 // grey levels × 256
	Noise      []uint16 // mean |difference|, grey levels × 256
	Flicker    []uint16 // changes of state a second × 256
}

// Thresholds say when a pixel differs: by Base and Noise halves of its noise, and Flicker for each
// change of state a second × 256 beyond FlickerFree. It has changed since the picture before by Change and
// its noise. Grey levels × 256.
type Thresholds struct{ Base, Noise, Change, Flicker, FlickerFree int32 }

// Weights are those of a picture in what is learned, × 65536.
type Weights struct {
	Background [256]int32 // by class
	Held       [256]bool  // classes that follow the prediction, not the picture
	Noise      int32
	Flicker    int32
	Flip       int32 // one change of state, a second × 256
	Bound      int32 // how far noise can grow beyond three times itself
	// Glance says that pictures are seconds apart: flicker can cease but not begin.
	Glance bool
}

func (p *Pixels) sound() bool {
	n := len(p.Cur)
	for _, b := range [...][]uint8{p.Prev, p.Pred, p.High, p.Low, p.Foreground, p.State, p.Class} {
		if len(b) != n {
			return false
		}
	}
	return n > 0 && len(p.Background) == n && len(p.Noise) == n && len(p.Flicker) == n
}

func u8(b []uint8) *C.uint8_t    { return (*C.uint8_t)(unsafe.SliceData(b)) }
func u16(b []uint16) *C.uint16_t { return (*C.uint16_t)(unsafe.SliceData(b)) }

// Segment fills Foreground and moves State on. It returns how many pixels are foreground and how many of
// them have changed. It does nothing if the slices differ in length.
func (p *Pixels) Segment(t *Thresholds) (foreground, moving int) {
	if !p.sound() {
		return 0, 0
	}
	var counts [2]C.uint32_t
	limits := C.sb_thresholds{base: C.int32_t(t.Base), noise: C.int32_t(t.Noise), change: C.int32_t(t.Change),
		flicker: C.int32_t(t.Flicker), flicker_free: C.int32_t(t.FlickerFree)}
	C.sb_segment(u8(p.Cur), u8(p.Prev), u8(p.High), u8(p.Low), u16(p.Noise), u16(p.Flicker),
		u8(p.State), u8(p.Foreground), C.int(len(p.Cur)), &limits, &counts[0])
	return int(counts[0]), int(counts[1])
}

// Learn takes the picture into Background, Noise and Flicker. It does nothing if the slices differ
// in length.
func (p *Pixels) Learn(w *Weights) {
	if !p.sound() {
		return
	}
	c := C.sb_weights{noise: C.int32_t(w.Noise), flicker: C.int32_t(w.Flicker), flip: C.int32_t(w.Flip), bound: C.int32_t(w.Bound)}
	for i, r := range w.Background {
		c.rates[i] = C.int32_t(r)
		if w.Held[i] {
			c.held[i] = 1
		}
	}
	if w.Glance {
		c.glance = 1
	}
	C.sb_learn(u8(p.Cur), u8(p.Pred), u8(p.Class), u8(p.State), u16(p.Background), u16(p.Noise), u16(p.Flicker),
		C.int(len(p.Cur)), &c)
}
