package uart

import "math/bits"

// CRC is the parameters of a cyclic redundancy check, in the model of Ross
// Williams (A Painless Guide to CRC Error Detection Algorithms, 1993) that the
// catalogue uses too.
type CRC struct {
	Width  int    // 8, 16 or 32 bits
	Poly   uint32 // without its highest bit
	Init   uint32
	RefIn  bool // bytes go in from their lowest bit
	RefOut bool // the result is turned round
	XorOut uint32
}

// compute is the check of b.
func (c *CRC) compute(b []byte) uint32 {
	shift := 32 - c.Width
	v, poly := c.Init<<shift, c.Poly<<shift
	for _, x := range b {
		if c.RefIn {
			x = bits.Reverse8(x)
		}
		v ^= uint32(x) << 24
		for range 8 {
			if v&(1<<31) != 0 {
				v = v<<1 ^ poly
			} else {
				v <<= 1
			}
		}
	}
	if c.RefOut {
		v = bits.Reverse32(v)
	} else {
		v >>= shift
	}
	v ^= c.XorOut
	if c.Width == 32 {
		return v
	}
	return v & (1<<c.Width - 1)
}

// named returns the parameters of the kinds that are a CRC.
func named(k Kind) *CRC {
	switch k {
	case CRC8:
		return &CRC{Width: 8, Poly: 0x07}
	case CRC8Maxim:
		return &CRC{Width: 8, Poly: 0x31, RefIn: true, RefOut: true}
	case Modbus:
		return &CRC{Width: 16, Poly: 0x8005, Init: 0xffff, RefIn: true, RefOut: true}
	case CCITTFalse:
		return &CRC{Width: 16, Poly: 0x1021, Init: 0xffff}
	case XMODEM:
		return &CRC{Width: 16, Poly: 0x1021}
	case Kermit:
		return &CRC{Width: 16, Poly: 0x1021, RefIn: true, RefOut: true}
	case X25:
		return &CRC{Width: 16, Poly: 0x1021, Init: 0xffff, RefIn: true, RefOut: true, XorOut: 0xffff}
	case CRC32:
		return &CRC{Width: 32, Poly: 0x04c11db7, Init: 0xffffffff, RefIn: true, RefOut: true, XorOut: 0xffffffff}
	}
	return nil
}
