package cv

import "errors"

// ErrDetector means that a detector of people cannot be used, or not on this crop.
var ErrDetector = errors.New("people detector")

const (
	maxCrop    = 4096 // pixels, of a side
	maxWindows = 256
)

// Window is where a [HOG] sees somebody, in pixels of the crop.
type Window struct {
	X, Y, Width, Height float64
	Weight              float64
}

// Format is the form of a network's file.
type Format int

// The formats that OpenCV reads and that were tried.
const (
	ONNX    Format = 1
	Darknet Format = 2
)

// Tensor is an output of a [Net], the last dimension running fastest.
type Tensor struct {
	Shape []int
	Data  []float32
}

func fits(pix []byte, width, height int) bool {
	return width > 0 && height > 0 && width <= maxCrop && height <= maxCrop && len(pix) >= width*height
}
