package mdc1200

const (
	infoBits = blockBits / 2
	tailBits = 8 // the zero byte
	states   = 64
)

// trellis decodes a block. It is kept, so that decoding allocates nothing.
type trellis struct {
	soft   [blockBits]float32 // in the order of the bytes: positive for 1
	metric [2][states]float32
	choice [infoBits][states]byte
	bits   [blockBits]byte
}

// decode finds the most likely block, and how many hard bits differ from it. The
// zero byte is known, so the code ends where it began.
func (t *trellis) decode() (data [7]byte, wrong int) {
	const far = -1e30
	now, next := &t.metric[0], &t.metric[1]
	for s := range now {
		now[s] = far
	}
	now[0] = 0
	for i := range infoBits {
		for s := range next {
			next[s] = far
		}
		u, p := t.soft[i], t.soft[infoBits+i]
		for s := range states {
			if now[s] <= far {
				continue
			}
			for bit := range 2 {
				if bit == 1 && i >= infoBits-tailBits {
					break
				}
				// Bit j of a state is the information bit j+1 places back.
				par := bit ^ s>>1&1 ^ s>>4&1 ^ s>>5&1
				m := now[s] + signed(u, bit) + signed(p, par)
				to := (s<<1 | bit) & (states - 1)
				if m > next[to] {
					next[to] = m
					t.choice[i][to] = byte(s >> 5 & 1) // what falls out
				}
			}
		}
		now, next = next, now
	}
	s := 0
	for i := infoBits - 1; i >= 0; i-- {
		t.bits[i] = byte(s & 1)
		s = s>>1 | int(t.choice[i][s])<<5
	}
	for i := range infoBits {
		t.bits[infoBits+i] = parity(&t.bits, i)
		data[i/8] |= t.bits[i] << (i % 8)
	}
	for i, bit := range t.bits {
		if (t.soft[i] > 0) != (bit == 1) {
			wrong++
		}
	}
	return data, wrong
}

func signed(x float32, bit int) float32 {
	if bit == 1 {
		return x
	}
	return -x
}
