package dmr

// RS(12,9) over GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1, whose generator has the roots α, α² and α³
// (TS 102 361-1, B.3.6). It corrects one byte.

// Masks that the three bytes of parity are xored with, so that one kind of burst is not taken for
// another (B.3.12).
const (
	headerMask     = 0x96
	terminatorMask = 0x99
)

func gfMul(a, b byte) (p byte) {
	for ; b != 0; b >>= 1 {
		if b&1 == 1 {
			p ^= a
		}
		carry := a & 0x80
		a <<= 1
		if carry != 0 {
			a ^= 0x1D
		}
	}
	return p
}

// rsParity returns the three bytes behind nine. The generator is x³ + 14x² + 56x + 64.
func rsParity(data []byte) (p [3]byte) {
	for _, d := range data[:9] {
		f := d ^ p[0]
		p = [3]byte{p[1] ^ gfMul(f, 14), p[2] ^ gfMul(f, 56), gfMul(f, 64)}
	}
	return p
}

// rsCorrect corrects a wrong byte of twelve. It is false if more are wrong.
func rsCorrect(w *[12]byte) (fixed int, ok bool) {
	syndrome := func() (s [3]byte) {
		for _, d := range w {
			s = [3]byte{gfMul(s[0], 2) ^ d, gfMul(s[1], 4) ^ d, gfMul(s[2], 8) ^ d}
		}
		return s
	}
	s := syndrome()
	if s == [3]byte{} {
		return 0, true
	}
	// One error e at the power i of x: s = e·αⁱ, e·α²ⁱ, e·α³ⁱ.
	x := byte(1)
	for i := range 12 {
		if gfMul(s[0], x) == s[1] && gfMul(s[1], x) == s[2] && s[0] != 0 {
			for e := 1; e < 256; e++ {
				if gfMul(byte(e), x) == s[0] {
					w[11-i] ^= byte(e)
					return 1, syndrome() == [3]byte{}
				}
			}
		}
		x = gfMul(x, 2)
	}
	return 0, false
}
