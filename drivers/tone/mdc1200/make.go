package mdc1200

import "math"

// Sending says how a burst is sounded. Zero values are defaults.
type Sending struct {
	Level float64 // amplitude; 0.5
	Drift float64 // part by which the clock is fast, as 0.001
}

// Append appends a burst as sound, full scale being 1.
func Append(to []float32, rate int, p Packet, how Sending) []float32 {
	if how.Level == 0 {
		how.Level = 0.5
	}
	bits := make([]byte, 0, preamble*8+syncBits+2*blockBits)
	for range preamble * 4 {
		bits = append(bits, 0, 1)
	}
	word := uint64(syncWord)
	for i := range syncBits {
		bits = append(bits, byte(word>>(syncBits-1-i)&1))
	}
	first := encode([4]byte{p.Op, p.Arg, byte(p.Unit >> 8), byte(p.Unit)})
	bits = append(bits, first[:]...)
	if p.Double {
		second := encode(p.Extra)
		bits = append(bits, second[:]...)
	}
	phase, last := 0.0, byte(0)
	length := float64(rate) / baud / (1 + how.Drift)
	end, n := 0.0, 0
	for _, bit := range bits {
		f := 1200 * (1 + how.Drift)
		if bit != last {
			f = 1800 * (1 + how.Drift)
		}
		last = bit
		for end += length; float64(n) < end; n++ {
			to = append(to, float32(how.Level*math.Sin(phase)))
			phase += 2 * math.Pi * f / float64(rate)
		}
	}
	return to
}
