package tryout

import (
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// TestMisses: of what a rule watched, the nearest are told, each at its best moment; what it decided on
// and what is everywhere a little are not.
func TestMisses(t *testing.T) {
	var m misses
	note := func(track uint64, box *wire.Box, stance wire.Stance, have float64) wire.Note {
		return wire.Note{Track: track, Box: box, Stance: stance, Measures: []wire.Measure{{Of: wire.InZone, Have: have, Need: 10}}}
	}
	left, right := &wire.Box{0.1, 0.5, 0.1, 0.1}, &wire.Box{0.8, 0.5, 0.1, 0.1}
	for i := range 9 {
		at := float64(i)
		o := &wire.Overlay{Time: at, Tracks: []wire.Followed{{ID: 1, Nature: wire.Person}, {ID: 2, Nature: wire.Person}, {ID: 3, Nature: wire.Unproven}}}
		for track := uint64(1); track < 4; track++ {
			o.Notes = append(o.Notes, note(track, nil, wire.Watching, at))
		}
		o.Notes = append(o.Notes, note(0, left, wire.Watching, at), note(0, right, wire.Refused, at/4), note(0, nil, wire.Watching, 0))
		if i == 8 {
			o.Notes[0].Stance = wire.Decided
		}
		if i > 4 {
			o.Notes[1].Measures[0].Have = 1 // it has left
		}
		m.take(o, epoch().Add(time.Duration(i)*time.Second))
	}
	got := m.best(1)
	// A person half-way comes before what stays longer and is nobody.
	if len(got) != 3 || got[0].Note.Track != 2 || got[1].Note.Box == nil && got[1].Note.Track != 3 {
		t.Fatalf("%+v", got)
	}
	if !got[0].At.Equal(epoch().Add(4*time.Second)) || got[0].Note.Measures[0].Have != 4 || got[0].Track == nil {
		t.Errorf("not its best moment: %+v", got[0])
	}
	m.decided(0, 9)
	if got := m.best(1); len(got) != 2 { // what is no track was the decision's
		t.Errorf("after a decision: %+v", got)
	}
}
