package dmr

// BurstBytes is the length of a burst: 264 bits (TS 102 361-1, 4.2.2).
const BurstBytes = 33

func bit(b []byte, i int) byte { return b[i>>3] >> (7 - i&7) & 1 }

func setBit(b []byte, i int, v byte) {
	mask := byte(0x80) >> (i & 7)
	if v&1 == 1 {
		b[i>>3] |= mask
	} else {
		b[i>>3] &^= mask
	}
}

// field returns n bits, at most 32, from bit i, the most significant first.
func field(b []byte, i, n int) uint32 {
	var v uint32
	for k := range n {
		v = v<<1 | uint32(bit(b, i+k))
	}
	return v
}

// putField writes n bits, at most 32.
func putField(b []byte, i, n int, v uint32) {
	for k := range n {
		setBit(b, i+k, byte(v>>(n-1-k)&1))
	}
}

func id24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func putID24(b []byte, v uint32) { b[0], b[1], b[2] = byte(v>>16), byte(v>>8), byte(v) }
