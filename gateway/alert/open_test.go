package alert

import (
	"database/sql"
	"strings"
	"testing"
	"time"
)

// of returns an event of its own in each zone.
func (f *fixture) of(zone string, severity int) Event {
	e := f.event(severity)
	e.Zone, e.Thumbnail = zone, nil
	return e
}

// TestGraveAlertsAreNotHidden: by those that are newer, however many.
func TestGraveAlertsAreNotHidden(t *testing.T) {
	f := newFixture(t)
	for i, severity := range []int{1, 3, 2, 4, 4, 3} {
		f.now = f.now.Add(time.Second)
		f.raise(t, f.of(string(rune('a'+i)), severity))
	}
	zones := func(n int) string {
		shown, open, err := f.Shown(t.Context(), n)
		if err != nil || open != 6 {
			t.Errorf("%d open, %v", open, err)
		}
		var all []string
		for _, a := range shown {
			all = append(all, a.Zone)
		}
		return strings.Join(all, "")
	}
	for n, want := range map[int]string{1: "ca", 3: "fca", 4: "feca", 50: "fedcba"} {
		if got := zones(n); got != want {
			t.Errorf("of %d: %s, want %s", n, got, want)
		}
	}
	err := f.Store.Tx(t.Context(), func(tx *sql.Tx) error {
		all, err := gravest(t.Context(), tx, 3)
		if err == nil && all[0].Zone+all[1].Zone+all[2].Zone != "acf" {
			t.Errorf("published again are %v", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDamagedAlert: a row that a worn flash has damaged keeps nothing but itself from being told.
func TestDamagedAlert(t *testing.T) {
	f := newFixture(t)
	first := f.raise(t, f.of("gate", 3))
	f.now = f.now.Add(time.Second)
	other := f.raise(t, f.of("yard", 3))
	f.queued(t)
	if _, err := f.Store.DB().Exec(`UPDATE alerts SET doc = x'7b00ff' WHERE id = ?`, first.ID); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Second)
	if a := f.raise(t, f.of("gate", 3)); a.ID == first.ID || a.Rev != 1 {
		t.Errorf("the next event there is %+v", a)
	}
	if a := f.raise(t, f.of("bridge", 3)); a.Incident != other.Incident {
		t.Errorf("the incident is %q", a.Incident)
	}
	if n, err := f.Republish(t.Context(), f.now); n != 3 || err != nil {
		t.Errorf("%d published again, %v", n, err)
	}
	f.now = f.now.Add(10 * time.Minute)
	if n, _, err := f.Escalate(t.Context()); n != 3 || err != nil {
		t.Errorf("%d overdue, %v", n, err)
	}
	if shown, open, err := f.Shown(t.Context(), 50); len(shown) != 3 || open != 4 || err != nil {
		t.Errorf("%d of %d shown, %v", len(shown), open, err)
	}
}
