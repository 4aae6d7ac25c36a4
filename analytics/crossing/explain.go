//go:build cgo

package crossing

import (
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
)

// Explain appends what the rule thinks of each track that is near the line or
// has just crossed it, as of the picture that Step took in last.
func (w *Watch) Explain(s *behaviour.Scene, dst []wire.Note) []wire.Note {
	for i := range w.walkers {
		k := &w.walkers[i]
		t := behaviour.Find(s.Tracks, k.id)
		if t == nil || !k.inside && !k.done {
			continue
		}
		n := wire.Note{Track: k.id, Stance: wire.Watching, Measures: []wire.Measure{
			{Of: wire.FromLine, Have: min(w.line.distance(k.at)/w.margin(t), 9), Need: 1}}}
		switch {
		case t.Blob < 0:
			n.Why = wire.LostSight
		case k.done && !t.Person:
			n.Why = wire.NotPerson
			n.Measures = append(n.Measures, wire.Measure{
				Of: wire.LostFor, Have: (s.Time - k.end).Seconds(), Need: waitKnown.Seconds()})
		case k.net != 0 && k.far < 0.5:
			n.Why = wire.FromNowhere
		case k.net != 0 && !w.counts(k.net):
			n.Why = wire.WrongWay
		case !w.armed:
			n.Why = wire.Disarmed
		default:
			n.Why = wire.OnLine
		}
		dst = append(dst, n)
	}
	return dst
}

// margin returns from which distance on a track's foot is clear of the line, in pixels.
func (w *Watch) margin(t *track.Track) float64 {
	return max(clearHeights*t.Height(), clearPicture*float64(w.height))
}
