package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
)

const gate Gateway = "sentrybox/v1/donghu/meiyuan/gw-1"

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// clocked is a ledger whose clock a test sets.
type clocked struct {
	*Ledger
	at time.Time
}

func open(t *testing.T, place string) *clocked {
	t.Helper()
	c := &clocked{at: began}
	l, err := Open(t.Context(), place, func() time.Time { return c.at })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c.Ledger = l
	return c
}

func id(n int) string {
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(began) + uint64(n))
	u[15] = byte(n)
	return u.String()
}

func revision(n, rev int, state alert.State) alert.Alert {
	return alert.Alert{
		ID: id(n), Rev: rev, Gateway: "gw-1", Street: "donghu", Community: "meiyuan", Grid: "3", Device: "gate-east",
		Kind: "intrusion", Zone: "gate", Severity: 2, State: state, Level: alert.Community, ClockSynced: true, Count: 1,
		StartedAt: alert.Time{Time: began}, DetectedAt: alert.Time{Time: began.Add(time.Duration(n) * time.Second)},
		RespondBy: alert.Time{Time: began.Add(5 * time.Minute)}, HandleBy: alert.Time{Time: began.Add(30 * time.Minute)},
		Evidence: []string{"thumb"},
	}
}

func message(a alert.Alert) Message {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return Message{Gateway: gate, Topic: "alert/community/" + a.ID, Payload: b, At: began.Add(time.Minute)}
}

func (c *clocked) hear(t *testing.T, all ...Message) Heard {
	t.Helper()
	h, err := c.Hear(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// storm is revisions of alerts, late, twice and in any order.
func storm(rng *rand.Rand, alerts int) (all []Message, want map[string]alert.Alert) {
	want = map[string]alert.Alert{}
	states := []alert.State{alert.Raised, alert.Acknowledged, alert.Dispatched, alert.Handled}
	for n := range alerts {
		revs := 1 + rng.IntN(6)
		for rev := 1; rev <= revs; rev++ {
			a := revision(n, rev, states[min(rng.IntN(2)+(rev-1)/2, 3)])
			want[a.ID] = a
			for range 1 + rng.IntN(3) {
				all = append(all, message(a))
			}
		}
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, want
}

// held holds a ledger against the model: each alert at its highest revision.
func held(t *testing.T, l *Ledger, want map[string]alert.Alert) {
	t.Helper()
	got, err := l.Past(t.Context(), Filter{Limit: 500})
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d alerts, %v; want %d", len(got), err, len(want))
	}
	open := 0
	for _, c := range got {
		w := want[c.ID]
		if c.Rev != w.Rev || c.State != w.State || c.Where != gate {
			t.Errorf("%s is %s at revision %d of %s, want %s at %d", c.ID, c.State, c.Rev, c.Where, w.State, w.Rev)
		}
		if w.Open() {
			open++
		}
	}
	cards, total, _, err := l.Open(t.Context())
	if err != nil || len(cards) != open || total != open {
		t.Errorf("%d and %d open, %v; want %d", len(cards), total, err, open)
	}
}

func TestStorm(t *testing.T) {
	for seed := range uint64(5) {
		l := open(t, t.TempDir())
		rng := rand.New(rand.NewPCG(seed, 1))
		all, want := storm(rng, 40)
		for len(all) > 0 {
			n := min(len(all), 1+rng.IntN(50))
			l.hear(t, all[:n]...)
			all = all[n:]
		}
		held(t, l.Ledger, want)
	}
}

// TestSince: whoever asks for what has changed since a number sees in the end what there is.
func TestSince(t *testing.T) {
	l := open(t, t.TempDir())
	rng := rand.New(rand.NewPCG(9, 9))
	all, want := storm(rng, 30)
	seen, last := map[string]Card{}, int64(0)
	for len(all) > 0 {
		n := min(len(all), 1+rng.IntN(20))
		l.hear(t, all[:n]...)
		all = all[n:]
		changed, err := l.Since(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changed {
			seen[c.ID], last = c, max(last, c.Seq)
		}
	}
	for id, w := range want {
		if seen[id].Rev != w.Rev {
			t.Errorf("%s was seen at revision %d, want %d", id, seen[id].Rev, w.Rev)
		}
	}
}

var strange = []struct{ name, topic, payload string }{
	{"no JSON", "alert/community/" + id(1), "hello"},
	{"another's id", "alert/community/" + id(2), string(message(revision(1, 1, alert.Raised)).Payload)},
	{"no ULID", "alert/community/x", `{"id":"x","rev":1}`},
	{"a state of its own", "alert/community/" + id(1), string(message(revision(1, 1, "exploded")).Payload)},
	{"no revision", "alert/community/" + id(1), string(message(revision(1, 0, alert.Raised)).Payload)},
	{"too long", "alert/community/" + id(1), strings.Repeat(" ", 5000) + string(message(revision(1, 1, alert.Raised)).Payload)},
	{"no picture", "thumb/" + id(1), "GIF89a"},
	{"no state", "status", `{"state":"melting"}`},
	{"no plans", "plans", `{`},
	{"no topic of ours", "ack/" + id(1), `{}`},
}

func TestStrangeMessages(t *testing.T) {
	l := open(t, t.TempDir())
	for _, s := range strange {
		if h := l.hear(t, Message{Gateway: gate, Topic: s.topic, Payload: []byte(s.payload), At: began}); h.Refused != 1 || h.Seq != 0 {
			t.Errorf("%s: %+v", s.name, h)
		}
	}
	m := message(revision(1, 1, alert.Raised))
	m.Gateway = "sentrybox/v1/donghu/meiyuan/gw-2"
	if h := l.hear(t, m); h.Refused != 1 {
		t.Error("a gateway speaks of another's alert")
	}
	held(t, l.Ledger, nil)
}

// TestHijack: another gateway cannot change an alert by knowing its id.
func TestHijack(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)))
	a := revision(1, 9, alert.Handled)
	a.Gateway = "gw-2"
	m := message(a)
	m.Gateway = "sentrybox/v1/donghu/meiyuan/gw-2"
	l.hear(t, m)
	held(t, l.Ledger, map[string]alert.Alert{id(1): revision(1, 1, alert.Raised)})
}

// TestCleared: a broker that no longer keeps an open alert makes it doubtful.
func TestCleared(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)), message(revision(2, 3, alert.Handled)))
	var all []Message
	for n := 1; n <= 3; n++ {
		all = append(all, Message{Gateway: gate, Topic: "alert/community/" + id(n)})
	}
	if h := l.hear(t, all...); !slices.Equal(h.Doubt, []string{id(1)}) {
		t.Errorf("in doubt are %v", h.Doubt)
	}
}

func TestPicture(t *testing.T) {
	l := open(t, t.TempDir())
	jpeg := []byte{0xFF, 0xD8, 0xFF, 1}
	l.hear(t, Message{Gateway: gate, Topic: "thumb/" + id(1), Payload: jpeg}) // before its alert
	l.hear(t, message(revision(1, 1, alert.Raised)))
	c, err := l.Alert(t.Context(), id(1))
	if err != nil || !c.Picture {
		t.Fatalf("%+v, %v", c, err)
	}
	if got, err := l.Picture(t.Context(), id(1)); err != nil || !slices.Equal(got, jpeg) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := l.Picture(t.Context(), id(2)); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestGateways(t *testing.T) {
	l := open(t, t.TempDir())
	status := func(state string) Message {
		return Message{Gateway: gate, Topic: "status", Payload: fmt.Appendf(nil, `{"state":%q}`, state), At: l.at}
	}
	l.hear(t, status("online"), Message{Gateway: gate, Topic: "plans", Payload: []byte(`{"smoke":{"steps":["跑"]}}`)})
	l.at = l.at.Add(time.Minute)
	l.hear(t, status("online"))
	all, err := l.Gateways(t.Context())
	if err != nil || len(all) != 1 || all[0].State != "online" || !all[0].Since.Equal(began) || !strings.Contains(string(all[0].Plans), "跑") {
		t.Fatalf("%+v, %v", all, err)
	}
	l.hear(t, status("offline"), Message{Gateway: gate, Topic: "plans"})
	all, err = l.Gateways(t.Context())
	if err != nil || all[0].State != "offline" || !all[0].Since.Equal(l.at) || all[0].Plans != nil {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestReport(t *testing.T) {
	l := open(t, t.TempDir())
	l.at = began.Add(2 * time.Hour)
	at := func(d time.Duration) alert.Time { return alert.Time{Time: began.Add(d)} }
	var all []Message
	for n := range 10 { // answered after n minutes, handled after ten times as long
		a := revision(n, 3, alert.Handled)
		a.DetectedAt, a.AcknowledgedAt, a.HandledAt = at(0), at(time.Duration(n)*time.Minute), at(time.Duration(10*n)*time.Minute)
		m := message(a)
		m.At = began.Add(time.Duration(n*10) * time.Second)
		all = append(all, m)
	}
	wrong := revision(10, 2, alert.False)
	wrong.DetectedAt, wrong.AcknowledgedAt, wrong.HandledAt, wrong.Device = at(0), at(time.Minute), at(time.Minute), "yard"
	silent := revision(11, 1, alert.Raised)
	silent.DetectedAt, silent.ClockSynced = at(0), false
	test := revision(12, 1, alert.Raised)
	test.Kind = "test"
	l.hear(t, append(all, message(wrong), message(silent), message(test))...)
	r, err := l.Report(t.Context(), began.Add(-time.Hour), began.Add(time.Hour), time.FixedZone("CST", 8*3600))
	if err != nil {
		t.Fatal(err)
	}
	if r.Total != 12 || r.Open != 1 || r.Severity != [4]int{0, 12, 0, 0} || r.Hours[0][17] != 12 {
		t.Errorf("counted %+v", r)
	}
	if r.Response.Count != 11 || r.Response.Median != 4*time.Minute || r.Response.P90 != 8*time.Minute || r.Handling.Count != 10 || r.Handling.Median != 40*time.Minute {
		t.Errorf("times %+v, %+v", r.Response, r.Handling)
	}
	if r.Responded != (Share{7, 12}) || r.HandledIn != (Share{5, 12}) || r.PassedIn != (Share{8, 11}) {
		t.Errorf("shares %v %v %v", r.Responded, r.HandledIn, r.PassedIn)
	}
	if want := []Count{{"donghu/meiyuan/gw-1 yard", 1, 1}}; !slices.Equal(r.FalseAlarms, want) {
		t.Errorf("false alarms %+v", r.FalseAlarms)
	}
}

func TestSweep(t *testing.T) {
	l := open(t, t.TempDir())
	l.hear(t, message(revision(1, 1, alert.Raised)), message(revision(2, 2, alert.Handled)),
		Message{Gateway: gate, Topic: "thumb/" + id(2), Payload: []byte{0xFF, 0xD8, 0xFF, 1}},
		Message{Gateway: gate, Topic: "thumb/" + id(3), Payload: []byte{0xFF, 0xD8, 0xFF, 1}})
	if err := l.Sweep(t.Context(), began.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	held(t, l.Ledger, map[string]alert.Alert{id(1): revision(1, 1, alert.Raised)})
	var n int
	if err := l.row(t.Context(), `SELECT (SELECT count(*) FROM thumbs) + (SELECT count(*) FROM steps WHERE alert <> ?)`, id(1)).Scan(&n); n != 0 || err != nil {
		t.Errorf("%d rows are left of what is gone, %v", n, err)
	}
}

func FuzzHear(f *testing.F) {
	for _, s := range strange {
		f.Add(s.topic, []byte(s.payload))
	}
	f.Add("alert/community/"+id(1), message(revision(1, 1, alert.Raised)).Payload)
	l, err := Open(f.Context(), f.TempDir(), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		if _, err := l.Hear(t.Context(), []Message{{Gateway: gate, Topic: topic, Payload: payload, At: began}}); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := l.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
