//go:build cgo

package cv

/*
#cgo noescape sb_measure
#cgo nocallback sb_measure
#cgo noescape sb_relight
#cgo nocallback sb_relight
#cgo noescape sb_grey
#cgo nocallback sb_grey
#include "pixels.h"
*/
import "C"

import (
	"slices"
	"unsafe"
)

// Sums are over every second pixel of every second row of a block: how many, of the picture C and the background B
// in grey levels, and of their products.
type Sums struct{ N, C, B, CC, BB, CB int64 }

// Measure fills side × side sums, whose blocks lie row by row. ignore, which may be nil, is 0 where pixels count. It
// does nothing if the slices are shorter than the picture, or sums has another length.
func Measure(cur []uint8, background []uint16, ignore []uint8, width, height, side int, sums []Sums) {
	n := width * height
	if side < 1 || width < side || height < side || len(cur) < n || len(background) < n || ignore != nil && len(ignore) < n || len(sums) != side*side {
		return
	}
	C.sb_measure(u8(cur), u16(background), u8(ignore), C.int(width), C.int(height), C.int(side), (*C.sb_sums)(unsafe.Pointer(unsafe.SliceData(sums))))
}

// Relight writes a row of the background in other light: by gain × 256, and a sum that goes evenly from each of
// points to the next, in grey levels × 256. Pixels from first[k] to before first[k+1] lie between points k and
// k+1, frac of 256 on the way. It does nothing if the slices do not fit.
func Relight(out []uint8, background []uint16, frac []uint8, first, points []int32, gain uint32) {
	n := len(out)
	if len(background) < n || len(frac) < n || len(first) != len(points) || len(first) == 0 ||
		first[0] < 0 || int(first[len(first)-1]) > n || !slices.IsSorted(first) {
		return
	}
	C.sb_relight(u8(out), u16(background), u8(frac), (*C.int32_t)(unsafe.SliceData(first)), (*C.int32_t)(unsafe.SliceData(points)),
		C.int(len(first)), C.uint32_t(gain))
}

// Grey writes a background to the nearest grey level. It does nothing if background is shorter.
func Grey(out []uint8, background []uint16) {
	if len(background) >= len(out) && len(out) > 0 {
		C.sb_grey(u8(out), u16(background), C.int(len(out)))
	}
}
