package wire

import (
	"fmt"
	"math"
)

// ModelFormat says what gives the second opinion on people.
type ModelFormat string

// The formats. HOG is OpenCV's own and needs no file.
const (
	HOG     ModelFormat = "hog"
	ONNX    ModelFormat = "onnx"
	Darknet ModelFormat = "darknet"
)

// Pixels says as what numbers a network takes pixels.
type Pixels string

// The ranges of a pixel.
const (
	Unit   Pixels = "unit"   // 0 to 1
	Signed Pixels = "signed" // -1 to 1
	Bytes  Pixels = "bytes"  // 0 to 255
)

// Limits on a detector. A model is a file descriptor that the process inherits,
// and no message: it may be longer than one.
const (
	MaxModel     = 256 << 20 // bytes
	MinNetSize   = 32
	MaxNetSize   = 1280
	MaxPerMinute = 600
	MaxClass     = 9999
	maxClasses   = 64
)

// Detector asks for a second opinion on who a rule has found. The file of a network follows
// on file descriptor 5, and Darknet's .cfg on 6.
type Detector struct {
	Format ModelFormat `json:"format"`
	// Size is the side in pixels of the square that a network takes.
	Size   int    `json:"size,omitempty"`
	Pixels Pixels `json:"pixels,omitempty"`
	// Score is from when on a person is believed, 0 to 1.
	Score float64 `json:"score"`
	// PerMinute bounds how often it runs in any minute of media time.
	PerMinute int `json:"per_minute"`
	// Person and Vehicle are the numbers of the network's classes; guessed from
	// how many it has when both are empty.
	Person  []int `json:"person,omitempty"`
	Vehicle []int `json:"vehicle,omitempty"`
	// Veto holds back what several tries have not confirmed.
	Veto bool `json:"veto,omitempty"`
}

// Confirmed counts the second opinions on people. It only grows.
type Confirmed struct {
	Asked   uint64 `json:"asked"`   // crops that the detector was shown
	Unasked uint64 `json:"unasked"` // crops that it was not shown, since the minute's were used up
	Held    uint64 `json:"held"`    // tracks and things held back by a veto
	Lost    bool   `json:"lost"`    // the detector has failed, and is not asked again
}

func (d *Detector) validate() error {
	for _, list := range [][]int{d.Person, d.Vehicle} {
		if len(list) > maxClasses {
			return fmt.Errorf("%d classes, at most %d", len(list), maxClasses)
		}
		for _, c := range list {
			if c < 0 || c > MaxClass {
				return fmt.Errorf("class %d, at most %d", c, MaxClass)
			}
		}
	}
	if !(d.Score > 0 && d.Score <= 1) || math.IsNaN(d.Score) || d.PerMinute < 1 || d.PerMinute > MaxPerMinute {
		return fmt.Errorf("score %v, %d a minute", d.Score, d.PerMinute)
	}
	switch d.Format {
	case HOG:
		return nil
	case ONNX, Darknet:
	default:
		return fmt.Errorf("format %q", d.Format)
	}
	if d.Size < MinNetSize || d.Size > MaxNetSize || d.Pixels != Unit && d.Pixels != Signed && d.Pixels != Bytes {
		return fmt.Errorf("size %d, pixels %q", d.Size, d.Pixels)
	}
	return nil
}
