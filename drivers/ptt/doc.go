// Package ptt keys a transmitter: by a line of a serial port, by a pin of a CM108 (the chip of
// most USB sound adapters for radios), or not at all, where the radio keys itself by its VOX.
//
// # The limit
//
// A transmitter that stays keyed jams the channel on which people call for help. So the
// key is held down by a process of its own, the guard, for one transmission each: [Serve] is
// what it runs. It lets go
//
//   - when its standard input ends, which the kernel sees to however this process dies,
//   - when it has heard nothing from this process for three seconds: it hangs, or is stopped,
//   - when the time limit is over, whatever it hears,
//   - and when it is told to.
//
// If the guard itself is killed, the kernel closes its serial port, and drops RTS and DTR with
// it, as HUPCL is set; a CM108's pin stays, and is put down by this process, which sees the
// guard die. A pin stays up only if both are killed in the same instant, and until its
// adapter is used again; a base radio's own time-out timer is to be set for that.
package ptt

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Config says what keys the transmitter. Exactly one of the first four is given.
type Config struct {
	RTS   string `json:"rts,omitempty"`   // a serial port whose RTS is raised, "/dev/serial/by-id/…"
	DTR   string `json:"dtr,omitempty"`   // or its DTR
	CM108 string `json:"cm108,omitempty"` // a raw HID device, "/dev/hidraw0"
	VOX   bool   `json:"-"`
	// Pin is the CM108's, 1 to 8; 3 if 0, as nearly all adapters have it.
	Pin int `json:"pin,omitempty"`
	// Limit is how long the key is held at the most; 30 s if 0.
	Limit time.Duration `json:"limit"`
	// Command starts the guard: this program, with arguments that have it call Serve.
	Command []string `json:"-"`
}

// Limits of Config.Limit.
const (
	MinLimit     = time.Second
	MaxLimit     = 3 * time.Minute
	defaultLimit = 30 * time.Second
)

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	given := 0
	for _, path := range []string{c.RTS, c.DTR, c.CM108} {
		if path == "" {
			continue
		}
		given++
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%q: want a whole path", path)
		}
	}
	if c.VOX {
		given++
	}
	switch {
	case given != 1:
		return errors.New("exactly one of rts, dtr, cm108 and vox is needed")
	case c.Pin < 0 || c.Pin > 8 || c.Pin != 0 && c.CM108 == "":
		return fmt.Errorf("pin %d: want 1 to 8, of a CM108", c.Pin)
	case c.Limit != 0 && (c.Limit < MinLimit || c.Limit > MaxLimit):
		return fmt.Errorf("limit %v: want %v to %v", c.Limit, MinLimit, MaxLimit)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Limit == 0 {
		c.Limit = defaultLimit
	}
	if c.Pin == 0 && c.CM108 != "" {
		c.Pin = 3
	}
	return c
}
