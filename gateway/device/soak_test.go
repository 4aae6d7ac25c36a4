package device

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/ebyte"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/rule"
	"sentrybox/gateway/store"
)

const (
	soakUnits   = 6
	soakButtons = 3
	soakPoll    = 10 * time.Second
)

// soak is a bus of Modbus and buttons in the air, with every fault of the simulators, and
// what a reading may be.
type soak struct {
	t     *testing.T
	rnd   *rand.Rand
	store *store.Store
	wire  *drivertest.Line
	air   *drivertest.Line
	bus   *modbustest.Bus
	units []*modbustest.Unit

	hub    *Hub
	stop   func()
	raised map[string]int // alerts by kind and device, that must be

	mu      sync.Mutex
	values  [soakUnits + 1]uint16 // guarded by mu, as all that follows: of each unit now
	before  [soakUnits + 1]uint16 // and until changed
	changed [soakUnits + 1]time.Time
	sick    [soakUnits + 1]bool // it was made to answer with errors since the last look
	read    [soakUnits + 1]int
	sent    [soakButtons + 1]uint32 // frames by button
	heard   [soakButtons + 1]map[uint32]int
	told    map[string]int
	ended   int
}

// Raise and End are what the Hub tells alerts.
func (s *soak) Raise(_ context.Context, e alert.Event) (alert.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := e.Kind + " " + e.Device
	s.told[key]++
	return alert.Alert{ID: fmt.Sprint(key, " ", s.told[key])}, nil
}

func (s *soak) End(context.Context, alert.Ending) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended++
	return nil
}

// decodeUnit checks that a payload is one that the unit had.
func (s *soak) decodeUnit(unit int) Decoder {
	return func(m driver.Message) ([]Value, error) {
		if len(m.Data) != 4 {
			s.t.Errorf("unit %d: a payload of %d bytes", unit, len(m.Data))
			return nil, errors.New("nonsense")
		}
		who, v := binary.BigEndian.Uint16(m.Data), binary.BigEndian.Uint16(m.Data[2:])
		s.mu.Lock()
		defer s.mu.Unlock()
		s.read[unit]++
		recent := v == s.before[unit] && time.Since(s.changed[unit]) < 2*time.Second
		if int(who) != unit || v != s.values[unit] && !recent {
			s.t.Errorf("%v: unit %d is said to be %d at %d, it is at %d", time.Now(), unit, who, v, s.values[unit])
		}
		return []Value{{Quantity: "level", Number: float64(v)}}, nil
	}
}

func (s *soak) decodeButton(button int) Decoder {
	return func(m driver.Message) ([]Value, error) {
		n := binary.BigEndian.Uint32(m.Data)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.heard[button][n]++; n > s.sent[button] || s.heard[button][n] > 1 {
			s.t.Errorf("button %d was heard to say %d for the %d. time; it has said %d", button, n, s.heard[button][n], s.sent[button])
		}
		return []Value{{Quantity: "press", Number: 1}}, nil
	}
}

func soakKey(button int) []byte {
	key := make([]byte, 16)
	key[0] = byte(button)
	return key
}

// open runs a gateway's sensors on the same lines and the same store.
func (s *soak) open() {
	wire := modbus.Config{Open: s.wire.Open, CharTime: time.Millisecond}
	c := Config{Alerts: s, Store: s.store, Location: time.UTC, Log: slog.New(slog.DiscardHandler)}
	for u := 1; u <= soakUnits; u++ {
		wire.Units = append(wire.Units, modbus.Unit{Address: byte(u), Sections: []modbus.Section{{Name: "all", Table: modbus.Holding, Count: 2, Every: soakPoll}}})
		id := fmt.Sprint("unit-", u)
		c.Sensors = append(c.Sensors, Sensor{
			ID: id, Bus: "wire", Device: fmt.Sprint(u), Decode: s.decodeUnit(u), Quantities: []Quantity{{Name: "level"}},
		})
		ref := rule.Ref{Sensor: id, Quantity: "level"}
		c.Rules = append(c.Rules, Rule{ID: id, Sensor: id, Kind: "level", Severity: 2, When: rule.Threshold(ref, ">=", 60000).For(30 * time.Second)})
	}
	keys := map[uint32][]byte{}
	for b := 1; b <= soakButtons; b++ {
		id := fmt.Sprint("button-", b)
		keys[uint32(b)] = soakKey(b)
		c.Sensors = append(c.Sensors, Sensor{
			ID: id, Bus: "air", Device: lora.Name(uint32(b)), Decode: s.decodeButton(b), Quantities: []Quantity{{Name: "press", Event: true}},
		})
		c.Rules = append(c.Rules, Rule{ID: id, Sensor: id, Kind: "panic", Severity: 1, When: rule.Threshold(rule.Ref{Sensor: id, Quantity: "press"}, "=", 1)})
	}
	line, err := modbus.New(wire)
	if err != nil {
		s.t.Fatal(err)
	}
	module, err := ebyte.New(ebyte.Config{Open: s.air.Open, Devices: lora.Devices{Keys: keys}})
	if err != nil {
		s.t.Fatal(err)
	}
	c.Buses = []Bus{{ID: "wire", Driver: line}, {ID: "air", Driver: module}}
	if s.hub, err = New(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.hub.Run(ctx)
	}()
	s.stop = func() {
		cancel()
		<-done
	}
}

// set gives a unit a value.
func (s *soak) set(unit int, v uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[unit] != v {
		s.before[unit], s.changed[unit] = s.values[unit], time.Now()
		s.values[unit] = v
		s.units[unit].SetRegisters(0, uint16(unit), v)
	}
}

// misbehave gives a unit one of the simulator's faults, or takes it away.
func (s *soak) misbehave(unit int) {
	// Of a unit that is not asked: a whole answer of the one that is asked, from another unit, nobody
	// could tell from its own.
	other := modbustest.Frame(99, []byte{3, 4, 0, 77, 0, 77})
	faults := []modbustest.Fault{
		nil, nil, nil, modbustest.Dead(), modbustest.Late(3 * time.Second), modbustest.WrongCRC(s.rnd), modbustest.Split(s.rnd, 5*time.Millisecond),
		modbustest.CutOff(s.rnd), modbustest.Noisy(s.rnd, 20), modbustest.Merged(other), modbustest.Flood(s.rnd, 1024, 20*time.Millisecond),
	}
	i := s.rnd.IntN(len(faults))
	s.bus.Misbehave(byte(unit), faults[i])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sick[unit] = faults[i] != nil
}

// press sends a button's next frame, with noise before it, and again, and something that is
// not its own.
func (s *soak) press(button int) {
	s.mu.Lock()
	s.sent[button]++
	n := s.sent[button]
	s.mu.Unlock()
	f := lora.Frame{Device: uint32(button), Counter: n, Event: true, Payload: binary.BigEndian.AppendUint32(nil, n)}
	frame, err := f.AppendLine(nil, soakKey(button))
	if err != nil {
		s.t.Error(err)
	}
	f.Counter += 1000
	forged, err := f.AppendLine(nil, soakKey(99))
	if err != nil {
		s.t.Error(err)
	}
	for _, b := range [][]byte{modbustest.Noise(s.rnd, s.rnd.IntN(30)), frame, forged, frame, modbustest.Noise(s.rnd, s.rnd.IntN(30)), frame} {
		if _, err := s.air.Write(b); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			s.t.Error(err)
		}
		time.Sleep(time.Duration(s.rnd.IntN(500)) * time.Millisecond)
	}
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard[button][n] != 1 {
		s.t.Errorf("%v: button %d said %d and was heard %d times", time.Now(), button, n, s.heard[button][n])
	}
}

// hour is one of the day.
func (s *soak) hour(n int) {
	for u := 1; u <= soakUnits; u++ { // all well: nothing is lost
		s.bus.Misbehave(byte(u), nil)
	}
	time.Sleep(5 * time.Minute) // the dead are asked rarely
	s.mu.Lock()
	before := s.read
	s.mu.Unlock()
	const quiet = 10 * time.Minute
	time.Sleep(quiet)
	s.mu.Lock()
	for u := 1; u <= soakUnits; u++ {
		if got, want := s.read[u]-before[u], int(quiet/soakPoll); got < want-1 || got > want+1 {
			s.t.Errorf("hour %d: unit %d was read %d times in %v, want %d", n, u, got, quiet, want)
		}
	}
	s.mu.Unlock()
	alarmed := 1 + s.rnd.IntN(soakUnits) // one whose line is good is above the threshold for a while
	for range 36 {
		for u := 1; u <= soakUnits; u++ {
			if u != alarmed {
				s.misbehave(u)
			}
			s.set(u, uint16(s.rnd.IntN(50000)))
		}
		s.press(1 + s.rnd.IntN(soakButtons))
		s.raised["panic"]++
		time.Sleep(time.Duration(s.rnd.IntN(60)) * time.Second)
	}
	s.set(alarmed, 60000)
	time.Sleep(3 * time.Minute)
	s.set(alarmed, 7)
	s.raised["level"]++
	time.Sleep(2 * time.Minute)
	s.wire.Unplug()
	s.air.Unplug()
	time.Sleep(time.Duration(1+s.rnd.IntN(120)) * time.Second)
	s.wire.Replug()
	s.air.Replug()
	time.Sleep(2 * time.Minute)
	if n%6 == 5 {
		s.stop()
		s.open()
		time.Sleep(time.Minute)
	}
}

// locked is a source of random numbers for several goroutines.
type locked struct {
	mu sync.Mutex
	*rand.PCG
}

func (l *locked) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.PCG.Uint64()
}

// TestSoak runs sensors for a day, in a bubble's time, with every fault: no valid reading is
// lost, none is made up, no alarm is missed or raised twice, and nothing grows.
// SENTRYBOX_SOAK is another number of hours, and SENTRYBOX_SEED other faults.
func TestSoak(t *testing.T) {
	hours, seed := 24, uint64(1)
	for name, v := range map[string]any{"SENTRYBOX_SOAK": &hours, "SENTRYBOX_SEED": &seed} {
		if set := os.Getenv(name); set != "" {
			if _, err := fmt.Sscan(set, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), dir, Schema())
		if err != nil {
			t.Fatal(err)
		}
		s := &soak{
			t: t, rnd: rand.New(&locked{PCG: rand.NewPCG(seed, 2)}), store: st, wire: drivertest.NewLine(), air: drivertest.NewLine(),
			raised: map[string]int{}, told: map[string]int{},
		}
		s.bus = modbustest.NewBus(s.wire)
		s.units = make([]*modbustest.Unit, soakUnits+1)
		for u := 1; u <= soakUnits; u++ {
			s.units[u] = modbustest.NewUnit(4)
			s.bus.Attach(byte(u), s.units[u])
			s.units[u].SetRegisters(0, uint16(u), 0)
		}
		for b := range s.heard {
			s.heard[b] = map[uint32]int{}
		}
		go func() { _ = s.bus.Serve() }() // ends with the line
		s.open()
		var first uint64
		for h := range hours {
			s.hour(h)
			if used := inUse(); h == 1 {
				first = used
			} else if h > 1 && used > first+8<<20 {
				t.Errorf("hour %d: %d KiB in use, %d KiB in the second", h, used>>10, first>>10)
			}
		}
		s.stop()
		s.check()
		_ = s.wire.Close()
		_ = s.air.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// inUse returns the bytes of the heap that are reachable.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// check holds what was told against what had to be.
func (s *soak) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := map[string]int{}
	readings := 0
	for key, n := range s.told {
		var kind, device string
		if _, err := fmt.Sscan(key, &kind, &device); err != nil {
			s.t.Error(err)
		}
		got[kind] += n
	}
	for _, n := range s.read {
		readings += n
	}
	for _, kind := range []string{"panic", "level"} {
		if got[kind] != s.raised[kind] {
			s.t.Errorf("%d alerts of %s, want %d", got[kind], kind, s.raised[kind])
		}
	}
	s.t.Logf("%d readings, %d alerts, %d ends", readings, got["panic"]+got["level"], s.ended)
}
