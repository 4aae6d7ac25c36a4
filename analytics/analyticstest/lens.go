package analyticstest

import (
	"math"
	"time"
)

// TamperKind is what is done to a camera.
type TamperKind int

// What is done to cameras.
const (
	Untouched TamperKind = iota
	Cover                // something dark before the lens
	Defocus              // out of focus
	Turn                 // turned to look elsewhere
	Blind                // a strong light into the lens
	Freeze               // the same picture over and over
)

// Tamper is done to the camera at a time and not undone.
type Tamper struct {
	Kind TamperKind
	At   time.Duration
}

// lens does to the picture what happens at the camera itself.
func (s *Scene) lens(pix []float64, t time.Duration) []float64 {
	if s.Shake != nil {
		if dx, dy := s.Shake(t); dx != 0 || dy != 0 {
			pix = s.shift(pix, dx, dy)
		}
	}
	since := (t - s.Tamper.At).Seconds()
	if since <= 0 {
		return pix
	}
	switch s.Tamper.Kind {
	case Cover:
		edge := int(min(since/0.6, 1) * float64(s.Height)) // comes from above
		for i := range edge * s.Width {
			pix[i] = 22 + 6*math.Sin(float64(i%s.Width)/90)
		}
	case Defocus:
		r := int(min(since/1.2, 1) * float64(s.Width) / 50)
		for range 3 {
			pix = blur(pix, s.Width, s.Height, r)
		}
	case Turn:
		pix = s.turn(pix, min(since/1.5, 1))
	case Blind:
		level := 400 * min(since/0.4, 1)
		for i := range pix {
			x, y := float64(i%s.Width)/float64(s.Width)-0.55, float64(i/s.Width)/float64(s.Height)-0.45
			pix[i] += level * math.Exp(-1.2*(x*x+y*y))
		}
	}
	return pix
}

// shift moves a picture by parts of pixels; its edges are drawn out.
func (s *Scene) shift(pix []float64, dx, dy float64) []float64 {
	out := make([]float64, len(pix))
	fx, fy := math.Floor(dx), math.Floor(dy)
	ax, ay := dx-fx, dy-fy
	for y := range s.Height {
		y0 := min(max(y+int(fy), 0), s.Height-1) * s.Width
		y1 := min(max(y+int(fy)+1, 0), s.Height-1) * s.Width
		for x := range s.Width {
			x0, x1 := min(max(x+int(fx), 0), s.Width-1), min(max(x+int(fx)+1, 0), s.Width-1)
			out[y*s.Width+x] = (1-ay)*((1-ax)*pix[y0+x0]+ax*pix[y0+x1]) + ay*((1-ax)*pix[y1+x0]+ax*pix[y1+x1])
		}
	}
	return out
}

// turn shows what lies beside the picture's right edge, the further the larger part.
func (s *Scene) turn(pix []float64, part float64) []float64 {
	out := make([]float64, len(pix))
	by := int(part * float64(s.Width))
	for y := range s.Height {
		row := out[y*s.Width : (y+1)*s.Width]
		n := copy(row, pix[y*s.Width+by:(y+1)*s.Width])
		copy(row[n:], s.elsewhere[y*s.Width:])
	}
	return out
}

// blur is a box filter of radius r.
func blur(pix []float64, w, h, r int) []float64 {
	pass := func(src []float64, n, lines, step, next int) []float64 {
		dst := make([]float64, len(src))
		for l := range lines {
			at := func(i int) int { return l*next + min(max(i, 0), n-1)*step }
			sum := 0.0
			for i := -r; i <= r; i++ {
				sum += src[at(i)]
			}
			for i := range n {
				dst[at(i)] = sum / float64(2*r+1)
				sum += src[at(i+r+1)] - src[at(i-r)]
			}
		}
		return dst
	}
	return pass(pass(pix, w, h, 1, w), h, w, w, 1)
}
