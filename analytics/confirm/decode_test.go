//go:build cgo

package confirm

import (
	"errors"
	"math"
	"testing"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// rowsOf returns n rows of per numbers, all 0 but those given.
func rowsOf(n, per int, rows ...[]float32) []float32 {
	data := make([]float32, n*per)
	for i, r := range rows {
		copy(data[i*per:], r)
	}
	return data
}

func columnsOf(per, n int, columns ...[]float32) []float32 {
	data := make([]float32, n*per)
	for i, c := range columns {
		for k, v := range c {
			data[k*n+i] = v
		}
	}
	return data
}

// with puts scores of classes behind a box.
func with(box []float32, classes map[int]float32, n int) []float32 {
	row := append([]float32{}, box...)
	row = append(row, make([]float32, n)...)
	for k, v := range classes {
		row[len(box)+k] = v
	}
	return row
}

func TestDecode(t *testing.T) {
	middle := Rect{0.3, 0.2, 0.7, 0.8}
	frac, pix := []float32{0.5, 0.5, 0.4, 0.6}, []float32{160, 160, 128, 192}
	far := []float32{0.1, 0.1, 0.1, 0.1}
	nan := float32(math.NaN())
	cfg := func(person, vehicle []int) wire.Detector { return wire.Detector{Person: person, Vehicle: vehicle} }
	for name, tc := range map[string]struct {
		out  []cv.Tensor
		cfg  wire.Detector
		want Scores
	}{
		"Darknet, two layers": {[]cv.Tensor{
			{Shape: []int{2, 85}, Data: rowsOf(2, 85, with(append(far, 1), map[int]float32{0: 0.9}, 80), with(append(frac, 1), map[int]float32{0: 0.4, 7: 0.3}, 80))},
			{Shape: []int{1, 85}, Data: rowsOf(1, 85, with(append(frac, 1), map[int]float32{2: 0.6, 16: 0.99}, 80))},
		}, wire.Detector{}, Scores{0.4, 0.6}},
		"Darknet, VOC": {[]cv.Tensor{
			{Shape: []int{1, 25}, Data: rowsOf(1, 25, with(append(frac, 1), map[int]float32{0: 0.9, 14: 0.5, 6: 0.7}, 20))},
		}, wire.Detector{}, Scores{0.5, 0.7}},
		"YOLOv5": {[]cv.Tensor{{Shape: []int{1, 100, 85}, Data: rowsOf(100, 85,
			with(append(pix, 0.5), map[int]float32{0: 0.8}, 80), with(append(pix, 0.01), map[int]float32{0: 1}, 80))}},
			wire.Detector{}, Scores{Person: 0.4}},
		"YOLOv8": {[]cv.Tensor{{Shape: []int{1, 84, 100}, Data: columnsOf(84, 100,
			with(pix, map[int]float32{0: 0.8, 2: 0.2}, 80))}}, wire.Detector{}, Scores{0.8, 0.2}},
		"YOLOv8 of one class": {[]cv.Tensor{{Shape: []int{1, 5, 100}, Data: columnsOf(5, 100, with(pix, map[int]float32{0: 0.8}, 1))}},
			wire.Detector{}, Scores{Person: 0.8}},
		"SSD": {[]cv.Tensor{{Shape: []int{1, 1, 3, 7}, Data: rowsOf(3, 7,
			[]float32{0, 1, 0.7, 0.3, 0.2, 0.7, 0.8}, []float32{0, 3, 0.6, 0.3, 0.2, 0.7, 0.8}, []float32{0, 1, 0.9, 0, 0, 0.1, 0.1})}},
			wire.Detector{}, Scores{0.7, 0.6}},
		"SSD, own classes": {[]cv.Tensor{{Shape: []int{1, 1, 1, 7}, Data: []float32{0, 15, 0.7, 0.3, 0.2, 0.7, 0.8}}},
			cfg([]int{15}, nil), Scores{Person: 0.7}},
		"SSD in two": {[]cv.Tensor{
			{Shape: []int{1, 2, 2}, Data: []float32{0.1, 0.9, 0.2, 0.8}},
			{Shape: []int{1, 2, 4}, Data: []float32{0, 0, 0.1, 0.1, 0.3, 0.2, 0.7, 0.8}},
		}, wire.Detector{}, Scores{Person: 0.8}},
		"numbers that are none": {[]cv.Tensor{{Shape: []int{3, 6}, Data: rowsOf(3, 6,
			with(append(frac, 1), map[int]float32{0: nan}, 1), []float32{nan, 0.5, 0.4, 0.6, 1, 1},
			[]float32{0.5, 0.5, float32(math.Inf(1)), 0.6, 1, 1})}}, wire.Detector{}, Scores{}},
		"more than 1": {[]cv.Tensor{{Shape: []int{1, 6}, Data: append(append([]float32{}, frac...), 1, 7)}}, wire.Detector{}, Scores{Person: 1}},
	} {
		got, err := decode(tc.out, 320, middle, classesOf(&tc.cfg))
		if err != nil || math.Abs(got.Person-tc.want.Person) > 1e-6 || math.Abs(got.Vehicle-tc.want.Vehicle) > 1e-6 {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, tc.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		out []cv.Tensor
		cfg wire.Detector
	}{
		"nothing":                 {},
		"one dimension":           {out: []cv.Tensor{{Shape: []int{85}, Data: make([]float32, 85)}}},
		"a picture":               {out: []cv.Tensor{{Shape: []int{1, 3, 8, 8}, Data: make([]float32, 192)}}},
		"a batch":                 {out: []cv.Tensor{{Shape: []int{2, 100, 85}, Data: make([]float32, 2*8500)}}},
		"less data than it says":  {out: []cv.Tensor{{Shape: []int{100, 85}, Data: make([]float32, 85)}}},
		"too few columns":         {out: []cv.Tensor{{Shape: []int{100, 5}, Data: make([]float32, 500)}}},
		"too many rows":           {out: []cv.Tensor{{Shape: []int{maxRows + 1, 6}}}},
		"negative":                {out: []cv.Tensor{{Shape: []int{-1, 85}}}},
		"a class that is not had": {out: []cv.Tensor{{Shape: []int{1, 6}, Data: make([]float32, 6)}}, cfg: wire.Detector{Person: []int{1}}},
		"boxes without scores":    {out: []cv.Tensor{{Shape: []int{1, 2, 4}, Data: make([]float32, 8)}, {Shape: []int{1, 2, 1}, Data: make([]float32, 2)}}},
	} {
		if s, err := decode(tc.out, 320, Rect{0, 0, 1, 1}, classesOf(&tc.cfg)); !errors.Is(err, cv.ErrDetector) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint8(2), 3, 85, 1, 7, uint16(255))
	f.Add(uint8(3), 1, 100, 85, 7, uint16(8500))
	f.Add(uint8(4), 1, 1, 20, 7, uint16(140))
	f.Fuzz(func(t *testing.T, dims uint8, a, b, c, d int, n uint16) {
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(i%11) / 10
		}
		tensor := cv.Tensor{Shape: []int{a, b, c, d}[:dims%5], Data: data}
		for _, out := range [][]cv.Tensor{{tensor}, {tensor, tensor}} {
			s, err := decode(out, 320, Rect{0, 0, 1, 1}, classes{})
			if err == nil && !(s.Person >= 0 && s.Person <= 1 && s.Vehicle >= 0 && s.Vehicle <= 1) {
				t.Errorf("%v: %+v", tensor.Shape, s)
			}
		}
	})
}
