package alert

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// machine is a box whose clocks a test sets.
type machine struct {
	boot   string
	up     time.Duration
	offset time.Duration // of the wall clock
	synced bool
}

func (m *machine) Wall() time.Time     { return time.Unix(0, int64(m.offset+m.up)) }
func (m *machine) Boot() time.Duration { return m.up }
func (m *machine) BootID() string      { return m.boot }
func (m *machine) Synced() bool        { return m.synced }

// on starts a gateway's alerts on a machine.
func (m *machine) on(t *testing.T, dir string) *Service {
	t.Helper()
	st, err := store.Open(t.Context(), dir, store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	box, err := outbox.New(t.Context(), st.DB(), m.Wall)
	if err != nil {
		t.Fatal(err)
	}
	known, err := st.KnownTime(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Store: st, Outbox: box, Log: slog.New(slog.DiscardHandler), Now: m.Wall, Gateway: "gw", FirstLevel: Grid,
		RespondWithin: 5 * time.Minute, HandleWithin: 30 * time.Minute, Clock: clock.New(m, known)}
}

func (s *Service) get(t *testing.T, id string) (a Alert, steps []store.Step) {
	t.Helper()
	err := s.Store.Tx(t.Context(), func(tx *sql.Tx) error {
		row, _, err := store.AlertByID(t.Context(), tx, id)
		if err != nil {
			return err
		}
		return json.Unmarshal(row.Doc, &a)
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps, err = s.Store.Steps(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return a, steps
}

func (m *machine) raise(t *testing.T, s *Service) string {
	t.Helper()
	a, err := s.Raise(t.Context(), Event{Device: "gate", Kind: "intrusion", Severity: 2, Start: m.Wall().Add(-2 * time.Second), Detected: m.Wall()})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func (s *Service) mustCorrect(t *testing.T, want int) {
	t.Helper()
	n, err := s.Correct(t.Context(), s.Clock.Stamp())
	if n != want || err != nil {
		t.Errorf("%d alerts corrected, %v; want %d", n, err, want)
	}
}

// truth is when the machine of these tests was really switched on.
var truth = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestCorrect: an alert of 1970 gets its time once the clock is set, after a
// restart of the program in between too, and every time it is set again until a
// time service keeps it.
func TestCorrect(t *testing.T) {
	dir := t.TempDir()
	m := &machine{boot: "b1", up: 100 * time.Second}
	s := m.on(t, dir)
	id := m.raise(t, s)
	if a, _ := s.get(t, id); a.ClockSynced || a.DetectedAt.Year() != 1970 {
		t.Errorf("raised at %v, synced %v", a.DetectedAt, a.ClockSynced)
	}
	if err := s.Answer(t.Context(), id, Answer{Action: "ack"}); err != nil {
		t.Fatal(err)
	}
	s.mustCorrect(t, 0)
	_ = s.Store.Close()
	s = m.on(t, dir)
	m.up, m.offset = 160*time.Second, time.Duration(truth.UnixNano())-time.Hour // set, an hour wrong
	s.mustCorrect(t, 1)
	m.up, m.offset, m.synced = 170*time.Second, time.Duration(truth.UnixNano()), true
	s.mustCorrect(t, 1)
	a, steps := s.get(t, id)
	at := truth.Add(100 * time.Second)
	if !a.ClockSynced || a.Rev != 4 || a.ID != id || a.State != Acknowledged || !a.DetectedAt.Equal(at) || !a.StartedAt.Equal(at.Add(-2*time.Second)) ||
		!a.RespondBy.Equal(at.Add(5*time.Minute)) || !a.HandleBy.Equal(at.Add(30*time.Minute)) || !steps[0].At.Equal(at) {
		t.Errorf("corrected to %+v, first step at %v", a, steps[0].At)
	}
	m.offset += time.Hour
	s.mustCorrect(t, 0) // it was right
	other := m.raise(t, s)
	if all, err := s.Store.Unsures(t.Context()); len(all) != 0 || other == id || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

// TestCorrectAfterPowerCut: what was raised before the machine was switched off has
// its latest possible time, and says that it is not known better.
func TestCorrectAfterPowerCut(t *testing.T) {
	dir := t.TempDir()
	m := &machine{boot: "b1", up: 100 * time.Second}
	s := m.on(t, dir)
	id := m.raise(t, s)
	b := s.Clock.Beat()
	b.Up = 400 * time.Second
	if err := s.Store.PutBeat(t.Context(), store.Beat(b)); err != nil {
		t.Fatal(err)
	}
	_ = s.Store.Close()
	m.boot, m.up, m.offset = "b2", 10*time.Second, 0
	s = m.on(t, dir)
	s.mustCorrect(t, 0) // still 1970
	m.offset, m.synced = time.Duration(truth.UnixNano()), true
	s.mustCorrect(t, 1)
	a, _ := s.get(t, id)
	if want := truth.Add(-300 * time.Second); !a.DetectedAt.Equal(want) || a.ClockSynced || a.Rev != 2 {
		t.Errorf("at %v, synced %v, revision %d; want %v", a.DetectedAt, a.ClockSynced, a.Rev, want)
	}
	s.mustCorrect(t, 0)
}

// TestBehind: a clock that is set, but before what is known to have passed, is no
// better than one of 1970; and one that was once wrong does not spoil the right one.
func TestBehind(t *testing.T) {
	dir := t.TempDir()
	m := &machine{boot: "b1", up: time.Minute, offset: time.Duration(truth.UnixNano())}
	s := m.on(t, dir)
	if err := s.Store.PutBeat(t.Context(), store.Beat(s.Clock.Beat())); err != nil {
		t.Fatal(err)
	}
	_ = s.Store.Close()
	m.boot, m.up, m.offset = "b2", time.Second, time.Duration(truth.Add(-24*time.Hour).UnixNano())
	s = m.on(t, dir)
	id := m.raise(t, s)
	if a, _ := s.get(t, id); a.ClockSynced {
		t.Error("yesterday is taken for the time")
	}
	m.synced = true // and yesterday it is
	if !s.Clock.Stamp().Set {
		t.Error("a time service is not believed")
	}
	if err := s.Store.PutBeat(t.Context(), store.Beat(s.Clock.Beat())); err != nil {
		t.Fatal(err)
	}
	if known, err := s.Store.KnownTime(t.Context()); err != nil || !known.Before(truth) {
		t.Errorf("known %v, %v", known, err)
	}
}

// TestClockRun: the alert is corrected by whoever watches the clock.
func TestClockRun(t *testing.T) {
	m := &machine{boot: "b1", up: 100 * time.Second}
	s := m.on(t, t.TempDir())
	id := m.raise(t, s)
	m.offset, m.synced = time.Duration(truth.UnixNano()), true
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Clock.Run(ctx, func(ctx context.Context, stamp clock.Stamp) error {
		_, err := s.Correct(ctx, stamp)
		cancel()
		return err
	}, func(context.Context, clock.Beat) error { return nil })
	if a, _ := s.get(t, id); !a.ClockSynced || err == nil {
		t.Errorf("%+v, %v", a, err)
	}
}
