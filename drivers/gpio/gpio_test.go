package gpio

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/port"
)

// The sizes are those of the kernel's header on every architecture; layout_test.go has a C compiler agree.
func TestLayout(t *testing.T) {
	for name, c := range map[string][2]uintptr{
		"chipInfo":    {unsafe.Sizeof(chipInfo{}), 68},
		"lineConfig":  {unsafe.Sizeof(lineConfig{}), 272},
		"lineRequest": {unsafe.Sizeof(lineRequest{}), 592},
		"lineInfo":    {unsafe.Sizeof(lineInfo{}), 256},
		"lineValues":  {unsafe.Sizeof(lineValues{}), 16},
		"lineEvent":   {unsafe.Sizeof(lineEvent{}), 48},
	} {
		if c[0] != c[1] {
			t.Errorf("%s has %d bytes, the kernel's %d", name, c[0], c[1])
		}
	}
	if got := ioctlLine(); got != 0xc250b407 {
		t.Errorf("GPIO_V2_GET_LINE_IOCTL = %#x", got)
	}
}

func door(b *board) Config {
	return Config{Chip: b.chip(), Inputs: []Input{{Pin: Pin{Name: "door", Line: "DOOR"}, Bias: PullUp}}}
}

func mustBuild(t *testing.T, b *board, c Config) *Driver {
	t.Helper()
	d, err := build(c, b.dev, b.ioctl)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		b := newBoard(t)
		open := false
		return drivertest.Rig{
			Driver: mustBuild(t, b, door(b)),
			Say:    func() { open = !open; b.set(1, open) },
			Valid:  func(m driver.Message) bool { return m.Device == "door" && len(m.Data) == 1 && m.Data[0] <= 1 },
			Unplug: b.unplug, Replug: b.plug,
		}
	})
}

// run runs a driver, and returns what takes its next message.
func run(t *testing.T, d *Driver) (next func() string, end func() error) {
	t.Helper()
	messages := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- d.Run(ctx, func(m driver.Message) {
			messages <- m.Device + map[byte]string{0: " off", 1: " on"}[m.Data[0]]
		})
	}()
	next = func() string {
		t.Helper()
		select {
		case m := <-messages:
			return m
		case err := <-ended:
			t.Fatalf("Run ended with %v", err)
		case <-time.After(time.Minute):
			t.Fatalf("no message; %+v", d.State())
		}
		return ""
	}
	var once sync.Once
	end = func() (err error) {
		once.Do(func() { cancel(); err = <-ended })
		return err
	}
	t.Cleanup(func() { _ = end() })
	return next, end
}

func TestEdges(t *testing.T) {
	b := newBoard(t)
	b.set(2, true)
	c := Config{Chip: "sim-gpiochip0", Inputs: []Input{{Pin: Pin{Name: "panic", Line: "2", ActiveLow: true}, Debounce: 30 * time.Millisecond, Bias: PullUp}}}
	next, end := run(t, mustBuild(t, b, c))
	want := func(what string) {
		t.Helper()
		if got := next(); got != what {
			t.Errorf("got %q, want %q", got, what)
		}
	}
	want("panic off") // the state that it begins with
	// A press and its release are both told, however short.
	b.set(2, false)
	b.set(2, true)
	want("panic on")
	want("panic off")
	b.mu.Lock()
	l := b.lines[2]
	if l.debounce != 30000 || l.request.config.flags != flagInput|flagEdgeRising|flagEdgeFalling|flagActiveLow|flagPullUp {
		t.Errorf("asked for debouncing of %d µs and flags %b", l.debounce, l.request.config.flags)
	}
	if consumer := text(l.request.consumer); consumer != "sentrybox" {
		t.Errorf("consumer %q", consumer)
	}
	b.mu.Unlock()
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestStateIsRepeated(t *testing.T) {
	b := newBoard(t)
	c := door(b)
	c.Every = 10 * time.Millisecond
	next, _ := run(t, mustBuild(t, b, c))
	for range 5 {
		if got := next(); got != "door off" {
			t.Errorf("got %q", got)
		}
	}
}

func TestSwitch(t *testing.T) {
	b := newBoard(t)
	b.set(3, true)
	c := door(b)
	c.Outputs = []Output{{Pin: Pin{Name: "siren", Line: "SIREN"}}}
	d := mustBuild(t, b, c)
	if err := d.Switch(t.Context(), "", "siren", true); !errors.Is(err, driver.ErrNotRunning) {
		t.Errorf("before Run: %v", err)
	}
	next, end := run(t, d)
	next()
	level := func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.lines[3].level
	}
	if level() {
		t.Error("on when Run begins")
	}
	for _, on := range []bool{true, false, true} {
		if err := d.Switch(t.Context(), "", "siren", on); err != nil || level() != on {
			t.Errorf("switched %v: %v, %v", on, level(), err)
		}
	}
	if err := d.Switch(t.Context(), "", "door", true); !errors.Is(err, driver.ErrNoDevice) {
		t.Errorf("an input was switched: %v", err)
	}
	if err := end(); err != nil || level() {
		t.Errorf("on after Run: %v, %v", level(), err)
	}
}

func TestRunFailures(t *testing.T) {
	b := newBoard(t)
	empty := t.TempDir()
	for _, c := range []struct {
		name string
		pin  string
		dev  string
		want error
	}{
		{"no GPIO at all", "DOOR", empty, driver.ErrSkipped},
		{"no such line", "CELLAR", b.dev, driver.ErrPermanent},
		{"no such number", "99", b.dev, driver.ErrPermanent},
	} {
		d, err := build(Config{Chip: b.chip(), Inputs: []Input{{Pin: Pin{Name: "x", Line: c.pin}}}}, c.dev, b.ioctl)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Run(t.Context(), func(driver.Message) {}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	// A line that another has is waited for.
	next, _ := run(t, mustBuild(t, b, door(b)))
	next()
	d := mustBuild(t, b, door(b))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx, func(driver.Message) {}) }()
	for d.State().Phase != driver.Unplugged {
		time.Sleep(time.Millisecond)
	}
	if s := d.State(); !strings.Contains(s.Reason, port.ErrBusy.Error()) {
		t.Errorf("a line that another has: %+v", s)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	pin := Pin{Name: "a", Line: "1"}
	for want, c := range map[string]Config{
		"no chip":           {Inputs: []Input{{Pin: pin}}},
		"neither":           {Chip: "c"},
		"a name and a line": {Chip: "c", Inputs: []Input{{Pin: pin}}, Outputs: []Output{{Pin: pin}}},
		"bias":              {Chip: "c", Inputs: []Input{{Pin: pin, Bias: "x"}}},
		"debounce":          {Chip: "c", Inputs: []Input{{Pin: pin, Debounce: time.Minute}}},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
	}
}
