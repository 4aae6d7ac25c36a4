package throw

import (
	"cmp"
	"slices"

	"sentrybox/analytics/wire"
)

const (
	recall      = 2.0 // seconds for which a verdict is explained
	maxExplains = 4   // tracks under way, and as many that have ended
	maxVerdicts = 256
)

// Explainer tells what a Detector thinks of what moves in its zone.
type Explainer struct {
	d        *Detector
	verdicts []explained
}

// explained is a track with what was thought of it.
type explained struct {
	at   float64 // media time of its last point, in seconds
	best float64
	note wire.Note
}

// NewExplainer returns an Explainer of d. It costs a little on every picture.
func NewExplainer(d *Detector) *Explainer {
	e := &Explainer{d: d}
	d.trace = e.remember
	return e
}

// Close ends it: the detector costs what it did before. A nil one may be closed.
func (e *Explainer) Close() {
	if e != nil {
		e.d.trace = nil
	}
}

func (e *Explainer) remember(t *track, v verdict) {
	x := e.explain(t, v)
	if v.reason == "" {
		x.note.Stance = wire.Decided
	} else {
		x.note.Stance = wire.Refused
	}
	if len(e.verdicts) < maxVerdicts {
		e.verdicts = append(e.verdicts, x)
	}
}

func (e *Explainer) explain(t *track, v verdict) explained {
	return explained{at: t.last().t, best: t.best, note: wire.Note{Box: e.box(t), Why: reasonOf(v), Measures: []wire.Measure{
		{Of: wire.Points, Have: float64(t.n), Need: minPoints}, {Of: wire.Score, Have: t.best, Need: accept}}}}
}

// Explain appends the best tracks that are under way or ended within the last
// two seconds, one of each place, as of the picture that Step took in last.
func (e *Explainer) Explain(dst []wire.Note) []wire.Note {
	if !e.d.begun {
		return dst
	}
	now := e.d.last.Seconds()
	e.verdicts = slices.DeleteFunc(e.verdicts, func(x explained) bool { return now-x.at > recall || x.at > now })
	var live []explained
	l := e.d.link
	for _, i := range l.live {
		if t := &l.pool[i]; t.n >= minPoints && t.best > 0 {
			x := e.explain(t, l.judge(t))
			x.note.Stance = wire.Watching
			live = append(live, x)
		}
	}
	dst = appendBest(dst, live)
	return appendBest(dst, e.verdicts)
}

// appendBest appends the best of some notes, but one of those that overlap.
func appendBest(dst []wire.Note, all []explained) []wire.Note {
	rank := func(x *explained) int {
		if x.note.Stance == wire.Decided {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b explained) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(b.best, a.best))
	})
	from := len(dst)
	for i := range all {
		n := all[i].note
		if slices.ContainsFunc(dst[from:], func(o wire.Note) bool { return overlap(o.Box, n.Box) }) {
			continue
		}
		if dst = append(dst, n); len(dst)-from == maxExplains {
			break
		}
	}
	return dst
}

func overlap(a, b *wire.Box) bool {
	return a[0] <= b[0]+b[2] && b[0] <= a[0]+a[2] && a[1] <= b[1]+b[3] && b[1] <= a[1]+a[3]
}

// box returns what a track passed through, as fractions of the picture.
func (e *Explainer) box(t *track) *wire.Box {
	d := e.d
	f, w, h := float64(d.factor), float64(d.width), float64(d.height)
	x0, y0, x1, y1 := 1.0, 1.0, 0.0, 0.0
	for i := range t.points[:t.n] {
		p := &t.points[i]
		x := (float64(d.region.Min.X) + (float64(p.x)+0.5)*f) / w
		y := (float64(d.region.Min.Y) + (float64(p.y)+0.5)*f) / h
		rx, ry := float64(p.w)/2*f/w, float64(p.h)/2*f/h
		x0, x1 = min(x0, x-rx), max(x1, x+rx)
		y0, y1 = min(y0, y-ry), max(y1, y+ry)
	}
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, 1), min(y1, 1)
	return &wire.Box{x0, y0, max(x1-x0, 0), max(y1-y0, 0)}
}

// reasonOf names a verdict's reason.
func reasonOf(v verdict) wire.Reason {
	switch v.reason {
	case "":
		return ""
	case "score":
		return wire.Unlikely
	case "short":
		return wire.TooShort
	case "crowd":
		return wire.Crowded
	}
	if why := wire.Reason(v.reason); slices.Contains(wire.Reasons(), why) {
		return why
	}
	return wire.Other
}
