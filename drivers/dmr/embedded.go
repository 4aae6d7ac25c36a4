package dmr

import "math/bits"

// maxEmbeddedFixed is how many of the 128 bits of an embedded link control may be corrected.
const maxEmbeddedFixed = 3

// embedded is the code of the embedded link control (TS 102 361-1, B.2.1): 7 rows (16,11) and one of
// the parity of the columns. The first column is bit 15.
type embedded [8]uint16

// readEmbedded takes the four fragments of bursts B to E, which are read column by column.
func readEmbedded(fragments *[4]uint32) *embedded {
	var m embedded
	for i := range 128 {
		if fragments[i/32]>>(31-i%32)&1 == 1 {
			m[i%8] |= 1 << (15 - i/8)
		}
	}
	return &m
}

func (m *embedded) write() (fragments [4]uint32) {
	for i := range 128 {
		fragments[i/32] |= uint32(m[i%8]>>(15-i/8)&1) << (31 - i%32)
	}
	return fragments
}

// odd returns the columns whose parity is wrong.
func (m *embedded) odd() (columns uint16) {
	for _, w := range m {
		columns ^= w
	}
	return columns
}

// single corrects a bit in each row that has one wrong, and returns the rows that have more.
func (m *embedded) single() (bad []int) {
	for r := range 7 {
		fixed, ok := hamming16.correct(m[r])
		if !ok {
			bad = append(bad, r)
		}
		m[r] = fixed
	}
	return bad
}

func (m *embedded) valid() bool {
	for r := range 7 {
		if hamming16.syndrome(m[r]) != 0 {
			return false
		}
	}
	return m.odd() == 0
}

// correct returns the words that make sense and are the nearest within three bits, which there is at most one of:
// any two differ in eight.
func (m *embedded) correct() (best embedded, ok bool) {
	near := func(x embedded) bool {
		n := 0
		for r := range x {
			n += bits.OnesCount16(x[r] ^ m[r])
		}
		if n > maxEmbeddedFixed || !x.valid() {
			return false
		}
		best, ok = x, true
		return true
	}
	// At most one wrong in each row, and perhaps some in the row of parity.
	x := *m
	bad := x.single()
	last := x
	last[7] ^= last.odd()
	if len(bad) == 0 && (near(x) || near(last)) {
		return best, true
	}
	// Two in one row, or three: the columns say where, once the other rows are right.
	for r := range 7 {
		y := x
		y[r] = m[r]
		y[r] ^= y.odd()
		if near(y) {
			return best, true
		}
	}
	// Two in one row, and one in the row of parity.
	for _, r := range bad {
		for c := range 16 {
			y := x
			y[7] ^= 1 << c
			y[r] ^= y.odd()
			if near(y) {
				return best, true
			}
		}
	}
	return best, false
}

// checksum5 is the sum of the bytes modulo 31 (B.3.11).
func checksum5(lc []byte) uint16 {
	sum := 0
	for _, b := range lc {
		sum += int(b)
	}
	return uint16(sum % 31) // below 31
}

// decodeEmbedded returns the nine bytes of a link control. It is false if they cannot be trusted.
func decodeEmbedded(fragments *[4]uint32) (lc [9]byte, ok bool) {
	m, ok := readEmbedded(fragments).correct()
	if !ok {
		return lc, false
	}
	i, sum := 0, uint16(0)
	for r := range 7 {
		width := 11
		if r >= 2 {
			width = 10
			sum = sum<<1 | m[r]>>5&1
		}
		for c := range width {
			setBit(lc[:], i, byte(m[r]>>(15-c)&1))
			i++
		}
	}
	return lc, checksum5(lc[:]) == sum
}

// encodeEmbedded returns the four fragments of a link control.
func encodeEmbedded(lc *[9]byte) [4]uint32 {
	var m embedded
	i, sum := 0, checksum5(lc[:])
	for r := range 7 {
		width := 11
		if r >= 2 {
			width = 10
		}
		var w uint16
		for range width {
			w = w<<1 | uint16(bit(lc[:], i))
			i++
		}
		if r >= 2 {
			w = w<<1 | sum>>(6-r)&1
		}
		m[r] = hamming16.encode(w)
		m[7] ^= m[r]
	}
	return m.write()
}
