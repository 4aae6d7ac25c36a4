package ebyte_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/ebyte"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/port"
	"sentrybox/drivers/port/porttest"
	"sentrybox/drivers/replay"
)

func key() []byte { return bytes.Repeat([]byte{7}, 16) }

func sealed(t testing.TB, counter uint32, payload string) []byte {
	t.Helper()
	f := lora.Frame{Device: 0x2a, Counter: counter, Payload: []byte(payload)}
	b, err := f.AppendLine(nil, key())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rig is a driver with a simulated module.
type rig struct {
	*ebyte.Driver
	t        *testing.T
	module   *loratest.Ebyte
	messages chan driver.Message
	ended    chan error
	stop     func() // driver and module
}

// start runs a driver on a line in memory.
func start(t *testing.T, module *loratest.Ebyte, cfg ebyte.Config) *rig {
	t.Helper()
	l := drivertest.NewLine()
	module.Line, cfg.Open = l, l.Open
	if cfg.Devices.Framing != lora.Raw {
		cfg.Devices.Keys = map[uint32][]byte{0x2a: key()}
	}
	d, err := ebyte.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Driver: d, t: t, module: module, messages: make(chan driver.Message, 100), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { module.Run(ctx); close(over) }()
	go func() { r.ended <- d.Run(ctx, func(m driver.Message) { r.messages <- m }) }()
	r.stop = func() {
		cancel()
		_ = l.Close()
		<-over
		if err := d.Halt(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// hear has the module hear packets until the driver hands one on.
func (r *rig) hear(rssi byte, packet func() []byte) driver.Message {
	r.t.Helper()
	for begun := time.Now(); time.Since(begun) < 30*time.Second; {
		_ = r.module.Hear(packet(), rssi)
		select {
		case m := <-r.messages:
			return m
		case err := <-r.ended:
			r.t.Fatalf("ended with %v", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	r.t.Fatalf("nothing heard; %+v", r.State())
	return driver.Message{}
}

func (r *rig) frames() func() []byte {
	n := uint32(0)
	return func() []byte { n++; return sealed(r.t, n, "panic") }
}

func TestE22(t *testing.T) {
	module := &loratest.Ebyte{}
	cfg := ebyte.Config{
		Switch: module, RSSI: ebyte.Negative,
		Module: ebyte.E22{Address: 0x1234, NetID: 5, AirRate: 4800, Channel: 40, RSSI: true, PowerStep: 1, SubPacket: 64},
	}
	r := start(t, module, cfg)
	m := r.hear(0xb4, r.frames())
	if m.Device != "0000002a" || string(m.Data) != "panic" || m.RSSI == nil || *m.RSSI != -76 || m.Counter == nil {
		t.Errorf("%+v", m)
	}
	got, written := module.Registers()
	// The factory's reserved bits of REG1 (04) and REG3 (03) stay.
	if want := "12340563852883"; hex.EncodeToString(got) != want || written != 1 {
		t.Errorf("registers %x, written %d times; want %s, once", got, written, want)
	}
	if s := r.State(); s.Phase != driver.Online || s.Counts.Messages == 0 {
		t.Errorf("%+v", s)
	}
	if err := r.Send(t.Context(), driver.Message{Data: []byte("siren")}); err != nil {
		t.Error(err)
	}
	for string(module.Sent()) != "siren" {
		time.Sleep(time.Millisecond)
	}
	r.stop()
	if err := r.Send(t.Context(), driver.Message{Data: []byte("siren")}); !errors.Is(err, driver.ErrNotRunning) {
		t.Errorf("%v", err)
	}
	// A module that is right is not written again.
	r = start(t, module, cfg)
	r.hear(0xb4, r.frames())
	if _, written := module.Registers(); written != 1 {
		t.Errorf("written %d times", written)
	}
}

func TestE32(t *testing.T) {
	module := &loratest.Ebyte{E32: true}
	var log bytes.Buffer
	r := start(t, module, ebyte.Config{
		Switch: module, Module: ebyte.E32{Address: 1, AirRate: 9600, Channel: 23, PowerStep: 3}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if m := r.hear(0, r.frames()); string(m.Data) != "panic" || m.RSSI != nil {
		t.Errorf("%+v", m)
	}
	if got, written := module.Registers(); hex.EncodeToString(got) != "00011c1747" || written != 1 {
		t.Errorf("registers %x, written %d times", got, written)
	}
	r.stop()
	if !strings.Contains(log.String(), `information="32 27 02"`) {
		t.Errorf("logged: %s", log.String())
	}
}

func TestModeByCommand(t *testing.T) {
	module := &loratest.Ebyte{Software: true}
	r := start(t, module, ebyte.Config{ModeCommand: 1, Module: ebyte.E22{Channel: 50}})
	r.hear(0, r.frames())
	if got, _ := module.Registers(); got[5] != 50 || got[4]&4 == 0 || len(module.Sent()) != 0 {
		t.Errorf("registers %x, sent %x", got, module.Sent())
	}
}

func TestModeByHand(t *testing.T) {
	module := &loratest.Ebyte{}
	_ = module.Set(t.Context(), false, true)
	r := start(t, module, ebyte.Config{Module: ebyte.E22{Channel: 50}})
	wait := func(reason string) {
		t.Helper()
		for begun := time.Now(); !bytes.Contains([]byte(r.State().Reason), []byte(reason)); time.Sleep(5 * time.Millisecond) {
			if time.Since(begun) > time.Minute {
				t.Fatalf("%+v", r.State())
			}
		}
	}
	wait("set its switches M0 and M1 to 0")
	if got, written := module.Registers(); got[5] != 50 || written != 1 {
		t.Errorf("registers %x, written %d times", got, written)
	}
	_ = module.Set(t.Context(), false, false)
	r.hear(0, r.frames())

	// One whose switches say transparent is listened to as it is.
	module = &loratest.Ebyte{}
	r = start(t, module, ebyte.Config{Module: ebyte.E22{Channel: 50}})
	wait("was not checked")
	r.hear(0, r.frames())
}

func TestStubborn(t *testing.T) {
	for _, e32 := range []bool{false, true} {
		module := &loratest.Ebyte{E32: e32, Stubborn: true}
		var m ebyte.Module = ebyte.E22{Channel: 50}
		if e32 {
			m = ebyte.E32{Channel: 9}
		}
		r := start(t, module, ebyte.Config{Switch: module, Module: m})
		if err := <-r.ended; !errors.Is(err, driver.ErrPermanent) {
			t.Errorf("%v", err)
		}
		if _, written := module.Registers(); written != 1 {
			t.Errorf("written %d times", written)
		}
	}
}

func TestDead(t *testing.T) {
	module := &loratest.Ebyte{}
	module.Die(true)
	r := start(t, module, ebyte.Config{Switch: module, Module: ebyte.E22{Channel: 23}})
	for r.State().Phase != driver.Silent {
		time.Sleep(5 * time.Millisecond)
	}
	module.Die(false)
	r.hear(0, r.frames()) // it is listened to all the same
}

func TestRaw(t *testing.T) {
	module := &loratest.Ebyte{}
	r := start(t, module, ebyte.Config{Devices: lora.Devices{Framing: lora.Raw}, Switch: module, RSSI: ebyte.Half, Module: ebyte.E22{Channel: 23, RSSI: true}})
	m := r.hear(140, func() []byte { return []byte{1, 0, 2} })
	if m.Device != "" || !bytes.Equal(m.Data, []byte{1, 0, 2}) || *m.RSSI != -70 || m.Counter != nil {
		t.Errorf("%+v", m)
	}
}

// TestForgery has what strangers and noise make, beside what is valid.
func TestForgery(t *testing.T) {
	module, store := &loratest.Ebyte{}, &replay.Memory{}
	cfg := ebyte.Config{Devices: lora.Devices{Counters: store}}
	r := start(t, module, cfg)
	first := sealed(t, 100, "first")
	if m := r.hear(0, func() []byte { return first }); string(m.Data) != "first" {
		t.Errorf("%+v", m)
	}
	stranger := lora.Frame{Device: 0x2b, Counter: 1}
	unknown, _ := stranger.AppendLine(nil, key())
	stranger.Device = 0x2a
	stranger.Counter = 500
	forged, _ := stranger.AppendLine(nil, bytes.Repeat([]byte{8}, 16))
	damaged := sealed(t, 101, "damaged")
	damaged[12] ^= 2
	for _, b := range [][]byte{first, unknown, forged, damaged, {0, 0, 0}, bytes.Repeat([]byte{0x55}, 1000)} {
		if !module.Hear(b, 0) {
			t.Fatal("not heard")
		}
	}
	if m := r.hear(0, func() []byte { return sealed(t, 102, "second") }); string(m.Data) != "second" {
		t.Errorf("%+v", m)
	}
	if s := r.State().Strangers["0000002b"]; len(r.State().Strangers) != 1 || s.Count != 1 || s.Message.Device != "0000002b" {
		t.Errorf("strangers %+v", r.State().Strangers)
	}
	// What was noise is counted after what was a packet, and a packet that hear had to repeat is discarded too.
	well := func(c driver.Counts) bool {
		return c.Rejected >= 2 && c.Discarded >= 1 && c.Noise >= 1000 && c.Messages >= 2
	}
	for begun := time.Now(); !well(r.State().Counts); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("%+v", r.State().Counts)
		}
	}
	r.stop()
	r = start(t, module, cfg) // and after a restart
	if m := r.hear(0, func() []byte { return append(bytes.Clone(first), sealed(t, 103, "third")...) }); string(m.Data) != "third" {
		t.Errorf("%+v", m)
	}
}

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		pty, err := porttest.New(filepath.Join(t.TempDir(), "tty"))
		if err != nil {
			t.Fatal(err)
		}
		open, err := port.New(port.Config{Address: pty.Name})
		if err != nil {
			t.Fatal(err)
		}
		module := &loratest.Ebyte{Line: pty}
		d, err := ebyte.New(ebyte.Config{
			Open: open, Switch: module, Module: ebyte.E22{Channel: 23, RSSI: true}, RSSI: ebyte.Negative,
			Devices: lora.Devices{Keys: map[uint32][]byte{0x2a: key()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		over := make(chan struct{})
		go func() { module.Run(ctx); close(over) }()
		t.Cleanup(func() {
			cancel()
			_ = pty.Close()
			<-over
		})
		n := uint32(0)
		must := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		return drivertest.Rig{
			Driver: d,
			Say:    func() { n++; _ = module.Hear(sealed(t, n, "panic"), 200) },
			Valid:  func(m driver.Message) bool { return m.Device == "0000002a" && string(m.Data) == "panic" },
			Noise:  func(b []byte) { _, _ = pty.Write(b) },
			Unplug: func() { must(pty.Unplug()) },
			Replug: func() { must(pty.Replug()) },
		}
	})
}

func TestConfig(t *testing.T) {
	l := drivertest.NewLine()
	ok := ebyte.Config{Open: l.Open, Devices: lora.Devices{Keys: map[uint32][]byte{1: key()}}}
	if _, err := ebyte.New(ok); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*ebyte.Config){
		"no line":              func(c *ebyte.Config) { c.Open = nil },
		"a short key":          func(c *ebyte.Config) { c.Devices.Keys = map[uint32][]byte{1: {1}} },
		"keys with raw":        func(c *ebyte.Config) { c.Devices.Framing = lora.Raw },
		"another framing":      func(c *ebyte.Config) { c.Devices.Framing = "x" },
		"RSSI here alone":      func(c *ebyte.Config) { c.RSSI, c.Module = ebyte.Half, ebyte.E22{} },
		"RSSI there alone":     func(c *ebyte.Config) { c.Module = ebyte.E22{RSSI: true} },
		"RSSI of an E32":       func(c *ebyte.Config) { c.RSSI, c.Module = ebyte.Half, ebyte.E32{} },
		"a channel":            func(c *ebyte.Config) { c.Module = ebyte.E22{Channel: 84} },
		"a channel of an E32":  func(c *ebyte.Config) { c.Module = ebyte.E32{Channel: 32} },
		"an air rate":          func(c *ebyte.Config) { c.Module = ebyte.E22{AirRate: 1000} },
		"an air rate of E32":   func(c *ebyte.Config) { c.Module = ebyte.E32{AirRate: 38400} },
		"a baud rate":          func(c *ebyte.Config) { c.Module = ebyte.E32{Line: ebyte.Line{Baud: 14400}} },
		"a parity":             func(c *ebyte.Config) { c.Module = ebyte.E22{Line: ebyte.Line{Parity: "mark"}} },
		"a sub-packet":         func(c *ebyte.Config) { c.Module = ebyte.E22{SubPacket: 100} },
		"a power":              func(c *ebyte.Config) { c.Module = ebyte.E22{PowerStep: 4} },
		"a mode of an E32":     func(c *ebyte.Config) { c.Module, c.ModeCommand = ebyte.E32{}, 1 },
		"a gap of an hour":     func(c *ebyte.Config) { c.Gap = time.Hour },
		"a wake-up time":       func(c *ebyte.Config) { c.Module = ebyte.E32{WakeUp: 100} },
		"a power of an E32":    func(c *ebyte.Config) { c.Module = ebyte.E32{PowerStep: -1} },
		"a baud rate of E22":   func(c *ebyte.Config) { c.Module = ebyte.E22{Line: ebyte.Line{Baud: -1}} },
		"a mode beside pins":   func(c *ebyte.Config) { c.Module, c.ModeCommand, c.Switch = ebyte.E22{}, 1, &loratest.Ebyte{} },
		"a mode without E22":   func(c *ebyte.Config) { c.ModeCommand = 1 },
		"a negative channel":   func(c *ebyte.Config) { c.Module = ebyte.E22{Channel: -1} },
		"a mode of the future": func(c *ebyte.Config) { c.Module, c.ModeCommand = ebyte.E22{}, 4 },
	} {
		cfg := ok
		change(&cfg)
		if _, err := ebyte.New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
