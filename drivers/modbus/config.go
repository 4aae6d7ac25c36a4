package modbus

import (
	"errors"
	"fmt"
	"time"

	"sentrybox/drivers/port"
)

// Table is one of the four kinds of data of a unit.
type Table string

// The tables, with the function that reads each.
const (
	Coils    Table = "coil"     // read-write bits: function 1
	Discrete Table = "discrete" // read-only bits: function 2
	Holding  Table = "holding"  // read-write registers of 16 bits: function 3
	Input    Table = "input"    // read-only registers: function 4
)

// TableOf returns the table that a function code reads (Modbus Application Protocol 1.1b3, 6.1 to 6.4); a code
// of none reads holding registers.
func TableOf(function int) Table {
	for _, t := range []Table{Coils, Discrete, Input} {
		if int(t.read()) == function {
			return t
		}
	}
	return Holding
}

func (t Table) bits() bool { return t == Coils || t == Discrete }

// read returns the function that reads the table; 0 if there is no such table.
func (t Table) read() byte {
	switch t {
	case Coils:
		return 1
	case Discrete:
		return 2
	case Holding:
		return 3
	case Input:
		return 4
	}
	return 0
}

// Framing is how requests are framed.
type Framing string

// The framings.
const (
	RTU Framing = "rtu" // on a serial line, or over TCP to a serial server
	TCP Framing = "tcp" // with the header of Modbus TCP
)

// Config is a bus.
type Config struct {
	// Open opens the line, or the connection.
	Open port.Open
	// CharTime is how long a character takes on the line, see
	// port.Config.CharTime; 0 if unknown.
	CharTime time.Duration
	// Framing is RTU if empty.
	Framing Framing
	// Timeout is how long a unit may think before its answer begins. If 0 that is 500 ms, and
	// as much as 2 s for a unit that turns out to need it. What the line takes to carry both is added.
	Timeout time.Duration
	Units   []Unit
}

// Unit is a device on the bus. Its Message.Device is the address in decimal.
type Unit struct {
	// Address is 1 to 247; up to 255 on Modbus TCP.
	Address  byte
	Sections []Section
	Outputs  []Output
	Quirks   Quirks
}

// Section is a range that is read together. Message.Data has the registers as they come, high byte
// first, or the bits, eight a byte, the lowest first.
type Section struct {
	// Name is Message.Section, unique within the unit.
	Name  string
	Table Table
	// Start is the protocol's address, from 0: register "40001" of a manual is 0 in Holding.
	Start uint16
	// Count is how many registers or bits; up to 1000. What is longer than one request can
	// be is read with several.
	Count uint16
	// Every is the interval, 100 ms or more.
	Every time.Duration
}

// Quirks are what a unit needs that others do not. Zero values are defaults.
type Quirks struct {
	// Max is the most registers in a request, 125 if 0; 16 times as many bits.
	Max int
	// Gap is how many registers that no section has may be read along to join two
	// sections, 8 if 0, none if negative; 16 times as many bits. A unit that
	// refuses such a request is then asked for each section by itself.
	Gap int
	// Timeout is in place of the bus's.
	Timeout time.Duration
	// Delay is how long the line is left silent before a request to this unit.
	Delay time.Duration
	// Silent is a unit with outputs alone that answers no reads; otherwise one
	// of its outputs is read now and then, to know that it is there.
	Silent bool
}

// Output can be switched. It is off when Run begins, and switched off when Run ends.
type Output struct {
	Name string
	// Table is Coils or Holding.
	Table   Table
	Address uint16
	// On and Off are the values of a register; a coil has its own. Both 0 is 1 and 0.
	On, Off uint16
	// Multiple writes with function 15 or 16 in place of 5 or 6.
	Multiple bool
	// Verify reads the output back after it was written.
	Verify bool
}

// Defaults and limits.
const (
	defaultTimeout = 500 * time.Millisecond
	minEvery       = 100 * time.Millisecond
	maxCount       = 1000 // of a section
	maxRegisters   = 125  // Application Protocol, 6.3
	defaultGap     = 8
	bitsPerWord    = 16
	presence       = 30 * time.Second // between looks at a unit that has outputs alone
)

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Open == nil {
		bad("no port")
	}
	last := 247
	switch c.Framing {
	case "", RTU:
	case TCP:
		last = 255
	default:
		bad("framing %q: want rtu or tcp", c.Framing)
	}
	if c.Timeout < 0 || c.Timeout > time.Minute {
		bad("timeout %v: want up to a minute", c.Timeout)
	}
	if c.CharTime < 0 || c.CharTime > time.Second {
		bad("character time %v", c.CharTime)
	}
	if len(c.Units) == 0 {
		bad("no units")
	}
	seen := map[byte]bool{}
	for _, u := range c.Units {
		if u.Address == 0 || int(u.Address) > last || seen[u.Address] {
			bad("unit %d: want an address of its own, 1 to %d", u.Address, last)
		}
		seen[u.Address] = true
		if err := u.check(); err != nil {
			errs = append(errs, fmt.Errorf("unit %d: %w", u.Address, err))
		}
	}
	return errors.Join(errs...)
}

func (u Unit) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	q := u.Quirks
	if q.Max < 0 || q.Max > maxRegisters || q.Gap > maxRegisters ||
		q.Timeout < 0 || q.Timeout > time.Minute || q.Delay < 0 || q.Delay > 10*time.Second {
		bad("quirks: want max up to %d, gap up to %d, timeout up to a minute, delay up to 10s", maxRegisters, maxRegisters)
	}
	if len(u.Sections) == 0 && len(u.Outputs) == 0 {
		bad("neither sections nor outputs")
	}
	names := map[string]bool{}
	for _, s := range u.Sections {
		switch {
		case names[s.Name]:
			bad("section %q: a name of its own is wanted", s.Name)
		case s.Table.read() == 0:
			bad("section %q: table %q: want coil, discrete, holding or input", s.Name, s.Table)
		case s.Count == 0 || s.Count > maxCount || int(s.Start)+int(s.Count) > 1<<16:
			bad("section %q: %d from %d: want 1 to %d within 65536", s.Name, s.Count, s.Start, maxCount)
		case s.Every < minEvery:
			bad("section %q: every %v: want %v or more", s.Name, s.Every, minEvery)
		}
		names[s.Name] = true
	}
	names = map[string]bool{}
	for _, o := range u.Outputs {
		if o.Name == "" || names[o.Name] || o.Table != Coils && o.Table != Holding {
			bad("output %q: want a name of its own, and table coil or holding", o.Name)
		}
		if o.On == o.Off && o.On != 0 {
			bad("output %q: on and off are the same", o.Name)
		}
		names[o.Name] = true
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Framing == "" {
		c.Framing = RTU
	}
	return c
}

// timeout is how long the unit may think; 0 if nobody says.
func (c Config) timeout(u Unit) time.Duration {
	if u.Quirks.Timeout != 0 {
		return u.Quirks.Timeout
	}
	return c.Timeout
}

// value is what a register is set to.
func (o Output) value(on bool) uint16 {
	if o.On == 0 && o.Off == 0 {
		o.On = 1
	}
	if on {
		return o.On
	}
	return o.Off
}
