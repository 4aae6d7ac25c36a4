package alert

import (
	"testing"
	"time"
)

// after raises an event after a while.
func (f *fixture) after(t *testing.T, wait time.Duration, e Event) Alert {
	t.Helper()
	f.now = f.now.Add(wait)
	e.Start, e.Detected = f.now, f.now
	return f.raise(t, e)
}

// TestAnsweredGoesOnCounting: an answer does not make what is going on ring anew.
func TestAnsweredGoesOnCounting(t *testing.T) {
	for _, action := range []string{"ack", "dispatch"} {
		f := newFixture(t)
		first := f.raise(t, f.event(3))
		f.mustAnswer(t, first.ID, action)
		f.queued(t)
		for n := range 5 { // longer than the cool-down in all
			a := f.after(t, 30*time.Second, f.event(3))
			if want, _ := next(Raised, action); a.ID != first.ID || a.Rev != 3+n || a.Count != 2+n || a.State != want || !a.RespondBy.Equal(first.RespondBy.Time) {
				t.Fatalf("%s, event %d: %+v", action, n, a)
			}
		}
		if got := f.published(t)[Community]; len(got) != 1 || got[0].Count != 6 { // the last of five
			t.Errorf("%s: published %+v", action, got)
		}
		if a := f.after(t, time.Minute, f.event(3)); a.ID == first.ID || a.State != Raised {
			t.Errorf("%s: after the cool-down: %+v", action, a)
		}
	}
}

// TestAnsweredHidesNothing: what is news to who has answered is an alert of its own.
func TestAnsweredHidesNothing(t *testing.T) {
	for name, e := range map[string]func(*Event){
		"graver":        func(e *Event) { e.Severity = 2 },
		"agitated":      func(e *Event) { e.Agitated = true },
		"another kind":  func(e *Event) { e.Kind = "loitering" },
		"another zone":  func(e *Event) { e.Zone = "yard" },
		"another place": func(e *Event) { e.Device = "gate-west" },
		"a call":        func(e *Event) { e.Call = true },
		"a drill":       func(e *Event) { e.Drill = true },
	} {
		f := newFixture(t)
		first := f.raise(t, f.event(3))
		f.mustAnswer(t, first.ID, "ack")
		other := f.event(3)
		e(&other)
		if a := f.after(t, time.Second, other); a.ID == first.ID || a.State != Raised || a.Rev != 1 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	f := newFixture(t)
	first := f.raise(t, f.event(1))
	f.mustAnswer(t, first.ID, "ack")
	other := f.event(1)
	other.Agitated = true // as grave as it gets, and news all the same
	if a := f.after(t, time.Second, other); a.ID == first.ID {
		t.Errorf("agitated: %+v", a)
	}
}

// TestCalledAgain: each call after an answer rings, also when the one before has been answered as well.
func TestCalledAgain(t *testing.T) {
	f := newFixture(t)
	call := f.event(1)
	call.Kind, call.Call = "panic", true
	seen := map[string]bool{}
	for range 3 {
		a := f.after(t, time.Second, call)
		if seen[a.ID] || a.State != Raised {
			t.Fatalf("called again: %+v", a)
		}
		seen[a.ID] = true
		f.mustAnswer(t, a.ID, "ack")
	}
}

// TestGraverIsAnsweredToo: the lesser event of two rules counts in the graver alert, and does not ring.
func TestGraverIsAnsweredToo(t *testing.T) {
	f := newFixture(t)
	for _, severity := range []int{3, 2} {
		f.mustAnswer(t, f.after(t, time.Second, f.event(severity)).ID, "ack")
	}
	for _, severity := range []int{3, 2, 3} {
		if a := f.after(t, time.Second, f.event(severity)); a.State != Acknowledged || a.Severity != 2 {
			t.Errorf("severity %d: %+v", severity, a)
		}
	}
}

func TestOverdueIsNotFoldedInto(t *testing.T) {
	for action, within := range map[string]time.Duration{"": 5 * time.Minute, "ack": 30 * time.Minute} {
		f := newFixture(t)
		first := f.raise(t, f.event(3))
		if action != "" {
			f.mustAnswer(t, first.ID, action)
		}
		for f.now.Add(50 * time.Second).Before(first.DetectedAt.Add(within)) { // never older than the cool-down
			if a := f.after(t, 50*time.Second, f.event(3)); a.ID != first.ID {
				t.Fatalf("%q: in time: %+v", action, a)
			}
		}
		if a := f.after(t, 50*time.Second, f.event(3)); a.ID == first.ID || a.State != Raised {
			t.Errorf("%q: overdue: %+v", action, a)
		}
	}
}
