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
	slow time.Duration   // until they do
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

func (f *fakeDriver) Switch(ctx context.Context, _, output string, on bool) error {
	f.mu.Lock()
	slow := f.slow
	f.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return ctx.Err()
	}
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
	if e.Call {
		value += ", a call"
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
