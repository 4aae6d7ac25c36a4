package shortform

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

type way struct {
	name      string
	got       []string
	err       error
	hour, day int
	hook      func()
}

func (w *way) Name() string       { return w.name }
func (w *way) Group() string      { return "sms" }
func (w *way) Limits() (int, int) { return w.hour, w.day }
func (w *way) Send(_ context.Context, a Alert) error {
	w.got = append(w.got, a.ID)
	if w.hook != nil {
		w.hook()
	}
	return w.err
}

type fixture struct {
	*Service
	now     time.Time
	waiting []Alert
}

func newFixture(t *testing.T, path string, ways ...Way) *fixture {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM sqlite_master WHERE name = 'short_form'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	for _, step := range Schema()[n:] {
		if _, err := db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	f := &fixture{now: time.Unix(1_800_000_000, 0)}
	f.Service = &Service{DB: db, Now: func() time.Time { return f.now }, Log: slog.New(slog.DiscardHandler), Ways: ways, After: time.Minute,
		Waiting: func(context.Context) ([]Alert, error) { return f.waiting, nil }, seen: map[string]time.Time{}}
	return f
}

func (f *fixture) add(id string, age time.Duration) {
	f.waiting = append(f.waiting, Alert{ID: id, Kind: "intrusion", Severity: 1, Detected: f.now.Add(-age), Synced: true})
}

func (f *fixture) tick(t *testing.T, d time.Duration) {
	t.Helper()
	f.now = f.now.Add(d)
	if err := f.look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "s.db") }

// TestOnce: an alert that waits goes out once by each way, not before its time,
// and not again after a restart; one that a broker has taken does not go out.
func TestOnce(t *testing.T) {
	path, a, b := file(t), &way{name: "sms/1"}, &way{name: "sms/2"}
	f := newFixture(t, path, a, b)
	f.add("A", 30*time.Second)
	f.add("B", 2*time.Minute)
	f.add("old", 25*time.Hour)
	if err := Delivered(t.Context(), f.DB, f.now, "B", "B"); err != nil {
		t.Fatal(err)
	}
	f.tick(t, 0)
	if len(a.got) != 0 {
		t.Errorf("%v went out too soon", a.got)
	}
	f.tick(t, time.Minute)
	f.tick(t, time.Hour)
	again := newFixture(t, path, a, b)
	again.now = f.now
	again.waiting = f.waiting
	again.tick(t, time.Minute)
	for _, w := range []*way{a, b} {
		if !slices.Equal(w.got, []string{"A"}) {
			t.Errorf("%s sent %v", w.name, w.got)
		}
	}
}

// TestUnsetClock: what was raised before the clock was set waits by our own.
func TestUnsetClock(t *testing.T) {
	w := &way{name: "sms/1"}
	f := newFixture(t, file(t), w)
	f.waiting = []Alert{{ID: "A", Severity: 1, Detected: time.Unix(50, 0)}}
	f.tick(t, 0)
	f.tick(t, 59*time.Second)
	if len(w.got) != 0 {
		t.Error("too soon")
	}
	f.tick(t, 2*time.Second)
	if len(w.got) != 1 {
		t.Error("not sent")
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int // tries in two hours
	}{
		{errors.New("no network"), 27}, {fmt.Errorf("x: %w", ErrUnsure), 2}, {fmt.Errorf("x: %w", ErrNever), 1},
	} {
		w := &way{name: "sms/1", err: c.err}
		f := newFixture(t, file(t), w)
		f.add("A", time.Minute)
		for range 720 {
			f.tick(t, 10*time.Second)
		}
		if len(w.got) != c.want {
			t.Errorf("%v: %d tries, want %d", c.err, len(w.got), c.want)
		}
	}
}

// TestKilledWhileSending: what was being sent is sent once more, and then no more.
func TestKilledWhileSending(t *testing.T) {
	path, w := file(t), &way{name: "sms/1"}
	f := newFixture(t, path, w)
	f.add("A", time.Minute)
	for range 4 {
		ctx, kill := context.WithCancel(t.Context())
		f.now = f.now.Add(time.Minute)
		w.hook = func() { panic("killed") }
		func() {
			defer func() { _ = recover() }()
			_ = f.look(ctx)
		}()
		kill()
		again := newFixture(t, path, w)
		again.waiting, again.now = f.waiting, f.now
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := again.DB.Exec(`UPDATE short_form SET state = ? WHERE state = ?`, unsure, sending); err != nil {
			t.Fatal(err)
		}
		_ = again.Run(ctx)
		f = again
	}
	if len(w.got) != 2 {
		t.Errorf("sent %d times", len(w.got))
	}
}

func TestLimits(t *testing.T) {
	a, b := &way{name: "sms/1", hour: 2, day: 5}, &way{name: "sms/2", hour: 2, day: 5}
	f := newFixture(t, file(t), a, b)
	for i := range 10 {
		f.add(fmt.Sprint(i), time.Minute)
	}
	f.tick(t, 0)
	if len(a.got) != 2 || len(b.got) != 2 {
		t.Errorf("%d and %d in the first hour", len(a.got), len(b.got))
	}
	f.tick(t, 61*time.Minute)
	if n := len(a.got) + len(b.got); n != 5 {
		t.Errorf("%d in a day", n)
	}
	f.tick(t, 2*time.Hour)
	if n := len(a.got) + len(b.got); n != 5 {
		t.Errorf("%d in a day", n)
	}
}

// TestGravestHasRoom: what is less grave leaves a quarter of what may be sent.
func TestGravestHasRoom(t *testing.T) {
	w := &way{name: "sms/1", hour: 4}
	f := newFixture(t, file(t), w)
	for _, id := range []string{"A", "B", "C", "D"} {
		f.add(id, 2*time.Minute)
		f.waiting[len(f.waiting)-1].Severity = 2
	}
	f.tick(t, 0)
	f.add("grave", 2*time.Minute)
	f.tick(t, time.Minute)
	if !slices.Equal(w.got, []string{"A", "B", "C", "grave"}) {
		t.Errorf("sent %v", w.got)
	}
}

// TestClockWasAhead: what was sent in a year to come closes no way now.
func TestClockWasAhead(t *testing.T) {
	w := &way{name: "sms/1", hour: 1, day: 1}
	f := newFixture(t, file(t), w)
	f.now = f.now.AddDate(9, 0, 0)
	f.add("ahead", 2*time.Minute)
	f.tick(t, 0)
	f.now, f.waiting = f.now.AddDate(-9, 0, 0), nil
	f.add("now", 2*time.Minute)
	f.tick(t, time.Second)
	if !slices.Equal(w.got, []string{"ahead", "now"}) {
		t.Errorf("sent %v", w.got)
	}
}

func TestNextCounter(t *testing.T) {
	path := file(t)
	for _, c := range []struct {
		now  int64
		want uint32
	}{{100, 0}, {100, 1}, {clockEpoch + 50, 50}, {clockEpoch + 50, 51}, {clockEpoch + 60, 60}, {0, 61}} {
		f := newFixture(t, path)
		if n, err := NextCounter(t.Context(), f.DB, "lora", time.Unix(c.now, 0)); n != c.want || err != nil {
			t.Errorf("counter %d, %v, want %d", n, err, c.want)
		}
	}
}
