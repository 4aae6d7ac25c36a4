package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// newest returns the newest revision that is queued for each level.
func (f *fixture) newest(t *testing.T) map[Level]Alert {
	t.Helper()
	got := map[Level]Alert{}
	for _, it := range f.queued(t) {
		if it.Lane != outbox.Alert || len(it.Payload) == 0 {
			continue
		}
		var a Alert
		if err := json.Unmarshal(it.Payload, &a); err != nil {
			t.Fatal(err)
		}
		got[a.Level] = a
	}
	return got
}

func (s *Service) mustEscalate(t *testing.T, want int) time.Duration {
	t.Helper()
	n, wait, err := s.Escalate(t.Context())
	if n != want || err != nil {
		t.Fatalf("%d alerts escalated, %v; want %d", n, err, want)
	}
	return wait
}

func (s *Service) mustAnswer(t *testing.T, id, action string) {
	t.Helper()
	if err := s.Answer(t.Context(), id, Answer{Action: action, By: "duty"}); err != nil {
		t.Fatal(err)
	}
}

// TestClimbs: nobody acknowledges, so the alert climbs a level each five minutes, and
// after thirty it says that it is not handled.
func TestClimbs(t *testing.T) {
	f := newFixture(t)
	f.FirstLevel = Grid
	a := f.raise(t, f.event(2))
	f.mustEscalate(t, 0)
	if got := f.newest(t); len(got) != 1 || got[Grid].Escalated != "" {
		t.Fatalf("at first %v", got)
	}
	for i, want := range []struct {
		at     time.Duration
		n      int
		levels []Level
		why    Overdue
	}{
		{5*time.Minute - time.Second, 0, nil, ""},
		{5 * time.Minute, 1, []Level{Grid, Community}, NotAcknowledged},
		{5*time.Minute + time.Second, 0, nil, ""},
		{10 * time.Minute, 1, []Level{Grid, Community, Street}, NotAcknowledged},
		{29 * time.Minute, 0, nil, ""},
		{30 * time.Minute, 1, []Level{Grid, Community, Street}, NotHandled},
		{2 * time.Hour, 0, nil, ""},
	} {
		f.now = a.DetectedAt.Add(want.at)
		f.mustEscalate(t, want.n)
		got := f.newest(t)
		if len(got) != len(want.levels) {
			t.Fatalf("step %d: published for %v", i, got)
		}
		for _, level := range want.levels {
			if got[level].ID != a.ID || got[level].Escalated != want.why {
				t.Errorf("step %d: %s has %+v", i, level, got[level])
			}
		}
	}
}

func TestAcknowledgedButNotHandled(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.event(3))
	f.now = f.now.Add(time.Minute)
	f.mustAnswer(t, a.ID, "ack")
	f.queued(t)
	f.now = a.DetectedAt.Add(29 * time.Minute)
	f.mustEscalate(t, 0)
	f.now = a.DetectedAt.Add(31 * time.Minute)
	f.mustEscalate(t, 1)
	got := f.newest(t)
	street := got[Street]
	if len(got) != 2 || street.Escalated != NotHandled || street.State != Acknowledged || street.By != "duty" || !street.AcknowledgedAt.Equal(a.DetectedAt.Add(time.Minute)) {
		t.Errorf("published %+v", got)
	}
	f.now = f.now.Add(time.Minute)
	f.mustAnswer(t, a.ID, "handled")
	if got := f.newest(t); len(got) != 2 || !got[Street].HandledAt.Equal(f.now) {
		t.Errorf("once it is handled: %+v", got)
	}
	f.now = f.now.Add(24 * time.Hour)
	f.mustEscalate(t, 0)
}

func TestGravestHasNoHigherLevel(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.event(1))
	f.queued(t)
	f.now = a.DetectedAt.Add(6 * time.Minute)
	f.mustEscalate(t, 1)
	f.now = a.DetectedAt.Add(12 * time.Minute)
	f.mustEscalate(t, 0)
	for level, got := range f.newest(t) {
		if got.Rev != 2 || got.Escalated != NotAcknowledged {
			t.Errorf("%s: %+v", level, got)
		}
	}
}

// TestLateWhileOff: both clocks have run out when the gateway comes back.
func TestLateWhileOff(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.event(2))
	f.queued(t)
	f.now = a.DetectedAt.Add(time.Hour)
	for wait := time.Duration(0); wait == 0; {
		n, w, err := f.Escalate(t.Context())
		if err != nil || n > 1 {
			t.Fatal(n, err)
		}
		wait = w
	}
	if got := f.newest(t)[Street]; got.Escalated != NotHandled || got.Rev != 3 {
		t.Errorf("published %+v", got)
	}
}

func TestTerms(t *testing.T) {
	f := newFixture(t)
	f.Kinds = map[string]Terms{"smoke": {RespondWithin: time.Minute, Level: Street}}
	f.Severities = map[int]Terms{2: {RespondWithin: 2 * time.Minute, HandleWithin: 10 * time.Minute}}
	e := f.event(2)
	e.Kind = "smoke"
	a := f.raise(t, e)
	if a.Level != Street || a.RespondBy.Sub(f.now) != time.Minute || a.HandleBy.Sub(f.now) != 10*time.Minute {
		t.Errorf("of its kind and severity: %+v", a)
	}
	if a := f.raise(t, f.event(3)); a.Level != Community || a.RespondBy.Sub(f.now) != 5*time.Minute || a.HandleBy.Sub(f.now) != 30*time.Minute {
		t.Errorf("of none: %+v", a)
	}
}

func TestIncident(t *testing.T) {
	f := newFixture(t)
	first := f.raise(t, f.event(2))
	loiterer := f.event(3)
	loiterer.Kind = "loitering"
	f.now = f.now.Add(30 * time.Second)
	second := f.raise(t, loiterer)
	button := f.event(1)
	button.Device, button.Kind, button.Zone = "button-3", "panic", ""
	f.now = f.now.Add(50 * time.Second)
	third := f.raise(t, button)
	elsewhere := f.event(1)
	elsewhere.Device, elsewhere.Grid = "yard", "4"
	other := f.raise(t, elsewhere)
	f.now = f.now.Add(2 * time.Minute)
	later := f.raise(t, loiterer)
	if first.Incident != "" || second.Incident != first.ID || third.Incident != first.ID || other.Incident != "" || later.Incident != "" {
		t.Errorf("%q, %q, %q, %q, %q; the first is %s", first.Incident, second.Incident, third.Incident, other.Incident, later.Incident, first.ID)
	}
}

// TestRunClocks: an alert that is raised while nothing is due is not forgotten.
func TestRunClocks(t *testing.T) {
	f := newFixture(t)
	f.Now = time.Now
	f.RespondWithin = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.RunClocks(ctx) }()
	heard := make(chan outbox.Item, 100)
	f.Queued = func(items []outbox.Item) {
		for _, it := range items {
			heard <- it
		}
	}
	time.Sleep(50 * time.Millisecond) // it has looked and found nothing
	a := f.raise(t, Event{Device: "gate", Kind: "intrusion", Severity: 2, Start: time.Now(), Detected: time.Now()})
	for {
		select {
		case it := <-heard:
			if it.Topic != Topic(Street, a.ID) {
				continue
			}
		case <-time.After(5 * time.Minute):
			t.Fatal("the street has not heard of it")
		}
		break
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestFailingDatabaseIsNotStormed: something is due, and the database does not answer.
func TestFailingDatabaseIsNotStormed(t *testing.T) { synctest.Test(t, failingDatabaseIsNotStormed) }

func failingDatabaseIsNotStormed(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour, offset: time.Duration(truth.UnixNano()), synced: true}
	s := m.on(t, t.TempDir())
	m.raise(t, s)
	m.up += time.Hour
	var log bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.RunClocks(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "not kept"); n != 1 {
		t.Errorf("%d lines in the log, want 1", n)
	}
}

// TestClockUnset: until somebody sets the clock, the time that the machine has run
// counts, and setting it makes nothing overdue.
func TestClockUnset(t *testing.T) {
	dir := t.TempDir()
	m := &machine{boot: "a", up: time.Minute}
	s := m.on(t, dir)
	id := m.raise(t, s)
	m.up += 4 * time.Minute
	s.mustEscalate(t, 0)
	m.offset = time.Duration(truth.UnixNano()) // somebody sets it: 56 years pass
	s.mustEscalate(t, 0)
	s.mustCorrect(t, 1)
	s.mustEscalate(t, 0)
	m.up += 61 * time.Second
	s.mustEscalate(t, 1)
	if a, _ := s.get(t, id); a.Escalated != NotAcknowledged || !a.ClockSynced {
		t.Errorf("got %+v", a)
	}
}

// TestClockLostByRestart: the clock was right when the alert was raised; the box restarts
// without it. The machine's running time counts from the last moment that is known.
func TestClockLostByRestart(t *testing.T) {
	for _, synced := range []bool{true, false} {
		dir := t.TempDir()
		m := &machine{boot: "a", up: time.Hour, offset: time.Duration(truth.UnixNano()), synced: synced}
		s := m.on(t, dir)
		id := m.raise(t, s)
		if err := s.Store.Close(); err != nil {
			t.Fatal(err)
		}
		*m = machine{boot: "b", up: 4 * time.Minute}
		s = m.on(t, dir)
		s.mustEscalate(t, 0)
		m.up += 2 * time.Minute
		s.mustEscalate(t, 1)
		if a, _ := s.get(t, id); a.Escalated != NotAcknowledged {
			t.Errorf("synced %v: got %+v", synced, a)
		}
	}
}

// TestClockNeverSetAndRestart: neither run has a clock. The time before the restart counts
// up to the last sign of life.
func TestClockNeverSetAndRestart(t *testing.T) {
	dir := t.TempDir()
	m := &machine{boot: "a", up: 10 * time.Minute}
	s := m.on(t, dir)
	m.raise(t, s)
	m.up += 3 * time.Minute
	if err := s.Store.PutBeat(t.Context(), store.Beat(s.Clock.Beat())); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	*m = machine{boot: "b", up: time.Minute}
	s = m.on(t, dir)
	s.mustEscalate(t, 0)
	m.up += 61 * time.Second
	s.mustEscalate(t, 1)
	s.mustEscalate(t, 0)
}

func TestLongAnswers(t *testing.T) {
	f := newFixture(t)
	long := []rune{}
	for range 63 / 3 {
		long = append(long, '岗')
	}
	name := string(long)
	f.Gateway, f.Street, f.Community = name, name, name
	e := f.event(1)
	e.Device, e.Grid, e.Zone, e.Floor, e.Kind = name, name, name, name, "abandoned_object"
	e.Agitated = true
	first := f.raise(t, e)
	e.Kind = "thrown_object"
	a := f.raise(t, e)
	if a.Incident != first.ID {
		t.Fatal("no incident")
	}
	f.now = f.now.Add(time.Hour)
	f.mustEscalate(t, 2)
	if err := f.Answer(t.Context(), a.ID, Answer{Action: "dispatch", By: name, Note: name + name}); err != nil {
		t.Fatal(err)
	}
	for _, it := range f.queued(t) {
		if it.Lane != outbox.Alert {
			continue
		}
		if b, err := Render(it.Payload, f.now, true); err != nil || len(b) >= MaxPayload {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
	short := f.event(3)
	f.Gateway = "gw-1"
	short.Zone = "x"
	b := f.raise(t, short)
	if err := f.Answer(t.Context(), b.ID, Answer{Action: "dispatch", By: "王", Note: "李去了"}); err != nil {
		t.Fatal(err)
	}
	if got := f.newest(t)[Community]; got.By != "王" || got.Note != "李去了" || !slices.Contains(got.Evidence, "thumb") {
		t.Errorf("published %+v", got)
	}
}

// TestDrill: a test of the line that nobody answers goes to nobody else, and is closed when its time is
// over, also one that was but acknowledged; one that is handled stays so.
func TestDrill(t *testing.T) {
	for _, action := range []string{"", "ack", "handled"} {
		f := newFixture(t)
		e := f.event(4)
		e.Kind, e.Drill = "test", true
		a := f.raise(t, e)
		f.now = f.now.Add(time.Minute)
		if action != "" {
			f.mustAnswer(t, a.ID, action)
		}
		f.now = a.RespondBy.Add(-time.Second)
		f.mustEscalate(t, 0)
		f.now = a.RespondBy.Time
		want := 1
		if action == "handled" {
			want = 0
		}
		f.mustEscalate(t, want)
		got := f.newest(t)
		if over := got[Community]; len(got) != 1 || over.State != Handled || over.Escalated != "" || (over.By == f.Gateway) != (want == 1) {
			t.Errorf("after %q: %+v", action, got)
		}
		f.now = f.now.Add(time.Hour)
		f.mustEscalate(t, 0)
	}
}
