//go:build cgo

package cv

/*
#cgo pkg-config: libavcodec libavutil
#cgo CFLAGS: -O3 -Wall -Wextra
#cgo noescape sb_send
#cgo nocallback sb_send
#cgo noescape sb_filter
#cgo nocallback sb_filter
#cgo noescape sb_luma
#cgo nocallback sb_luma
#cgo nocallback sb_next
#cgo noescape sb_region
#cgo nocallback sb_region
#cgo noescape sb_snapshot
#cgo nocallback sb_snapshot
#include "decode.h"
*/
import "C"

import (
	"fmt"
	"image"
	"slices"
	"time"
	"unsafe"

	"sentrybox/analytics/wire"
)

// Decoder decodes one stream of one codec. It is for one goroutine at a time.
// A change of size or pixel format in mid-stream is followed.
//
// It decodes every picture in full, in the calling thread: one thread, loop
// filter on unless [Decoder.Filter] says otherwise, concealed and incomplete pictures given out and marked. It holds
// back as many pictures as the stream's reordering asks for.
type Decoder struct {
	c   *C.sb_decoder
	pic *C.sb_picture // within c
}

// NewDecoder returns a decoder for wire.CodecH264, wire.CodecH265 or
// wire.CodecMJPEG. It fails if libavcodec was built without the codec.
func NewDecoder(codec uint8) (*Decoder, error) {
	if codec < wire.CodecH264 || codec > wire.CodecMJPEG {
		return nil, fmt.Errorf("open decoder: unknown codec %d", codec)
	}
	c := C.sb_open(C.int(codec), 0, MaxPixels, MaxSide, MaxAccessUnit)
	if c == nil {
		return nil, fmt.Errorf("open decoder: libavcodec gives none for codec %d", codec)
	}
	return &Decoder{c: c, pic: C.sb_picture_of(c)}, nil
}

// NewHardwareDecoder returns a decoder that uses the board's own: Rockchip's MPP,
// or a V4L2 device that takes whole streams. It opens the device. It fails with ErrNoHardware if there is none for
// the codec. Whether it bears the stream shows when that comes; it cannot go on after Drain, and keeps
// the time of a picture to the microsecond.
func NewHardwareDecoder(codec uint8) (*Decoder, error) {
	c := C.sb_open(C.int(codec), 1, MaxPixels, MaxSide, MaxAccessUnit)
	if c == nil {
		return nil, fmt.Errorf("open hardware decoder for codec %d: %w", codec, ErrNoHardware)
	}
	return &Decoder{c: c, pic: C.sb_picture_of(c)}, nil
}

// Filter says of which pictures that are sent from here on the loop filter is applied. Without it
// a picture costs a quarter less and shows its blocks, and what is predicted from it
// drifts away until the next keyframe.
func (d *Decoder) Filter(f LoopFilter) {
	if d.c != nil {
		C.sb_filter(d.c, C.int(f))
	}
}

// Close frees the decoder. It may be called again.
func (d *Decoder) Close() error {
	if d.c != nil {
		C.sb_close(d.c)
		d.c, d.pic = nil, nil
	}
	return nil
}

func (d *Decoder) result(doing string, r C.int) error {
	switch r {
	case C.SB_OK, C.SB_NONE:
		return nil
	case C.SB_FULL:
		return fmt.Errorf("%s: %w", doing, ErrFull)
	case C.SB_DAMAGED:
		return fmt.Errorf("%s: %w: %s", doing, ErrDamaged, C.GoString(C.sb_reason(d.c)))
	case C.SB_UNSUPPORTED:
		return fmt.Errorf("%s: %w: %s", doing, ErrUnsupported, C.GoString(C.sb_reason(d.c)))
	}
	return fmt.Errorf("%s: %s", doing, C.GoString(C.sb_reason(d.c)))
}

// Send gives the decoder one access unit: an Annex B byte stream, or one JPEG.
// au is copied. pts comes back with the picture. An error that is ErrDamaged
// costs this access unit alone; ErrFull asks for Receive first; any other, such as
// memory running out, means that the decoder is of no more use.
func (d *Decoder) Send(au []byte, pts time.Duration, keyframe bool) error {
	if d.c == nil {
		return ErrClosed
	}
	key := C.int(0)
	if keyframe {
		key = 1
	}
	data := (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(au)))
	r := C.sb_send(d.c, data, C.size_t(len(au)), C.int64_t(pts), key)
	if r == C.SB_OK {
		return nil
	}
	return d.result("decode access unit", r)
}

// Receive takes the next decoded picture, in order of presentation, and writes
// its luma into dst, whose Pix is reused. It returns false when there is none
// until more is sent. After an error that is ErrDamaged call it again.
func (d *Decoder) Receive(dst *Luma) (bool, error) {
	ok, err := d.Skip(dst)
	if !ok || err != nil {
		return false, err
	}
	if err := d.Convert(dst); err != nil {
		return false, err
	}
	return true, nil
}

// Skip is Receive without the pixels, which are most of the work beside decoding: it sets
// everything in dst but leaves Pix empty. If the picture turns out to be
// wanted, Convert fetches them.
func (d *Decoder) Skip(dst *Luma) (bool, error) {
	if d.c == nil {
		return false, ErrClosed
	}
	switch r := C.sb_next(d.c); r {
	case C.SB_OK:
	case C.SB_NONE:
		return false, nil
	default:
		return false, d.result("receive picture", r)
	}
	p := d.pic
	dst.Pix = dst.Pix[:0]
	dst.CodedWidth, dst.CodedHeight = int(p.width), int(p.height)
	dst.Width, dst.Height = WorkingSize(dst.CodedWidth, dst.CodedHeight)
	dst.PTS = time.Duration(p.pts)
	dst.Keyframe, dst.Corrupt = p.keyframe != 0, p.corrupt != 0
	return true, nil
}

// Convert writes into dst the pixels of the picture received last, which is the
// one that Skip described there.
func (d *Decoder) Convert(dst *Luma) error {
	if d.c == nil {
		return ErrClosed
	}
	f := Factor(int(d.pic.width), int(d.pic.height))
	n := (int(d.pic.width) / f) * (int(d.pic.height) / f)
	if n == 0 {
		return fmt.Errorf("shrink %d×%d: %w: no pixel left", d.pic.width, d.pic.height, ErrDamaged)
	}
	dst.Pix = slices.Grow(dst.Pix[:0], n)[:n]
	r := C.sb_luma(d.c, (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(dst.Pix))), C.size_t(n), C.int(f))
	if r == C.SB_OK {
		return nil
	}
	return d.result("shrink picture", r)
}

// Region writes the luma of a rectangle of the picture received last into dst, in pixels
// of the coded picture, each f×f of them averaged to one; with f = 1 at native
// resolution. The rows follow each other, r.Dx()/f long; samples of more than
// 8 bits are cut to their upper 8. It fails if no picture was
// received, r is empty or reaches outside it, f is not 1 to 16, or dst is too short.
func (d *Decoder) Region(dst []byte, r image.Rectangle, f int) error {
	if d.c == nil {
		return ErrClosed
	}
	if !r.In(image.Rect(0, 0, int(d.pic.width), int(d.pic.height))) || r.Empty() {
		return fmt.Errorf("region %v of a picture of %d×%d: outside", r, d.pic.width, d.pic.height)
	}
	p := (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(dst)))
	res := C.sb_region(d.c, p, C.size_t(len(dst)), C.int(r.Min.X), C.int(r.Min.Y), C.int(r.Dx()), C.int(r.Dy()), C.int(f))
	if res == C.SB_OK {
		return nil
	}
	return d.result(fmt.Sprintf("region %v shrunk by %d", r, f), res)
}

// Drain tells the decoder that nothing follows, so that Receive gives the
// pictures held back for reordering. Then Flush before the next Send.
func (d *Decoder) Drain() error {
	if d.c == nil {
		return ErrClosed
	}
	return d.result("drain decoder", C.sb_drain(d.c))
}

// Flush forgets the stream so far: the next access unit must be a keyframe with
// its parameter sets or find them known. The picture received last stays.
func (d *Decoder) Flush() {
	if d.c != nil {
		C.sb_flush(d.c)
	}
}

// Snapshot returns the picture received last in colour, 4:2:0, shrunk by an
// integer factor to at most maxWidth columns. Its range and matrix are JFIF's
// (full, BT.601), as image/jpeg expects, whatever the stream's. The picture is
// kept by reference, so this costs nothing until it is called.
func (d *Decoder) Snapshot(maxWidth int) (*image.YCbCr, error) {
	if d.c == nil {
		return nil, ErrClosed
	}
	w, h := int(d.pic.width), int(d.pic.height)
	if w == 0 || maxWidth < 1 {
		return nil, fmt.Errorf("snapshot of %d×%d at most %d wide: no picture received", w, h, maxWidth)
	}
	f := 1
	for w/f > maxWidth {
		f++
	}
	if h/f == 0 {
		return nil, fmt.Errorf("snapshot of %d×%d at most %d wide: no pixel left", w, h, maxWidth)
	}
	img := image.NewYCbCr(image.Rect(0, 0, w/f, h/f), image.YCbCrSubsampleRatio420)
	ptr := func(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
	r := C.sb_snapshot(d.c, ptr(img.Y), C.size_t(len(img.Y)), ptr(img.Cb), ptr(img.Cr), C.size_t(len(img.Cb)), C.int(f))
	if r != C.SB_OK {
		return nil, d.result("snapshot", r)
	}
	return img, nil
}
