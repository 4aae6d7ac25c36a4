//go:build cgo

package main

import (
	"math"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
)

// describe fills an overlay with what was made of a picture.
func (w *watcher) describe(o *wire.Overlay, f *falls, s *behaviour.Scene, r *motion.Result) {
	width, height := s.Motion.Size()
	*o = wire.Overlay{Time: s.Time.Seconds(), Settling: r.Settling, Foreground: round(r.Foreground), Armed: w.armed,
		Tracks: o.Tracks[:0], Blobs: o.Blobs[:0], Notes: o.Notes[:0]}
	for i := range s.Tracks[:min(len(s.Tracks), wire.MaxFollowed)] {
		o.Tracks = append(o.Tracks, followed(&s.Tracks[i], s, width, height))
	}
	for i := range r.Blobs[:min(len(r.Blobs), wire.MaxSeen)] {
		b := &r.Blobs[i]
		o.Blobs = append(o.Blobs, wire.Seen{Box: roundBox(behaviour.Fractions(b.Box, width, height)),
			New: round(b.New), Lost: round(b.Lost), Moving: round(b.Moving), Restless: round(b.Restless), Hold: b.Hold})
	}
	for i, h := range w.rules {
		from := len(o.Notes)
		if e, ok := h.(explainer); ok {
			o.Notes = e.Explain(s, o.Notes)
		} else {
			o.Notes = f.explain(i, o.Notes)
		}
		for k := range o.Notes[from:] {
			tidy(&o.Notes[from+k], i)
		}
	}
	o.Notes = o.Notes[:min(len(o.Notes), wire.MaxNotes)]
}

// followed describes a track.
func followed(t *track.Track, s *behaviour.Scene, width, height int) wire.Followed {
	f := wire.Followed{ID: t.ID, Nature: wire.Unproven, Age: round((s.Time - t.First).Seconds()), Shared: t.Shared, Hidden: t.Blob < 0}
	box := t.Box
	if f.Hidden {
		box = t.Predicted(0)
	}
	f.Box = roundBox(behaviour.Fractions(box, width, height))
	switch {
	case t.Person:
		f.Nature = wire.Person
		return f
	case t.Mover:
		f.Nature = wire.Mover
	}
	f.Why, f.Measures = t.Doubt(s.Time, width, height)
	roundAll(f.Measures)
	return f
}

// explain appends what the rule of that index thinks of what falls.
func (f *falls) explain(rule int, dst []wire.Note) []wire.Note {
	for i, r := range f.rules {
		if r == rule && f.dets[i] != nil && f.why[i] != nil {
			return f.why[i].Explain(dst)
		}
	}
	return dst
}

// tidy makes a note fit for the wire.
func tidy(n *wire.Note, rule int) {
	n.Rule = rule
	if n.Box != nil {
		*n.Box = roundBox(*n.Box)
	}
	roundAll(n.Measures)
}

func roundAll(all []wire.Measure) {
	for i := range all {
		all[i].Have, all[i].Need = round(all[i].Have), round(all[i].Need)
	}
}

func roundBox(b wire.Box) wire.Box {
	for i := range b {
		b[i] = min(max(round(b[i]), 0), 1)
	}
	return b
}

// round keeps four digits after the point, which is a tenth of a pixel.
func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }
