//go:build cgo

package cv

// #include "decode.h"
import "C"

import "unsafe"

// box runs the C filter on a plane of its own, for tests, which cannot import "C".
// The caller sees to it that the plane holds width × height samples.
func box(dst, src []byte, stride, width, height, f, depth, low int, acc []uint16) {
	C.sb_box((*C.uint8_t)(unsafe.SliceData(dst)), (*C.uint8_t)(unsafe.SliceData(src)), C.ptrdiff_t(stride),
		C.int(width), C.int(height), C.int(f), C.int(depth), C.int(low), (*C.uint16_t)(unsafe.SliceData(acc)))
}
