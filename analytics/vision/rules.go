//go:build cgo

package main

import (
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/crossing"
	"sentrybox/analytics/gather"
	"sentrybox/analytics/loiter"
	"sentrybox/analytics/presence"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// heuristic looks for one rule's behaviour. What a method returns is valid until
// the next call.
type heuristic interface {
	// Step takes in a picture.
	Step(*behaviour.Scene) []behaviour.Event
	// Arm arms or disarms the rule at a media time. Disarming ends what is open.
	Arm(armed bool, now time.Duration) []behaviour.Event
	// Resize says that pictures have another size from here on, in pixels.
	Resize(width, height int)
	// Finish ends what is open, since nothing more will be seen for now.
	Finish() []behaviour.Event
	// Pending says whether something goes on, or may begin, of which every picture is wanted.
	Pending() bool
}

// newHeuristic returns what a rule asks for, nil if this build has no such
// heuristic that judges tracks.
func newHeuristic(r wire.Rule, z wire.Zone, width, height int, armed bool) heuristic {
	if r.Kind == wire.LineCrossing {
		return crossing.New(z.Line, r.Direction, width, height, armed)
	}
	mask := zone.Rasterize(z.Polygon, width, height)
	switch r.Kind {
	case wire.Intrusion, wire.Motion:
		return &inZone{presence.New(r.Kind, mask, armed), z.Polygon}
	case wire.Gathering:
		return &inZone{gather.New(mask, r.People, seconds(r.After), armed), z.Polygon}
	case wire.Loitering:
		return &inZone{loiter.New(mask, seconds(r.After), armed), z.Polygon}
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// masked is a heuristic that looks at the pixels of a zone.
type masked interface {
	Step(*behaviour.Scene) []behaviour.Event
	Arm(armed bool, now time.Duration) []behaviour.Event
	Resize(*zone.Mask)
	Finish() []behaviour.Event
	Pending() bool
}

// explainer is a heuristic that says why it did or did not decide.
type explainer interface {
	// Explain appends what the rule thinks of what is in the picture that Step
	// took in last. The notes' Rule is for the caller to set.
	Explain(*behaviour.Scene, []wire.Note) []wire.Note
}

// inZone draws the zone anew for pictures of another size.
type inZone struct {
	masked
	polygon []wire.Point
}

// Resize is part of heuristic.
func (z *inZone) Resize(width, height int) {
	z.masked.Resize(zone.Rasterize(z.polygon, width, height))
}

// SetAfter is part of patient.
func (z *inZone) SetAfter(after time.Duration) {
	if p, ok := z.masked.(patient); ok {
		p.SetAfter(after)
	}
}

// Explain is part of explainer.
func (z *inZone) Explain(s *behaviour.Scene, dst []wire.Note) []wire.Note {
	if e, ok := z.masked.(explainer); ok {
		return e.Explain(s, dst)
	}
	return dst
}
