package throw

import (
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// Event is one object that fell.
type Event struct {
	Start    time.Duration // media time of the first point
	Detected time.Duration // when the decision fell
	End      time.Duration // media time of the last point
	// Box is what the object passed through, from its first to its last point.
	Box        wire.Box
	Confidence float64
	// Track is where the object was, in order of time, at most wire.MaxTrack points.
	Track []wire.TrackPoint
	// Top is the highest point at which it was seen. It came from there or above:
	// an object that has just been let go is too slow to see.
	Top wire.Point
	// Origin is where it most likely began to fall, if it fell from rest: above Top
	// by what it has needed for its speed there.
	Origin wire.Point
}

func (d *Detector) tell(tr *track, v *verdict, t time.Duration) {
	p := tr.points[:v.n]
	w, h := float64(d.width), float64(d.height)
	place := func(x, y float64) (float64, float64) {
		fx := (float64(d.region.Min.X) + x*float64(d.factor)) / w
		fy := (float64(d.region.Min.Y) + y*float64(d.factor)) / h
		return min(max(fx, 0), 1), min(max(fy, 0), 1)
	}
	e := Event{Start: seconds(p[0].t), Detected: t, End: seconds(p[len(p)-1].t), Top: wire.Point{0, 1},
		Confidence: 1 - 0.4*math.Exp(-max(tr.best-accept, 0)/30)}
	x0, y0, x1, y1 := 1.0, 1.0, 0.0, 0.0
	for i := range p {
		hw, hh := float64(p[i].w)/2, float64(p[i].h)/2
		ax, ay := place(float64(p[i].x)+0.5-hw, float64(p[i].y)+0.5-hh)
		bx, by := place(float64(p[i].x)+0.5+hw, float64(p[i].y)+0.5+hh)
		x0, y0, x1, y1 = min(x0, ax), min(y0, ay), max(x1, bx), max(y1, by)
		if cx, cy := place(float64(p[i].x)+0.5, float64(p[i].y)+0.5); cy < e.Top[1] {
			e.Top = wire.Point{cx, cy}
		}
	}
	e.Origin = d.origin(v, e.Top)
	e.Box = wire.Box{x0, y0, x1 - x0, y1 - y0}
	n := min(len(p), wire.MaxTrack)
	e.Track = make([]wire.TrackPoint, n)
	for i := range e.Track {
		q := &p[i*(len(p)-1)/max(n-1, 1)]
		x, y := place(float64(q.x)+0.5, float64(q.y)+0.5)
		e.Track[i] = wire.TrackPoint{q.t, x, y}
	}
	d.events = append(d.events, e)
}

// maxUnseen is how far, in heights of the picture, a thing falls before it is seen, at most.
const maxUnseen = 0.06

func (d *Detector) origin(v *verdict, top wire.Point) wire.Point {
	above := 0.0
	if f := &v.fit; f.v > 0 && f.a > 0 {
		above = f.v * f.v / (2 * f.a) / d.link.height
	}
	return wire.Point{top[0], max(top[1]-min(above, maxUnseen), 0)}
}
