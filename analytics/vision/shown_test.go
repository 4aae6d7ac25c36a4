//go:build cgo

package main

import (
	"reflect"
	"testing"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/overlay"
	"sentrybox/analytics/wire"
)

// everything is a config with a rule of each kind.
func everything() *wire.Config {
	cfg := testConfig(wire.Intrusion, wire.Motion, wire.Loitering, wire.Gathering, wire.AbandonedObject, wire.Tamper, wire.ThrownObject, wire.LineCrossing)
	cfg.Rules[2].After, cfg.Rules[3].After, cfg.Rules[4].After, cfg.Rules[3].People = 3, 3, 10, 2
	cfg.Zones = append(cfg.Zones, wire.Zone{Name: "kerb", Line: []wire.Point{{0.5, 0}, {0.5, 1}}})
	cfg.Rules[7].Zone = "kerb"
	cfg.Privacy = [][]wire.Point{{{0, 0}, {0.1, 0}, {0.1, 0.1}}}
	return cfg
}

func showWalk(t *testing.T, cfg *wire.Config, until time.Duration) answers {
	t.Helper()
	g := newGateway(t, cfg)
	g.lose[30] = true
	g.show(walk(), 0, until)
	g.check(g.w.End())
	return g.talk(cfg)
}

func TestShown(t *testing.T) {
	cfg := everything()
	plain := showWalk(t, cfg, 11*time.Second)
	cfg.Overlay, cfg.Annotate = true, true
	a := showWalk(t, cfg, 11*time.Second)
	if len(plain.detections) < 6 || !reflect.DeepEqual(plain.detections, a.detections) || plain.summary != a.summary {
		t.Errorf("other detections: %+v\n%+v", plain.detections, a.detections)
	}
	if len(a.overlays) != int(a.summary.Analysed) || a.hello.NoEncoder {
		t.Errorf("%d overlays of %d pictures analysed, hello %+v", len(a.overlays), a.summary.Analysed, a.hello)
	}
	t.Run("why", func(t *testing.T) { checkOverlays(t, cfg, a.overlays) })
	t.Run("video", func(t *testing.T) {
		n, last := checkVideo(t, cfg, a.video)
		// Every picture of 10 a second but the one that was lost.
		if n != int(a.summary.Decoded) || last < 10900*time.Millisecond {
			t.Errorf("%d pictures, the last at %v; decoded were %d", n, last, a.summary.Decoded)
		}
	})
}

func TestOnlyWhatIsAskedForIsShown(t *testing.T) {
	for _, asked := range [][2]bool{{false, false}, {true, false}, {false, true}} {
		cfg := everything()
		cfg.Overlay, cfg.Annotate = asked[0], asked[1]
		a := showWalk(t, cfg, 500*time.Millisecond)
		if got := [2]bool{len(a.overlays) > 0, len(a.video) > 0}; got != asked {
			t.Errorf("overlays and video asked for: %v, got %v", asked, got)
		}
	}
}

// TestShownOnlyWhileSomebodyLooks: while nobody does, nothing is sent, and keyframes alone are
// decoded as before.
func TestShownOnlyWhileSomebodyLooks(t *testing.T) {
	cfg := testConfig(wire.Intrusion, wire.ThrownObject)
	cfg.Lazy, cfg.Armed = true, []bool{true, false}
	g := newGateway(t, cfg)
	const looks, leaves = 300, 450 // access units of 80 ms
	g.between = func() {
		switch g.seq {
		case looks:
			g.check(g.w.JSON(wire.TypeShow, wire.Show{On: true}))
		case looks + 10:
			g.check(g.w.JSON(wire.TypeArm, wire.Arm{Armed: []bool{true, true}}))
		case leaves - 10:
			g.check(g.w.JSON(wire.TypeArm, wire.Arm{Armed: []bool{true, false}}))
		case leaves:
			g.check(g.w.JSON(wire.TypeShow, wire.Show{}))
		}
	}
	g.code(visits(), 48*time.Second, 80*time.Millisecond)
	g.check(g.w.End())
	a := g.talk(cfg)
	from, to := float64(looks)*0.08, float64(leaves)*0.08
	// What was held since a keyframe is shown too, and eight pictures are analysed a second.
	if n := len(a.overlays); n < 92 || n > 140 || len(a.detections) == 0 {
		t.Errorf("%d overlays, %d detections", n, len(a.detections))
	}
	for _, o := range a.overlays {
		if o.Time < from-5 || o.Time > to {
			t.Fatalf("an overlay at %.2f s, but somebody looks from %.2f to %.2f s", o.Time, from, to)
		}
	}
	if most := uint64(480); a.summary.Decoded > most {
		t.Errorf("%d pictures of 600 were decoded, want %d at most", a.summary.Decoded, most)
	}
	cfg.Overlay = true // asks all the time, and Show changes nothing
	g = newGateway(t, cfg)
	g.check(g.w.JSON(wire.TypeShow, wire.Show{}))
	g.show(walk(), 0, time.Second)
	g.check(g.w.End())
	if a := g.talk(cfg); len(a.overlays) == 0 {
		t.Error("the config's own request was taken back")
	}
}

// checkOverlays holds what was said about the walk.
func checkOverlays(t *testing.T, cfg *wire.Config, all []wire.Overlay) {
	rules, stances := map[wire.Kind]int{}, map[wire.Stance]int{}
	doubted, person := false, false
	for _, o := range all {
		for _, n := range o.Notes {
			rules[cfg.Rules[n.Rule].Kind]++
			if cfg.Rules[n.Rule].Kind == wire.Loitering {
				stances[n.Stance]++
			}
		}
		for _, k := range o.Tracks {
			doubted = doubted || k.Nature != wire.Person && k.Why == wire.TooYoung
			person = person || k.Nature == wire.Person && k.Age > 1
		}
	}
	for _, k := range []wire.Kind{wire.Intrusion, wire.Motion, wire.Loitering, wire.Gathering, wire.Tamper, wire.LineCrossing} {
		if rules[k] == 0 {
			t.Errorf("nothing was said about %s", k)
		}
	}
	if !doubted || !person || stances[wire.Watching] == 0 || stances[wire.Decided] == 0 {
		t.Errorf("in doubt: %v, a person: %v, stances to loitering %v", doubted, person, stances)
	}
}

// checkVideo decodes annotated video and returns how many pictures it has, and
// when the last is.
func checkVideo(t *testing.T, cfg *wire.Config, video []wire.Video) (n int, last time.Duration) {
	dec, err := cv.NewDecoder(wire.CodecH264)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dec.Close() }() // returns nil
	w, h := overlay.New(cfg).Size(testWidth, testHeight)
	var luma cv.Luma
	last = -1
	for _, v := range video {
		if err := dec.Send(v.Data, v.PTS, v.Keyframe); err != nil {
			t.Fatal(err)
		}
		for {
			ok, err := dec.Skip(&luma)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if luma.CodedWidth != w || luma.CodedHeight != h || luma.PTS <= last || luma.Corrupt {
				t.Fatalf("picture %d: %+v, want %d×%d after %v", n, luma, w, h, last)
			}
			last = luma.PTS
			n++
		}
	}
	return n, last
}
