package tone

import (
	"errors"
	"math"
	"testing"
)

// TestBank: level and frequency of a sine that is off, and hum that does not count.
func TestBank(t *testing.T) {
	for _, rate := range []int{8000, 11025, 44100} {
		for _, off := range []float64{0, -25, 40} {
			b, err := NewBank(rate)
			if err != nil {
				t.Fatal(err)
			}
			k := b.Index(1600)
			if b.Index(1600) != k || b.Index(1700) == k {
				t.Error("a frequency has two places, or two have one")
			}
			x := make([]float32, rate/2)
			for i := range x {
				at := 2 * math.Pi * float64(i) / float64(rate)
				x[i] = float32(0.3*math.Sin(at*(1600+off)) + 0.3*math.Sin(at*50))
			}
			hops := 0
			for len(x) > 0 {
				n, hop := b.Write(x)
				x = x[n:]
				if hop {
					hops++
				}
			}
			square, hz := b.Tone(k)
			if math.Abs(float64(hz)-off) > 2 || math.Abs(math.Sqrt(float64(square))-0.3) > 0.02 {
				t.Errorf("at %d, %g Hz off: amplitude %.3f, %.1f Hz off", rate, off, math.Sqrt(float64(square)), hz)
			}
			if power := b.Power(); math.Abs(float64(power)-0.045) > 0.003 {
				t.Errorf("at %d: power %.4f, want that of the sine without the hum, 0.045", rate, power)
			}
			if want := HopsPerSecond / 2; hops < want-4 || hops > want+4 || int64(hops) != b.Hop() {
				t.Errorf("at %d: %d hops in half a second", rate, hops)
			}
		}
	}
	for _, rate := range []int{0, 7999, 96000} {
		if _, err := NewBank(rate); !errors.Is(err, ErrRate) {
			t.Errorf("rate %d: %v", rate, err)
		}
	}
}
