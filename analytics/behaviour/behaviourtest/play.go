//go:build cgo

// Package behaviourtest shows drawn scenes to a heuristic, through the same
// background and tracker that it has in the product.
package behaviourtest

import (
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
)

// Period is the time between pictures.
const Period = 125 * time.Millisecond

// Heuristic is what is tested.
type Heuristic interface {
	Step(*behaviour.Scene) []behaviour.Event
	Arm(armed bool, now time.Duration) []behaviour.Event
	Finish() []behaviour.Event
}

// Script says how a scene is shown.
type Script struct {
	Length time.Duration
	Arm    map[time.Duration]bool // when to arm and disarm
	Mirror bool                   // left and right
	During func()                 // called once with the last picture, while its scene is valid
}

// Play shows a scene to a heuristic and returns every event.
func Play(t testing.TB, s *analyticstest.Scene, h Heuristic, p Script) []behaviour.Event {
	t.Helper()
	d, err := motion.New(s.Width, s.Height, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tracker := track.New(s.Width, s.Height, 0)
	var events []behaviour.Event
	pix := make([]byte, s.Width*s.Height)
	for at := time.Duration(0); at <= p.Length; at += Period {
		if armed, ok := p.Arm[at]; ok {
			events = append(events, h.Arm(armed, at)...)
		}
		s.Draw(pix, at)
		if p.Mirror {
			mirror(pix, s.Width)
		}
		r, err := d.Detect(pix, at)
		if err != nil {
			t.Fatal(err)
		}
		tracker.Update(r, at)
		d.KeepAround()
		events = append(events, h.Step(&behaviour.Scene{Time: at, Pix: pix, Tracks: tracker.Tracks(), Motion: d, Blobs: r.Blobs})...)
		if p.During != nil && at+Period > p.Length {
			p.During()
		}
		d.Learn()
	}
	return append(events, h.Finish()...)
}

//go:norace
func mirror(pix []byte, width int) {
	for y := 0; y < len(pix); y += width {
		row := pix[y : y+width]
		for a, b := 0, width-1; a < b; a, b = a+1, b-1 {
			row[a], row[b] = row[b], row[a]
		}
	}
}
