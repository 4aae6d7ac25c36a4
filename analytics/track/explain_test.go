//go:build cgo

package track

import (
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// TestDoubtAgrees holds the explanation to the decision that it explains.
func TestDoubtAgrees(t *testing.T) {
	const w, h, now = 640, 360, 20 * time.Second
	r := rand.New(rand.NewPCG(4, 2))
	within := func(d time.Duration) time.Duration { return time.Duration(r.Float64() * float64(d)) }
	seen := map[wire.Reason]int{}
	for range 20_000 {
		n := 1 + r.IntN(80)
		k := Track{Pictures: 100, Seen: 50 + r.IntN(51), evidence: evidence{
			since: now - within(6*time.Second), moved: now - within(1200*time.Millisecond), n: n,
			newSum: r.Float64() * float64(n), moveSum: r.Float64() * 0.06 * float64(n), restSum: r.Float64() * float64(n),
			heightSum: r.Float64() * 160 * float64(n), widthSum: r.Float64() * 80 * float64(n),
			reach: r.Float64() * 120, path: r.Float64() * 400, top: r.Float64() * 6, throughSum: r.Float64() * float64(n), least: 20, most: 20 + r.Float64()*400,
		}}
		why, measures := k.Doubt(now, w, h)
		if passes := k.person(now, w, h); passes != (why == "") {
			t.Fatalf("a person: %v, but in doubt for %q: %+v", passes, why, k.evidence)
		}
		if why != "" && len(measures) == 0 {
			t.Fatalf("%s, and nothing measured", why)
		}
		seen[why]++
	}
	for _, why := range []wire.Reason{"", wire.TooYoung, wire.SeldomSeen, wire.Motionless, wire.NoOutline, wire.SeenThrough, wire.TooSmall,
		wire.TooLarge, wire.TooWide, wire.TooFast, wire.NotMoved, wire.NotStraight, wire.Restless} {
		if seen[why] == 0 {
			t.Errorf("no track was in doubt for %q", why)
		}
	}
}
