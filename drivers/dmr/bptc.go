package dmr

import "math/bits"

const (
	infoBits   = 196
	bptcRows   = 13
	bptcCols   = 15
	bptcRounds = 5
	// MaxFixed is how many bits of the 196 of a burst may be corrected. A burst of noise is as close to
	// one that makes sense once in 2^41.
	MaxFixed = 12
)

// matrix is BPTC(196,96) before it is interleaved (TS 102 361-1, B.1.1): 9 rows of information with
// their checks (15,11), and 4 rows of checks of the columns (13,9). The first column is bit 14.
type matrix [bptcRows]uint16

// infoIndex is where the i-th of the 196 bits lies in a burst.
func infoIndex(i int) int {
	if i < 98 {
		return i
	}
	return i + 68
}

// readMatrix takes the matrix out of a burst. Bit 0 is reserved and has no check.
func readMatrix(burst *[BurstBytes]byte) *matrix {
	var m matrix
	for a := 1; a < infoBits; a++ {
		if bit(burst[:], infoIndex(a*181%infoBits)) == 1 {
			m[(a-1)/bptcCols] |= 1 << (bptcCols - 1 - (a-1)%bptcCols)
		}
	}
	return &m
}

func (m *matrix) write(burst *[BurstBytes]byte) {
	for a := 1; a < infoBits; a++ {
		v := m[(a-1)/bptcCols] >> (bptcCols - 1 - (a-1)%bptcCols)
		setBit(burst[:], infoIndex(a*181%infoBits), byte(v&1))
	}
	setBit(burst[:], infoIndex(0), 0)
}

func (m *matrix) column(c int) uint16 {
	var w uint16
	for r := range bptcRows {
		w = w<<1 | m[r]>>(bptcCols-1-c)&1
	}
	return w
}

func (m *matrix) setColumn(c int, w uint16) {
	mask := uint16(1) << (bptcCols - 1 - c)
	for r := range bptcRows {
		if w>>(bptcRows-1-r)&1 == 1 {
			m[r] |= mask
		} else {
			m[r] &^= mask
		}
	}
}

// columns corrects a bit in each column that has one wrong, rows in each row.
func (m *matrix) columns() (clean bool) {
	clean = true
	for c := range bptcCols {
		w := m.column(c)
		if fixed, _ := hamming13.correct(w); fixed != w {
			m.setColumn(c, fixed)
			clean = false
		}
	}
	return clean
}

func (m *matrix) rows() (clean bool) {
	clean = true
	for r, w := range m {
		if m[r], _ = hamming15.correct(w); m[r] != w {
			clean = false
		}
	}
	return clean
}

// valid says whether every check is met.
func (m *matrix) valid() bool {
	for _, w := range m {
		if hamming15.syndrome(w) != 0 {
			return false
		}
	}
	for c := range bptcCols {
		if hamming13.syndrome(m.column(c)) != 0 {
			return false
		}
	}
	return true
}

func (m *matrix) distance(o *matrix) (n int) {
	for r := range m {
		n += bits.OnesCount16(m[r] ^ o[r])
	}
	return n
}

// correct returns the matrix that makes sense and is the nearer of those found by correcting columns
// first and by correcting rows first, and how many bits that changed.
func (m *matrix) correct() (best matrix, fixed int, ok bool) {
	fixed = MaxFixed + 1
	for _, rowsFirst := range []bool{false, true} {
		x := *m
		if rowsFirst {
			x.rows()
		}
		for range bptcRounds {
			columns := x.columns()
			if rows := x.rows(); columns && rows {
				break
			}
		}
		if n := x.distance(m); n < fixed && x.valid() {
			best, fixed, ok = x, n, true
		}
	}
	return best, fixed, ok
}

// DecodeBPTC returns the 96 bits of information of a burst and how many bits were corrected. It is false
// if they cannot be trusted.
func DecodeBPTC(burst *[BurstBytes]byte) (info [12]byte, fixed int, ok bool) {
	m, fixed, ok := readMatrix(burst).correct()
	if !ok {
		return info, fixed, false
	}
	i := 0
	for r := range 9 {
		first := 0
		if r == 0 {
			first = 3 // three bits are reserved
		}
		for c := first; c < 11; c++ {
			setBit(info[:], i, byte(m[r]>>(bptcCols-1-c)&1))
			i++
		}
	}
	return info, fixed, true
}

// EncodeBPTC puts 96 bits of information into a burst, and leaves the rest of it.
func EncodeBPTC(burst *[BurstBytes]byte, info *[12]byte) {
	var m matrix
	i := 0
	for r := range 9 {
		first := 0
		if r == 0 {
			first = 3
		}
		var w uint16
		for c := first; c < 11; c++ {
			w |= uint16(bit(info[:], i)) << (10 - c)
			i++
		}
		m[r] = hamming15.encode(w)
	}
	for c := range bptcCols {
		m.setColumn(c, hamming13.encode(m.column(c)>>4))
	}
	m.write(burst)
}
