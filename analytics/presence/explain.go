//go:build cgo

package presence

import (
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
)

// Explain appends what the rule thinks of each track in the zone, as of the
// picture that Step took in last.
func (w *Watch) Explain(s *behaviour.Scene, dst []wire.Note) []wire.Note {
	for _, v := range w.visitors {
		n := wire.Note{Track: v.id, Stance: wire.Watching, Measures: []wire.Measure{
			{Of: wire.InZone, Have: (s.Time - v.since).Seconds()}}}
		switch t := behaviour.Find(s.Tracks, v.id); {
		case t == nil || !v.seen:
			n.Why = wire.LostSight
		case !w.counts(t) && w.kind == wire.Motion:
			n.Why = wire.NotMover
		case !w.counts(t):
			n.Why = wire.NotPerson
		case w.open:
			n.Stance = wire.Decided
		case !w.armed:
			n.Why = wire.Disarmed
		}
		dst = append(dst, n)
	}
	if w.open && s.Time > w.lastIn {
		dst = append(dst, wire.Note{Stance: wire.Decided, Why: wire.LostSight, Measures: []wire.Measure{
			{Of: wire.Empty, Have: (s.Time - w.lastIn).Seconds(), Need: w.rearm().Seconds()}}})
	}
	return dst
}
