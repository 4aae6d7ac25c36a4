// Package zone turns polygons drawn as fractions of a picture into masks at
// the size that the heuristics work at.
//
// A pixel belongs to a polygon if its centre lies inside by the even-odd rule,
// so that zones that share a border share no pixel.
package zone

import (
	"image"
	"slices"

	"sentrybox/analytics/wire"
)

// A Mask marks pixels of a picture of one size.
type Mask struct {
	Width, Height int
	Pix           []uint8 // row by row, 1 inside and 0 outside
	Area          int     // number of pixels inside
}

// New returns an empty mask. Width and height must be positive.
func New(width, height int) *Mask {
	return &Mask{Width: width, Height: height, Pix: make([]uint8, width*height)}
}

// Rasterize returns the pixels inside a polygon. A polygon so thin that it
// holds no pixel's centre gets the pixels of its outline, so that no zone that
// was drawn is without effect.
func Rasterize(polygon []wire.Point, width, height int) *Mask {
	m := New(width, height)
	m.Add(polygon)
	if m.Area == 0 {
		m.addOutline(polygon)
	}
	return m
}

// Privacy returns every pixel that one of the polygons touches: a pixel half
// covered shows what it must not.
func Privacy(polygons [][]wire.Point, width, height int) *Mask {
	m := New(width, height)
	for _, p := range polygons {
		m.Add(p)
		m.addOutline(p)
	}
	return m
}

// Add adds the pixels inside a polygon.
func (m *Mask) Add(polygon []wire.Point) {
	var cuts []float64
	for y := range m.Height {
		cy := (float64(y) + 0.5) / float64(m.Height)
		cuts = cuts[:0]
		for i, a := range polygon {
			b := polygon[(i+1)%len(polygon)]
			if (a[1] <= cy) != (b[1] <= cy) {
				cuts = append(cuts, a[0]+(cy-a[1])/(b[1]-a[1])*(b[0]-a[0]))
			}
		}
		slices.Sort(cuts)
		for i := 0; i+1 < len(cuts); i += 2 {
			// Pixel x is inside if its centre is at or right of the first cut
			// and left of the second.
			x0 := ceil(cuts[i]*float64(m.Width) - 0.5)
			x1 := ceil(cuts[i+1]*float64(m.Width) - 0.5)
			for x := max(x0, 0); x < min(x1, m.Width); x++ {
				m.set(x, y)
			}
		}
	}
}

func (m *Mask) addOutline(polygon []wire.Point) {
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		ax, ay := a[0]*float64(m.Width), a[1]*float64(m.Height)
		dx, dy := b[0]*float64(m.Width)-ax, b[1]*float64(m.Height)-ay
		// Half a pixel a step misses no pixel by more than a corner.
		n := max(1, ceil(2*max(dx, -dx, dy, -dy)))
		for k := range n + 1 {
			f := float64(k) / float64(n)
			x, y := int(ax+f*dx), int(ay+f*dy)
			m.set(min(max(x, 0), m.Width-1), min(max(y, 0), m.Height-1))
		}
	}
}

func (m *Mask) set(x, y int) {
	if p := &m.Pix[y*m.Width+x]; *p == 0 {
		*p = 1
		m.Area++
	}
}

// Share returns which part of a rectangle's pixels is inside, 0 to 1; 0 for a
// rectangle outside the picture.
func (m *Mask) Share(r image.Rectangle) float64 {
	r = r.Intersect(image.Rect(0, 0, m.Width, m.Height))
	if r.Empty() {
		return 0
	}
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, p := range m.Pix[y*m.Width+r.Min.X : y*m.Width+r.Max.X] {
			n += int(p)
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

func ceil(v float64) int {
	i := int(v)
	if float64(i) < v {
		i++
	}
	return i
}
