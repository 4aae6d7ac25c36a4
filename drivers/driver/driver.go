// Package driver is the contract between the gateway and the drivers of
// sensors, radios and outputs.
//
// A driver knows one protocol. It opens what it reads from, frees payloads of
// their framing, checks them, and hands them on as [Message]; what the bytes
// mean is for the caller to say. It is configured with plain values and knows
// no device profile.
//
// # Life
//
// A driver is made by its package's New, which checks the configuration and
// opens nothing. [Driver.Run] opens and reads until its context ends. It
// outlives whatever the far side does: silence, noise, an unplugged adapter, a
// server that goes away. Those are told by [Driver.State] and mended by trying
// again. Run returns an error only for what it cannot mend: [ErrPermanent] if
// no later try can help either, [ErrSkipped] if what it needs is not on this
// machine, and anything else if the caller should try again later.
//
// A driver embeds [Tracker] and [Life], and has State and Halt from them.
// drivertest.Conform holds a driver to all of this.
package driver

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Message is one payload that a device sent or answered, free of its framing
// and checked (checksum, message code, counter) as far as the protocol can.
type Message struct {
	// Device is the sender's address on its bus or network: a Modbus unit
	// ("3"), a DevEUI ("24e124136b502217", lower case), a sender's id. It is
	// empty on a line that has one device.
	Device string
	// Port is LoRaWAN's FPort, 1 to 223, else 0.
	Port int
	// Section names the part of the device that was asked (a group of
	// registers, an MQTT topic); empty if there is but one.
	Section string
	// Data is the payload. The receiver owns it. It is nil if the source gave
	// Values alone.
	Data []byte
	// Values are what the source decoded by itself, for instance ChirpStack's
	// codec; nil if it did not. Each is a float64, a bool or a string. Nested
	// objects are joined by dots: "battery.level".
	Values map[string]any
	// At is when it was received, or when the sender says that it measured, if
	// the protocol tells and the driver holds it for true.
	At time.Time
	// Counter is the sender's frame counter; nil if the protocol has none.
	Counter *uint32
	// RSSI in dBm and SNR in dB; nil if unknown.
	RSSI, SNR *float64
}

// Driver reads from one port, bus or network.
type Driver interface {
	// Run opens and reads until ctx ends or Halt is called, and then returns
	// nil. Its calls of emit do not overlap; emit may block for a moment and must
	// call neither Run nor Halt. When Run has returned, its goroutines have
	// ended and its port is closed. It may be called again, except after Halt.
	Run(ctx context.Context, emit func(Message)) error
	// State tells how the driver is doing. It may be called at any time.
	State() State
	// Halt ends Run, waits for it, and brings outputs to rest. It may be
	// called at any time, from several goroutines, and more than once.
	Halt() error
}

// Switcher is a Driver with outputs: sirens, lamps, locks.
type Switcher interface {
	// Switch turns the named output of a device on or off. It returns nil when
	// the device has confirmed, or, where the protocol has no answer, when the
	// bytes are on the wire. It fails while Run is not running.
	Switch(ctx context.Context, device, output string, on bool) error
}

// Sender is a Driver that can send a payload to a device.
type Sender interface {
	// Send sends m.Data to m.Device on m.Port. It returns nil when the payload
	// has left, or been queued by the network: not when the device has it.
	Send(ctx context.Context, m Message) error
}

// What Run and its kin fail with; use errors.Is.
var (
	// ErrPermanent is a failure that no later try mends: a port that is no
	// serial port, a configuration that the device refuses.
	ErrPermanent = errors.New("cannot work")
	// ErrSkipped is a driver whose hardware this machine does not have.
	ErrSkipped = errors.New("not on this machine")
	// ErrHalted is a driver that was halted.
	ErrHalted = errors.New("halted")
	// ErrNotRunning is a request to a driver that does not run now, or whose
	// port is away.
	ErrNotRunning = errors.New("not running")
	// ErrNoDevice is a request to a device or an output that the driver does
	// not have.
	ErrNoDevice = errors.New("no such device or output")
)

// Permanent marks err as one that no later try mends.
func Permanent(err error) error {
	if err == nil || errors.Is(err, ErrPermanent) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrPermanent, err)
}

// Skip is an ErrSkipped that says why.
func Skip(reason string) error { return fmt.Errorf("%w: %s", ErrSkipped, reason) }
