package budget

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"sentrybox/uplink/outbox"
)

func database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "b.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, step := range Schema() {
		if _, err := db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func open(t *testing.T, db *sql.DB, l Limits, c *clock) *Meter {
	t.Helper()
	m, err := Open(t.Context(), db, "fibre", l, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMonth holds that the counts of a month survive a restart and begin anew
// with the next month.
func TestMonth(t *testing.T) {
	db, c := database(t), &clock{time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)}
	m := open(t, db, Limits{}, c)
	m.Add(100, 20)
	m.Add(1, 2)
	if err := m.Flush(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	m = open(t, db, Limits{}, c)
	m.Add(10, 0)
	if got, want := m.Usage(), (Usage{Sent: 10, MonthSent: 111, MonthReceived: 22}); got != want {
		t.Errorf("after a restart %+v, want %+v", got, want)
	}
	if err := m.Flush(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(2 * time.Hour)
	m.Add(5, 0)
	if got, want := m.Usage(), (Usage{Sent: 15, MonthSent: 5}); got != want {
		t.Errorf("in the next month %+v, want %+v", got, want)
	}
	if err := m.Flush(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(-2 * time.Hour)
	if got := open(t, db, Limits{}, c).Usage(); got.MonthSent != 111 {
		t.Errorf("February has %d bytes", got.MonthSent)
	}
}

// TestClockThatWasNotSet holds that what was sent in 1970 counts for the month
// that the clock is then set to.
func TestClockThatWasNotSet(t *testing.T) {
	c := &clock{time.Unix(100, 0).UTC()}
	m := open(t, database(t), Limits{}, c)
	m.Add(7, 0)
	c.t = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	m.Add(1, 0)
	if got := m.Usage().MonthSent; got != 8 {
		t.Errorf("%d bytes, want 8", got)
	}
}

func TestLevels(t *testing.T) {
	c := &clock{time.Date(2026, 4, 16, 0, 0, 0, 0, time.UTC)} // half of April is over
	m := open(t, database(t), Limits{Month: 1000}, c)
	for _, step := range []struct {
		add   uint64
		level Level
		lane  outbox.Lane
	}{{599, Ample, outbox.Metrics}, {2, Ahead, outbox.Evidence}, {398, Ahead, outbox.Evidence}, {1, Spent, outbox.Reply}} {
		m.Add(step.add, 0)
		if got := m.Usage().Level; got != step.level || m.Lowest() != step.lane {
			t.Errorf("after %d bytes: %v and lane %v, want %v and %v", m.Usage().MonthSent, got, m.Lowest(), step.level, step.lane)
		}
	}
	c.t = c.t.AddDate(0, 1, 0)
	if m.Usage().Level != Ample {
		t.Error("a new month begins with nothing")
	}
}

func TestBucket(t *testing.T) {
	c := &clock{time.Date(2026, 4, 16, 0, 0, 0, 0, time.UTC)}
	m := open(t, database(t), Limits{Rate: 1000}, c)
	if m.Wait() != 0 {
		t.Error("a fresh bucket is empty")
	}
	m.Spend(2500)
	if got := m.Wait().Round(10 * time.Millisecond); got != 500*time.Millisecond {
		t.Errorf("wait %v after 500 bytes too many", got)
	}
	m.Spend(1000) // urgent
	c.t = c.t.Add(time.Second)
	if got := m.Wait().Round(10 * time.Millisecond); got != 500*time.Millisecond {
		t.Errorf("wait %v", got)
	}
	c.t = c.t.Add(time.Hour)
	m.Spend(1999)
	if m.Wait() != 0 {
		t.Error("an hour's rest is more than the burst")
	}
	m.Spend(2)
	if m.Wait() == 0 {
		t.Error("a rest is no more than the burst")
	}
	c.t = c.t.Add(-time.Hour) // a clock set back is no refill, and no dead bucket
	_ = m.Wait()
	c.t = c.t.Add(time.Second)
	if m.Wait() != 0 {
		t.Error("the bucket does not fill after the clock was set back")
	}
}
