package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"sentrybox/drivers/driver"
)

// Parity is the parity bit of a serial line.
type Parity string

// The parities.
const (
	NoParity   Parity = "none"
	OddParity  Parity = "odd"
	EvenParity Parity = "even"
)

// Config says which line to open. Zero values are defaults, except Address.
type Config struct {
	// Address is a serial port of this machine, "/dev/serial/by-id/…" or
	// "serial:///dev/ttyS1", or a serial server, "tcp://10.0.0.9:4001", which sets
	// the line by its own configuration: the settings here only say how fast it is.
	Address string
	// Baud is the speed in bits a second, 9600 if 0; a standard one up to 4000000.
	Baud int
	// DataBits is 5 to 8; 8 if 0.
	DataBits int
	// Parity is NoParity if empty.
	Parity Parity
	// StopBits is 1 or 2; 1 if 0.
	StopBits int
	// RS485 has the kernel switch the direction of a half-duplex line by RTS.
	// Adapters that switch by themselves, as nearly all on USB, need none.
	RS485 *RS485
}

// RS485 is how the kernel switches the direction of a line
// (Documentation/driver-api/serial/serial-rs485.rst).
type RS485 struct {
	// RTSLow sends while RTS is low; most transceivers want it high.
	RTSLow bool
	// Before and After are how long RTS is held before and after what is sent; at most 100 ms.
	Before, After time.Duration
}

const (
	defaultBaud = 9600
	dialTimeout = 10 * time.Second // a name that has to be resolved, too
)

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	scheme, where, err := c.split()
	if err != nil {
		errs = append(errs, err)
	}
	if scheme == "tcp" {
		if host, p, err := net.SplitHostPort(where); err != nil || host == "" || p == "" {
			bad("address %q: want tcp://host:port", c.Address)
		}
		if c.RS485 != nil {
			bad("rs485: a serial server switches by itself")
		}
	}
	if c.Baud < 0 || c.Baud > 4_000_000 {
		bad("baud %d: want 50 to 4000000", c.Baud)
	}
	if c.DataBits != 0 && (c.DataBits < 5 || c.DataBits > 8) {
		bad("data bits %d: want 5 to 8", c.DataBits)
	}
	switch c.Parity {
	case "", NoParity, OddParity, EvenParity:
	default:
		bad("parity %q: want none, odd or even", c.Parity)
	}
	if c.StopBits < 0 || c.StopBits > 2 {
		bad("stop bits %d: want 1 or 2", c.StopBits)
	}
	if r := c.RS485; r != nil && (r.Before < 0 || r.After < 0 || r.Before > 100*time.Millisecond || r.After > 100*time.Millisecond) {
		bad("rs485: delays of %v and %v: want at most 100ms", r.Before, r.After)
	}
	return errors.Join(errs...)
}

// split returns the kind of line, "serial" or "tcp", and where it is.
func (c Config) split() (scheme, where string, err error) {
	scheme, where, found := strings.Cut(c.Address, "://")
	switch {
	case !found && strings.HasPrefix(c.Address, "/"):
		return "serial", c.Address, nil
	case found && scheme == "serial" && strings.HasPrefix(where, "/"):
		return scheme, where, nil
	case found && scheme == "tcp":
		return scheme, where, nil
	}
	return "", "", fmt.Errorf("address %q: want /dev/…, serial:///dev/… or tcp://host:port", c.Address)
}

// CharTime is how long a character takes on the line; 0 if it is a serial server's
// and Baud does not say how fast.
func (c Config) CharTime() time.Duration {
	if scheme, _, _ := c.split(); scheme == "tcp" && c.Baud == 0 {
		return 0
	}
	c = c.withDefaults()
	bits := 1 + c.DataBits + c.StopBits
	if c.Parity != NoParity {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(c.Baud)
}

func (c Config) withDefaults() Config {
	if c.Baud == 0 {
		c.Baud = defaultBaud
	}
	if c.DataBits == 0 {
		c.DataBits = 8
	}
	if c.Parity == "" {
		c.Parity = NoParity
	}
	if c.StopBits == 0 {
		c.StopBits = 1
	}
	return c
}

// New returns what opens the line. A serial port is opened again by its stable
// name, once it was open.
func New(c Config) (Open, error) {
	if err := c.Check(); err != nil {
		return nil, driver.Permanent(err)
	}
	scheme, where, _ := c.split()
	if scheme == "tcp" {
		return func(ctx context.Context) (Port, error) { return dial(ctx, where) }, nil
	}
	s := &serialPort{config: c.withDefaults(), name: where, root: "/"}
	return s.open, nil
}
