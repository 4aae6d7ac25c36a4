package alert

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// writable has the database take writes, or refuse them as one does on a disk
// that is read-only.
func (f *fixture) writable(t *testing.T, yes bool) {
	t.Helper()
	pragma := `PRAGMA query_only = 1`
	if yes {
		pragma = `PRAGMA query_only = 0`
	}
	if _, err := f.Store.DB().Exec(pragma); err != nil {
		t.Fatal(err)
	}
}

func topics(items []outbox.Item) string {
	var all []string
	for _, it := range items {
		all = append(all, it.Topic)
	}
	return strings.Join(all, " ")
}

// TestHeld: what cannot be durable is sent from memory, once, and is durable
// under the same identifier and in the same words once it can be.
func TestHeld(t *testing.T) {
	f := newFixture(t)
	f.writable(t, false)
	a, err := f.Raise(t.Context(), f.event(2))
	if !errors.Is(err, ErrHeld) || a.ID == "" {
		t.Fatalf("%+v, %v", a, err)
	}
	f.now = f.now.Add(10 * time.Second)
	if again, err := f.Raise(t.Context(), f.event(2)); !errors.Is(err, ErrHeld) || again.ID != a.ID {
		t.Errorf("within the cool-down: %+v, %v", again, err)
	}
	chosen := f.event(2)
	chosen.ID = "01JQ0000000000000000000000"
	if _, err := f.Raise(t.Context(), chosen); err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("who chose an identifier is told %v", err)
	}
	sent := f.queued(t)
	if topics(sent) != Topic(Community, a.ID) {
		t.Fatalf("sent from memory: %s", topics(sent))
	}
	if n, err := f.Settle(t.Context()); n != 1 || err == nil {
		t.Errorf("settled on a disk that takes nothing: %d, %v", n, err)
	}
	f.writable(t, true)
	if n, err := f.Settle(t.Context()); n != 0 || err != nil {
		t.Errorf("%d are in memory still, %v", n, err)
	}
	again := f.queued(t)
	if topics(again) != Topic(Community, a.ID)+" "+ThumbTopic(a.ID) || string(again[0].Payload) != string(sent[0].Payload) {
		t.Errorf("then queued: %s\n%s\n%s", topics(again), again[0].Payload, sent[0].Payload)
	}
	if steps, err := f.Store.Steps(t.Context(), a.ID); err != nil || len(steps) != 1 {
		t.Errorf("%d steps, %v", len(steps), err)
	}
	f.now = f.now.Add(10 * time.Second)
	if folded := f.raise(t, f.event(2)); folded.ID != a.ID || folded.Rev != 2 {
		t.Errorf("the next event is %+v", folded)
	}
}

// TestHeldGraver: what is graver than what is held already is not lost in it, and goes before others.
func TestHeldGraver(t *testing.T) {
	f := newFixture(t)
	f.writable(t, false)
	other := f.event(3)
	other.Zone = "yard"
	for _, e := range []Event{other, f.event(3), f.event(1), f.event(4)} {
		if _, err := f.Raise(t.Context(), e); !errors.Is(err, ErrHeld) {
			t.Fatal(err)
		}
	}
	var got []string
	for _, it := range f.queued(t) {
		a, err := Parse(it.Payload)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(a.Zone, " ", a.Rev, " ", a.Severity, " ", a.Level))
	}
	if want := "gate 1 3 community, gate 2 1 community, gate 2 1 grid, gate 2 1 street, yard 1 3 community"; strings.Join(got, ", ") != want {
		t.Errorf("sent from memory: %s", strings.Join(got, ", "))
	}
	f.writable(t, true)
	if n, err := f.Settle(t.Context()); n != 0 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if all, n, err := f.Shown(t.Context(), 9); n != 2 || err != nil || all[0].Severity+all[1].Severity != 4 {
		t.Errorf("then there are %+v, %v", all, err)
	}
}

// TestHeldMild: many alerts that are not grave leave room for one that is, and do not hold it up.
func TestHeldMild(t *testing.T) {
	f := newFixture(t)
	f.writable(t, false)
	raise := func(severity int) error {
		f.now = f.now.Add(2 * time.Minute)
		_, err := f.Raise(t.Context(), f.event(severity))
		return err
	}
	for range maxMild {
		if err := raise(4); !errors.Is(err, ErrHeld) {
			t.Fatal(err)
		}
	}
	if err := raise(3); !errors.Is(err, ErrInvalid) || errors.Is(err, ErrHeld) {
		t.Errorf("one more: %v", err)
	}
	if err := raise(1); !errors.Is(err, ErrHeld) {
		t.Errorf("one that is grave: %v", err)
	}
}

func TestHeldIsBounded(t *testing.T) {
	f := newFixture(t)
	f.writable(t, false)
	var err error
	for range maxHeld + 1 {
		f.now = f.now.Add(2 * time.Minute)
		_, err = f.Raise(t.Context(), f.event(2))
	}
	if err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("after %d: %v", maxHeld, err)
	}
	if n := len(f.held); n != maxHeld {
		t.Errorf("%d are held", n)
	}
}

func TestSystemAlerts(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		if err := f.RaiseSystem(t.Context(), DiskFull); err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(10 * time.Minute)
	}
	if err := f.RaiseSystem(t.Context(), DiskLow); err != nil {
		t.Fatal(err)
	}
	items := f.queued(t)
	if len(items) != 2 || !strings.Contains(string(items[0].Payload), `"device":"gw-1","kind":"system","zone":"","code":"disk_full","severity":2,`) {
		t.Fatalf("%d queued: %s", len(items), items[0].Payload)
	}
	for range 2 {
		if err := f.SystemOver(t.Context(), DiskFull); err != nil {
			t.Fatal(err)
		}
	}
	items = f.queued(t)
	if len(items) != 2 || !strings.Contains(string(items[0].Payload), `"state":"handled"`) || len(items[1].Payload) != 0 {
		t.Errorf("when it is over: %s", topics(items))
	}
	if n, err := f.Store.OpenCount(t.Context()); n != 1 || err != nil {
		t.Errorf("%d open, %v: disk_low is", n, err)
	}
	// With nothing durable it is told all the same.
	f.writable(t, false)
	if err := f.RaiseSystem(t.Context(), DiskReadOnly); err != nil {
		t.Fatal(err)
	}
	next, err := f.Outbox.Next(t.Context(), 10, outbox.Metrics, nil)
	if err != nil || len(next) != 3 || !strings.Contains(string(next[0].Payload), `"code":"disk_readonly","severity":1`) {
		t.Errorf("%s, %v", topics(next), err)
	}
}

// TestRestore: what the journal has and the database lacks is back, once, and
// its last word is sent.
func TestRestore(t *testing.T) {
	from, to := newFixture(t), newFixture(t)
	a := from.raise(t, from.event(3))
	other := from.event(1)
	other.Zone = "yard"
	b := from.raise(t, other)
	if err := from.Answer(t.Context(), a.ID, Answer{Action: "handled", By: "王"}); err != nil {
		t.Fatal(err)
	}
	var records []store.Record
	for _, id := range []string{a.ID, b.ID} {
		var row store.Alert
		err := from.Store.Tx(t.Context(), func(tx *sql.Tx) (err error) {
			row, _, err = store.AlertByID(t.Context(), tx, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, store.Record{Alert: row, Step: store.Step{At: from.now, Action: "raised"}})
	}
	if err := to.Restore(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	items := to.queued(t)
	want := ""
	for _, l := range Levels() { // the graver first
		want += Topic(l, b.ID) + " "
	}
	want += Topic(Community, a.ID) + " " + Topic(Community, a.ID)
	if topics(items) != want || len(items[len(items)-1].Payload) != 0 {
		t.Errorf("queued %s\nwant %s", topics(items), want)
	}
	if n, err := to.Store.OpenCount(t.Context()); n != 1 || err != nil {
		t.Errorf("%d open, %v", n, err)
	}
}
