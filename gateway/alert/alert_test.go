package alert

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

type fixture struct {
	*Service
	now time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	f := &fixture{now: time.Date(2026, 3, 1, 20, 0, 0, 123e6, time.FixedZone("CST", 8*3600))}
	now := func() time.Time { return f.now }
	box, err := outbox.New(t.Context(), st.DB(), now)
	if err != nil {
		t.Fatal(err)
	}
	f.Service = &Service{
		Store: st, Outbox: box, Log: slog.New(slog.DiscardHandler), Now: now,
		Gateway: "gw-1", Street: "donghu", Community: "meiyuan",
		FirstLevel: Community, RespondWithin: 5 * time.Minute, HandleWithin: 30 * time.Minute, CoolDown: time.Minute,
	}
	return f
}

func (f *fixture) event(severity int) Event {
	return Event{
		Device: "gate-east", Grid: "3", Kind: "intrusion", Zone: "gate", Severity: severity,
		Start: f.now.Add(-2 * time.Second), Detected: f.now, Confidence: 0.87, Thumbnail: []byte("jpeg"),
	}
}

func (f *fixture) raise(t *testing.T, e Event) Alert {
	t.Helper()
	a, err := f.Raise(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// queued returns what would be sent, acknowledging each item at once.
func (f *fixture) queued(t *testing.T) []outbox.Item {
	t.Helper()
	var all []outbox.Item
	for range 100 {
		items, err := f.Outbox.Next(t.Context(), 1, outbox.Metrics, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) == 0 {
			return all
		}
		if err := f.Outbox.Done(t.Context(), items[0].Seq); err != nil {
			t.Fatal(err)
		}
		all = append(all, items...)
	}
	t.Fatal("the outbox does not end")
	return nil
}

func TestPayloadIsTheContract(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.event(3))
	items := f.queued(t)
	if len(items) != 2 || items[0].Topic != "alert/community/"+a.ID || !items[0].Retain || items[1].Topic != "thumb/"+a.ID || items[1].Retain {
		t.Fatalf("queued %+v", items)
	}
	sent, err := Render(items[0].Payload, f.now.Add(time.Second), false)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"` + a.ID + `","rev":1,"gateway":"gw-1","street":"donghu","community":"meiyuan","grid":"3","device":"gate-east",` +
		`"kind":"intrusion","zone":"gate","severity":3,"state":"raised","level":"community",` +
		`"started_at":"2026-03-01T11:59:58.123Z","detected_at":"2026-03-01T12:00:00.123Z","sent_at":"2026-03-01T12:00:01.123Z",` +
		`"clock_synced":true,"replayed":false,"confidence":0.87,"respond_by":"2026-03-01T12:05:00.123Z","handle_by":"2026-03-01T12:30:00.123Z",` +
		`"evidence":["thumb"],"count":1}`
	if string(sent) != want {
		t.Errorf("got  %s\nwant %s", sent, want)
	}
}

// TestGravestFirst: what waited for the line goes out by severity, text and picture.
func TestGravestFirst(t *testing.T) {
	f := newFixture(t)
	for _, severity := range []int{4, 3, 1, 2} {
		e := f.event(severity)
		e.Device += strconv.Itoa(severity)
		f.raise(t, e)
	}
	var got []string
	for _, it := range f.queued(t) {
		if a, err := Parse(it.Payload); err == nil && a.Level == Community {
			got = append(got, strconv.Itoa(a.Severity))
		} else if it.Lane == outbox.Thumbnail {
			got = append(got, "picture")
		}
	}
	if s := strings.Join(got, " "); s != "1 2 3 4 picture picture picture picture" {
		t.Errorf("sent %s", s)
	}
}

// TestPayloadHasAllKeys: also of what has no camera, such as a test.
func TestPayloadHasAllKeys(t *testing.T) {
	f := newFixture(t)
	f.raise(t, Event{Device: "gw-1", Kind: "test", Severity: 4, Start: f.now, Detected: f.now, Confidence: 1})
	sent, err := Render(f.queued(t)[0].Payload, f.now, false)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(sent, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"id", "rev", "gateway", "street", "community", "grid", "device", "kind", "zone", "severity", "state", "level", "started_at", "detected_at",
		"sent_at", "clock_synced", "replayed", "confidence", "respond_by", "handle_by", "evidence",
	} {
		if v, ok := got[key]; !ok || v == nil {
			t.Errorf("%s is %v in %s", key, v, sent)
		}
	}
}

func TestSeverityOneGoesToAll(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.event(1))
	var topics []string
	for _, it := range f.queued(t) {
		topics = append(topics, it.Topic)
		if it.Lane != outbox.Alert {
			continue
		}
		var got Alert
		if err := json.Unmarshal(it.Payload, &got); err != nil || Topic(got.Level, got.ID) != it.Topic {
			t.Errorf("%s carries level %s, %v", it.Topic, got.Level, err)
		}
	}
	want := "alert/grid/" + a.ID + " alert/community/" + a.ID + " alert/street/" + a.ID + " thumb/" + a.ID
	if got := strings.Join(topics, " "); got != want {
		t.Errorf("got %s", got)
	}
}

func TestFold(t *testing.T) {
	f := newFixture(t)
	first := f.raise(t, f.event(3))
	f.now = f.now.Add(30 * time.Second)
	second := f.raise(t, f.event(2))
	if second.ID != first.ID || second.Rev != 2 || second.Count != 2 || second.Severity != 2 {
		t.Errorf("within the cool-down: %+v", second)
	}
	other := f.event(3)
	other.Zone = "yard"
	if a := f.raise(t, other); a.ID == first.ID {
		t.Error("another zone was folded in")
	}
	f.now = f.now.Add(61 * time.Second)
	if a := f.raise(t, f.event(3)); a.ID == first.ID || a.Rev != 1 {
		t.Errorf("after the cool-down: %+v", a)
	}
	thumbs := 0
	for _, it := range f.queued(t) {
		if it.Lane == outbox.Thumbnail {
			thumbs++
		}
	}
	if thumbs != 3 {
		t.Errorf("%d thumbnails, want one an alert: 3", thumbs)
	}
}

func TestClosedAlertIsNotFoldedInto(t *testing.T) {
	f := newFixture(t)
	first := f.raise(t, f.event(3))
	if err := f.Answer(t.Context(), first.ID, Answer{Action: "handled"}); err != nil {
		t.Fatal(err)
	}
	if a := f.raise(t, f.event(3)); a.ID == first.ID {
		t.Error("an event was folded into a handled alert")
	}
}

func TestClockSetBack(t *testing.T) {
	f := newFixture(t)
	f.raise(t, f.event(3))
	f.now = f.now.Add(-24 * time.Hour)
	first := f.raise(t, f.event(3))
	f.now = f.now.Add(10 * time.Second)
	if a := f.raise(t, f.event(3)); a.ID != first.ID || a.Rev != 2 {
		t.Errorf("after the clock was set back nothing is folded: %+v", a)
	}
}

func TestLongestNames(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("岗", 21) // 63 bytes, the most that a config lets through
	f.Gateway, f.Street, f.Community = long, long, long
	e := f.event(1)
	e.Device, e.Grid, e.Zone, e.Floor, e.Kind = long, long, long, long, "abandoned_object"
	f.raise(t, e)
	for _, it := range f.queued(t) {
		if it.Lane != outbox.Alert {
			continue
		}
		if b, err := Render(it.Payload, f.now, true); err != nil || len(b) >= MaxPayload {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
}

func TestChosenIdentifierIsIdempotent(t *testing.T) {
	f := newFixture(t)
	e := f.event(2)
	e.ID = "01JQ0000000000000000000000"
	first, again := f.raise(t, e), f.raise(t, e)
	if first.ID != e.ID || again.ID != e.ID || again.Rev != 1 {
		t.Errorf("got %+v and %+v", first, again)
	}
	if n := len(f.queued(t)); n != 2 {
		t.Errorf("%d items queued, want the text and the thumbnail once", n)
	}
	e.ID = "01JQ0000000000000000000001"
	if a := f.raise(t, e); a.ID != e.ID {
		t.Errorf("a second identifier was folded away: %+v", a)
	}
}

func TestRefused(t *testing.T) {
	f := newFixture(t)
	bad := map[string]func(*Event){
		"severity":   func(e *Event) { e.Severity = 5 },
		"identifier": func(e *Event) { e.ID = "x" },
	}
	for name, spoil := range bad {
		e := f.event(1)
		spoil(&e)
		if _, err := f.Raise(t.Context(), e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := f.event(2)
	long.Zone = strings.Repeat("门", 400)
	if _, err := f.Raise(t.Context(), long); !errors.Is(err, ErrInvalid) {
		t.Errorf("an alert of over 1 KiB: %v", err)
	}
	if n := len(f.queued(t)); n != 0 {
		t.Errorf("%d items queued by refused events", n)
	}
}

func TestClockNeverSet(t *testing.T) {
	f := newFixture(t)
	f.now = time.Unix(1000, 0)
	if a := f.raise(t, f.event(2)); a.ClockSynced {
		t.Error("1970 counts as synced")
	}
}

// TestClearKept: an alert that was closed elsewhere is cleared at a broker that
// keeps it; one that is open, waiting, or not known at all stays.
func TestClearKept(t *testing.T) {
	f := newFixture(t)
	open := f.raise(t, f.event(2))
	f.queued(t)
	e := f.event(2)
	e.Zone = "yard"
	closed := f.raise(t, e)
	if err := f.Answer(t.Context(), closed.ID, Answer{Action: "handled"}); err != nil {
		t.Fatal(err)
	}
	kept := func(id string) []outbox.Item {
		t.Helper()
		if err := f.ClearKept(t.Context(), Topic(Community, id)); err != nil {
			t.Fatal(err)
		}
		return f.queued(t)
	}
	if err := f.ClearKept(t.Context(), Topic(Community, closed.ID)); err != nil {
		t.Fatal(err)
	}
	if got := f.queued(t); len(got) != 3 { // picture and last revision and one clearing
		for _, it := range got {
			t.Logf("%s %q", it.Topic, it.Payload)
		}
		t.Errorf("%d items with a clearing that waited", len(got))
	}
	if got := kept(open.ID); len(got) != 0 {
		t.Errorf("an open alert is cleared: %v", got)
	}
	if got := kept(closed.ID); len(got) != 1 || len(got[0].Payload) != 0 || !got[0].Retain || got[0].Lane != outbox.Alert {
		t.Errorf("a closed alert is cleared by %v", got)
	}
	young := ulid.MustNew(ulid.Timestamp(f.now.Add(-time.Hour)), rand.Reader).String()
	old := ulid.MustNew(ulid.Timestamp(f.now.Add(-101*24*time.Hour)), rand.Reader).String()
	if got := kept(young); len(got) != 0 {
		t.Errorf("an alert that the store has lost is cleared: %v", got)
	}
	if got := kept(old); len(got) != 1 {
		t.Errorf("an alert of last year stays: %v", got)
	}
	unset := ulid.MustNew(ulid.Timestamp(time.Unix(100, 0)), rand.Reader).String()
	if got := kept(unset); len(got) != 0 {
		t.Errorf("an alert that the store has lost, of a clock that was not set, is cleared: %v", got)
	}
	// What is cleared does not go before an alert.
	if err := f.ClearKept(t.Context(), Topic(Community, closed.ID)); err != nil {
		t.Fatal(err)
	}
	e.Zone, e.Thumbnail = "bridge", nil
	if a := f.raise(t, e); topics(f.queued(t)) != Topic(Community, a.ID)+" "+Topic(Community, closed.ID) {
		t.Error("an alert waits for what clears another")
	}
	for _, topic := range []string{"alert", "alert/community", "alert/community/x", "status"} {
		if err := f.ClearKept(t.Context(), topic); err != nil || len(f.queued(t)) != 0 {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

// The longest names still leave a caller in the payload, whatever else is left out.
func TestLongestCallerFits(t *testing.T) {
	name := strings.Repeat("王", 21)
	a := Alert{
		ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Rev: 1000000, Gateway: name, Street: name, Community: name, Grid: name, Device: name, Kind: "emergency_call",
		Severity: 1, State: Acknowledged, Level: Community, StartedAt: Time{time.Now()}, DetectedAt: Time{time.Now()}, RespondBy: Time{time.Now()},
		HandleBy: Time{time.Now()}, Evidence: []string{"thumb", "snapshot", "clip", "audio"}, Count: 1000, Caller: name[:48], Place: name[:48],
		Position: &Position{-89.12345, -179.12345}, Incident: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Escalated: NotAcknowledged, By: name, Note: name,
		Reading: Reading{Text: strings.Repeat("9", 48)},
	}
	b, err := a.encode(Street)
	if err != nil || len(b) >= MaxPayload || !strings.Contains(string(b), `"caller":"王`) {
		t.Errorf("%d bytes, %v: %s", len(b), err, b)
	}
	t.Logf("%d bytes: %s", len(b), b)
}
