// Package led has an LED of the board tell how the gateway is, to somebody who stands before
// the box and has no screen: steady when well, a slow blink while no broker is reached, a fast one while a
// part of the main job is stuck.
//
// The program blinks itself, rather than by the kernel's timer, whose files belong to root. An LED
// that is dark, or does not blink when it should, means that the program does not run.
package led

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// State is how the gateway is.
type State int

// The states.
const (
	Well  State = iota
	Away        // no broker is reached
	Stuck       // a part of the main job does not work
)

const (
	slow = time.Second            // on, and as long off
	fast = 125 * time.Millisecond // 4 Hz
	look = time.Second            // between two looks while nothing blinks
)

// blink returns for how long it is on, and then off; 0 for steady.
func (s State) blink() time.Duration {
	switch s {
	case Away:
		return slow
	case Stuck:
		return fast
	}
	return 0
}

// Lamp is one LED, by leds-class (Documentation/leds/leds-class.rst).
type Lamp struct {
	dir     string
	full    string // brightness
	trigger string // as it was, put back by Close
}

// Open takes an LED below root, which is / but in tests, out of the kernel's hands.
func Open(root, name string) (*Lamp, error) {
	l := &Lamp{dir: filepath.Join("/"+root, "sys/class/leds", name), full: "1"}
	if b, err := os.ReadFile(filepath.Join(l.dir, "max_brightness")); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && n > 0 {
			l.full = strconv.Itoa(n)
		}
	}
	b, err := os.ReadFile(filepath.Join(l.dir, "trigger"))
	if err != nil {
		return nil, fmt.Errorf("open the LED: %w", err)
	}
	l.trigger = chosen(string(b))
	if err := errors.Join(l.write("trigger", "none"), l.set(false)); err != nil {
		return nil, fmt.Errorf("take the LED: %w", err)
	}
	return l, nil
}

// chosen returns the trigger in brackets.
func chosen(s string) string {
	_, s, _ = strings.Cut(s, "[")
	s, _, ok := strings.Cut(s, "]")
	if !ok || s == "" {
		return "none"
	}
	return s
}

func (l *Lamp) write(file, s string) error {
	f, err := os.OpenFile(filepath.Join(l.dir, file), os.O_WRONLY, 0) // never makes one
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}

func (l *Lamp) set(on bool) error {
	if on {
		return l.write("brightness", l.full)
	}
	return l.write("brightness", "0")
}

// Close turns it off and gives it back.
func (l *Lamp) Close() error { return errors.Join(l.set(false), l.write("trigger", l.trigger)) }

// Run shows what state returns until ctx ends, and then closes the lamp. It ends early, with an error, if the LED
// does not obey.
func (l *Lamp) Run(ctx context.Context, state func() State) error {
	on := false
	for {
		span := state().blink()
		on = span == 0 || !on
		if err := l.set(on); err != nil {
			return fmt.Errorf("switch the LED: %w", errors.Join(err, l.Close()))
		}
		if span == 0 {
			span = look
		}
		select {
		case <-ctx.Done():
			return l.Close()
		case <-time.After(span):
		}
	}
}
