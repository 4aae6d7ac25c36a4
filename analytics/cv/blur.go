//go:build cgo

package cv

/*
#cgo noescape sb_blur
#cgo nocallback sb_blur
#include "pixels.h"
*/
import "C"

// minBlurred is the shortest side of a picture that Blur takes, so that what is mirrored at its border is within it.
const minBlurred = 4

// Blur is a blur by the mean of squares of pixels, 2 × reach + 1 a side, to the nearest grey level, with the
// picture mirrored beyond its border: what cv::blur does by default. Its memory is kept from one picture to
// the next.
type Blur struct{ sums []uint16 }

// Run writes width × height blurred pixels of in into out, which is other memory. It does nothing if reach is not 1
// or 2, a side is shorter than 4 pixels, or the slices are shorter than the picture.
func (b *Blur) Run(out, in []uint8, width, height, reach int) {
	if reach < 1 || reach > 2 || width < minBlurred || height < minBlurred || len(in) < width*height || len(out) < width*height {
		return
	}
	if need := width + 4; len(b.sums) < need {
		b.sums = make([]uint16, need)
	}
	C.sb_blur(u8(in), u8(out), C.int(width), C.int(height), C.int(reach), u16(b.sums))
}
