package ebyte

import (
	"bytes"
	"errors"
	"fmt"
)

// E22 is the configuration of an E22, by the manuals of the E22-230/400/900T22S,
// T30S and T22U. Zero values are the factory's, where they say so.
type E22 struct {
	Address uint16 // FFFF hears all addresses, which fixed-point senders use
	NetID   byte
	Line    Line
	// AirRate in bit/s: 300, 1200, 2400, 4800, 9600, 19200, 38400 or 62500; 2400 if 0.
	// Newer modules have no 300 and 1200, and take them for 2400.
	AirRate int
	// SubPacket is the longest packet in bytes: 240, 128, 64 or 32; 240 if 0.
	SubPacket int
	// Noise lets the module be asked for the noise on its channel.
	Noise bool
	// PowerStep is 0 for the strongest (22 or 30 dBm by model) to 3 for the weakest.
	PowerStep int
	// Channel is 0 to 83: 410.125 MHz + Channel in the 400 MHz band, 850.125 MHz +
	// Channel in the 900 MHz band.
	Channel int
	// RSSI appends a byte of signal strength to each packet.
	RSSI bool
	// FixedPoint takes the first three bytes of what is sent for address and channel.
	FixedPoint bool
	Relay      bool
	// ListenFirst waits, at most 2 s, for a free channel before it sends.
	ListenFirst bool
}

// Line is how the module speaks while it is not being configured.
type Line struct {
	// Baud is 1200, 2400, 4800, 9600, 19200, 38400, 57600 or 115200; 9600 if 0.
	Baud int
	// Parity is none, odd or even; none if empty.
	Parity string
}

// Registers of an E22. 07 and 08, its key, can be written but not read.
const e22Registers = 7

func (e E22) encode() (value, mask []byte, err error) {
	line, err := e.Line.encode(5, 3)
	air := code(e.AirRate, 2400, 300, 1200, 2400, 4800, 9600, 19200, 38400, 62500)
	sub := code(e.SubPacket, 240, 240, 128, 64, 32)
	switch {
	case err != nil:
		return nil, nil, err
	case air < 0:
		return nil, nil, fmt.Errorf("air rate %d: an E22 has 300 to 62500", e.AirRate)
	case sub < 0:
		return nil, nil, fmt.Errorf("sub-packet %d: an E22 has 240, 128, 64 and 32", e.SubPacket)
	case e.PowerStep < 0 || e.PowerStep > 3:
		return nil, nil, fmt.Errorf("power step %d: want 0 to 3", e.PowerStep)
	case e.Channel < 0 || e.Channel > 83:
		return nil, nil, fmt.Errorf("channel %d: an E22 has 0 to 83", e.Channel)
	}
	return []byte{
			byte(e.Address >> 8), byte(e.Address), e.NetID, line | byte(air),
			byte(sub)<<6 | bit(e.Noise, 5) | byte(e.PowerStep), byte(e.Channel),
			bit(e.RSSI, 7) | bit(e.FixedPoint, 6) | bit(e.Relay, 5) | bit(e.ListenFirst, 4),
		},
		// What is reserved stays: on USB modules bit 2 of REG1 is what lets the mode
		// be switched by a command. So do the bits of wake-on-radio, which is not used.
		[]byte{0xff, 0xff, 0xff, 0xff, 0xe3, 0xff, 0xf0}, nil
}

func (E22) name() string     { return "E22" }
func (E22) question() []byte { return []byte{0xc1, 0, e22Registers} }

// answer reads `C1 00 07 …`.
func (E22) answer(b []byte) (registers []byte, err error) {
	if bytes.HasPrefix(b, []byte{0xff, 0xff, 0xff}) {
		return nil, errRefused
	}
	head := []byte{0xc1, 0, e22Registers}
	if len(b) < len(head)+e22Registers {
		return nil, incomplete(b, head)
	}
	if !bytes.HasPrefix(b, head) {
		return nil, errGarbled
	}
	return b[len(head) : len(head)+e22Registers], nil
}

// write returns what sets the registers that differ: one command for all from the
// first of them to the last.
func (E22) write(have, want []byte) []byte {
	first, last := 0, len(want)-1
	for have[first] == want[first] {
		first++
	}
	for have[last] == want[last] {
		last--
	}
	return append([]byte{0xc0, byte(first), byte(last - first + 1)}, want[first:last+1]...)
}

func (E22) reset() []byte { return nil }

// which asks for the product information, registers 80 to 86.
func (E22) which() (question, head []byte, size int) {
	return []byte{0xc1, 0x80, 7}, []byte{0xc1, 0x80, 7}, 7
}

// encode returns the bits of baud rate and parity, shifted.
func (l Line) encode(baudAt, parityAt int) (byte, error) {
	baud := code(l.Baud, 9600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
	if baud < 0 {
		return 0, fmt.Errorf("baud %d: the modules have 1200 to 115200", l.Baud)
	}
	parity, ok := map[string]byte{"": 0, "none": 0, "odd": 1, "even": 2}[l.Parity]
	if !ok {
		return 0, fmt.Errorf("parity %q: must be none, odd or even", l.Parity)
	}
	return byte(baud)<<baudAt | parity<<parityAt, nil
}

// code returns where v is in codes, or the usual value where v is 0; -1 if nowhere.
func code(v, usual int, codes ...int) int {
	if v == 0 {
		v = usual
	}
	for i, c := range codes {
		if c == v {
			return i
		}
	}
	return -1
}

func bit(on bool, at int) byte {
	if on {
		return 1 << at
	}
	return 0
}

// What an answer may be instead.
var (
	errRefused = errors.New("the module says FF FF FF: it did not understand")
	errGarbled = errors.New("the module answers something else")
	errShort   = errors.New("an answer that is not complete")
)

// incomplete tells the beginning of an answer from something else.
func incomplete(b, head []byte) error {
	if bytes.HasPrefix(head, b) || bytes.HasPrefix(b, head) || bytes.HasPrefix([]byte{0xff, 0xff, 0xff}, b) {
		return errShort
	}
	return errGarbled
}
