package dtmf

import "math"

// kept is how many hops of a run are weighed.
const kept = 32

// stats are the hops of a run that begins with an edge.
type stats struct {
	hops [kept]heard
	n    int
}

func (s *stats) add(h heard) {
	if s.n < kept {
		s.hops[s.n] = h
		s.n++
		return
	}
	copy(s.hops[:], s.hops[1:])
	s.hops[kept-1] = h
}

// steady says whether both tones are where they should be, and stay there.
func (s *stats) steady(digit byte) bool {
	low, high, _ := Tones(digit)
	inner := s.hops[min(settle, s.n/3):s.n]
	var ratio float32
	for i := range inner {
		ratio += inner[i].ratio
	}
	if ratio < meanRatio*float32(len(inner)) {
		return false
	}
	return steadyTone(inner, low, func(h *heard) (float32, float32) { return h.low, h.offLow }) &&
		steadyTone(inner, high, func(h *heard) (float32, float32) { return h.high, h.offHigh })
}

// steadyTone weighs one tone. Hops are weighted by power, as the edges of a tone tell
// little of its frequency.
func steadyTone(hops []heard, nominal float64, of func(*heard) (amplitude, offset float32)) bool {
	var weight, mean, square, level, levelSquare float64
	for i := range hops {
		a, off := of(&hops[i])
		w := float64(a) * float64(a)
		weight += w
		mean += w * float64(off)
		square += w * float64(off) * float64(off)
		level += float64(a)
		levelSquare += w
	}
	n := float64(len(hops))
	mean /= weight
	level /= n
	wander := math.Sqrt(max(0, square/weight-mean*mean))
	variation := math.Sqrt(max(0, levelSquare/n-level*level)) / level
	return math.Abs(mean) <= maxOff*nominal && wander <= maxWander && variation <= maxVariation
}
