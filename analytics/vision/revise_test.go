//go:build cgo

package main

import (
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
)

const (
	comesAt = 5 * time.Second
	savedAt = 20 * time.Second
	leaves  = 38 * time.Second
	goneAt  = leaves + 4*time.Second
	ends    = goneAt + 2*time.Second
)

// stander is a scene in which somebody comes, stands in the middle while a rule is saved, and goes.
func stander() *analyticstest.Scene {
	return &analyticstest.Scene{Width: testWidth, Height: testHeight, Seed: 5, Noise: 1,
		Actors: []analyticstest.Actor{{Height: 0.4, Shade: 40, Path: []analyticstest.Step{
			{At: comesAt, X: -0.1, Y: 0.8}, {At: comesAt + 4*time.Second, X: 0.5, Y: 0.8},
			{At: leaves, X: 0.5, Y: 0.8}, {At: goneAt, X: 1.1, Y: 0.8}}}}}
}

// before and after are the rules of a camera on which they are saved.
func before() *wire.Config {
	cfg := testConfig(wire.Intrusion, wire.Loitering)
	cfg.Rules[1].After = 60
	cfg.Overlay = true
	return cfg
}

func after() *wire.Config {
	cfg := testConfig(wire.Loitering, wire.Intrusion)
	cfg.Rules[0].After = 30
	cfg.Zones = append(cfg.Zones, wire.Zone{Name: "door", Polygon: []wire.Point{{0.3, 0.5}, {0.7, 0.5}, {0.7, 1}, {0.3, 1}}})
	cfg.Rules[1].Zone = "door"
	cfg.Overlay = true
	return cfg
}

// TestRevision: somebody stands in the zone while rules are saved. Their time runs on from when they came, the new
// rule sees them at once and where they are, and the place that they leave is nothing. TestLegacy shows what a process does
// that is started anew and knows nothing.
func TestRevision(t *testing.T) {
	s := stander()
	g := newGateway(t, before())
	g.show(s, 0, savedAt)
	g.revise(after())
	g.show(s, savedAt+testPeriod, ends)
	g.check(g.w.End())
	a := g.talk(before())
	if len(a.detections) != 6 || a.revised[0] != 2 {
		t.Fatalf("%d detections, %d of them before the revision; want the two ends of one before, of two then", len(a.detections), a.revised)
	}
	if d := a.detections[1]; d.Phase != wire.Ended || d.ID != a.detections[0].ID || d.Rule != 0 {
		t.Errorf("the rule that is gone ends with %+v", d)
	}
	crossed := a.detections[2]
	if saved := savedAt.Seconds(); crossed.Rule != 1 || crossed.Detected < saved || crossed.Detected > saved+0.5 || overlap(crossed.Box, s) < 0.5 {
		t.Errorf("the new rule sees %+v, where %v stands", crossed, where(s, savedAt))
	}
	stay := a.detections[3]
	if came := comesAt.Seconds(); stay.Rule != 0 || stay.Start < came || stay.Start > came+2 || stay.Detected < stay.Start+30 || stay.Detected > stay.Start+31.5 || overlap(stay.Box, s) < 0.5 {
		t.Errorf("the stay: %+v", stay)
	}
	if n := ghosts(a.overlays, s); n > 0 {
		t.Errorf("%d pictures have something where nobody is any more", n)
	}
}

// TestRevisionOfAZone: a zone is drawn anew round somebody who stands in it. Their time runs on, who was reported is not
// reported again, and who stands outside is forgotten.
func TestRevisionOfAZone(t *testing.T) {
	config := func(after, left, right float64) *wire.Config {
		cfg := testConfig(wire.Loitering)
		cfg.Zones = append(cfg.Zones, wire.Zone{Name: "door", Polygon: []wire.Point{{left, 0.5}, {right, 0.5}, {right, 1}, {left, 1}}})
		cfg.Rules[0].Zone, cfg.Rules[0].After = "door", after
		return cfg
	}
	for name, c := range map[string]struct {
		after, left, right float64
		detected           float64 // 0 for never
	}{
		"not yet reported": {26, 0.1, 0.8, 33},
		"reported":         {8, 0.1, 0.8, 15},
		"not in the new":   {26, 0, 0.2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := stander()
			cfg := config(c.after, 0.2, 0.9)
			g := newGateway(t, cfg)
			g.show(s, 0, savedAt)
			g.revise(config(c.after, c.left, c.right))
			g.show(s, savedAt+testPeriod, leaves)
			g.check(g.w.End())
			got := 0.0
			for _, d := range g.talk(cfg).detections {
				if d.Phase == wire.Begun {
					if got != 0 {
						t.Errorf("reported twice, at %v and %v", got, d.Detected)
					}
					got = d.Detected
				}
			}
			if got < c.detected-1.5 || got > c.detected+1.5 {
				t.Errorf("detected at %v, want about %v", got, c.detected)
			}
		})
	}
}

// where returns where somebody is at a time.
func where(s *analyticstest.Scene, at time.Duration) wire.Box {
	b, _ := s.Where(0, at)
	return wire.Box(b)
}

// overlap returns the intersection over union of a box with the place where somebody stands.
func overlap(b wire.Box, s *analyticstest.Scene) float64 {
	at := where(s, savedAt)
	w := min(b[0]+b[2], at[0]+at[2]) - max(b[0], at[0])
	h := min(b[1]+b[3], at[1]+at[3]) - max(b[1], at[1])
	in := max(w, 0) * max(h, 0)
	return in / (b[2]*b[3] + at[2]*at[3] - in)
}

// ghosts counts the pictures that have something where somebody stood, and is not any more.
func ghosts(all []wire.Overlay, s *analyticstest.Scene) int {
	n := 0
	for _, o := range all {
		at := where(s, time.Duration(o.Time*float64(time.Second)))
		stood := where(s, savedAt)
		if o.Time < leaves.Seconds() || at[0] > 0 && at[0] < stood[0]+stood[2]+0.05 {
			continue
		}
		for _, b := range o.Blobs {
			if overlap(b.Box, s) > 0.2 {
				n++
				break
			}
		}
	}
	return n
}

// TestRevisionKeepsFalls: what falls while rules are saved is seen whole, and told under the rule's new number.
func TestRevisionKeepsFalls(t *testing.T) {
	next := testConfig(wire.Tamper, wire.ThrownObject)
	g := newGateway(t, testConfig(wire.ThrownObject))
	g.drop(0, 2800*time.Millisecond)
	g.revise(next)
	g.drop(2800*time.Millisecond, 6*time.Second)
	g.check(g.w.End())
	a := g.talk(testConfig(wire.ThrownObject))
	if len(a.detections) != 2 || a.revised[0] != 0 || a.detections[0].Rule != 1 || len(a.detections[0].Track) < 10 {
		t.Errorf("%d detections: %+v", len(a.detections), a.detections)
	}
}

// TestRevisionOfASleeper: while keyframes alone are decoded what is held is looked at by the rules of before, and a
// new rule sees every picture for a while. Rules that there are already let it sleep on.
func TestRevisionOfASleeper(t *testing.T) {
	decoded := func(next *wire.Config) uint64 {
		cfg := testConfig(wire.Intrusion)
		cfg.Lazy = true
		g := newGateway(t, cfg)
		g.between = func() {
			if g.seq == 300 { // of 80 ms each
				g.revise(next)
			}
		}
		s := visits()
		s.Actors = s.Actors[1:]
		g.code(s, 40*time.Second, 80*time.Millisecond)
		g.check(g.w.End())
		a := g.talk(cfg)
		if len(a.detections) != 0 {
			t.Errorf("%+v", a.detections)
		}
		return a.summary.Decoded
	}
	same, other := decoded(testConfig(wire.Intrusion)), decoded(testConfig(wire.Intrusion, wire.Tamper))
	if same > 300 || other < same+50 || other > same+250 {
		t.Errorf("%d and %d pictures of 500 were decoded", same, other)
	}
}
