// Package loratest simulates LoRa modules, with their faults: Ebyte's E22 and E32, and
// RAK's RAK3172.
//
// A module is at the far end of a line, a pseudo-terminal of porttest for
// instance: Run answers what the host writes, and Hear puts out what it would
// have heard on the air.
package loratest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// Ebyte is a simulated E22 or E32. Set the fields, then let Run run. It is an
// ebyte.Switch.
type Ebyte struct {
	// Line is the module's end of its line.
	Line io.ReadWriter
	// E32 makes it an E32; else it is an E22.
	E32 bool
	// Stubborn makes it confirm what is written, and keep nothing.
	Stubborn bool
	// Software makes it obey the mode command, with mode 1 or 2 for configuring.
	Software bool

	mu        sync.Mutex
	registers []byte // guarded by mu
	written   int    // guarded by mu: times that its flash was written
	config    bool   // guarded by mu: mode
	dead      bool   // guarded by mu
	sent      []byte // guarded by mu: on the air
}

// factory is what a module has when it is new.
func (e *Ebyte) factory() []byte {
	if e.E32 {
		return []byte{0x00, 0x00, 0x1a, 0x17, 0x44}
	}
	return []byte{0x00, 0x00, 0x00, 0x62, 0x04, 0x17, 0x03} // reserved bits set, that must stay
}

// Set sets the mode pins.
func (e *Ebyte) Set(_ context.Context, m0, m1 bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.config = m1 && m0 == e.E32
	return nil
}

// Die makes the module deaf and dumb, or ends that.
func (e *Ebyte) Die(dead bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dead = dead
}

// Registers returns what the module has in its flash, and how often it was written.
func (e *Ebyte) Registers() (registers []byte, written int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.registers == nil {
		e.registers = e.factory()
	}
	return bytes.Clone(e.registers), e.written
}

// Sent returns what the host has had sent on the air.
func (e *Ebyte) Sent() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return bytes.Clone(e.sent)
}

// Hear puts a packet out, with its signal where the module is told to append it, and
// loses it in another mode than the transparent one. It returns false then.
func (e *Ebyte) Hear(packet []byte, rssi byte) bool {
	registers, _ := e.Registers()
	e.mu.Lock()
	off := e.config || e.dead
	e.mu.Unlock()
	if off {
		return false
	}
	if !e.E32 && registers[6]&0x80 != 0 {
		packet = append(bytes.Clone(packet), rssi)
	}
	_, err := e.Line.Write(packet)
	return err == nil
}

// Run answers the host until ctx ends or the line does. While the line is
// unplugged it waits.
func (e *Ebyte) Run(ctx context.Context) {
	buf := make([]byte, 512)
	for ctx.Err() == nil {
		n, err := e.Line.Read(buf)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && n == 0 {
			if !errors.Is(err, os.ErrClosed) && ctx.Err() != nil {
				return
			}
			time.Sleep(2 * time.Millisecond)
			continue
		}
		if answer := e.take(buf[:n]); answer != nil {
			_, _ = e.Line.Write(answer)
		}
	}
}

// take is what the module does with bytes from the host.
func (e *Ebyte) take(b []byte) []byte {
	_, _ = e.Registers()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.dead:
		return nil
	case e.Software && len(b) == 6 && bytes.HasPrefix(b, []byte{0xc0, 0xc1, 0xc2, 0xc3, 2}):
		e.config = b[5] != 0
		return b[1:]
	case !e.config:
		e.sent = append(e.sent, b...)
		return nil
	case e.E32:
		return e.takeE32(b)
	}
	return e.takeE22(b)
}

// takeE22 is called with mu held.
func (e *Ebyte) takeE22(b []byte) []byte {
	wrong := []byte{0xff, 0xff, 0xff}
	if len(b) < 3 || int(b[1])+int(b[2]) > len(e.registers) {
		return wrong
	}
	part := e.registers[b[1] : b[1]+b[2]]
	switch {
	case b[0] == 0xc1 && len(b) == 3:
	case (b[0] == 0xc0 || b[0] == 0xc2) && len(b) == 3+int(b[2]):
		e.written++
		if e.Stubborn {
			return append([]byte{0xc1}, b[1:]...)
		}
		copy(part, b[3:])
	default:
		return wrong
	}
	return append([]byte{0xc1, b[1], b[2]}, part...)
}

// takeE32 is called with mu held.
func (e *Ebyte) takeE32(b []byte) []byte {
	switch {
	case bytes.Equal(b, []byte{0xc1, 0xc1, 0xc1}):
		return append([]byte{0xc0}, e.registers...)
	case bytes.Equal(b, []byte{0xc3, 0xc3, 0xc3}):
		return []byte{0xc3, 0x32, 0x27, 0x02}
	case len(b) == 6 && (b[0] == 0xc0 || b[0] == 0xc2):
		e.written++
		if !e.Stubborn {
			copy(e.registers, b[1:])
		}
		return []byte("OK\r\n") // as some do
	}
	return nil
}
