package dmr

import "math/bits"

// The short block codes: Golay(20,8,7) of the slot type (TS 102 361-1, B.3.1) and the
// quadratic residue code (16,7,6) of the EMB field (B.3.2). Both are a cyclic code with a bit of parity
// behind, shortened.

const (
	golayPoly = 0xC75 // x^11 + x^10 + x^6 + x^5 + x^4 + x^2 + 1
	qrPoly    = 0x139 // x^8 + x^5 + x^4 + x^3 + 1
)

// cyclic encodes k bits by a polynomial of the degree, with a bit of parity.
func cyclic(info uint32, k, degree int, poly uint32) uint32 {
	rest := info << degree
	for i := k + degree - 1; i >= degree; i-- {
		if rest>>i&1 == 1 {
			rest ^= poly << (i - degree)
		}
	}
	w := info<<degree | rest
	return w<<1 | uint32(bits.OnesCount32(w)&1) // 0 or 1
}

// encodeGolay encodes 8 bits to 20.
func encodeGolay(info byte) uint32 { return cyclic(uint32(info), 8, 11, golayPoly) }

// encodeQR encodes 7 bits to 16.
func encodeQR(info byte) uint32 { return cyclic(uint32(info), 7, 8, qrPoly) }

// codeword tables.
//
//nolint:gochecknoglobals // tables, never written to
var (
	golayWords = tabulate(256, encodeGolay)
	qrWords    = tabulate(128, encodeQR)
)

func tabulate(n int, encode func(byte) uint32) []uint32 {
	all := make([]uint32, n)
	for i := range all {
		all[i] = encode(byte(i)) // below 256
	}
	return all
}

// nearest returns what is encoded within most bits of w.
func nearest(w uint32, words []uint32, most int) (info byte, fixed int, ok bool) {
	for i, c := range words {
		if n := bits.OnesCount32(c ^ w); n <= most {
			return byte(i), n, true // no other is as near, by the code's distance
		}
	}
	return 0, 0, false
}

// decodeGolay corrects up to three bits of 20.
func decodeGolay(w uint32) (info byte, fixed int, ok bool) { return nearest(w, golayWords, 3) }

// decodeQR corrects up to two bits of 16, and refuses three.
func decodeQR(w uint32) (info byte, fixed int, ok bool) { return nearest(w, qrWords, 2) }
