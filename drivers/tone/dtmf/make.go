package dtmf

import (
	"fmt"
	"math"
	"time"
)

// Sending says how digits are sounded. Zero values are defaults.
type Sending struct {
	Tone, Pause time.Duration // 100 ms each
	Level       float64       // amplitude of each tone; 0.35
	Twist       float64       // dB that the upper tone is above the lower
	Drift       float64       // part by which all frequencies are off, as 0.01
}

// Append appends digits as sound, full scale being 1, with a pause after each.
func Append(to []float32, rate int, digits string, s Sending) ([]float32, error) {
	if s.Tone == 0 {
		s.Tone = 100 * time.Millisecond
	}
	if s.Pause == 0 {
		s.Pause = 100 * time.Millisecond
	}
	if s.Level == 0 {
		s.Level = 0.35
	}
	lowLevel, highLevel := s.Level*math.Pow(10, -s.Twist/40), s.Level*math.Pow(10, s.Twist/40)
	for i := range len(digits) {
		low, high, ok := Tones(digits[i])
		if !ok {
			return to, fmt.Errorf("%q is no digit: want some of %s", digits[i], Digits)
		}
		low, high = low*(1+s.Drift)*2*math.Pi/float64(rate), high*(1+s.Drift)*2*math.Pi/float64(rate)
		for n := range samples(s.Tone, rate) {
			to = append(to, float32(lowLevel*math.Sin(low*float64(n))+highLevel*math.Sin(high*float64(n))))
		}
		to = append(to, make([]float32, samples(s.Pause, rate))...)
	}
	return to, nil
}

func samples(d time.Duration, rate int) int { return int(d.Seconds()*float64(rate) + 0.5) }
