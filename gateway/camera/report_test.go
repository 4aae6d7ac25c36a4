package camera

import (
	"context"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/alert"
)

func (r *rig) changes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.agitated)
}

// TestAgitated: a gathering that changes is the same alert, once, however often
// the process says so.
func TestAgitated(t *testing.T) {
	r := newRig(t)
	r.send("gather", true)
	r.mu.Lock()
	r.refuse = 1 // raising it takes a second try
	r.mu.Unlock()
	for range 5 {
		r.send("agitate", false)
	}
	r.send("see", false)
	eventually(t, "all reports", time.Minute, func() bool { return r.count() == 2 && r.changes() == 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.agitated[0]
	if e.ID != "alert of gathering" || !e.Agitated || e.Severity != 2 || e.Device != "cam" || r.events[0].Agitated {
		t.Errorf("raised %+v, changed %+v", r.events[0], e)
	}
}

func TestFollow(t *testing.T) {
	open := make(map[uint64]*behaviour)
	for i, tc := range []struct {
		id       uint64
		phase    wire.Phase
		agitated bool
		want     bool
	}{
		{1, wire.Changed, true, false}, // never began
		{1, wire.Begun, false, true},
		{2, wire.Begun, true, true},
		{2, wire.Changed, true, false}, // was agitated at first
		{1, wire.Changed, true, true},
		{1, wire.Changed, true, false}, // again
		{1, wire.Ended, true, false},
		{1, wire.Changed, true, false}, // after its end
	} {
		d := wire.Detection{ID: tc.id, Phase: tc.phase, Agitated: tc.agitated}
		if got := follow(open, &d); (got != nil) != tc.want {
			t.Errorf("step %d: %+v", i, got)
		}
	}
	for id := range uint64(10000) {
		follow(open, &wire.Detection{ID: id, Phase: wire.Begun})
	}
	if len(open) > mostOpen {
		t.Errorf("%d behaviours are followed", len(open))
	}
}

// TestChangeOfWhatWasLost: nobody has heard of the gathering yet.
func TestChangeOfWhatWasLost(t *testing.T) {
	raised := 0
	c := &Camera{Raise: func(_ context.Context, e alert.Event) (string, error) {
		raised++
		if !e.Agitated {
			t.Error("it is calm")
		}
		return "x", nil
	}}
	r := report{of: &behaviour{}, changed: true, Event: alert.Event{Agitated: true}}
	if err := c.try(t.Context(), r); err != nil || raised != 1 || r.of.alert != "x" {
		t.Errorf("%v, raised %d times, alert %q", err, raised, r.of.alert)
	}
}
