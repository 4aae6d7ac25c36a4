// Package mdc1200 decodes and makes MDC 1200 data bursts: 1200 bit/s, minimum shift keying
// between 1200 and 1800 Hz, of which Motorola's and many other makers' radios send one when
// the key is pressed, when it is let go, and when the orange button is.
//
// A burst is a preamble, a sync word of 40 bits and a block of 112: operation, argument, unit
// (big-endian), a CRC (little-endian; polynomial 0x1021 reflected to 0x8408, initial value 0,
// complemented), a zero byte, and seven bytes of parity, which are the convolutional code
// 1+D²+D⁵+D⁶ over the bits of the first seven, least significant bit first. Bit L of the
// fourteen bytes goes to place (L mod 7)·16 + L÷7 on the air. Operations 0x35 and 0x55 have a
// second block at once behind the first, whose unit is the sender's. The format was never
// published; this is as M. Kaufman's MDC decoder library and others describe it.
//
// The decoder is coherent. At 1200 bit/s a bit of 1200 Hz is one wave and one of 1800 Hz is one and
// a half, so that seen from 1500 Hz the phase at the end of every bit is one of two,
// opposite to each other: whether bits are as before or changed, the phase itself is the
// bit. The sync word's correlation gives phase, polarity and time; the block is then read
// by soft decisions, at several speeds around the nominal one, and the parity's code is decoded by
// Viterbi's algorithm before the CRC is looked at.
package mdc1200

import "slices"

// Packet is one burst.
type Packet struct {
	Op, Arg byte
	Unit    uint16
	// Extra is the second block of a double packet, without its CRC; its last two bytes are a unit.
	Extra  [4]byte
	Double bool
	// Fixed is how many bits of the blocks were wrong and were mended.
	Fixed int
}

// Kind is what a packet asks or says.
type Kind string

// The kinds. A packet that is none of them is Other.
const (
	Emergency    Kind = "emergency"
	EmergencyAck Kind = "emergency_ack"
	PTTID        Kind = "ptt_id"  // before speaking
	PostID       Kind = "post_id" // after it
	CallAlert    Kind = "call_alert"
	SelectCall   Kind = "select_call"
	RadioCheck   Kind = "radio_check"
	CheckAck     Kind = "radio_check_ack"
	Status       Kind = "status"
	Message      Kind = "message"
	Other        Kind = "other"
)

// Kind tells what a packet is.
func (p Packet) Kind() Kind {
	switch p.Op {
	case 0x00:
		return Emergency
	case 0x20:
		return EmergencyAck
	case 0x01:
		if p.Arg&0x80 != 0 {
			return PTTID
		}
		return PostID
	case 0x35:
		if p.Double && (p.Extra[1] == 0x05 || p.Extra[1] == 0x15) {
			return SelectCall
		}
		return CallAlert
	case 0x63:
		return RadioCheck
	case 0x30:
		return CheckAck
	case 0x46, 0x06:
		return Status
	case 0x47, 0x07:
		return Message
	}
	return Other
}

// Sender returns the unit that sent it. In a double packet that is the second block's, and the
// first one's is who is called.
func (p Packet) Sender() uint16 {
	if p.Double {
		return uint16(p.Extra[2])<<8 | uint16(p.Extra[3])
	}
	return p.Unit
}

// Target returns the unit that is called, and false if the packet calls nobody.
func (p Packet) Target() (uint16, bool) {
	switch p.Kind() {
	case RadioCheck, EmergencyAck:
		return p.Unit, true
	}
	return p.Unit, p.Double
}

// double says whether an operation has two blocks.
func double(op byte) bool { return op == 0x35 || op == 0x55 }

const (
	preamble  = 7 // bytes of 0x55
	syncBits  = 40
	blockBits = 112
	syncWord  = 0x07092A446F
)

// crc is over the first four bytes of a block.
func crc(b []byte) uint16 {
	c := uint16(0)
	for _, x := range b {
		c ^= uint16(x)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0x8408
			} else {
				c >>= 1
			}
		}
	}
	return ^c
}

// encode makes the bits of a block as they go out.
func encode(data [4]byte) [blockBits]byte {
	sum := crc(data[:])
	info := append(slices.Clone(data[:]), byte(sum), byte(sum>>8), 0)
	var all, air [blockBits]byte
	for i := range blockBits / 2 {
		all[i] = info[i/8] >> (i % 8) & 1
	}
	for i := range blockBits / 2 {
		all[blockBits/2+i] = parity(&all, i)
	}
	for l, bit := range all {
		air[place(l)] = bit
	}
	return air
}

// parity returns the parity bit of an information bit.
func parity(info *[blockBits]byte, i int) byte {
	p := info[i]
	for _, tap := range [3]int{2, 5, 6} {
		if i >= tap {
			p ^= info[i-tap]
		}
	}
	return p
}

// place is where bit l goes on the air.
func place(l int) int { return l%7*16 + l/7 }
