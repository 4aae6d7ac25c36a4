//go:build cgo

package crossing

import (
	"math"

	"sentrybox/analytics/wire"
)

// point is a place in the picture, in pixels.
type point struct{ x, y float64 }

// line is a polyline in pixels.
type line []point

func newLine(points []wire.Point, width, height int) line {
	l := make(line, len(points))
	for i, p := range points {
		l[i] = point{p[0] * float64(width), p[1] * float64(height)}
	}
	return l
}

// distance returns how far a point is from the nearest place on the line.
func (l line) distance(p point) float64 {
	best := math.Inf(1)
	for i := range len(l) - 1 {
		a, b := l[i], l[i+1]
		dx, dy := b.x-a.x, b.y-a.y
		f := 0.0
		if n := dx*dx + dy*dy; n > 0 {
			f = min(max(((p.x-a.x)*dx+(p.y-a.y)*dy)/n, 0), 1)
		}
		best = min(best, math.Hypot(p.x-a.x-f*dx, p.y-a.y-f*dy))
	}
	return best
}

// crossed returns how often the way from p to q crosses the line: each
// crossing to the right of somebody who walks along it is 1, to the left -1.
// A point upon the line is on its right, so that two steps never count one crossing
// twice.
func (l line) crossed(p, q point) int {
	n := 0
	for i := range len(l) - 1 {
		a, b := l[i], l[i+1]
		from, to := right(a, b, p), right(a, b, q)
		if from == to {
			continue
		}
		// The way crosses the endless line; within the segment, its ends lie on
		// both sides of the way. A corner belongs to one of its segments.
		if right(p, q, a) == right(p, q, b) {
			continue
		}
		if to {
			n++
		} else {
			n--
		}
	}
	return n
}

// right says whether p lies to the right of the way from a to b, in a
// picture whose y grows downwards, or upon it.
func right(a, b, p point) bool {
	return (b.x-a.x)*(p.y-a.y)-(b.y-a.y)*(p.x-a.x) >= 0
}
