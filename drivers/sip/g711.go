package sip

// G.711 (ITU-T, 1988), with 16-bit samples.

// muLaw encodes a sample.
func muLaw(v int16) byte {
	const bias, clip = 0x84, 32635
	s, sign := int(v), byte(0)
	if s < 0 {
		s, sign = -s, 0x80
	}
	s = min(s, clip) + bias
	exponent := 7
	for m := 0x4000; s&m == 0 && exponent > 0; m >>= 1 {
		exponent--
	}
	return ^(sign | byte(exponent<<4) | byte(s>>(exponent+3))&0x0f)
}

// fromMuLaw decodes a sample.
func fromMuLaw(b byte) int16 {
	b = ^b
	s := (int(b&0x0f)<<3 + 0x84) << (b >> 4 & 7)
	s -= 0x84
	if b&0x80 != 0 {
		s = -s
	}
	return int16(s) // at most 32124
}

// aLaw encodes a sample.
func aLaw(v int16) byte {
	s, sign := int(v), byte(0x80)
	if s < 0 {
		s, sign = -s-1, 0
	}
	s >>= 3 // 13 bits, of which the sign is one
	exponent := 0
	for t := s; t > 0x1f; t >>= 1 {
		exponent++
	}
	var b byte
	if exponent == 0 {
		b = byte(s >> 1)
	} else {
		b = byte(exponent<<4) | byte(s>>exponent)&0x0f
	}
	return (b | sign) ^ 0x55
}

// fromALaw decodes a sample.
func fromALaw(b byte) int16 {
	b ^= 0x55
	s := int(b&0x0f)<<4 + 8
	if e := b >> 4 & 7; e > 0 {
		s = (s + 0x100) << (e - 1)
	}
	if b&0x80 == 0 {
		s = -s
	}
	return int16(s) // at most 32256
}

// encode makes a codec's byte of a sample.
func (c codec) encode(v int16) byte {
	if c == pcma {
		return aLaw(v)
	}
	return muLaw(v)
}

// decode makes a sample of a codec's byte.
func (c codec) decode(b byte) int16 {
	if c == pcma {
		return fromALaw(b)
	}
	return fromMuLaw(b)
}
