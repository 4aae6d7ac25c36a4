package ebyte

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/lora"
)

// board is lines that are there a while after they were asked for, and only while
// somebody holds them.
type board struct {
	after time.Duration
	err   error

	mu   sync.Mutex
	held bool
	on   map[string]bool
	told []string
}

func (b *board) Run(ctx context.Context, _ func(driver.Message)) error {
	time.Sleep(b.after)
	if b.err != nil {
		return b.err
	}
	b.hold(true)
	<-ctx.Done()
	b.hold(false)
	return nil
}

func (b *board) hold(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.on = on, map[string]bool{}
}

func (b *board) Switch(_ context.Context, _, output string, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.held {
		return driver.ErrNotRunning
	}
	b.on[output] = on
	b.told = append(b.told, fmt.Sprint(output, on))
	return nil
}

func (b *board) state() (held bool, m0, m1 bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held, b.on[pinM0], b.on[pinM1]
}

// TestPins has a driver hold the pins of a module that does not answer.
func TestPins(t *testing.T) {
	for name, c := range map[string]struct {
		m  Module
		m0 bool
	}{"E22": {E22{Channel: 1}, false}, "E32": {E32{Channel: 1}, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, l := &board{after: time.Second}, drivertest.NewLine()
				who := lora.Devices{Framing: lora.Raw}
				d, err := New(Config{Open: l.Open, Module: c.m, Switch: &Pins{lines: b}, Devices: who})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- d.Run(ctx, func(driver.Message) {}) }()
				time.Sleep(2 * time.Second) // it is being asked
				if held, m0, m1 := b.state(); !held || m0 != c.m0 || !m1 {
					t.Errorf("configuring: held %v, M0 %v, M1 %v", held, m0, m1)
				}
				time.Sleep(10 * time.Second)
				if held, m0, m1 := b.state(); !held || m0 || m1 {
					t.Errorf("listening: held %v, M0 %v, M1 %v", held, m0, m1)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if held, _, _ := b.state(); held {
					t.Error("held after the end")
				}
			})
		})
	}
}

func TestNoPins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := drivertest.NewLine()
		for _, why := range []error{driver.Skip("no chip"), driver.Permanent(errors.New("no such line"))} {
			d, err := New(Config{Open: l.Open, Module: E22{}, Switch: &Pins{lines: &board{err: why}}, Devices: lora.Devices{Framing: lora.Raw}})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Run(t.Context(), func(driver.Message) {}); !errors.Is(err, why) {
				t.Errorf("%v, want %v", err, why)
			}
		}
	})
	if _, err := NewPins("gpiochip0", "22", "22"); err == nil {
		t.Error("one line for two pins is taken")
	}
	p, err := NewPins("no-chip-has-this-name", "22", "27")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { p.Hold(ctx) })
	if err := p.Set(ctx, false, true); err == nil {
		t.Error("set on no chip")
	}
	cancel()
	wg.Wait()
}
