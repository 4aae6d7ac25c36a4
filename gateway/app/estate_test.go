package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/web"
)

// estateRig is a gateway with lines of Modbus TCP.
type estateRig struct {
	t      *testing.T
	data   string
	estate *estate
	lines  []*modbustest.Server
	units  []*modbustest.Unit
}

func newEstateRig(t *testing.T) *estateRig {
	r := &estateRig{t: t, data: t.TempDir(), estate: newEstate(t.Context(), slog.New(slog.DiscardHandler))}
	for range 3 {
		bus, unit := modbustest.NewBus(nil), modbustest.NewUnit(32)
		bus.Attach(1, unit)
		s, err := modbustest.Listen(bus)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		r.lines, r.units = append(r.lines, s), append(r.units, unit)
	}
	return r
}

// parse puts the addresses of the lines in the place of L0 and so on.
func (r *estateRig) parse(doc string) *config.Config {
	r.t.Helper()
	for i, l := range r.lines {
		doc = strings.ReplaceAll(doc, fmt.Sprint("L", i), "tcp://"+l.Address())
	}
	cfg, err := config.Parse(filepath.Join(r.data, "config.yaml"), []byte("data: "+r.data+"\n"+doc), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return cfg
}

// app waits for the App that is told, which is another than old.
func (r *estateRig) app(old *App) *App {
	r.t.Helper()
	for range 6000 {
		var got *App
		r.estate.now(func(a *App) { got = a })
		if got != nil && got != old {
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.t.Fatal("no gateway")
	return nil
}

// online waits until a sensor is, and returns its state.
func (r *estateRig) online(a *App, id string) device.State {
	r.t.Helper()
	var st device.State
	for range 6000 {
		for _, st = range a.hub.States() {
			if st.ID == id && st.Phase == device.Online {
				return st
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.t.Fatalf("%s is never online", id)
	return st
}

const (
	estateHead = `
gateway: {id: gw-1, street: donghu, community: meiyuan}
web: {listen: ""}
uplink: {mqtt: [{url: "mqtt://127.0.0.1:1"}]}
`
	estateBuses = `
buses:
  - {id: one, modbus: L0}
  - {id: two, modbus: L1}
sensors:
  - {id: smoke-1, profile: renke-rs-yg-n01, bus: one, every: 100ms}
  - {id: smoke-2, profile: renke-rs-yg-n01, bus: two, every: 100ms}
`
)

// TestUntouched: a line stays open over every change of something else.
func TestUntouched(t *testing.T) {
	r := newEstateRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- (&App{Config: r.parse(estateHead + estateBuses), Log: slog.New(slog.DiscardHandler), estate: r.estate}).Run(ctx)
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	a := r.app(nil)
	r.online(a, "smoke-1")
	since := r.online(a, "smoke-2").Since

	changes := []struct {
		what, doc string
		opened    map[string]uint64
		restarts  bool
	}{
		{"a sensor's grid, threshold and a rule", estateHead + strings.Replace(estateBuses, "smoke-1,", "smoke-1, name: 门厅, grid: '3', alerts: [{field: smoke, is: 1, severity: 2}],", 1) +
			"rules: [{id: fire, when: any 2 of smoke within 60 s, severity: 1, area: night}]\n", map[string]uint64{"one": 1, "two": 1}, false},
		{"another bus is added", estateHead + strings.Replace(estateBuses, "sensors:", "  - {id: three, modbus: L2}\nsensors:\n  - {id: smoke-3, profile: renke-rs-yg-n01, bus: three, every: 100ms}", 1),
			map[string]uint64{"one": 1, "two": 1, "three": 1}, false},
		{"another bus is changed", estateHead + strings.Replace(estateBuses, "bus: one, every: 100ms", "bus: one, every: 200ms", 1), map[string]uint64{"one": 1, "two": 1}, false},
		{"another bus is removed", estateHead + "buses: [{id: two, modbus: L1}]\nsensors: [{id: smoke-2, profile: renke-rs-yg-n01, every: 100ms}]\n", map[string]uint64{"two": 1}, false},
		{"the uplink", strings.Replace(estateHead, "127.0.0.1:1", "127.0.0.1:2", 1) + estateBuses, map[string]uint64{"one": 1, "two": 1}, true},
	}
	for _, c := range changes {
		before := a
		a.Apply(ctx, r.parse(c.doc))
		if c.restarts {
			a = r.app(before)
		}
		var counts map[string]device.BusCounts
		for id := range c.opened {
			for range 6000 {
				if counts = a.hub.BusCounts(); counts[id].Messages > 0 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
		}
		for id, n := range c.opened {
			if counts[id].Opened != n {
				t.Errorf("%s: %s was opened %d times, want %d", c.what, id, counts[id].Opened, n)
			}
		}
		if len(counts) != len(c.opened) {
			t.Errorf("%s: buses %v", c.what, counts)
		}
		if st := r.online(a, "smoke-2"); !st.Since.Equal(since) {
			t.Errorf("%s: the untouched sensor has been online since %v only, and not since %v", c.what, st.Since, since)
		}
	}
}

// TestLook: who looks sees what goes and comes on the line, and what it means; and nothing once
// they look away.
func TestLook(t *testing.T) {
	r := newEstateRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- (&App{Config: r.parse(estateHead + estateBuses), Log: slog.New(slog.DiscardHandler), estate: r.estate}).Run(ctx)
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	a := r.app(nil)
	r.online(a, "smoke-1")
	seen := make(chan string, 1000)
	stop := site{a}.Look(func(h web.Heard) {
		if h.Bus == "two" {
			return
		}
		what := fmt.Sprintf("%s wire %x sent %v", h.Bus, h.Wire[min(2, len(h.Wire)):], h.Sent) // after the transaction's number
		if h.Wire == nil {
			what = fmt.Sprintf("%s %s %x %+v", h.Bus, h.Address, h.Payload.Data, h.Read)
		}
		select {
		case seen <- what:
		default:
		}
	})
	for _, want := range []string{"one wire 0000000601030003", "one wire 00000005010302", "one 1 0000 [{Sensor:smoke-1 Values:[{Quantity:smoke Number:0 Text: Impossible:false}] Err:<nil>}]"} {
		end := time.After(patience)
		for found := false; !found; {
			select {
			case got := <-seen:
				found = strings.HasPrefix(got, want)
			case <-end:
				t.Fatalf("%s is never seen", want)
			}
		}
	}
	stop()
	stop()
}

// TestSearchLine finds a unit, and what it is, on a bus that nobody uses.
func TestSearchLine(t *testing.T) {
	r := newEstateRig(t)
	r.units[0].SetRegisters(3, 1)
	p, err := profile.Library{}.Get("renke-rs-yg-n01")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	search := func() ([]web.Found, error) {
		asked = 0
		return site{}.Search(t.Context(), web.Search{
			Kind: "modbus", Where: "tcp://" + r.lines[0].Address(), Line: profile.Line{Baud: 9600, DataBits: 8, Parity: "none", StopBits: 1}, Last: 1, Profiles: []*profile.Profile{p},
		}, func(profile.Line, int) { asked++ })
	}
	got, err := search()
	for tries := 1; err == nil && (len(got) == 0 || len(got[0].Fits) == 0) && tries < 5; tries++ {
		got, err = search() // a unit has a moment to answer, and this machine may have been busy
	}
	if err != nil || len(got) != 1 || got[0].Unit != 1 || len(got[0].Fits) != 1 || got[0].Fits[0].Profile.ID != p.ID || asked != 1 {
		t.Errorf("%+v, %v, %d addresses asked", got, err, asked)
	}
}
