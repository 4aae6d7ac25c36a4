//go:build cgo

package gather

import (
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
)

// Explain appends how many people the rule counts and for how long there have
// been enough, as of the picture that Step took in last.
func (w *Watch) Explain(s *behaviour.Scene, dst []wire.Note) []wire.Note {
	n := wire.Note{Stance: wire.Watching, Measures: []wire.Measure{{Of: wire.People, Have: float64(w.count), Need: float64(w.people)}}}
	dwell := time.Duration(0)
	if w.begun {
		dwell = s.Time - w.start
		n.Measures = append(n.Measures, wire.Measure{Of: wire.InZone, Have: dwell.Seconds(), Need: w.after.Seconds()})
	}
	switch {
	case w.open:
		n.Stance = wire.Decided
		if away := s.Time - w.last; away > 0 {
			n.Why = wire.TooFew
			n.Measures = append(n.Measures, wire.Measure{Of: wire.Away, Have: away.Seconds(), Need: fewerFor.Seconds()})
		}
	case w.count < w.people || !w.begun:
		n.Why = wire.TooFew
	case dwell < w.after || 2*w.held < dwell:
		n.Why = wire.TooShort
	case !w.armed:
		n.Why = wire.Disarmed
	}
	return append(dst, n)
}
