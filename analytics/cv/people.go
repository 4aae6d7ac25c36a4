//go:build cgo

package cv

/*
#cgo LDFLAGS: -lopencv_objdetect -lopencv_dnn -lopencv_imgproc
#cgo noescape sb_hog_run
#cgo nocallback sb_hog_run
#cgo noescape sb_net_run
#cgo nocallback sb_net_run
#include "people.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"
)

// reason holds what went wrong in C.
type reason [256]byte

func (r *reason) c() C.sb_why {
	return C.sb_why{text: (*C.char)(unsafe.Pointer(&r[0])), size: C.size_t(len(r))}
}

func (r *reason) err(doing string) error {
	text, _, _ := bytes.Cut(r[:], []byte{0})
	return fmt.Errorf("%s: %w: %s", doing, ErrDetector, text)
}

func bytePtr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }

// HOG is OpenCV's people detector by histograms of oriented gradients (Dalal and
// Triggs, CVPR 2005), with OpenCV's own trained windows of 64×128. It is for one
// goroutine at a time.
type HOG struct {
	c       *C.sb_hog
	windows [maxWindows]C.sb_window
	out     []Window
}

// NewHOG returns a detector.
func NewHOG() (*HOG, error) {
	h := &HOG{out: make([]Window, 0, maxWindows)}
	var why reason
	if C.sb_hog_open(&h.c, why.c()) != 0 {
		return nil, why.err("open the people detector")
	}
	return h, nil
}

// Close frees the detector. It may be called again.
func (h *HOG) Close() error {
	if h.c != nil {
		C.sb_hog_close(h.c)
		h.c = nil
	}
	return nil
}

// Windows looks for people in a crop after scaling it, upright ones about 96 pixels tall there
// or taller, and returns the windows of at least that weight, a signed distance from the
// classifier's border. They include a margin of a sixth of the person's height above
// and below. What it returns is valid until the next call.
func (h *HOG) Windows(pix []byte, width, height int, scale, least float64) ([]Window, error) {
	switch {
	case h.c == nil:
		return nil, ErrClosed
	case !fits(pix, width, height) || !(scale > 0) || scale*float64(max(width, height)) > maxCrop || scale*float64(min(width, height)) < 1:
		return nil, fmt.Errorf("look for people in %d×%d pixels, scaled by %v: %w: no such crop", width, height, scale, ErrDetector)
	}
	var why reason
	var n C.int
	if C.sb_hog_run(h.c, bytePtr(pix), C.int(width), C.int(height), C.double(scale), C.double(least),
		&h.windows[0], maxWindows, &n, why.c()) != 0 {
		return nil, why.err("look for people")
	}
	h.out = h.out[:0]
	for _, w := range h.windows[:min(n, maxWindows)] {
		h.out = append(h.out, Window{X: float64(w.x), Y: float64(w.y), Width: float64(w.width), Height: float64(w.height),
			Weight: float64(w.weight)})
	}
	return h.out, nil
}

// Net is a network that a user brought. It is for one goroutine at a time.
type Net struct {
	c   *C.sb_net
	out []Tensor
}

// OpenNet reads a network in ONNX, or in Darknet's form with weights as model and
// the .cfg as config. The bytes are not kept. A file that is damaged or holds something else
// is an error that is ErrDetector.
func OpenNet(format Format, model, config []byte) (*Net, error) {
	if format != ONNX && format != Darknet || len(model) == 0 || (format == Darknet) != (len(config) > 0) {
		return nil, errors.New("open network: neither an ONNX file nor Darknet's two")
	}
	n := &Net{}
	var why reason
	ptr := func(b []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))) }
	if C.sb_net_open(&n.c, C.int(format), ptr(model), C.size_t(len(model)), ptr(config), C.size_t(len(config)), why.c()) != 0 {
		return nil, why.err("open network")
	}
	return n, nil
}

// Close frees the network. It may be called again.
func (n *Net) Close() error {
	if n.c != nil {
		C.sb_net_close(n.c)
		n.c = nil
	}
	return nil
}

// Run stretches a grey crop to size×size, puts each pixel p as (p - mean) × scale into three channels, and
// returns what the network makes of it. The tensors lie in C's memory and are
// valid until the next call.
func (n *Net) Run(pix []byte, width, height, size int, scale, mean float64) ([]Tensor, error) {
	switch {
	case n.c == nil:
		return nil, ErrClosed
	case !fits(pix, width, height) || size < 1 || size > maxCrop:
		return nil, fmt.Errorf("run network on %d×%d pixels at %d: %w: no such crop", width, height, size, ErrDetector)
	}
	var why reason
	if C.sb_net_run(n.c, bytePtr(pix), C.int(width), C.int(height), C.int(size), C.double(scale), C.double(mean), why.c()) != 0 {
		return nil, why.err("run network")
	}
	n.out = n.out[:0]
	for i := range int(C.sb_net_outputs(n.c)) {
		var shape [C.SB_MAX_DIMS]C.int
		var dims C.int
		data := C.sb_net_output(n.c, C.int(i), &shape[0], &dims)
		if data == nil {
			return nil, fmt.Errorf("run network: %w: output %d is no array of floats", ErrDetector, i)
		}
		t := Tensor{}
		total := 1
		for _, s := range shape[:dims] {
			t.Shape = append(t.Shape, int(s))
			total *= int(s)
		}
		t.Data = unsafe.Slice((*float32)(unsafe.Pointer(data)), total)
		n.out = append(n.out, t)
	}
	return n.out, nil
}
