//go:build cgo

package main

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// TestEveryRuleOnTracks has somebody cross the picture within 6 s.
func TestEveryRuleOnTracks(t *testing.T) {
	cfg := testConfig(wire.Loitering, wire.LineCrossing, wire.LineCrossing, wire.Gathering)
	cfg.Zones = append(cfg.Zones, wire.Zone{Name: "post", Line: []wire.Point{{0.5, 0.4}, {0.5, 1}}})
	cfg.Rules[0].After = 3
	cfg.Rules[1].Zone, cfg.Rules[1].Direction = "post", wire.RightToLeft // walking down, what is left is at the picture's right
	cfg.Rules[2].Zone, cfg.Rules[2].Direction = "post", wire.LeftToRight
	cfg.Rules[3].People, cfg.Rules[3].After = 2, 1
	g := newGateway(t, cfg)
	g.show(walk(), 0, 12*time.Second)
	g.check(g.w.End())
	a := g.talk(cfg)
	if len(a.detections) != 4 {
		t.Fatalf("%d detections, want both ends of a stay and of a crossing", len(a.detections))
	}
	begun := map[int]wire.Detection{}
	for _, d := range a.detections {
		if d.Phase == wire.Begun {
			begun[d.Rule] = d
			if _, err := jpeg.Decode(bytes.NewReader(d.JPEG)); err != nil {
				t.Errorf("thumbnail: %v", err)
			}
			continue
		}
		if b := begun[d.Rule]; b.ID != d.ID || d.End < b.Start || d.End > 9 {
			t.Errorf("%+v, began as %+v", d, b)
		}
	}
	if d, ok := begun[0]; !ok || d.Start < 2 || d.Start > 3 || d.Detected < d.Start+3 || d.Detected > d.Start+4 {
		t.Errorf("loitering: %v, %+v", ok, d)
	}
	if d, ok := begun[1]; !ok || d.Start < 4 || d.Start > 5 || d.Detected < 5 || d.Detected > 6 {
		t.Errorf("line_crossing: %v, %+v", ok, d)
	}
}
