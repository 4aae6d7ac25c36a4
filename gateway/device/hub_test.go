package device

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/rule"
	"sentrybox/gateway/store"
)

// fakeDriver is a bus of a test.
type fakeDriver struct {
	driver.Tracker
	driver.Life
	mu   sync.Mutex
	emit func(driver.Message)
	on   map[string]bool // outputs, as they are
	deaf bool            // they do not obey
	log  []string        // what was switched
}

func (f *fakeDriver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := f.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	f.mu.Lock()
	f.emit = emit
	f.mu.Unlock()
	f.Opened()
	<-ctx.Done()
	f.mu.Lock()
	f.emit = nil
	f.mu.Unlock()
	return f.Ended(nil)
}

func (f *fakeDriver) Switch(_ context.Context, _, output string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.emit == nil {
		return driver.ErrNotRunning
	}
	if f.deaf {
		return errors.New("no answer")
	}
	f.on[output] = on
	f.log = append(f.log, fmt.Sprint(output, " ", on))
	return nil
}

func (f *fakeDriver) say(device, data string) {
	f.mu.Lock()
	emit := f.emit
	f.mu.Unlock()
	f.Heard(device)
	emit(driver.Message{Device: device, Data: []byte(data)})
}

func (f *fakeDriver) is(output string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on[output]
}

// decodeText reads "quantity=number quantity=number".
func decodeText(m driver.Message) ([]Value, error) {
	var all []Value
	for part := range strings.FieldsSeq(string(m.Data)) {
		name, v, _ := strings.Cut(part, "=")
		var n float64
		if _, err := fmt.Sscan(v, &n); err != nil {
			return nil, errors.New("nonsense")
		}
		all = append(all, Value{Quantity: name, Number: n})
	}
	return all, nil
}

// told takes alerts as the alert package does.
type told struct {
	store  *store.Store
	mu     sync.Mutex
	lines  []string
	broken bool
	n      int
}

func (a *told) say(format string, args ...any) {
	a.lines = append(a.lines, fmt.Sprintf(format, args...))
}

func (a *told) Raise(ctx context.Context, e alert.Event) (alert.Alert, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken {
		return alert.Alert{}, errors.New("disk full")
	}
	a.n++
	id := fmt.Sprint("alert-", a.n)
	if e.Also != nil {
		if err := a.store.Tx(ctx, func(tx *sql.Tx) error { return e.Also(tx, id) }); err != nil {
			return alert.Alert{}, err
		}
	}
	value := ""
	if e.Reading.Value != nil {
		value = fmt.Sprint(" ", *e.Reading.Value, e.Reading.Unit)
	}
	a.say("%s %s %d%s", e.Device, e.Kind, e.Severity, value)
	return alert.Alert{ID: id}, nil
}

func (a *told) End(ctx context.Context, e alert.Ending) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.store.Tx(ctx, e.Also); err != nil {
		return err
	}
	a.say("end %s", e.ID)
	return nil
}

func (a *told) since(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.lines, want) {
		t.Errorf("told %q, want %q", a.lines, want)
	}
	a.lines = nil
}

type site struct {
	*Hub
	drv    *fakeDriver
	alerts *told
	states []string
	end    func()
}

func when(t *testing.T, s string) *rule.Bound {
	t.Helper()
	c, err := rule.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Bind(&rule.Catalog{
		Known: map[string]bool{"pit": true, "panic": true, "a": true, "b": true},
		Quantities: map[rule.Ref]rule.Quantity{
			{Sensor: "pit", Quantity: "water_level"}: {Unit: "m"}, {Sensor: "panic", Quantity: "press"}: {Event: true},
			{Sensor: "a", Quantity: "smoke"}: {}, {Sensor: "b", Quantity: "smoke"}: {},
		},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sensors() []Sensor {
	return []Sensor{
		{ID: "pit", Grid: "3", Bus: "bus", Device: "1", Decode: decodeText, Silent: 10 * time.Minute, Quantities: []Quantity{
			{Name: "water_level", Unit: "m", Bounded: true, Most: 5}, {Name: "battery", Unit: "%"},
		}},
		{ID: "panic", Bus: "bus", Device: "2", Decode: decodeText, Quantities: []Quantity{{Name: "press", Event: true}}},
		{ID: "a", Bus: "bus", Device: "3", Decode: decodeText, Quantities: []Quantity{{Name: "smoke"}}},
		{ID: "b", Bus: "bus", Device: "4", Decode: decodeText, Quantities: []Quantity{{Name: "smoke"}}},
	}
}

func rules(t *testing.T) []Rule {
	ref := rule.Ref{Sensor: "pit", Quantity: "battery"}
	return []Rule{
		{ID: "flood", Severity: 2, When: when(t, "pit.water_level > 40 cm for 30 s"), Until: when(t, "pit.water_level < 0.3 m"), Do: []Action{{"siren", 20 * time.Second}}},
		{ID: "panic", Kind: "panic", Severity: 1, When: when(t, "panic.press"), Do: []Action{{Output: "siren"}}},
		{ID: "fire", Kind: "fire", Severity: 1, When: when(t, "any 2 of (a.smoke, b.smoke) within 60 s")},
		{ID: "night", Kind: "smoke", Severity: 3, When: when(t, "a.smoke for 5 s"), Area: "night"},
		{ID: "pit/battery", Sensor: "pit", Kind: Battery, Severity: 4, When: rule.Threshold(ref, "<", 15), Until: rule.Threshold(ref, ">=", 20), Closes: true},
	}
}

// open runs a site on the data of a folder. It is to be called in a bubble of synctest.
func open(t *testing.T, dir string) *site {
	t.Helper()
	st, err := store.Open(t.Context(), dir, Schema())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{drv: &fakeDriver{on: map[string]bool{"1": true}}, alerts: &told{store: st}} // the siren was left on
	s.Hub, err = New(t.Context(), Config{
		Sensors: sensors(), Rules: rules(t), Buses: []Bus{{ID: "bus", Driver: s.drv}},
		Outputs: []Output{{ID: "siren", Bus: "bus", Device: "9", Output: "1", MaxOn: time.Minute}},
		Alerts:  s.alerts, Store: st, Location: time.UTC, Log: slog.New(slog.DiscardHandler),
		OnState: func(st State) { s.states = append(s.states, fmt.Sprint(st.ID, " ", st.Phase)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	time.Sleep(2 * time.Second)
	synctest.Wait()
	s.end = func() {
		cancel()
		<-done
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	return s
}

func (s *site) at(t *testing.T, id string) State {
	t.Helper()
	synctest.Wait()
	for _, st := range s.States() {
		if st.ID == id {
			return st
		}
	}
	t.Fatalf("no %s", id)
	return State{}
}

func TestAlarms(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		if s.drv.is("1") {
			t.Error("the siren is on that an earlier run has left")
		}
		s.drv.say("1", "water_level=0.5")
		time.Sleep(29 * time.Second)
		s.alerts.since(t)
		time.Sleep(time.Second)
		s.alerts.since(t, "pit water_level 2 0.5m")
		if !s.drv.is("1") {
			t.Error("no siren")
		}
		s.drv.say("1", "water_level=0.35") // between the thresholds
		s.drv.say("1", "water_level=0.45")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		if s.drv.is("1") {
			t.Error("the siren is on for longer than 20 s")
		}
		s.drv.say("1", "water_level=7") // impossible
		s.alerts.since(t)
		s.drv.say("1", "water_level=0.2")
		s.alerts.since(t, "end alert-1")
		for range 2 { // each press counts, and none ends
			s.drv.say("2", "press=1")
		}
		s.alerts.since(t, "panic panic 1 1", "panic panic 1 1")
		s.drv.say("3", "smoke=1")
		s.alerts.since(t)
		time.Sleep(5 * time.Second)
		s.alerts.since(t, "a smoke 3 1")
		s.drv.say("3", "smoke=0")
		time.Sleep(50 * time.Second)
		s.alerts.since(t, "end alert-4")
		s.drv.say("4", "smoke=1")
		s.alerts.since(t, "b fire 1 1")
		s.drv.say("1", "battery=14")
		s.drv.say("1", "battery=19")
		if st := s.at(t, "pit"); st.Phase != LowBattery || st.Values["battery"] != 19.0 || st.Units["water_level"] != "m" {
			t.Errorf("%+v", st)
		}
		s.drv.say("1", "battery=20")
		s.alerts.since(t, "pit battery 4 14%", "end alert-6")
		time.Sleep(time.Minute)
		s.alerts.since(t, "end alert-5") // what smoked first has been quiet for a minute
		s.end()
	})
}

// TestRestart: what is raised is not raised again, holds on without its time beginning anew,
// and ends when it is over.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.say("1", "water_level=0.5 battery=3")
		time.Sleep(31 * time.Second)
		s.alerts.since(t, "pit battery 4 3%", "pit water_level 2 0.5m")
		if !s.drv.is("1") {
			t.Error("no siren")
		}
		s.end()
		if s.drv.is("1") {
			t.Error("the siren is on although the gateway has stopped")
		}
		s = open(t, dir)
		s.drv.say("1", "water_level=0.5 battery=3")
		time.Sleep(5 * time.Minute)
		s.alerts.since(t)
		s.drv.say("1", "water_level=0.1")
		s.alerts.since(t, "end alert-2")
		s.end()
	})
}

func TestSilence(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.say("1", "water_level=0.5")
		time.Sleep(31 * time.Second)
		time.Sleep(10 * time.Minute)
		s.alerts.since(t, "pit water_level 2 0.5m", "pit silence 3") // the water may be high still
		s.drv.say("1", "water_level=0.5")
		s.alerts.since(t, "end alert-2")
		// The bus is told, and not each of its sensors.
		s.drv.Enter(driver.Unplugged, "no adapter")
		time.Sleep(3 * time.Second)
		s.alerts.since(t)
		if st := s.at(t, "pit"); st.Phase != Away || st.Reason != "no adapter" {
			t.Errorf("%+v", st)
		}
		time.Sleep(20 * time.Minute)
		s.alerts.since(t, "bus unplugged 2")
		s.drv.Enter(driver.Silent, "")
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "end alert-3")
		time.Sleep(9 * time.Minute)
		s.alerts.since(t)
		time.Sleep(time.Minute)
		s.alerts.since(t, "pit silence 3")
		s.end()
		// Restarted every few minutes, it is missed all the same.
		s = open(t, dir)
		time.Sleep(9 * time.Minute)
		s.drv.say("1", "water_level=0")
		s.alerts.since(t, "end alert-4", "end alert-1")
		s.end()
	})
}

// TestPoison: what floods is limited, what means nothing is told, and both stop nobody.
func TestPoison(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		for range 3 * Burst {
			s.drv.say("3", "smoke=0")
		}
		for range badLimit {
			s.drv.say("4", "smoke=x")
		}
		s.drv.say("2", "press=1")
		s.alerts.since(t, "a fault 3", "b fault 3", "panic panic 1 1")
		if st := s.at(t, "a"); st.Phase != Faulty || st.Reason != "sends too much" {
			t.Errorf("%+v", st)
		}
		if st := s.at(t, "b"); st.Phase != Faulty || st.Reason != "nonsense" {
			t.Errorf("%+v", st)
		}
		time.Sleep(2 * time.Minute)
		s.drv.say("4", "smoke=1")
		s.drv.say("3", "smoke=0")
		s.alerts.since(t, "end alert-1", "end alert-2")
		if st := s.at(t, "b"); st.Phase != Online {
			t.Errorf("%+v", st)
		}
		s.end()
	})
}

// TestNotDurableYet: an alarm is told as soon as it can be, in order.
func TestNotDurableYet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.alerts.broken = true
		s.drv.say("1", "battery=3")
		s.drv.say("1", "battery=50")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		s.alerts.mu.Lock()
		s.alerts.broken = false
		s.alerts.mu.Unlock()
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "pit battery 4 3%", "end alert-1")
		s.end()
	})
}

// TestDurableFirst: when a driver's message has been taken, the alarm that it raised is durable.
func TestDurableFirst(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.say("2", "press=1")
		s.alerts.mu.Lock() // nobody waits in between
		n := len(s.alerts.lines)
		s.alerts.mu.Unlock()
		if n != 1 {
			t.Errorf("%d alerts when the press was taken", n)
		}
		s.end()
	})
}

// TestOutput: however often it is told, a siren is on for its longest time at most; one that
// does not obey is told, and asked until it does.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		req := command.Request{ID: "c1", Type: "output", Body: []byte(`{"output":"siren","on":true,"for":"1h"}`)}
		if got, err := s.HandleOutput(t.Context(), nil, req); err != nil || fmt.Sprint(got) != "map[for:1m0s on:true output:siren]" {
			t.Errorf("%v, %v", got, err)
		}
		var obeyed []error
		done := func(err error) { obeyed = append(obeyed, err) }
		for range 9 {
			s.Carry(req, done)
			time.Sleep(6 * time.Second)
			if !s.drv.is("1") {
				t.Fatal("off")
			}
		}
		synctest.Wait()
		if len(obeyed) != 9 {
			t.Errorf("%d were told", len(obeyed))
		}
		time.Sleep(7 * time.Second)
		if s.drv.is("1") {
			t.Error("on for more than a minute")
		}
		s.Carry(req, done)
		synctest.Wait()
		s.drv.mu.Lock()
		s.drv.deaf = true
		s.drv.mu.Unlock()
		off := command.Request{ID: "c2", Type: "output", Body: []byte(`{"output":"siren","on":false}`)}
		obeyed = nil
		s.Carry(off, done)
		time.Sleep(12 * time.Second)
		s.alerts.since(t, "siren fault 2")
		if len(obeyed) != 1 || obeyed[0] == nil {
			t.Errorf("told %v", obeyed)
		}
		s.drv.mu.Lock()
		s.drv.deaf = false
		s.drv.mu.Unlock()
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "end alert-1")
		if s.drv.is("1") || s.at(t, "siren").Phase != Off {
			t.Error("still on")
		}
		for _, bad := range []string{`{}`, `{"output":"x","on":true}`, `{"output":"siren","on":true,"for":"-3s"}`, `[]`} {
			_, err := s.HandleOutput(t.Context(), nil, command.Request{Body: []byte(bad)})
			var refusal *command.Refusal
			if !errors.As(err, &refusal) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		s.end()
	})
}

// TestArming: what is disarmed raises nothing, over restarts too; what is so when it is armed
// counts from then.
func TestArming(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		arm := func(kind string) {
			r := command.Request{Type: kind, Body: []byte(`{"area":"night"}`)}
			handle := map[string]command.Handler{"arm": s.HandleArm, "disarm": s.HandleDisarm}[kind]
			if err := s.Store.Tx(t.Context(), func(tx *sql.Tx) error {
				_, err := handle(t.Context(), tx, r)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			s.Carry(r, nil)
		}
		arm("disarm")
		s.drv.say("3", "smoke=1")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		s.end()
		s = open(t, dir)
		if s.Armed()["night"] {
			t.Error("armed after a restart")
		}
		s.drv.say("3", "smoke=1")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		arm("arm")
		time.Sleep(4 * time.Second)
		s.alerts.since(t)
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "a smoke 3 1")
		s.end()
	})
}

// TestSchedule: a rule is armed by the clock on the wall; what began before goes on after.
func TestSchedule(t *testing.T) {
	night, err := config.ParseSchedule("01:00-02:00")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // it is midnight
		st, err := store.Open(t.Context(), dir, Schema())
		if err != nil {
			t.Fatal(err)
		}
		alerts := &told{store: st}
		h, err := New(t.Context(), Config{
			Sensors: sensors()[2:], Alerts: alerts, Store: st, Location: time.UTC, Log: slog.New(slog.DiscardHandler),
			Rules: []Rule{{ID: "r", Kind: "smoke", Severity: 2, When: when(t, "a.smoke"), Schedule: night}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = h.Run(ctx)
		}()
		h.Take("a", Message{Values: []Value{{Quantity: "smoke", Number: 1}}})
		time.Sleep(59 * time.Minute)
		alerts.since(t)
		time.Sleep(2 * time.Minute)
		alerts.since(t, "a smoke 2 1")
		time.Sleep(2 * time.Hour)
		h.Take("a", Message{Values: []Value{{Quantity: "smoke", Number: 0}}})
		alerts.since(t, "end alert-1")
		cancel()
		<-done
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}
