package alert

import (
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func (f *fixture) level(v float64) Event {
	return Event{
		Device: "pit-1", Grid: "3", Kind: "water_level", Severity: 2, Start: f.now.Add(-30 * time.Second), Detected: f.now, Confidence: 1,
		Reading: Reading{Quantity: "water_level", Value: &v, Unit: "m"},
	}
}

// TestEnd: a revision says that a reading is normal again; somebody has still to look;
// and the next event of the same takes it back.
func TestEnd(t *testing.T) {
	f := newFixture(t)
	var noted string
	e := f.level(0.45)
	e.Also = func(_ *sql.Tx, id string) error {
		noted = id
		return nil
	}
	a := f.raise(t, e)
	if noted != a.ID {
		t.Errorf("noted %q of alert %s", noted, a.ID)
	}
	first := f.queued(t)
	if len(first) != 1 || strings.Contains(string(first[0].Payload), "ended_at") {
		t.Errorf("the first revision: %v", first)
	}
	f.now = f.now.Add(10 * time.Second)
	for range 2 {
		if err := f.End(t.Context(), Ending{ID: a.ID, By: "pit-1", At: f.now}); err != nil {
			t.Fatal(err)
		}
	}
	items := f.queued(t)
	last := string(items[len(items)-1].Payload)
	for _, want := range []string{`"rev":2`, `"state":"raised"`, `"quantity":"water_level","value":0.45,"unit":"m"`, `"ended_at":"2026-03-01T12:00:10.123Z"`} {
		if !strings.Contains(last, want) {
			t.Errorf("%s is not in %s", want, last)
		}
	}
	if again := f.raise(t, f.level(0.5)); again.ID != a.ID || again.Rev != 3 || !again.EndedAt.IsZero() || *again.Value != 0.5 {
		t.Errorf("the next event gives %+v", again)
	}
	if err := f.End(t.Context(), Ending{ID: a.ID, By: "pit-1", At: f.now, Close: true}); err != nil {
		t.Fatal(err)
	}
	if items = f.queued(t); len(items) < 2 || len(items[len(items)-1].Payload) != 0 {
		t.Errorf("a closed alert's topic is not cleared: %d items", len(items))
	}
}

// TestAlsoFails: what cannot be noted is not raised.
func TestAlsoFails(t *testing.T) {
	f := newFixture(t)
	e := f.level(1)
	broken := errors.New("no")
	e.Also = func(*sql.Tx, string) error { return broken }
	if _, err := f.Raise(t.Context(), e); !errors.Is(err, broken) {
		t.Errorf("raised in spite of %v", err)
	}
	if items := f.queued(t); len(items) != 0 {
		t.Errorf("%d items are queued", len(items))
	}
}

// TestLongestReading: the longest names and a reading fit into the contract, the least of it left out.
func TestLongestReading(t *testing.T) {
	name := func(n int) string { return strings.Repeat("网", n/3) + strings.Repeat("x", n%3) }
	v := -123456.789e-300
	now := Time{time.Date(2026, 3, 1, 20, 0, 0, 123e6, time.UTC)}
	a := Alert{
		ID: "01KB2S3T4V5W6X7Y8Z9ABCDEFG", Rev: 123456, Gateway: name(64), Street: name(64), Community: name(64), Grid: name(64),
		Device: name(64), Kind: name(32), Zone: name(64), Severity: 1, State: Acknowledged, Level: Community, Count: 123456,
		StartedAt: now, DetectedAt: now, SentAt: now, RespondBy: now, HandleBy: now, EndedAt: now, AcknowledgedAt: now, HandledAt: now, By: name(32), Note: name(64), Confidence: 0.87,
		Incident: "01KB2S3T4V5W6X7Y8Z9ABCDEFG", Escalated: NotAcknowledged,
		Reading: Reading{Quantity: name(32), Value: &v, Unit: name(12)},
	}
	if _, err := a.encode(Community); err != nil {
		t.Fatal(err)
	}
	a.Value, a.Unit, a.Text = nil, "", name(40)
	if b, err := a.encode(Community); err != nil || !json.Valid(b) {
		t.Fatalf("%s: %v", b, err)
	}
}

// Where a caller is is told once, and not of what is closed; two callers are two alerts of no one incident.
func TestLocate(t *testing.T) {
	f := newFixture(t)
	press := Event{Device: "walkie", Kind: "emergency_call", Severity: 1, Start: f.now, Detected: f.now, Confidence: 1, Caller: "老王", Place: "东门"}
	a := f.raise(t, press)
	press.Caller = "小李"
	b := f.raise(t, press)
	if a.ID == b.ID || b.Incident != "" || a.Caller != "老王" || a.Place != "东门" {
		t.Errorf("%+v and %+v", a, b)
	}
	for _, lat := range []float64{30.5, 31} {
		if err := f.Locate(t.Context(), a.ID, Position{lat, 114.3}); err != nil {
			t.Fatal(err)
		}
	}
	located := func() (all []string) {
		for _, it := range f.queued(t) {
			if strings.Contains(string(it.Payload), `"position":{`) {
				all = append(all, string(it.Payload))
			}
		}
		return all
	}
	got := located()
	if len(got) != len(Levels()) || !strings.Contains(got[0], a.ID) || !strings.Contains(got[0], `"position":{"lat":30.5,"lon":114.3}`) {
		t.Errorf("%q", got)
	}
	if err := f.End(t.Context(), Ending{ID: b.ID, Close: true}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{b.ID, "01ARZ3NDEKTSV4RRFFQ69G5FAV"} {
		if err := f.Locate(t.Context(), id, Position{30.5, 114.3}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, s := range located() {
		if !strings.Contains(s, a.ID) {
			t.Errorf("%s", s)
		}
	}
}
