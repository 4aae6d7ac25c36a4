package radio

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/store"
)

// quiet is a source of which the test says what it hears.
type quiet struct {
	driver.Tracker
	driver.Life
	emit chan func(call.Event)
}

func (q *quiet) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := q.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if q.emit != nil {
		q.emit <- emit
	}
	<-ctx.Done()
	return q.Ended(nil)
}

func (q *quiet) Recording(context.Context, call.Event, time.Duration, time.Duration) (call.Recording, error) {
	return call.Recording{}, errors.New("nothing")
}

// ledger is Alerts that remembers.
type ledger struct {
	store *store.Store

	mu     sync.Mutex
	fail   int // so many times
	raised []alert.Event
	ended  []alert.Ending

	located []string
}

func (l *ledger) Raise(ctx context.Context, e alert.Event) (alert.Alert, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail > 0 {
		l.fail--
		return alert.Alert{}, errors.New("the disk is away")
	}
	id := fmt.Sprint("alert-", len(l.raised))
	if err := l.store.Tx(ctx, func(tx *sql.Tx) error { return e.Also(tx, id) }); err != nil {
		return alert.Alert{}, err
	}
	l.raised = append(l.raised, e)
	return alert.Alert{ID: id, Rev: 1}, nil
}

func (l *ledger) End(ctx context.Context, e alert.Ending) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, e)
	return l.store.Tx(ctx, e.Also)
}

func (l *ledger) Locate(_ context.Context, id string, at alert.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.located = append(l.located, fmt.Sprint(id, " ", at))
	return nil
}

func (l *ledger) told() (raised []alert.Event, ended []alert.Ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raised, l.ended
}

type fixture struct {
	t      *testing.T
	ledger *ledger
	cfg    Config
	source *quiet
	hub    *Hub
	now    time.Time
	kept   []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	f := &fixture{t: t, ledger: &ledger{store: st}, now: time.Now().Truncate(time.Millisecond)}
	f.cfg = Config{
		Alerts: f.ledger, Store: st, Log: slog.New(slog.DiscardHandler),
		Keep: func(id string, s *System, _ call.Recorder, e call.Event) {
			f.kept = append(f.kept, id+" "+s.ID+" "+e.From)
		},
	}
	f.begin()
	return f
}

// begin makes the hub, again if it is not the first time.
func (f *fixture) begin() {
	f.t.Helper()
	f.source = &quiet{}
	f.cfg.Systems = []System{{
		ID: "dmr", Grid: "9", Driver: "test", Fold: time.Minute, Source: f.source,
		Units:  map[string]Unit{"101": {Name: "老王", Grid: "3", Place: "东门"}, "102": {Name: "小李"}, "door-2": {Name: "2号门"}},
		Groups: map[string]string{"9": "全体"},
		Rules: []Rule{
			{On: call.Emergency, From: "199", Off: true},
			{On: call.Digits, Code: "*911", Kind: "emergency_call", Severity: 2},
			{On: call.Text, Code: "help", Kind: "help_point", Severity: 2},
			{On: call.Emergency, Kind: "emergency_call", Severity: 1},
			{On: call.Input, Code: "door_forced", Kind: "door_forced", Severity: 2},
		},
	}}
	var err error
	if f.hub, err = New(f.t.Context(), f.cfg); err != nil {
		f.t.Fatal(err)
	}
}

// say has the source hear something, and what comes of it delivered.
func (f *fixture) say(e call.Event) {
	f.t.Helper()
	e.At = f.now
	f.hub.hear(f.hub.systems[0], e, f.now)
	f.settle()
}

// settle delivers what waits.
func (f *fixture) settle() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	lost, done := f.hub.deliver.LostSoFar(), make(chan struct{})
	go func() { defer close(done); f.hub.deliver.Run(ctx) }()
	f.hub.deliver.Wait(f.hub.deliver.Mark(), 5*time.Minute) // and not LastTry: the disk may be slow
	cancel()
	<-done
	if n := f.hub.deliver.LostSoFar() - lost; n > 0 {
		f.t.Fatalf("%d could not be delivered", n)
	}
}

func (f *fixture) wait(d time.Duration) {
	f.t.Helper()
	f.now = f.now.Add(d)
	f.hub.look(f.now)
	f.settle()
}

func (f *fixture) alerts(n int) []alert.Event {
	f.t.Helper()
	raised, _ := f.ledger.told()
	if len(raised) != n {
		f.t.Fatalf("%d alerts, want %d: %+v", len(raised), n, raised)
	}
	return raised
}

func press(from string) call.Event {
	return call.Event{Kind: call.Emergency, Active: true, From: from, To: "9"}
}

func TestEmergencyIsOneAlert(t *testing.T) {
	f := newFixture(t)
	for range 40 {
		f.say(press("101"))
		f.wait(5 * time.Second)
	}
	a := f.alerts(1)[0]
	if a.Device != "dmr" || a.Kind != "emergency_call" || a.Severity != 1 || a.Caller != "老王" || a.Place != "东门" || a.Grid != "3" || !a.Detected.Equal(a.Start) || !a.Call {
		t.Errorf("%+v", a)
	}
	f.begin() // the gateway begins anew
	f.say(press("101"))
	f.alerts(1)
	f.say(press("102"))
	if a := f.alerts(2)[1]; a.Caller != "小李" || a.Place != "" || a.Grid != "9" {
		t.Errorf("%+v", a)
	}
	f.wait(61 * time.Second)
	f.say(press("101"))
	f.alerts(3)
	f.say(press("199")) // off
	f.alerts(3)
	if len(f.kept) != 3 || f.kept[0] != "alert-0 dmr 101" {
		t.Errorf("kept %q", f.kept)
	}
}

// TestCallAfterItsAlertIsClosed: what is pressed once more within the fold is an alert of its own when nobody
// looks at the first one any more.
func TestCallAfterItsAlertIsClosed(t *testing.T) {
	f := newFixture(t)
	f.say(press("101"))
	f.alerts(1)
	f.mark("alert-0", true)
	f.wait(20 * time.Second)
	f.say(press("101")) // it is still open
	f.alerts(1)
	f.mark("alert-0", false)
	f.wait(20 * time.Second)
	f.say(press("101"))
	if a := f.alerts(2)[1]; a.Caller != "老王" || a.Place != "东门" || a.Severity != 1 {
		t.Errorf("%+v", a)
	}
	f.mark("alert-1", true)
	f.begin() // the second one is remembered
	f.wait(20 * time.Second)
	f.say(press("101"))
	f.alerts(2)
	if len(f.kept) != 2 {
		t.Errorf("kept %q", f.kept)
	}
}

// TestDoorIsNotToldAgain: what lasts until it is over is no call. What was over while the gateway was away nobody has
// told, and the next time must not be taken for it.
func TestDoorIsNotToldAgain(t *testing.T) {
	f := newFixture(t)
	door := call.Event{Kind: call.Input, Input: call.DoorForced, Station: "door-2", Active: true}
	f.say(door)
	f.mark("alert-0", false)
	f.wait(20 * time.Second)
	f.say(door)
	f.alerts(1)
	f.begin()
	f.say(door)
	f.mark("alert-1", false)
	f.wait(20 * time.Second)
	f.say(door)
	f.alerts(2)
}

// mark has an alert stand in the store, open or closed.
func (f *fixture) mark(id string, open bool) {
	f.t.Helper()
	err := f.ledger.store.Tx(f.t.Context(), func(tx *sql.Tx) error {
		rev := 1
		if !open {
			rev = 2
		}
		return f.ledger.store.PutAlert(f.t.Context(), tx, store.Alert{ID: id, Rev: rev, Open: open, Device: "dmr", Kind: "k", Doc: []byte("{}")}, store.Step{At: f.now, Action: "raised"})
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestClearedEmergencyEnds(t *testing.T) {
	f := newFixture(t)
	f.say(press("101"))
	f.say(call.Event{Kind: call.Emergency, From: "101"})
	_, ended := f.ledger.told()
	if len(ended) != 1 || ended[0].ID != "alert-0" || ended[0].Close || ended[0].By != "老王" {
		t.Fatalf("%+v", ended)
	}
	f.say(call.Event{Kind: call.Emergency, From: "101"}) // nothing is raised
	f.say(press("101"))
	f.alerts(2)
}

func TestDoorLastsOverARestart(t *testing.T) {
	f := newFixture(t)
	door := call.Event{Kind: call.Input, Input: call.DoorForced, Active: true, Station: "door-2", Channel: "1"}
	f.say(door)
	f.wait(time.Hour)
	f.say(door)
	f.begin()
	f.wait(time.Hour)
	f.say(door)
	if a := f.alerts(1)[0]; a.Kind != "door_forced" || a.Caller != "2号门" {
		t.Errorf("%+v", a)
	}
	door.Active = false
	f.say(door)
	if _, ended := f.ledger.told(); len(ended) != 1 {
		t.Errorf("%+v", ended)
	}
}

func TestDigitsTextsAndPosition(t *testing.T) {
	f := newFixture(t)
	f.say(call.Event{Kind: call.Digits, Digits: "*91", From: "101"})
	f.say(call.Event{Kind: call.Text, Text: "all quiet", From: "101"})
	f.alerts(0)
	f.say(call.Event{Kind: call.Position, From: "101", Position: &call.Fix{Lat: 30.123456, Lon: -114.5}})
	f.say(call.Event{Kind: call.Digits, Digits: "*911", From: "101"})
	f.say(call.Event{Kind: call.Text, Text: "HELP \"me\"", From: "102"})
	a := f.alerts(2)
	if a[0].Reading.Text != "*911" || a[0].Position == nil || *a[0].Position != (alert.Position{Lat: 30.12346, Lon: -114.5}) {
		t.Errorf("%+v", a[0])
	}
	if a[1].Reading.Text != "HELP ?me?" || a[1].Position != nil {
		t.Errorf("%+v", a[1])
	}
}

// A set says where it is after it has called for help.
func TestPositionComesLate(t *testing.T) {
	f := newFixture(t)
	f.say(press("101"))
	f.say(press("102"))
	for range 3 {
		f.say(call.Event{Kind: call.Position, From: "101", Position: &call.Fix{Lat: 30.5, Lon: 114.3}})
	}
	if len(f.ledger.located) != 1 || f.ledger.located[0] != "alert-0 {30.5 114.3}" {
		t.Errorf("%q", f.ledger.located)
	}
}

func TestStrangersAreJoined(t *testing.T) {
	f := newFixture(t)
	for i := range 500 {
		f.say(press(fmt.Sprint(7000 + i)))
	}
	a := f.alerts(UnknownBurst + 1)
	if a[0].Caller != "7000" || a[UnknownBurst].Caller != "" {
		t.Errorf("%+v", a)
	}
	f.say(press("101")) // who is known is told all the same
	f.alerts(UnknownBurst + 2)
	if c := f.hub.Counts()["dmr"]; c.Joined != 500-UnknownBurst || c.Events["emergency"] != 501 {
		t.Errorf("%+v", c)
	}
}

func TestBounds(t *testing.T) {
	f := newFixture(t)
	s := f.hub.systems[0]
	for i := range 3000 {
		from := fmt.Sprint(i)
		s.Units[from] = Unit{Name: from}
		f.hub.hear(s, call.Event{Kind: call.Begin, Call: from, From: from, At: f.now, Position: &call.Fix{Lat: 1}}, f.now)
		f.hub.hear(s, press(from), f.now)
		e := press(from)
		e.At = f.now
		f.hub.hear(s, e, f.now)
	}
	if len(s.open) > maxOpen || len(s.fixes) > maxFixes || len(f.hub.recent.calls) > maxCalls || len(f.hub.Recent()) > maxEntries {
		t.Errorf("%d open, %d fixes, %d calls, %d entries", len(s.open), len(s.fixes), len(f.hub.recent.calls), len(f.hub.Recent()))
	}
}

func TestRecent(t *testing.T) {
	f := newFixture(t)
	f.say(call.Event{Kind: call.Begin, Call: "1", From: "101", To: "9", Channel: "2"})
	f.say(call.Event{Kind: call.Text, Call: "1", From: "101", Text: "Wang"})
	if e := f.hub.Recent()[0]; !e.Active || e.FromName != "老王" || e.ToName != "全体" || e.Text != "Wang" || e.Place != "东门" {
		t.Errorf("%+v", e)
	}
	f.wait(3400 * time.Millisecond)
	f.say(press("102"))
	f.say(call.Event{Kind: call.End, Call: "1", From: "101", Lost: true})
	r := f.hub.Recent()
	if len(r) != 2 || r[0].Alert != "emergency_call" || r[1].Active || r[1].Seconds != 3.4 || !r[1].Lost {
		t.Errorf("%+v", r)
	}
}

func TestSystemAway(t *testing.T) {
	f := newFixture(t)
	var states []State
	f.hub.OnState = func(s State) { states = append(states, s) }
	f.source.Device("101", driver.Refused, "wrong password")
	f.source.Enter(driver.Unplugged, "no repeater is logged in")
	f.wait(0)
	f.wait(awayAfter - time.Second)
	f.alerts(0)
	f.wait(2 * time.Second)
	if a := f.alerts(1)[0]; a.Kind != Unplugged || a.Device != "dmr" {
		t.Errorf("%+v", a)
	}
	source := f.source
	f.begin()
	f.wait(time.Minute) // it has not run yet: who knows?
	f.source = source
	if _, ended := f.ledger.told(); len(ended) != 0 {
		t.Errorf("%+v", ended)
	}
	f.hub.systems[0].Source.(*quiet).Heard("101")
	f.wait(time.Second)
	if _, ended := f.ledger.told(); len(ended) != 1 || !ended[0].Close {
		t.Errorf("%+v", ended)
	}
	if len(states) == 0 || states[0].Phase != Away || states[0].Stations[0].State != Refused || states[0].Stations[0].Name != "老王" {
		t.Errorf("%+v", states)
	}
}

// What is said while the disk is away is durable later, and what is left when the hub stops, too.
func TestRun(t *testing.T) {
	f := newFixture(t)
	f.source.emit = make(chan func(call.Event), 1)
	f.ledger.fail = 1
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.hub.Run(ctx) }()
	emit := <-f.source.emit
	e := press("101")
	e.At = time.Now()
	emit(e)
	for raised, _ := f.ledger.told(); len(raised) == 0; raised, _ = f.ledger.told() {
		time.Sleep(10 * time.Millisecond)
	}
	e.From = "102"
	emit(e)
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	f.alerts(2)
}
