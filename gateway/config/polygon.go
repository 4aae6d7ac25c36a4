package config

import (
	"math"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/strict"
)

// Limits that the vision process has too.
const (
	minPoints = 3
	maxPoints = 128

	minLinePoints = 2
	maxLinePoints = 16
	// minArea, as a fraction of the picture, is a quarter of a pixel at 640 by 360.
	minArea = 1e-6
)

// DecodeNode takes an empty list for a polygon that is not drawn, which is how
// one is saved; whether one is needed is for the caller to say.
func (p *Polygon) DecodeNode(d *strict.Document, n ast.Node, path string) {
	points, ok := d.Sequence(n, path)
	if !ok || len(points) == 0 {
		return
	}
	if len(points) > maxPoints {
		d.Report(path, d.At(path), "config.polygon.many", len(points), maxPoints)
		return
	}
	var got Polygon
	whole := true
	for i, item := range points {
		q, ok := point(d, item, strict.Element(path, i))
		got = append(got, q)
		whole = whole && ok
	}
	// Some drawing tools repeat the first point at the end.
	if last := len(got) - 1; last >= minPoints && got[last] == got[0] {
		got = got[:last]
	}
	switch {
	case len(got) == 1:
		d.Report(path, d.At(path), "config.polygon.one", minPoints)
	case len(got) < minPoints:
		d.Report(path, d.At(path), "config.polygon.few", len(got), minPoints)
	case whole:
		if i, j, crossed := crossing(got); crossed {
			d.Report(path, d.At(path), "config.polygon.crossed", i, (i+1)%len(got), j, (j+1)%len(got))
		} else if area(got) < minArea {
			d.Report(path, d.At(path), "config.polygon.flat")
		}
	}
	*p = got
}

// DecodeNode takes an empty list for a line that is not drawn.
func (l *Line) DecodeNode(d *strict.Document, n ast.Node, path string) {
	points, ok := d.Sequence(n, path)
	if !ok {
		return
	}
	if len(points) == 0 {
		return
	}
	if len(points) < minLinePoints || len(points) > maxLinePoints {
		d.Report(path, d.At(path), "config.line.points", len(points), minLinePoints, maxLinePoints)
		return
	}
	whole := true
	for i, item := range points {
		at := strict.Element(path, i)
		q, ok := point(d, item, at)
		if ok && i > 0 && whole && q == (*l)[i-1] {
			d.Report(path, d.Mark(item), "config.line.twice", q[0], q[1])
			whole = false
		}
		*l = append(*l, q)
		whole = whole && ok
	}
}

func point(d *strict.Document, n ast.Node, path string) (wire.Point, bool) {
	var q wire.Point
	at := d.Mark(n)
	pair, ok := d.Resolve(n, path).(*ast.SequenceNode)
	if !ok || len(pair.Values) != len(q) {
		d.Report(path, at, "config.point.form")
		return q, false
	}
	for i, v := range pair.Values {
		if q[i], ok = strict.Number(d.Resolve(v, path)); !ok {
			d.Report(path, at, "config.point.form")
			return q, false
		}
	}
	for _, v := range q {
		if v < 0 || v > 1 {
			d.Report(path, at, "config.point.outside", q[0], q[1])
			return q, false
		}
	}
	return q, true
}

// DecodeNode takes a list of points, and a list of such lists.
func (p *Polygons) DecodeNode(d *strict.Document, n ast.Node, path string) {
	items, ok := d.Sequence(n, path)
	if !ok || len(items) == 0 {
		return
	}
	const most = 64
	if first, ok := d.Resolve(items[0], path).(*ast.SequenceNode); ok && len(first.Values) > 0 {
		if _, single := d.Resolve(first.Values[0], path).(*ast.SequenceNode); !single {
			*p = make(Polygons, 1)
			(*p)[0].DecodeNode(d, n, path)
			return
		}
	}
	if len(items) > most {
		d.Report(path, d.At(path), "config.many", len(items), most)
		return
	}
	*p = make(Polygons, len(items))
	for i, item := range items {
		at := strict.Element(path, i)
		d.Note(at, item)
		(*p)[i].DecodeNode(d, item, at)
		if len((*p)[i]) == 0 && d.Sound(at) {
			d.Report(at, d.At(at), "config.polygon.few", 0, minPoints)
		}
	}
}

// area returns the area of p by the shoelace formula, as a fraction of the
// picture.
func area(p Polygon) float64 {
	var sum float64
	for i, a := range p {
		b := p[(i+1)%len(p)]
		sum += a[0]*b[1] - b[0]*a[1]
	}
	return math.Abs(sum) / 2
}

// crossing returns the first two sides of p that cross, each by the index of
// the point at which it begins. Sides that only touch are let pass.
func crossing(p Polygon) (i, j int, ok bool) {
	for i := range p {
		for j := i + 2; j < len(p); j++ {
			if cross(p[i], p[(i+1)%len(p)], p[j], p[(j+1)%len(p)]) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// cross reports whether the segments ab and cd have one point in common that is
// an end of neither.
func cross(a, b, c, d wire.Point) bool {
	side := func(a, b, c wire.Point) float64 {
		return (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0])
	}
	return side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0
}
