package rak

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"sentrybox/drivers/lora"
	"sentrybox/drivers/port"
)

// Radio is how the module hears and sends; all that talk to each other have the
// same. Zero values are the module's own, where they say so.
type Radio struct {
	Frequency int // Hz, 150000000 to 960000000
	Spreading int // factor, 5 to 12; 7 if 0
	Bandwidth int // kHz: 125, 250 or 500; 125 if 0
	Coding    int // 5 to 8, for 4/5 to 4/8; 5 if 0
	Preamble  int // symbols, 2 to 65535; 8 if 0
	Power     int // dBm, 5 to 22; 14 if 0
}

// Config says which module to read, and how.
type Config struct {
	// Open opens the line, 115200 baud 8N1 with RUI3 and 9600 with older firmware.
	Open  port.Open
	Radio Radio
	// Devices says who is heard.
	Devices lora.Devices
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Open == nil {
		return c, errors.New("no line")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &c.Radio
	for _, f := range []struct {
		name        string
		field       *int
		usual       int
		least, most int
	}{
		{"frequency", &r.Frequency, 0, 150_000_000, 960_000_000},
		{"spreading factor", &r.Spreading, 7, 5, 12},
		{"bandwidth", &r.Bandwidth, 125, 125, 500},
		{"coding rate", &r.Coding, 5, 5, 8},
		{"preamble", &r.Preamble, 8, 2, 65535},
		{"power", &r.Power, 14, 5, 22},
	} {
		if *f.field == 0 {
			*f.field = f.usual
		}
		if *f.field < f.least || *f.field > f.most {
			return c, fmt.Errorf("%s %d: want %d to %d", f.name, *f.field, f.least, f.most)
		}
	}
	if r.Bandwidth != 125 && r.Bandwidth != 250 && r.Bandwidth != 500 {
		return c, fmt.Errorf("bandwidth %d kHz: want 125, 250 or 500", r.Bandwidth)
	}
	return c, nil
}

// value is the radio as AT+P2P has it. Newer firmware may want the bandwidth's
// index in place of kHz, and may answer so.
func (r Radio) value(index bool) string {
	bandwidth := r.Bandwidth
	if index {
		bandwidth = map[int]int{125: 0, 250: 1, 500: 2}[bandwidth]
	}
	return fmt.Sprintf("%d:%d:%d:%d:%d:%d", r.Frequency, r.Spreading, bandwidth, r.Coding-5, r.Preamble, r.Power)
}

// is says whether the value of AT+P2P is this radio. Older firmware puts commas.
func (r Radio) is(value string) bool {
	parts := strings.FieldsFunc(value, func(c rune) bool { return c == ':' || c == ',' || c == ' ' })
	for _, p := range parts {
		if _, err := strconv.Atoi(p); err != nil {
			return false
		}
	}
	got := strings.Join(parts, ":")
	return got == r.value(false) || got == r.value(true)
}
