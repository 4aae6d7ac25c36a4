package onvif

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Device is all that Inspect learns of one.
type Device struct {
	Information Information
	Method      Method    // by which we are signed in
	Attempts    []Attempt // of signing in
	ClockOffset time.Duration
	ClockKnown  bool
	Profiles    []Profile
	// Problems are worth a technician's attention, in plain words.
	Problems []string
}

// maxSkew is how far a device's clock may be off before a technician is told: five
// seconds is what many devices allow a token.
const maxSkew = 5 * time.Second

// Inspect signs in to a device and asks for its streams. Its error is an *Error if
// the device is at fault; what was learned before comes with it.
func Inspect(ctx context.Context, cfg Config) (Device, error) {
	c, err := New(cfg)
	if err != nil {
		return Device{}, err
	}
	defer c.Close()
	var d Device
	d.ClockOffset, err = c.Clock(ctx)
	d.ClockKnown = err == nil
	var own *Error
	if errors.As(err, &own) && (own.Kind == Unreachable || own.Kind == NotONVIF) {
		return d, err
	}
	if d.ClockKnown && (d.ClockOffset > maxSkew || d.ClockOffset < -maxSkew) {
		d.Problems = append(d.Problems, fmt.Sprintf("its clock is off by %v; set it, or give the device a time server", d.ClockOffset.Round(time.Second)))
	}
	d.Information, err = c.Information(ctx)
	if err == nil || c.barred == nil {
		d.Profiles, err = c.Profiles(ctx)
	}
	d.Method, d.Attempts = c.method, c.attempts
	if d.Method == "" {
		d.Method = None
	}
	for _, p := range d.Profiles {
		if p.Moved {
			d.Problems = append(d.Problems, "it names another address in its streams' URLs; the one that it was found at is used")
			break
		}
	}
	return d, err
}
