package uart

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Kind is how a checksum is computed.
type Kind string

// The kinds. The CRCs are named as in the catalogue of parametrised CRC algorithms
// (reveng.sourceforge.io/crc-catalogue), with the polynomial and the start value.
const (
	None      Kind = ""
	Sum8      Kind = "sum8"       // sum of bytes, modulo 256
	Sum16     Kind = "sum16"      // sum of bytes, modulo 65536
	XOR8      Kind = "xor8"       // exclusive or of bytes
	CRC8      Kind = "crc8"       // CRC-8/SMBUS: 07, 00
	CRC8Maxim Kind = "crc8-maxim" // CRC-8/MAXIM-DOW: 31 reflected, 00
	Modbus    Kind = "crc16-modbus"
	// CCITTFalse is CRC-16/IBM-3740: 1021, FFFF. Manuals call it CCITT or CCITT-FALSE.
	CCITTFalse Kind = "crc16-ccitt-false"
	// XMODEM is CRC-16/XMODEM: 1021, 0000. Manuals call it CCITT too.
	XMODEM Kind = "crc16-xmodem"
	Kermit Kind = "crc16-kermit" // CRC-16/KERMIT, the CCITT of X.25's kind: 1021 reflected, 0000
	X25    Kind = "crc16-x25"    // CRC-16/IBM-SDLC: as Kermit, but FFFF and inverted; of HDLC and DLMS
	// SDI12 is CRC-16/ARC (8005 reflected, 0000) in three printable characters of six bits, as
	// SDI-12 1.4, 4.4.12.3 and Vaisala's transmitters have it.
	SDI12 Kind = "crc16-sdi12"
	CRC32 Kind = "crc32" // CRC-32/ISO-HDLC, of Ethernet and zip
	// Custom is what Checksum.CRC says.
	Custom Kind = "crc"
)

// Kinds returns all kinds but None.
func Kinds() []Kind {
	return []Kind{Sum8, Sum16, XOR8, CRC8, CRC8Maxim, Modbus, CCITTFalse, XMODEM, Kermit, X25, SDI12, CRC32, Custom}
}

// Checksum is a checksum and how it is written down.
type Checksum struct {
	Kind Kind
	// CRC is the parameters of Custom.
	CRC *CRC
	// From is the first byte covered, counted from the frame's first. Covered is
	// all from there to the checksum, but for the last Before bytes, as NMEA's "*".
	From, Before int
	// Little is whether its low byte comes first, as Modbus has it.
	Little bool
	// Negate is for those that make the sum of all come to 0 (two's complement) or
	// to all ones (one's complement).
	Negate Negation
	// Hex is whether it is written as hexadecimal digits, two for a byte, and OverHex whether it
	// is computed over what such digits stand for.
	Hex, OverHex bool
}

// Negation is what is done to a checksum last.
type Negation string

// The negations.
const (
	NoNegation     Negation = ""
	OnesComplement Negation = "ones"
	TwosComplement Negation = "twos"
)

func (c Checksum) check() error {
	if c.Kind != None && c.size() == 0 {
		return fmt.Errorf("checksum: kind %q: want one of %v", c.Kind, Kinds())
	}
	if c.Kind == Custom && c.CRC.Width != 8 && c.CRC.Width != 16 && c.CRC.Width != 32 {
		return fmt.Errorf("checksum: a CRC of %d bits: want 8, 16 or 32", c.CRC.Width)
	}
	if c.From < 0 || c.From > MaxFrame || c.Before < 0 || c.Before > MaxFrame {
		return fmt.Errorf("checksum: from %d, before %d", c.From, c.Before)
	}
	switch c.Negate {
	case NoNegation, OnesComplement, TwosComplement:
		return nil
	}
	return fmt.Errorf("checksum: negate %q: want ones or twos", c.Negate)
}

// size is how many bytes the checksum has, before they are written as digits.
func (c Checksum) size() int {
	switch c.Kind {
	case Sum8, XOR8, CRC8, CRC8Maxim:
		return 1
	case Sum16, Modbus, CCITTFalse, XMODEM, Kermit, X25:
		return 2
	case SDI12:
		return 3
	case CRC32:
		return 4
	case Custom:
		if c.CRC != nil {
			return c.CRC.Width / 8
		}
	}
	return 0
}

// crc returns the parameters of a checksum that is a CRC.
func (c Checksum) crc() *CRC {
	if c.Kind == Custom {
		return c.CRC
	}
	return named(c.Kind)
}

// width is how many bytes it takes in the frame.
func (c Checksum) width() int {
	if c.Hex {
		return 2 * c.size()
	}
	return c.size()
}

// valid tells whether the checksum in body, which ends with it, is right.
func (c Checksum) valid(body []byte) bool {
	if c.Kind == None {
		return true
	}
	at := len(body) - c.width()
	if at < 0 {
		return false
	}
	want, ok := c.Append(nil, body[:at])
	// Digits may be in either case.
	return ok && (string(want) == string(body[at:]) || c.Hex && strings.EqualFold(string(want), string(body[at:])))
}

// Append appends to dst the checksum of a frame, given from its first byte to where the checksum is
// to be, as it is written in the frame. It is false if what it is to cover is not there, or not
// hexadecimal digits.
func (c Checksum) Append(dst, frame []byte) ([]byte, bool) {
	if c.Kind == None {
		return dst, true
	}
	if len(frame) < c.From+c.Before {
		return dst, false
	}
	covered := frame[c.From : len(frame)-c.Before]
	if c.OverHex {
		decoded := make([]byte, hex.DecodedLen(len(covered)))
		if _, err := hex.Decode(decoded, covered); err != nil {
			return dst, false
		}
		covered = decoded
	}
	v := c.compute(covered)
	switch c.Negate {
	case OnesComplement:
		v = ^v
	case TwosComplement:
		v = -v
	}
	b := binary.BigEndian.AppendUint32(nil, v)[4-c.size():]
	if c.Little {
		slices.Reverse(b)
	}
	if c.Hex {
		return append(dst, fmt.Sprintf("%X", b)...), true
	}
	return append(dst, b...), true
}

func (c Checksum) compute(b []byte) uint32 {
	var v uint32
	switch c.Kind {
	case Sum8, Sum16:
		for _, x := range b {
			v += uint32(x)
		}
	case XOR8:
		for _, x := range b {
			v ^= uint32(x)
		}
	case SDI12:
		v = (&CRC{Width: 16, Poly: 0x8005, RefIn: true, RefOut: true}).compute(b)
		return 0x404040 | v>>12<<16 | v>>6&0x3f<<8 | v&0x3f
	default:
		if crc := c.crc(); crc != nil {
			return crc.compute(b)
		}
	}
	return v
}
