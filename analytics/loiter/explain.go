//go:build cgo

package loiter

import (
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
)

// Explain appends the clock of each person and what keeps the rule from taking
// them for a loiterer, as of the picture that Step took in last.
func (w *Watch) Explain(s *behaviour.Scene, dst []wire.Note) []wire.Note {
	for i := range w.stays {
		v := &w.stays[i]
		n := wire.Note{Track: v.id, Stance: wire.Watching, Measures: []wire.Measure{
			{Of: wire.InZone, Have: v.dwell.Seconds(), Need: w.after.Seconds()}}}
		t := behaviour.Find(s.Tracks, v.id)
		if t == nil {
			box := behaviour.Fractions(v.box, w.zone.Width, w.zone.Height)
			n.Track, n.Box = 0, &box
		} else if !v.walked {
			n.Measures = append(n.Measures, wire.Measure{Of: wire.Walked, Have: t.Displacement(), Need: walked})
		}
		away := s.Time - v.last
		if away > 0 {
			n.Measures = append(n.Measures, wire.Measure{Of: wire.Away, Have: away.Seconds(), Need: forget.Seconds()})
		}
		switch {
		case t == nil:
			n.Why = wire.LostSight
		case !v.person:
			n.Why = wire.NotPerson
		case !v.in:
			n.Why = wire.Outside
		case away > 0 && t.Blob >= 0:
			n.Why = wire.Motionless
		case away > 0:
			n.Why = wire.LostSight
		case !v.walked:
			n.Why = wire.NotWalked
		case v.reported():
		case v.dwell < w.after:
			n.Why = wire.TooShort
		case !w.armed:
			n.Why = wire.Disarmed
		default:
			n.Why = wire.Indistinct
		}
		if v.reported() {
			n.Stance = wire.Decided
		}
		dst = append(dst, n)
	}
	return dst
}
