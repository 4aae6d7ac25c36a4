//go:build cgo

package confirm

import (
	"fmt"
	"slices"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

const (
	maxRows    = 200_000
	maxClasses = 10_000
)

// classes are the numbers by which a network calls people and vehicles. Those
// that the user did not give are guessed from how many classes there are.
type classes struct{ person, vehicle []int }

func classesOf(cfg *wire.Detector) classes { return classes{cfg.Person, cfg.Vehicle} }

// of returns the numbers for a network with n classes, 0 if that is unknown.
func (c classes) of(n int) classes {
	known := classes{person: []int{0}} // one class, or COCO's order without vehicles
	switch {
	case n == 20: // PASCAL VOC
		known = classes{[]int{14}, []int{1, 5, 6, 13}}
	case n == 21: // the same behind a background
		known = classes{[]int{15}, []int{2, 6, 7, 14}}
	case n == 0 || n == 91: // COCO's own ids, as in networks of the SSD family
		known = classes{[]int{1}, []int{2, 3, 4, 6, 8}}
	case n >= 80: // COCO's eighty in a row
		known = classes{[]int{0}, []int{1, 2, 3, 5, 7}}
	}
	if len(c.person) > 0 {
		known.person = c.person
	}
	if len(c.vehicle) > 0 || len(c.person) > 0 {
		known.vehicle = c.vehicle // whoever named one named both
	}
	return known
}

// reader takes in what a network found.
type reader struct {
	body    Rect // fractions of the crop, as are all boxes
	classes classes
	best    Scores
}

// found takes in one box. Numbers that are none count as nothing.
func (r *reader) found(class int, score float32, box Rect) {
	person, vehicle := slices.Contains(r.classes.person, class), slices.Contains(r.classes.vehicle, class)
	if !person && !vehicle || !(score > 0) || !box.coincides(r.body) {
		return
	}
	s := min(float64(score), 1)
	if person {
		r.best.Person = max(r.best.Person, s)
	}
	if vehicle {
		r.best.Vehicle = max(r.best.Vehicle, s)
	}
}

// row takes in a box by its middle and size with the scores of its classes.
func (r *reader) row(cx, cy, w, h, objectness float32, scores func(int) float32) {
	box := Rect{float64(cx - w/2), float64(cy - h/2), float64(cx + w/2), float64(cy + h/2)}
	for _, list := range [][]int{r.classes.person, r.classes.vehicle} {
		for _, c := range list {
			r.found(c, objectness*scores(c), box)
		}
	}
}

// decode returns the best scores of what coincides with a body. The form of
// the outputs says of what family a network is:
//
//   - [n, 5+classes], any number of them: Darknet's layers yolo and region as OpenCV
//     computes them. Middle and size as fractions, objectness, and scores that have it in them.
//   - [1, n, 5+classes] with n the greater: YOLOv5 to v7 in ONNX. Pixels, objectness, and scores to multiply.
//   - [1, 4+classes, n] with n the greater: YOLOv8 and later in ONNX. Pixels and scores, columns for boxes.
//   - [1, 1, n, 7]: the layer DetectionOutput of SSD. Picture, class, score, and edges as fractions.
//   - [1, n, 4] and [1, n, classes]: SSD without that layer. Edges as fractions, and scores with class 0 the background.
func decode(out []cv.Tensor, size int, body Rect, c classes) (Scores, error) {
	r := reader{body: body}
	if boxes, scores, ok := pair(out); ok {
		return r.pair(boxes, scores, c)
	}
	if len(out) == 0 {
		return Scores{}, fmt.Errorf("%w: no output", cv.ErrDetector)
	}
	for _, t := range out {
		var err error
		s := t.Shape
		switch {
		case len(s) == 2:
			err = r.rows(t.Data, s[0], s[1], 1, true, c)
		case len(s) == 3 && s[0] == 1 && s[1] >= s[2]:
			err = r.rows(t.Data, s[1], s[2], 1/float32(size), false, c)
		case len(s) == 3 && s[0] == 1:
			err = r.columns(t.Data, s[1], s[2], 1/float32(size), c)
		case len(s) == 4 && s[0] == 1 && s[1] == 1 && s[3] == 7:
			err = r.ssd(t.Data, s[2], c)
		default:
			err = unknown(s)
		}
		if err != nil {
			return Scores{}, err
		}
	}
	return r.best, nil
}

func unknown(shape []int) error {
	return fmt.Errorf("%w: an output of the form %v is of no family known here", cv.ErrDetector, shape)
}

// sound says whether a tensor's numbers are there and are not too many.
func sound(data []float32, n, per, least int) error {
	if n < 0 || n > maxRows || per < least || per > maxClasses || len(data) < n*per {
		return unknown([]int{n, per})
	}
	return nil
}

// highest refuses classes that a network does not have.
func (c classes) highest(n int) error {
	for _, k := range slices.Concat(c.person, c.vehicle) {
		if k < 0 || k >= n {
			return fmt.Errorf("%w: class %d of a network with %d, counted from 0", cv.ErrDetector, k, n)
		}
	}
	return nil
}

func (r *reader) rows(data []float32, n, per int, scale float32, multiplied bool, c classes) error {
	if err := sound(data, n, per, 6); err != nil {
		return err
	}
	r.classes = c.of(per - 5)
	if err := r.classes.highest(per - 5); err != nil {
		return err
	}
	for i := range n {
		b := data[i*per : (i+1)*per]
		objectness := b[4]
		if multiplied {
			objectness = 1
		}
		r.row(b[0]*scale, b[1]*scale, b[2]*scale, b[3]*scale, objectness, func(k int) float32 { return b[5+k] })
	}
	return nil
}

func (r *reader) columns(data []float32, per, n int, scale float32, c classes) error {
	if err := sound(data, n, per, 5); err != nil {
		return err
	}
	r.classes = c.of(per - 4)
	if err := r.classes.highest(per - 4); err != nil {
		return err
	}
	for i := range n {
		at := func(row int) float32 { return data[row*n+i] }
		r.row(at(0)*scale, at(1)*scale, at(2)*scale, at(3)*scale, 1, func(k int) float32 { return at(4 + k) })
	}
	return nil
}

func (r *reader) ssd(data []float32, n int, c classes) error {
	if err := sound(data, n, 7, 7); err != nil {
		return err
	}
	r.classes = c.of(0)
	for i := range n {
		b := data[i*7 : (i+1)*7]
		if b[1] >= 0 && b[1] < maxClasses { // also refuses NaN
			r.found(int(b[1]), b[2], Rect{float64(b[3]), float64(b[4]), float64(b[5]), float64(b[6])})
		}
	}
	return nil
}

// pair finds boxes and scores in two outputs.
func pair(out []cv.Tensor) (boxes, scores cv.Tensor, ok bool) {
	if len(out) != 2 {
		return boxes, scores, false
	}
	boxes, scores = out[0], out[1]
	if len(boxes.Shape) == 3 && boxes.Shape[2] != 4 {
		boxes, scores = scores, boxes
	}
	b, s := boxes.Shape, scores.Shape
	ok = len(b) == 3 && len(s) == 3 && b[0] == 1 && s[0] == 1 && b[2] == 4 && b[1] == s[1]
	return boxes, scores, ok
}

func (r *reader) pair(boxes, scores cv.Tensor, c classes) (Scores, error) {
	n, per := scores.Shape[1], scores.Shape[2]
	if err := sound(scores.Data, n, per, 2); err != nil {
		return Scores{}, err
	}
	if err := sound(boxes.Data, n, 4, 4); err != nil {
		return Scores{}, err
	}
	r.classes = c.of(per)
	if len(c.person) == 0 && per < 20 { // faces, heads or people, behind a background
		r.classes = classes{person: []int{1}}
	}
	if err := r.classes.highest(per); err != nil {
		return Scores{}, err
	}
	for i := range n {
		b := boxes.Data[i*4 : (i+1)*4]
		box := Rect{float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])}
		for _, list := range [][]int{r.classes.person, r.classes.vehicle} {
			for _, k := range list {
				r.found(k, scores.Data[i*per+k], box)
			}
		}
	}
	return r.best, nil
}
