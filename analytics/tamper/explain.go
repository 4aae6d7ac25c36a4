//go:build cgo

package tamper

import (
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
)

// Explain appends how much of the view is lost and for how long, as of the
// picture that Step looked at last.
func (w *Watch) Explain(_ *behaviour.Scene, dst []wire.Note) []wire.Note {
	v := &w.view
	limit := goneShare
	if v.glare-v.refGlare > 0.35 {
		limit = glareShare
	}
	n := wire.Note{Stance: wire.Watching, Measures: []wire.Measure{{Of: wire.BlocksLost, Have: v.gone, Need: limit}}}
	if w.gone && !w.bad {
		need := needGradual
		if w.over-w.onset <= sudden {
			need = needSudden
		}
		n.Measures = append(n.Measures, wire.Measure{Of: wire.LostFor, Have: (w.last - w.over).Seconds(), Need: need.Seconds()})
	}
	if w.frozen.run > 0 {
		n.Measures = append(n.Measures, wire.Measure{Of: wire.Frozen, Have: w.frozen.run.Seconds()})
	}
	switch {
	case w.open:
		n.Stance = wire.Decided
	case w.bad && !w.armed:
		n.Why = wire.Disarmed
	case w.age < young:
		n.Why = wire.TooYoung
	case v.textured() < minTextured:
		n.Why = wire.NoTexture
	case w.gone && !w.resting:
		n.Why = wire.PictureMoves
	case w.gone:
		n.Why = wire.TooShort
	}
	return append(dst, n)
}
