//go:build cgo

package gather

import (
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
)

// Explain appends how many people the rule counts and for how long there have
// been enough, as of the picture that Step took in last.
func (w *Watch) Explain(s *behaviour.Scene, dst []wire.Note) []wire.Note {
	n := wire.Note{Stance: wire.Watching, Measures: []wire.Measure{{Of: wire.People, Have: w.count, Need: w.people}}}
	if w.begun {
		n.Measures = append(n.Measures, wire.Measure{Of: wire.InZone, Have: max(w.dwell, 0).Seconds(), Need: w.after.Seconds()})
	}
	switch {
	case w.open:
		n.Stance = wire.Decided
		if away := s.Time - w.last; away > 0 {
			n.Why = wire.TooFew
			n.Measures = append(n.Measures, wire.Measure{Of: wire.Away, Have: away.Seconds(), Need: fewerFor.Seconds()})
		}
	case w.count < w.people-enough:
		n.Why = wire.TooFew
	case w.dwell < w.after:
		n.Why = wire.TooShort
	case !w.armed:
		n.Why = wire.Disarmed
	}
	return append(dst, n)
}
