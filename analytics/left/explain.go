//go:build cgo

package left

import (
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
)

// Explain appends what the rule thinks of each still region, as of the picture
// that Step looked at last.
func (w *Watch) Explain(_ *behaviour.Scene, dst []wire.Note) []wire.Note {
	if w.motion == nil {
		return dst
	}
	for i := range w.regions {
		r := &w.regions[i]
		box := behaviour.Fractions(r.box, w.w, w.h)
		n := wire.Note{Box: &box, Stance: wire.Watching, Why: w.doubt(r), Measures: []wire.Measure{
			{Of: wire.Alone, Have: r.clock.Seconds(), Need: w.after.Seconds()}}}
		switch {
		case r.open:
			n.Stance = wire.Decided
		case w.spent(r):
			n.Stance, n.Why = wire.Refused, wire.GivenUp
		case n.Why != "" && n.Why != wire.TooShort:
			n.Stance = wire.Refused
		case len(r.near) > 0:
			n.Why = wire.SomeoneNear
		case !r.found:
			n.Why = wire.LostSight
		case n.Why == "" && r.clock < w.after:
			n.Why = wire.TooShort
		case n.Why == "" && !w.armed:
			n.Why = wire.Disarmed
		}
		dst = append(dst, n)
	}
	return dst
}

// doubt returns which of the tests of a thing a region fails, after thing.
func (w *Watch) doubt(r *region) wire.Reason {
	n := float64(r.judged)
	wide, high := r.box.Dx(), r.box.Dy()
	switch {
	case r.left || w.thing(r):
		return ""
	case !r.owner:
		return wire.NoOwner
	case r.judged < 4:
		return wire.TooShort
	case high > 3*wide || wide > 4*high || 3*len(r.pix) <= wide*high:
		return wire.Shape
	case r.same >= samePattern*n:
		return wire.OnlyLight
	case r.fresh <= edgeNew*n:
		return wire.NoOutline
	case w.zone.Share(r.box) < 0.5:
		return wire.Outside
	}
	return wire.TakenAway
}
