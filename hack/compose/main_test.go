package main

import (
	"encoding/json"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

// TestCameras holds every clip's camera against the config's schema.
func TestCameras(t *testing.T) {
	clips := analyticstest.Clips(analyticstest.FirstTestSeed, analyticstest.Stock{})
	for _, c := range append(clips, analyticstest.FallClips(analyticstest.FirstTestSeed, analyticstest.Stock{})...) {
		b, err := json.Marshal(camera(&c))
		if err != nil {
			t.Fatal(err)
		}
		cam, err := config.ParseCamera(c.Name, b, nil)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if len(cam.Detect) != len(c.Rules) {
			t.Errorf("%s: %d rules, want %d", c.Name, len(cam.Detect), len(c.Rules))
		}
		for i, r := range c.Rules {
			if got := cam.Detect[i]; got.Kind != r.Kind || got.People != r.People || r.After > 0 && time.Duration(got.After).Seconds() != r.After {
				t.Errorf("%s: %+v, want %+v", c.Name, got, r)
			}
			if z := cam.Zones[r.Zone]; r.Zone != "" && len(z.Floors) != len(c.Zones[0].Floors) {
				t.Errorf("%s: %d floors, want %d", c.Name, len(z.Floors), len(c.Zones[0].Floors))
			}
			if z := cam.Zones[r.Zone]; r.Kind == wire.LineCrossing && z.Direction != r.Direction {
				t.Errorf("%s: %q, want %q", c.Name, z.Direction, r.Direction)
			}
		}
	}
}
