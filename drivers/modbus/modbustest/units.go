// Package modbustest is a bus full of Modbus units that are no hardware, each
// as slow, as deaf and as confused as a test wants it.
package modbustest

import (
	"encoding/binary"
	"sync"
)

// Unit is a device: its registers and bits, from address 0. What is beyond their ends it refuses with
// exception 2, and functions that it does not have with exception 1.
type Unit struct {
	mu              sync.Mutex
	holding, input  []uint16
	coils, discrete []bool
}

// NewUnit returns a unit with so many registers in both tables, and as many bits.
func NewUnit(size int) *Unit {
	return &Unit{
		holding: make([]uint16, size), input: make([]uint16, size),
		coils: make([]bool, size), discrete: make([]bool, size),
	}
}

// SetRegisters sets registers of both tables.
func (u *Unit) SetRegisters(start int, values ...uint16) {
	u.mu.Lock()
	defer u.mu.Unlock()
	copy(u.holding[start:], values)
	copy(u.input[start:], values)
}

// SetBits sets bits of both tables.
func (u *Unit) SetBits(start int, values ...bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	copy(u.coils[start:], values)
	copy(u.discrete[start:], values)
}

// Coil returns a coil.
func (u *Unit) Coil(at int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.coils[at]
}

// Register returns a holding register.
func (u *Unit) Register(at int) uint16 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.holding[at]
}

// answer returns the PDU that answers a PDU.
func (u *Unit) answer(pdu []byte) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	fn := pdu[0]
	refuse := func(code byte) []byte { return []byte{fn | 0x80, code} }
	if len(pdu) < 5 {
		return refuse(3)
	}
	start, n := int(binary.BigEndian.Uint16(pdu[1:])), int(binary.BigEndian.Uint16(pdu[3:]))
	switch fn {
	case 1:
		return readBits(fn, u.coils, start, n)
	case 2:
		return readBits(fn, u.discrete, start, n)
	case 3:
		return readRegisters(fn, u.holding, start, n)
	case 4:
		return readRegisters(fn, u.input, start, n)
	case 5, 6:
		if start >= len(u.coils) {
			return refuse(2)
		}
		if fn == 5 {
			u.coils[start] = n == 0xff00
		} else {
			u.holding[start] = uint16(n)
		}
		return pdu[:5]
	case 15, 16:
		if start+n > len(u.coils) || n == 0 || len(pdu) < 6 || len(pdu) < 6+int(pdu[5]) {
			return refuse(2)
		}
		for i := range n {
			if fn == 15 {
				u.coils[start+i] = pdu[6+i/8]>>(i%8)&1 != 0
			} else {
				u.holding[start+i] = binary.BigEndian.Uint16(pdu[6+2*i:])
			}
		}
		return pdu[:5]
	}
	return refuse(1)
}

func readBits(fn byte, bits []bool, start, n int) []byte {
	if n == 0 || n > 2000 {
		return []byte{fn | 0x80, 3}
	}
	if start+n > len(bits) {
		return []byte{fn | 0x80, 2}
	}
	out := make([]byte, 2+(n+7)/8)
	out[0], out[1] = fn, byte((n+7)/8)
	for i, on := range bits[start : start+n] {
		if on {
			out[2+i/8] |= 1 << (i % 8)
		}
	}
	return out
}

func readRegisters(fn byte, registers []uint16, start, n int) []byte {
	if n == 0 || n > 125 {
		return []byte{fn | 0x80, 3}
	}
	if start+n > len(registers) {
		return []byte{fn | 0x80, 2}
	}
	out := []byte{fn, byte(2 * n)}
	for _, v := range registers[start : start+n] {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}
