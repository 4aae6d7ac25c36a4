package alert

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/uplink/outbox"
)

func (f *fixture) gathering(severity int, agitated bool) Event {
	e := f.event(severity)
	e.Kind, e.Agitated = "gathering", agitated
	return e
}

func (f *fixture) agitate(t *testing.T, id string, severity int) {
	t.Helper()
	if err := f.Agitate(t.Context(), id, f.gathering(severity, true)); err != nil {
		t.Fatal(err)
	}
}

// published returns the alerts that would be sent, by level.
func (f *fixture) published(t *testing.T) map[Level][]Alert {
	t.Helper()
	all := make(map[Level][]Alert)
	for _, it := range f.queued(t) {
		if it.Lane != outbox.Alert || len(it.Payload) == 0 {
			continue
		}
		var a Alert
		if err := json.Unmarshal(it.Payload, &a); err != nil {
			t.Fatal(err)
		}
		if len(it.Payload) >= MaxPayload || Topic(a.Level, a.ID) != it.Topic {
			t.Errorf("%d bytes for %s on %s", len(it.Payload), a.Level, it.Topic)
		}
		all[a.Level] = append(all[a.Level], a)
	}
	return all
}

func TestAgitatedAtFirst(t *testing.T) {
	for severity, want := range map[int]int{4: 3, 3: 2, 2: 1, 1: 1} {
		f := newFixture(t)
		a := f.raise(t, f.gathering(severity, true))
		if a.Severity != want || !a.Agitated || a.Rev != 1 {
			t.Errorf("severity %d: %+v", severity, a)
		}
		if n := len(f.published(t)); n != len(a.levels(Community)) {
			t.Errorf("severity %d: %d levels heard", severity, n)
		}
		f.agitate(t, a.ID, severity) // says nothing new
		if got := f.published(t); len(got) != 0 {
			t.Errorf("severity %d: published again: %+v", severity, got)
		}
	}
	f := newFixture(t)
	f.raise(t, f.gathering(3, false))
	for _, it := range f.queued(t) {
		if strings.Contains(string(it.Payload), "agitated") {
			t.Errorf("a calm gathering: %s", it.Payload)
		}
	}
}

func TestAgitatedLater(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.gathering(2, false))
	f.queued(t)
	f.now = f.now.Add(10 * time.Minute) // long after the cool-down
	for range 3 {
		f.agitate(t, a.ID, 2)
	}
	got := f.published(t)
	for _, level := range Levels() { // two of which had not heard of it
		if len(got[level]) != 1 {
			t.Fatalf("%s heard %+v", level, got[level])
		}
		if b := got[level][0]; b.ID != a.ID || b.Rev != 2 || b.Severity != 1 || !b.Agitated || b.Count != 1 || b.State != Raised || !b.RespondBy.Equal(a.RespondBy.Time) {
			t.Errorf("%s heard %+v", level, b)
		}
	}
	steps, err := f.Store.Steps(t.Context(), a.ID)
	if err != nil || len(steps) != 2 || steps[1].Action != "agitated" {
		t.Errorf("steps %+v, %v", steps, err)
	}
	// All three are cleared when it closes.
	if err := f.Answer(t.Context(), a.ID, Answer{Action: "handled"}); err != nil {
		t.Fatal(err)
	}
	var cleared []string
	for _, it := range f.queued(t) {
		if len(it.Payload) == 0 {
			cleared = append(cleared, it.Topic)
		}
	}
	if len(cleared) != 3 {
		t.Errorf("cleared %v", cleared)
	}
}

func TestAgitatedWhileFolding(t *testing.T) {
	f := newFixture(t)
	first := f.raise(t, f.gathering(3, false))
	f.now = f.now.Add(20 * time.Second)
	if a := f.raise(t, f.gathering(3, true)); a.ID != first.ID || a.Severity != 2 || !a.Agitated || a.Count != 2 {
		t.Errorf("an agitated event was folded in as %+v", a)
	}
	f.now = f.now.Add(20 * time.Second)
	if a := f.raise(t, f.gathering(3, false)); a.Severity != 2 || !a.Agitated || a.Count != 3 {
		t.Errorf("a calm event after it: %+v", a)
	}
	f.queued(t)
	f.agitate(t, first.ID, 3) // the third one changes too: no graver than that
	if got := f.published(t); len(got) != 0 {
		t.Errorf("a second step: %+v", got)
	}
	f.agitate(t, first.ID, 2) // a graver rule's gathering of the same zone
	if got := f.published(t)[Street]; len(got) != 1 || got[0].Severity != 1 {
		t.Errorf("of a graver rule: %+v", got)
	}
}

func TestAgitatedAfterAnswers(t *testing.T) {
	for _, tc := range []struct {
		actions []string
		state   State
		open    bool
	}{
		{[]string{"ack"}, Acknowledged, true},
		{[]string{"ack", "dispatch"}, Dispatched, true},
		{[]string{"handled"}, Handled, false},
		{[]string{"false"}, False, false},
	} {
		f := newFixture(t)
		a := f.raise(t, f.gathering(2, false))
		for _, action := range tc.actions {
			if err := f.Answer(t.Context(), a.ID, Answer{Action: action}); err != nil {
				t.Fatal(err)
			}
		}
		f.queued(t)
		f.agitate(t, a.ID, 2)
		got := f.published(t)
		if !tc.open {
			if len(got) != 0 {
				t.Errorf("%s: published %+v", tc.state, got)
			}
			continue
		}
		for _, level := range Levels() {
			if !slices.ContainsFunc(got[level], func(b Alert) bool {
				return b.State == tc.state && b.Severity == 1 && b.Rev == len(tc.actions)+2
			}) {
				t.Errorf("%s: %s heard %+v", tc.state, level, got[level])
			}
		}
	}
}

func TestAgitatedNothing(t *testing.T) {
	f := newFixture(t)
	if err := f.Agitate(t.Context(), "01JQ0000000000000000000000", f.gathering(2, true)); !errors.Is(err, ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestAgitatedWithLongestNames(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("岗", 21)
	f.Gateway, f.Street, f.Community = long, long, long
	e := f.gathering(2, true)
	e.Device, e.Grid, e.Zone = long, long, long
	f.raise(t, e)
	if n := len(f.published(t)); n != 3 {
		t.Errorf("%d levels heard", n)
	}
}

// TestAgitatedWhileHeld: the alert is in memory alone.
func TestAgitatedWhileHeld(t *testing.T) {
	f := newFixture(t)
	f.writable(t, false)
	a, err := f.Raise(t.Context(), f.gathering(2, false))
	if !errors.Is(err, ErrHeld) {
		t.Fatal(err)
	}
	f.queued(t)
	for range 2 {
		f.agitate(t, a.ID, 2)
	}
	got := f.published(t)
	for _, level := range Levels() {
		if len(got[level]) != 1 || got[level][0].Severity != 1 || got[level][0].Rev != 2 {
			t.Errorf("%s heard %+v", level, got[level])
		}
	}
	f.writable(t, true)
	if n, err := f.Settle(t.Context()); n != 0 || err != nil {
		t.Fatalf("%d are in memory still, %v", n, err)
	}
	if got := f.published(t)[Street]; len(got) != 1 || got[0].Severity != 1 || !got[0].Agitated {
		t.Errorf("then queued: %+v", got)
	}
}
