package dmr

import (
	"math/rand/v2"
	"testing"
)

// The trellis code corrects any wrong bit, and more where they are apart; the CRC says if it did not.
func TestTrellis(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	var lost [4]int
	for range 500 {
		var data [18]byte
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		b := encodeTrellis(1, &data)
		if got, wrong := decodeTrellis(&b.Payload); got != data || wrong != 0 {
			t.Fatalf("%x, %d wrong, want %x", got, wrong, data)
		}
		for n, i := range rnd.Perm(infoBits)[:3] {
			flip(&b, infoIndex(i))
			if got, _ := decodeTrellis(&b.Payload); got != data {
				lost[n+1]++
			}
		}
	}
	t.Logf("of 500 with one, two and three wrong bits %v are lost", lost[1:])
	if lost[1] > 0 {
		t.Errorf("%d of 500 with one wrong bit are lost", lost[1])
	}
}

// encodeTrellis makes a burst of 18 bytes.
func encodeTrellis(color byte, data *[18]byte) Burst {
	b := Burst{Data: true, Type: Rate34}
	var dibits [2 * tribits]byte
	state := byte(0)
	for i := range tribits {
		t := byte(0)
		if i < 48 {
			t = byte(field(data[:], 3*i, 3)) // 3 bits
		}
		p := trellisBits[trellisPoint[state][t]]
		dibits[2*i], dibits[2*i+1] = p>>2, p&3
		state = t
	}
	for i := range dibits {
		d := dibits[trellisPlace(i)]
		setBit(b.Payload[:], infoIndex(2*i), d>>1)
		setBit(b.Payload[:], infoIndex(2*i+1), d)
	}
	b.setSlotType(color, Rate34)
	b.setCenter(syncBSData)
	return b
}
