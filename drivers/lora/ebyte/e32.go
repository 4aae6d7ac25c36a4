package ebyte

import "fmt"

// E32 is the configuration of an E32, by the manuals of the E32-433T20D and T30D.
// Zero values are the factory's, where they say so.
type E32 struct {
	Address uint16
	Line    Line
	// AirRate in bit/s: 300, 1200, 2400, 4800, 9600 or 19200; 2400 if 0.
	AirRate int
	// Channel is 0 to 31: 410 MHz + Channel for a module of the 433 MHz band, 862
	// MHz + Channel in the 868 MHz band.
	Channel    int
	FixedPoint bool
	// OpenDrain drives TXD and AUX as open collectors; the factory drives them.
	OpenDrain bool
	// WakeUp is the time in ms of wake-on-radio, 250 to 2000 in steps of 250; 250 if 0.
	WakeUp int
	// NoFEC leaves the forward error correction away, which both sides must do.
	NoFEC bool
	// PowerStep is 0 for the strongest to 3 for the weakest.
	PowerStep int
}

const e32Registers = 5

func (e E32) encode() (value, mask []byte, err error) {
	line, err := e.Line.encode(3, 6)
	air := code(e.AirRate, 2400, 300, 1200, 2400, 4800, 9600, 19200)
	wake := code(e.WakeUp, 250, 250, 500, 750, 1000, 1250, 1500, 1750, 2000)
	switch {
	case err != nil:
		return nil, nil, err
	case air < 0:
		return nil, nil, fmt.Errorf("air rate %d: an E32 has 300 to 19200", e.AirRate)
	case wake < 0:
		return nil, nil, fmt.Errorf("wake-up time %d: an E32 has 250 to 2000 ms in steps of 250", e.WakeUp)
	case e.PowerStep < 0 || e.PowerStep > 3:
		return nil, nil, fmt.Errorf("power step %d: want 0 to 3", e.PowerStep)
	case e.Channel < 0 || e.Channel > 31:
		return nil, nil, fmt.Errorf("channel %d: an E32 has 0 to 31", e.Channel)
	}
	return []byte{
			byte(e.Address >> 8), byte(e.Address), line | byte(air), byte(e.Channel),
			bit(e.FixedPoint, 7) | bit(!e.OpenDrain, 6) | byte(wake)<<3 | bit(!e.NoFEC, 2) | byte(e.PowerStep),
		},
		[]byte{0xff, 0xff, 0xff, 0x1f, 0xff}, nil
}

func (E32) name() string     { return "E32" }
func (E32) question() []byte { return []byte{0xc1, 0xc1, 0xc1} }

// answer reads `C0 ADDH ADDL SPED CHAN OPTION`, or the same with C2.
func (E32) answer(b []byte) (registers []byte, err error) {
	switch {
	case len(b) == 0:
		return nil, errShort
	case b[0] != 0xc0 && b[0] != 0xc2:
		return nil, errGarbled
	case len(b) < 1+e32Registers:
		return nil, errShort
	}
	return b[1 : 1+e32Registers], nil
}

// write returns what sets all registers, as there is no other way.
func (E32) write(_, want []byte) []byte { return append([]byte{0xc0}, want...) }

// reset returns the command after which the module is as if it had been switched on.
func (E32) reset() []byte { return []byte{0xc4, 0xc4, 0xc4} }

// which asks for model, version and features: `C3 32 xx yy` for the 433 MHz band.
func (E32) which() (question, head []byte, size int) {
	return []byte{0xc3, 0xc3, 0xc3}, []byte{0xc3}, 3
}
