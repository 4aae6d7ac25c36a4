//go:build cgo

package track

import (
	"time"

	"sentrybox/analytics/wire"
)

// Doubt returns the first of the tests of a person that a track fails, in a
// picture of a size in pixels, and what was measured; nothing if it passes them all.
// Person stays true once it was, so a known person may be in doubt too.
func (t *Track) Doubt(now time.Duration, width, height int) (wire.Reason, []wire.Measure) {
	tall := max(t.Height(), 1)
	wide := t.widthSum / float64(max(t.n, 1))
	because := func(why wire.Reason, of wire.Quantity, have, need float64) (wire.Reason, []wire.Measure) {
		return why, []wire.Measure{{Of: of, Have: have, Need: need}}
	}
	switch {
	case now-t.since < sureAge:
		return because(wire.TooYoung, wire.AgeOf, (now - t.since).Seconds(), sureAge.Seconds())
	case float64(t.Seen) < sureSeen*float64(t.Pictures):
		return because(wire.SeldomSeen, wire.SeenIn, float64(t.Seen)/float64(t.Pictures), sureSeen)
	case now-t.moved > alive:
		return because(wire.Motionless, wire.StillFor, (now - t.moved).Seconds(), alive.Seconds())
	case t.Novelty() < sureNew:
		return because(wire.NoOutline, wire.OutlineNew, t.Novelty(), sureNew)
	case t.through() > sureThrough:
		return because(wire.SeenThrough, wire.Through, t.through(), sureThrough)
	case t.Height() < t.least:
		return because(wire.TooSmall, wire.Height, t.Height()/float64(height), t.least/float64(height))
	case t.Height() > t.most:
		return because(wire.TooLarge, wire.Height, t.Height()/float64(height), t.most/float64(height))
	case wide > wideThing*t.Height():
		return because(wire.TooWide, wire.Width, wide/tall, wideThing)
	case t.top > maxSpeed:
		return because(wire.TooFast, wire.TopSpeed, t.top, maxSpeed)
	case t.person(now, width, height):
		return "", nil
	}
	// It has neither gone its way nor stood there like a person.
	rest, need := t.rest(), t.far(width)
	if t.reach > need {
		return because(wire.NotStraight, wire.Straightness, t.reach/max(t.path, 1), straight)
	}
	why, m := because(wire.NotMoved, wire.Reach, t.reach/tall, need/tall)
	if t.reach > need-restSlack*rest*float64(width) {
		why = wire.Restless
	}
	return why, append(m, wire.Measure{Of: wire.RestlessPart, Have: rest})
}
