//go:build cgo

package confirm

import (
	"image"
	"math"

	"sentrybox/analytics/cv"
)

const (
	hogTall   = 100 // pixels that a body's height is scaled to; the classifier was trained on 96
	hogAround = 0.3 // of that height that the view reaches beyond the body on each side
	hogLeast  = -0.5
	hogMiddle = 0.5 // weight at which the score is a half
	hogSlope  = 4   // of the logistic curve from weight to score
)

type hog struct{ h *cv.HOG }

// NewHOG returns OpenCV's people detector. It knows upright people, seen from the side
// of which they have a shape; it costs about a millisecond a crop.
func NewHOG() (Detector, error) {
	h, err := cv.NewHOG()
	if err != nil {
		return nil, err
	}
	return &hog{h}, nil
}

// Close is part of Detector.
func (d *hog) Close() error { return d.h.Close() }

// View is part of Detector.
func (d *hog) View(b image.Rectangle) (image.Rectangle, int) {
	tall := b.Dy()
	side := max(int(hogAround*float64(tall)), (tall/2-b.Dx())/2)
	v := image.Rect(b.Min.X-side, b.Min.Y-int(hogAround*float64(tall)), b.Max.X+side, b.Max.Y+int(hogAround*float64(tall)))
	return v, max(hogTall*max(v.Dx(), v.Dy())/max(tall, 1), 1)
}

// Detect is part of Detector.
func (d *hog) Detect(c *Crop) (Scores, error) {
	scale := hogTall / (c.Body.Y1 - c.Body.Y0)
	if wide := scale * float64(c.Width); wide > 1000 { // a hedge that moves
		return Scores{}, nil
	}
	windows, err := d.h.Windows(c.Pix, c.Width, c.Height, scale, hogLeast)
	if err != nil {
		return Scores{}, err
	}
	best := math.Inf(-1)
	for _, w := range windows {
		// The window has a margin around the person.
		r := Rect{w.X + w.Width/4, w.Y + w.Height/8, w.X + w.Width*3/4, w.Y + w.Height*7/8}
		if r.coincides(c.Body) {
			best = max(best, w.Weight)
		}
	}
	return Scores{Person: 1 / (1 + math.Exp(-hogSlope*(best-hogMiddle)))}, nil
}
