package dmr

import "math/bits"

// The trellis code of rate 3/4 data (TS 102 361-1, B.2.4): 48 tribits and a zero behind them make 49 points, each of
// two dibits. The tribit is the next state.

const tribits = 49

// trellisPoint is the point that a state and a tribit give.
//
//nolint:gochecknoglobals // tables, never written to
var (
	trellisPoint = [8][8]byte{
		{0, 8, 4, 12, 2, 10, 6, 14}, {4, 12, 2, 10, 6, 14, 0, 8}, {1, 9, 5, 13, 3, 11, 7, 15}, {5, 13, 3, 11, 7, 15, 1, 9},
		{3, 11, 7, 15, 1, 9, 5, 13}, {7, 15, 1, 9, 5, 13, 3, 11}, {2, 10, 6, 14, 0, 8, 4, 12}, {6, 14, 0, 8, 4, 12, 2, 10},
	}
	// trellisBits are the two dibits of each point; 01, 00, 10 and 11 are the symbols +3, +1, -1 and -3.
	trellisBits = [16]byte{
		0b0010, 0b1010, 0b0111, 0b1111, 0b1110, 0b0110, 0b1011, 0b0011, 0b1101, 0b0101, 0b1000, 0b0000, 0b0001, 0b1001, 0b0100, 0b1100,
	}
)

// trellisPlace is where the i-th dibit that is sent belongs: 98 dibits, taken as pairs, are written in rows of four pairs and
// read by columns.
func trellisPlace(i int) int {
	pair, half := i/2, i%2
	for column := range 4 {
		rows := 12
		if column == 0 {
			rows = 13
		}
		if pair < rows {
			return (pair*4+column)*2 + half
		}
		pair -= rows
	}
	return 0
}

// decodeTrellis returns the 18 bytes of a burst of rate 3/4 by the most likely path (Viterbi), and how many
// bits that is from what was received.
func decodeTrellis(burst *[BurstBytes]byte) (data [18]byte, wrong int) {
	var points [tribits]byte
	for i := range 2 * tribits {
		k := trellisPlace(i)
		d := bit(burst[:], infoIndex(2*i))<<1 | bit(burst[:], infoIndex(2*i+1))
		points[k/2] |= d << (2 - 2*(k%2))
	}
	const far = 1 << 20
	cost := [8]int{0, far, far, far, far, far, far, far}
	var from [tribits][8]byte
	for i, p := range points {
		next := [8]int{far, far, far, far, far, far, far, far}
		for s, c := range cost {
			for t := range 8 {
				d := c + bits.OnesCount8(trellisBits[trellisPoint[s][t]]^p)
				if d < next[t] {
					next[t], from[i][t] = d, byte(s)
				}
			}
		}
		cost = next
	}
	state := byte(0) // the last tribit flushes
	wrong = cost[0]
	for i := tribits - 1; i > 0; i-- {
		state = from[i][state]
		putField(data[:], 3*(i-1), 3, uint32(state))
	}
	return data, wrong
}
