package ebyte

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sentrybox/drivers/lora"
	"sentrybox/drivers/port"
)

// Module is an E22 or an E32.
type Module interface {
	// encode returns the registers, and which of their bits are ours.
	encode() (value, mask []byte, err error)
	name() string
	question() []byte
	answer(b []byte) (registers []byte, err error)
	write(have, want []byte) []byte
	reset() []byte
	// which returns the question what the module is, and how its answer begins and how
	// many bytes follow.
	which() (question, head []byte, size int)
}

// Switch sets the mode pins of a module; see [Pins].
type Switch interface {
	// Set sets M0 and M1 and returns when it is done.
	Set(ctx context.Context, m0, m1 bool) error
}

// holder is a Switch that must be held while the driver runs.
type holder interface{ Hold(ctx context.Context) }

// Config says which module to read, and how.
type Config struct {
	// Open opens the line as Module says: with its baud rate and parity.
	Open port.Open
	// OpenConfig opens the same line with 9600 baud 8N1, for configuring; Open if
	// nil.
	OpenConfig port.Open
	// Module is the configuration; nil to leave the module as it is.
	Module Module
	// Switch sets M0 and M1; nil where they are set by hand.
	Switch Switch
	// ModeCommand is the number of the configuration mode, 1 or 2 by its manual, of an
	// E22 on USB that switches its mode by command (bit 2 of REG1). It is used
	// instead of pins; 0 for none.
	ModeCommand byte

	// RSSI returns the signal in dBm that the byte stands for which the module
	// appends to each packet: [Negative] or [Half], by its manual. Nil where it
	// appends none.
	RSSI func(b byte) float64

	// Devices says who is heard.
	Devices lora.Devices
	// Gap is the silence that ends a message, with lora.Raw; 50 ms if 0.
	Gap time.Duration
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Negative is −(256−b) dBm, as most manuals have it.
func Negative(b byte) float64 { return float64(b) - 256 }

// Half is −b/2 dBm.
func Half(b byte) float64 { return -float64(b) / 2 }

const defaultGap = 50 * time.Millisecond

func (c Config) withDefaults() (Config, error) {
	if c.Open == nil {
		return c, errors.New("no line")
	}
	if c.OpenConfig == nil {
		c.OpenConfig = c.Open
	}
	if c.Gap == 0 {
		c.Gap = defaultGap
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Gap < 0 || c.Gap > 10*time.Second {
		return c, fmt.Errorf("gap %v: want at most 10s", c.Gap)
	}
	if e, ok := c.Module.(E22); ok && e.RSSI != (c.RSSI != nil) {
		return c, errors.New("the module appends a byte for the signal, and nothing says what it means, or the other way round")
	}
	if _, ok := c.Module.(E32); ok && c.RSSI != nil {
		return c, errors.New("an E32 appends no byte for the signal")
	}
	if c.Module != nil {
		if _, _, err := c.Module.encode(); err != nil {
			return c, err
		}
	}
	if _, ok := c.Module.(E22); c.ModeCommand != 0 && (!ok || c.Switch != nil || c.ModeCommand > 3) {
		return c, errors.New("the mode command is 1 to 3, and of an E22 without pins")
	}
	return c, nil
}
