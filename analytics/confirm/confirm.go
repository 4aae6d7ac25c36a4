//go:build cgo

// Package confirm asks a detector that knows what people look like whether a
// track is one.
//
// The heuristics know a person by how a blob moves. A second opinion comes from a [Detector], which
// sees a grey crop of the full-resolution picture around the track: OpenCV's
// people detector ([NewHOG]), or a network that the user names ([NewNet]).
//
// # Method
//
// A track is shown to the detector several times, half a second apart, from when it begins
// to look like somebody. One positive answer confirms it for good: detectors miss people at
// night and behind things far more often than they take something else for one.
// Without any, the track is doubted. How often the detector may run in a
// minute of media time is bounded; a track for which nothing is left is neither.
//
// What follows from that is for [Watch]: it moves the confidence of an event, and where the
// user asked for it, hides doubted tracks from the rules.
package confirm

import "image"

// Scores is what a detector sees in a crop, from 0 to 1. They rank and are no probabilities.
type Scores struct {
	Person  float64
	Vehicle float64
}

// Detector looks at crops. It is for one goroutine at a time.
type Detector interface {
	// View returns the rectangle that the detector wants to see of a body, in
	// pixels of the whole picture beyond which it may reach, and how many
	// pixels the longer side of the crop needs.
	View(body image.Rectangle) (view image.Rectangle, side int)
	// Detect returns the best scores of what coincides with the crop's body. An
	// error means that the detector is of no more use.
	Detect(c *Crop) (Scores, error)
	// Close frees the detector.
	Close() error
}

// Crop is the grey picture of a View.
type Crop struct {
	Pix           []byte // rows follow each other
	Width, Height int
	Body          Rect // in pixels of the crop
}

// Rect is a rectangle by its edges.
type Rect struct{ X0, Y0, X1, Y1 float64 }

func (r Rect) area() float64 { return max(r.X1-r.X0, 0) * max(r.Y1-r.Y0, 0) }

func (r Rect) intersect(o Rect) Rect {
	return Rect{max(r.X0, o.X0), max(r.Y0, o.Y0), min(r.X1, o.X1), min(r.Y1, o.Y1)}
}

// coincides says whether what was found at r may be the body: they cover each other for the most part,
// or one lies within the other and is no mere detail of it. A group's blob is larger
// than each of its people, and one of somebody's legs smaller.
func (r Rect) coincides(body Rect) bool {
	const most, detail = 0.6, 0.1
	common, a, b := r.intersect(body).area(), r.area(), body.area()
	if !(a > 0 && b > 0) { // also refuses NaN
		return false
	}
	return common >= most*min(a, b) && min(a, b) >= detail*max(a, b)
}
