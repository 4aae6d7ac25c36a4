package selcall

import (
	"math"
	"time"
)

// Sending says how a call is sounded. Zero values are defaults.
type Sending struct {
	First time.Duration // of the first tone; the system's length
	Level float64       // amplitude; 0.5
	Drift float64       // part by which all frequencies are off, as 0.01
}

// Append appends a call as sound, full scale being 1. The phase goes on over the tones.
func Append(to []float32, rate int, s System, number string, how Sending) ([]float32, error) {
	if err := Check(number); err != nil {
		return to, err
	}
	if how.Level == 0 {
		how.Level = 0.5
	}
	phase, last := 0.0, byte(0)
	for i := range len(number) {
		digit := number[i]
		if digit == last {
			digit = Repeat
		}
		last = digit
		f := s.Frequencies[value(digit)] * (1 + how.Drift)
		long := s.Tone
		if i == 0 && how.First > 0 {
			long = how.First
		}
		for range int(long.Seconds()*float64(rate) + 0.5) {
			to = append(to, float32(how.Level*math.Sin(phase)))
			phase += 2 * math.Pi * f / float64(rate)
		}
	}
	return to, nil
}

func value(digit byte) int {
	for i := range digits {
		if digits[i] == digit {
			return i
		}
	}
	return 0
}
