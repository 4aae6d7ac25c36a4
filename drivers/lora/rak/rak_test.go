package rak_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/lora/rak"
	"sentrybox/drivers/port"
	"sentrybox/drivers/port/porttest"
)

func key() []byte { return bytes.Repeat([]byte{7}, 16) }

func sealed(t testing.TB, counter uint32, payload string) []byte {
	t.Helper()
	f := lora.Frame{Device: 0x2a, Counter: counter, Payload: []byte(payload)}
	b, err := f.Append(nil, key())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type rig struct {
	*rak.Driver
	t        *testing.T
	module   *loratest.RAK
	line     *drivertest.Line
	messages []driver.Message
	ended    error
	count    uint32
}

// bubble runs a driver with a module on a line in memory, in a bubble where time
// costs nothing, and calls f when the driver waits.
func bubble(t *testing.T, module *loratest.RAK, cfg rak.Config, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := drivertest.NewLine()
		module.Line, cfg.Open = l, l.Open
		if cfg.Radio.Frequency == 0 {
			cfg.Radio.Frequency = 868_000_000
		}
		if cfg.Devices.Framing != lora.Raw {
			cfg.Devices.Keys = map[uint32][]byte{0x2a: key()}
		}
		d, err := rak.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{Driver: d, t: t, module: module, line: l, ended: errors.New("runs")}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { module.Run(ctx); close(over) }()
		go func() { r.ended = d.Run(ctx, func(m driver.Message) { r.messages = append(r.messages, m) }) }()
		time.Sleep(20 * time.Second)
		f(r)
		cancel()
		if err := d.Halt(); err != nil {
			t.Error(err)
		}
		_ = l.Close()
		<-over
	})
}

// hear has the module hear a frame, which the driver must hand on.
func (r *rig) hear(what string) {
	r.t.Helper()
	r.count++
	before := len(r.messages)
	if !r.module.Hear(sealed(r.t, r.count, what), -90, 7) {
		r.t.Errorf("%s: the module does not listen; %+v", what, r.State())
	}
	synctest.Wait()
	if len(r.messages) != before+1 {
		r.t.Fatalf("%s: %d messages; %+v", what, len(r.messages)-before, r.State())
	}
	m := r.messages[before]
	if m.Device != "0000002a" || string(m.Data) != what || *m.RSSI != -90 || *m.SNR != 7 || *m.Counter != r.count {
		r.t.Errorf("%s: %+v", what, m)
	}
}

func TestFirmwares(t *testing.T) {
	for name, module := range map[string]*loratest.RAK{
		"RUI3":                     {},
		"RUI3 with echo":           {Echo: true},
		"RUI3 with index":          {Index: true},
		"from the factory":         {Mode: 1},
		"from the factory, echo":   {Mode: 1, Echo: true},
		"does not tell how it is":  {Forgetful: true},
		"old":                      {Old: true},
		"old and from the factory": {Old: true, Mode: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, module, rak.Config{Radio: rak.Radio{Frequency: 470_300_000, Spreading: 9, Power: 20}}, func(r *rig) {
				if s := r.State(); s.Phase != driver.Silent || s.Reason != "the module listens, nothing heard yet" {
					t.Errorf("%+v", s)
				}
				r.hear("panic")
				value, written := module.Radio()
				if want := map[bool]string{false: "470300000:9:125:0:8:20", true: "470300000:9:0:0:8:20"}[module.Index]; value != want || written != 1 {
					t.Errorf("radio %s, set %d times", value, written)
				}
				if err := r.Send(r.t.Context(), driver.Message{Data: []byte{1, 0xfe}}); err != nil {
					t.Error(err)
				}
				if got := module.Sent(); !slices.Equal(got, []string{"01FE"}) {
					t.Errorf("sent %v", got)
				}
				synctest.Wait()
				time.Sleep(time.Second)
				r.hear("after sending")
				time.Sleep(time.Hour) // it is asked again and again
				r.hear("after an hour")
				if s := r.State(); s.Counts.Opened != 1 || s.Counts.Timeouts != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestEventsBetween(t *testing.T) {
	for _, old := range []bool{false, true} {
		module := &loratest.RAK{Old: old}
		bubble(t, module, rak.Config{}, func(r *rig) {
			module.Between(module.Event(sealed(t, 50, "between"), -100, -3)...)
			if err := r.Send(r.t.Context(), driver.Message{Data: []byte{1}}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			r.count = 50
			r.hear("after")
			if len(r.messages) != 2 || string(r.messages[0].Data) != "between" || *r.messages[0].SNR != -3 {
				t.Errorf("%+v", r.messages)
			}
			if _, written := module.Radio(); written != 0 {
				t.Error("a radio that is right is set")
			}
		})
	}
}

func TestRestarts(t *testing.T) {
	module := &loratest.RAK{}
	bubble(t, module, rak.Config{}, func(r *rig) {
		r.hear("before")
		module.Restart(false)
		synctest.Wait()
		if s := r.State(); s.Phase != driver.Silent {
			t.Errorf("%+v", s)
		}
		time.Sleep(10 * time.Second)
		r.hear("after a restart")
		module.Restart(true)
		if module.Hear([]byte("x"), 0, 0) {
			t.Error("it listens after a restart")
		}
		time.Sleep(2 * time.Minute)
		r.hear("after a restart that nobody saw")
		if s := r.State(); s.Counts.Opened != 1 {
			t.Errorf("%+v", s)
		}
		module.Die(true)
		time.Sleep(2 * time.Minute)
		if s := r.State(); s.Phase != driver.Unplugged || s.Reason == "" {
			t.Errorf("dead: %+v", s)
		}
		if err := r.Send(r.t.Context(), driver.Message{Data: []byte{1}}); err == nil {
			t.Error("sent by a dead module")
		}
		module.Die(false)
		module.Restart(false)
		time.Sleep(time.Minute)
		r.hear("alive again")
	})
}

// TestReceiveEnds has a module that stops listening by itself.
func TestReceiveEnds(t *testing.T) {
	module := &loratest.RAK{}
	bubble(t, module, rak.Config{}, func(r *rig) {
		for _, event := range []string{"+EVT:RXP2P:RECEIVE TIMEOUT", "+EVT:RXP2P RECEIVE TIMEOUT"} {
			module.Restart(true)
			if _, err := r.line.Write([]byte(event + "\r\n")); err != nil {
				t.Error(err)
			}
			time.Sleep(3 * time.Second)
			r.hear("after " + event)
		}
	})
}

func TestStubborn(t *testing.T) {
	module := &loratest.RAK{Stubborn: true}
	bubble(t, module, rak.Config{Radio: rak.Radio{Frequency: 433_000_000}}, func(r *rig) {
		synctest.Wait()
		if !errors.Is(r.ended, driver.ErrPermanent) {
			t.Errorf("%v", r.ended)
		}
		if _, written := module.Radio(); written != 1 {
			t.Errorf("set %d times", written)
		}
	})
}

func TestRaw(t *testing.T) {
	module := &loratest.RAK{}
	bubble(t, module, rak.Config{Devices: lora.Devices{Framing: lora.Raw}}, func(r *rig) {
		module.Hear([]byte{0, 1, 2}, -60, 9)
		synctest.Wait()
		if len(r.messages) != 1 || r.messages[0].Device != "" || !bytes.Equal(r.messages[0].Data, []byte{0, 1, 2}) {
			t.Errorf("%+v", r.messages)
		}
		for _, bad := range []string{"+EVT:RXP2P:-60:9:0", "+EVT:RXP2P:x:9:00", "+EVT:RXP2P RECEIVE ERROR"} {
			_, _ = r.line.Write([]byte(bad + "\r\n"))
		}
		synctest.Wait()
		if s := r.State(); s.Counts.Rejected != 3 || len(r.messages) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		pty, err := porttest.New(filepath.Join(t.TempDir(), "tty"))
		if err != nil {
			t.Fatal(err)
		}
		open, err := port.New(port.Config{Address: pty.Name, Baud: 115200})
		if err != nil {
			t.Fatal(err)
		}
		module := &loratest.RAK{Line: pty}
		d, err := rak.New(rak.Config{Open: open, Radio: rak.Radio{Frequency: 470_300_000}, Devices: lora.Devices{Keys: map[uint32][]byte{0x2a: key()}}})
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
			Say:    func() { n++; _ = module.Hear(sealed(t, n, "panic"), -80, 5) },
			Valid:  func(m driver.Message) bool { return m.Device == "0000002a" && string(m.Data) == "panic" },
			Noise:  func(b []byte) { _, _ = pty.Write(b) },
			Unplug: func() { must(pty.Unplug()) },
			Replug: func() { must(pty.Replug()) },
		}
	})
}

func TestConfig(t *testing.T) {
	l := drivertest.NewLine()
	ok := rak.Config{Open: l.Open, Radio: rak.Radio{Frequency: 868_000_000}, Devices: lora.Devices{Framing: lora.Raw}}
	if _, err := rak.New(ok); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*rak.Config){
		"no line":      func(c *rak.Config) { c.Open = nil },
		"no frequency": func(c *rak.Config) { c.Radio.Frequency = 0 },
		"a frequency":  func(c *rak.Config) { c.Radio.Frequency = 960_000_001 },
		"a spreading":  func(c *rak.Config) { c.Radio.Spreading = 13 },
		"a bandwidth":  func(c *rak.Config) { c.Radio.Bandwidth = 200 },
		"a coding":     func(c *rak.Config) { c.Radio.Coding = 9 },
		"a preamble":   func(c *rak.Config) { c.Radio.Preamble = 1 },
		"a power":      func(c *rak.Config) { c.Radio.Power = 30 },
		"sealed, short key": func(c *rak.Config) {
			c.Devices = lora.Devices{Framing: lora.Sealed, Keys: map[uint32][]byte{1: {1}}}
		},
	} {
		cfg := ok
		change(&cfg)
		if _, err := rak.New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestSlowModule has modules that take their time for all that they are asked, or while they start: they are set up
// once, are not made to start anew, and hear.
func TestSlowModule(t *testing.T) {
	for name, think := range map[string]func(int) time.Duration{
		"always": func(int) time.Duration { return 3 * time.Second },
		"while it starts": func(n int) time.Duration {
			if n < 4 {
				return 7 * time.Second
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			module := &loratest.RAK{Think: think}
			bubble(t, module, rak.Config{Radio: rak.Radio{Frequency: 470_300_000, Spreading: 9, Power: 20}}, func(r *rig) {
				time.Sleep(time.Minute)
				r.hear("panic")
				if value, written := module.Radio(); value != "470300000:9:125:0:8:20" || written != 1 || module.Restarts() != 0 {
					t.Errorf("radio %s, set %d times, %d restarts", value, written, module.Restarts())
				}
			})
		})
	}
}
