//go:build cgo

package cv

/*
#cgo noescape sb_encode
#cgo nocallback sb_encode
#cgo nocallback sb_encoded
#include "encode.h"
*/
import "C"

import (
	"fmt"
	"image"
	"time"
	"unsafe"
)

// Encoder encodes pictures of one size as H.264, in the calling thread, with
// libx264 by way of libavcodec. It is for one goroutine at a time. Pictures come out in
// the order that they went in; keyframes begin with their parameter sets.
type Encoder struct {
	c             *C.sb_encoder
	width, height int
	last          int64 // ticks of the last picture
	begun         bool
}

// clock is the number of an encoder's ticks in a second.
const clock = 90_000

// NewEncoder returns an encoder for pictures of a size, whose sides are even and
// at most MaxSide, about interval apart. It returns ErrNoEncoder if libavcodec has
// no libx264, which some distributions leave out.
func NewEncoder(width, height int, interval time.Duration) (*Encoder, error) {
	if width < 16 || height < 16 || width > MaxSide || height > MaxSide || width%2 != 0 || height%2 != 0 {
		return nil, fmt.Errorf("open encoder: pictures of %d×%d", width, height)
	}
	c := C.sb_encoder_open(C.int(width), C.int(height), C.int(min(max(ticks(interval), 1), clock)))
	if c == nil {
		return nil, fmt.Errorf("open encoder for %d×%d: %w", width, height, ErrNoEncoder)
	}
	return &Encoder{c: c, width: width, height: height}, nil
}

// Close frees the encoder. It may be called again.
func (e *Encoder) Close() error {
	if e.c != nil {
		C.sb_encoder_close(e.c)
		e.c = nil
	}
	return nil
}

// Encode takes in a picture in 4:2:0, in JFIF's range and matrix, and hands what
// is encoded to each, whose data is valid until it returns. pts must grow by a
// tick of 1/90,000 s at least and comes back rounded to that.
func (e *Encoder) Encode(img *image.YCbCr, pts time.Duration, each func(data []byte, pts time.Duration, keyframe bool) error) error {
	if e.c == nil {
		return ErrClosed
	}
	if img.SubsampleRatio != image.YCbCrSubsampleRatio420 || img.Rect.Min != (image.Point{}) ||
		img.Rect.Dx() != e.width || img.Rect.Dy() != e.height || len(img.Cb) != len(img.Cr) {
		return fmt.Errorf("encode: picture %v, %v; want 4:2:0 of %d×%d", img.Rect, img.SubsampleRatio, e.width, e.height)
	}
	at := ticks(pts)
	if e.begun && at <= e.last {
		return fmt.Errorf("encode: picture of %v is not after the one before", pts)
	}
	e.last, e.begun = at, true
	ptr := func(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
	r := C.sb_encode(e.c, ptr(img.Y), C.size_t(len(img.Y)), C.size_t(img.YStride),
		ptr(img.Cb), ptr(img.Cr), C.size_t(len(img.Cb)), C.size_t(img.CStride), C.int64_t(at))
	if r != C.SB_E_OK {
		return e.failed()
	}
	return e.take(each)
}

// Finish hands out what is still held back. Nothing can be encoded after it.
func (e *Encoder) Finish(each func(data []byte, pts time.Duration, keyframe bool) error) error {
	if e.c == nil {
		return ErrClosed
	}
	if C.sb_encode(e.c, nil, 0, 0, nil, nil, 0, 0, 0) != C.SB_E_OK {
		return e.failed()
	}
	return e.take(each)
}

func (e *Encoder) failed() error {
	return fmt.Errorf("encode: %s", C.GoString(C.sb_encoder_reason(e.c)))
}

func (e *Encoder) take(each func([]byte, time.Duration, bool) error) error {
	for {
		var u C.sb_unit
		switch C.sb_encoded(e.c, &u) {
		case C.SB_E_OK:
		case C.SB_E_NONE:
			return nil
		default:
			return e.failed()
		}
		data := unsafe.Slice((*byte)(unsafe.Pointer(u.data)), int(u.size))
		if err := each(data, time.Duration(u.pts)*(time.Second/10_000)/(clock/10_000), u.keyframe != 0); err != nil {
			return err
		}
	}
}

// ticks rounds to the encoder's clock.
func ticks(d time.Duration) int64 {
	const unit = time.Second / 10_000 // clock/10,000 = 9 ticks
	return int64((d*9 + unit/2) / unit)
}
