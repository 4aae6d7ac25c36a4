package dmr

import "math/bits"

// hamming is a Hamming code of TS 102 361-1, B.3: n bits of which the first k are information. A word
// has its first bit as the most significant of n.
type hamming struct {
	n, k   int
	checks []uint16 // words whose parity is even in a codeword
	at     [32]int8 // by syndrome: the bit that is wrong, -1 for more than one
}

// newHamming takes, for each check, the information bits that it is over (B.3.3 to B.3.5).
func newHamming(n, k int, over ...[]int) *hamming {
	h := &hamming{n: n, k: k}
	for j, list := range over {
		mask := uint16(1) << (n - 1 - k - j)
		for _, i := range list {
			mask |= 1 << (n - 1 - i)
		}
		h.checks = append(h.checks, mask)
	}
	for s := range h.at {
		h.at[s] = -1
	}
	for i := range n {
		h.at[h.syndrome(1<<(n-1-i))] = int8(i) // below 16
	}
	return h
}

func (h *hamming) syndrome(w uint16) int {
	s := 0
	for _, mask := range h.checks {
		s = s<<1 | bits.OnesCount16(w&mask)&1
	}
	return s
}

// encode puts the checks behind k bits of information.
func (h *hamming) encode(info uint16) uint16 {
	w := info << (h.n - h.k)
	for j, mask := range h.checks {
		w |= uint16(bits.OnesCount16(w&mask)&1) << (h.n - 1 - h.k - j) // 0 or 1
	}
	return w
}

// correct corrects one bit. It is false if more are wrong, as far as the code shows that.
func (h *hamming) correct(w uint16) (uint16, bool) {
	s := h.syndrome(w)
	if s == 0 {
		return w, true
	}
	if h.at[s] < 0 {
		return w, false
	}
	return w ^ 1<<(h.n-1-int(h.at[s])), true
}

// The codes of BPTC(196,96) and of the embedded one.
//
//nolint:gochecknoglobals // tables, never written to
var (
	hamming15 = newHamming(15, 11, []int{0, 1, 2, 3, 5, 7, 8}, []int{1, 2, 3, 4, 6, 8, 9}, []int{2, 3, 4, 5, 7, 9, 10}, []int{0, 1, 2, 4, 6, 7, 10})
	hamming13 = newHamming(13, 9, []int{0, 1, 3, 5, 6}, []int{0, 1, 2, 4, 6, 7}, []int{0, 1, 2, 3, 5, 7, 8}, []int{0, 2, 4, 5, 8})
	hamming16 = newHamming(16, 11, []int{0, 1, 2, 3, 5, 7, 8}, []int{1, 2, 3, 4, 6, 8, 9}, []int{2, 3, 4, 5, 7, 9, 10},
		[]int{0, 1, 2, 4, 6, 7, 10}, []int{0, 2, 5, 6, 8, 9, 10})
)
