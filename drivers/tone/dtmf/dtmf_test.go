package dtmf

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/drivers/tone"
)

const rate = 8000

// decode returns the digits of a sound, with a little silence around it.
func decode(t testing.TB, rate int, sound []float32) string {
	t.Helper()
	b, err := tone.NewBank(rate)
	if err != nil {
		t.Fatal(err)
	}
	d := New(b)
	var out []byte
	quiet := make([]float32, rate/10)
	for _, part := range [][]float32{quiet, sound, quiet} {
		for len(part) > 0 {
			n, hop := b.Write(part)
			part = part[n:]
			if !hop {
				continue
			}
			if got, ok := d.Hop(); ok {
				out = append(out, got.Digit)
			}
		}
	}
	return string(out)
}

func make16(t testing.TB, rate int, s Sending) []float32 {
	t.Helper()
	x, err := Append(nil, rate, Digits, s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// noisy adds white noise, so many dB below the sound's own power while it sounds.
func noisy(x []float32, snr float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	var e float64
	n := 0
	for _, v := range x {
		if v != 0 {
			e += float64(v) * float64(v)
			n++
		}
	}
	sigma := math.Sqrt(e / float64(n) * math.Pow(10, -snr/10))
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v + float32(sigma*r.NormFloat64())
	}
	return out
}

func TestLimits(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name string
		s    Sending
		want string
	}{
		{"plain", Sending{}, Digits},
		{"40 ms, pauses of 40 ms", Sending{Tone: 40 * ms, Pause: 40 * ms}, Digits},
		{"23 ms", Sending{Tone: 23 * ms, Pause: 60 * ms}, ""},
		{"off by +1.5 %", Sending{Tone: 40 * ms, Pause: 40 * ms, Drift: 0.015}, Digits},
		{"off by -1.5 %", Sending{Tone: 40 * ms, Pause: 40 * ms, Drift: -0.015}, Digits},
		{"off by +3.5 %", Sending{Drift: 0.035}, ""},
		{"off by -3.5 %", Sending{Drift: -0.035}, ""},
		{"off by +3.5 %, 40 ms", Sending{Tone: 40 * ms, Drift: 0.035}, ""},
		{"twist +4 dB", Sending{Tone: 40 * ms, Pause: 40 * ms, Twist: 4}, Digits},
		{"twist -8 dB", Sending{Tone: 40 * ms, Pause: 40 * ms, Twist: -8}, Digits},
		{"twist +8 dB", Sending{Twist: 8}, ""},
		{"twist -12 dB", Sending{Twist: -12}, ""},
		{"0 dBm0", Sending{Level: 0.49, Tone: 40 * ms, Pause: 40 * ms}, Digits},
		{"-25 dBm0", Sending{Level: 0.694 * math.Pow(10, -25.0/20), Tone: 40 * ms, Pause: 40 * ms}, Digits},
		{"-25 dBm0, twist -8 dB, -1.5 %", Sending{Level: 0.694 * math.Pow(10, -21.0/20), Tone: 40 * ms, Pause: 40 * ms, Twist: -8, Drift: -0.015}, Digits},
		{"-45 dBm0", Sending{Level: 0.694 * math.Pow(10, -45.0/20)}, ""},
	} {
		for _, rate := range []int{8000, 22050, 48000} {
			if rate == 48000 && c.name != "plain" {
				continue // slow
			}
			t.Run(fmt.Sprintf("%s at %d", c.name, rate), func(t *testing.T) {
				if got := decode(t, rate, make16(t, rate, c.s)); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		}
	}
}

// A gap of 10 ms does not part a digit, one of 40 ms does.
func TestGaps(t *testing.T) {
	for _, c := range []struct {
		gap  time.Duration
		want string
	}{{5 * time.Millisecond, "5"}, {10 * time.Millisecond, "5"}, {40 * time.Millisecond, "55"}, {60 * time.Millisecond, "55"}} {
		x, _ := Append(nil, rate, "5", Sending{Tone: 45 * time.Millisecond, Pause: c.gap})
		y, _ := Append(x, rate, "5", Sending{Tone: 45 * time.Millisecond})
		if got := decode(t, rate, y); got != c.want {
			t.Errorf("a gap of %v: %q, want %q", c.gap, got, c.want)
		}
	}
	// Without a pause, another digit is another digit.
	x, _ := Append(nil, rate, "12", Sending{Tone: 60 * time.Millisecond, Pause: time.Nanosecond})
	if got := decode(t, rate, x); got != "12" {
		t.Errorf("digits without a pause: %q", got)
	}
}

// TestNoise: 10 dB of signal to noise over the whole band, where the digits are as short as may be.
func TestNoise(t *testing.T) {
	for _, c := range []struct {
		name string
		snr  float64
		s    Sending
		most int // that may be missed of 16 × 8
	}{
		{"40 ms at 10 dB", 10, Sending{Tone: 40 * time.Millisecond, Pause: 40 * time.Millisecond}, 0},
		{"100 ms at 10 dB", 10, Sending{}, 0},
		{"100 ms at 7 dB", 7, Sending{}, 3},
		{"twist -8 dB at 10 dB", 10, Sending{Twist: -8}, 0},
		{"off by 1.5 % at 10 dB", 10, Sending{Drift: 0.015}, 0},
	} {
		missed := 0
		for seed := range uint64(8) {
			if got := decode(t, rate, noisy(make16(t, rate, c.s), c.snr, seed)); got != Digits {
				missed += max(1, len(Digits)-len(got))
				t.Logf("%s: %s", c.name, got)
			}
		}
		if missed > c.most {
			t.Errorf("%s: %d digits of %d missed or wrong", c.name, missed, 8*len(Digits))
		}
	}
}

func TestRefusals(t *testing.T) {
	if _, err := Append(nil, rate, "1x", Sending{}); err == nil {
		t.Error("x is a digit")
	}
	// One tone of a pair, and noise.
	one := make([]float32, rate)
	for i := range one {
		one[i] = float32(0.5 * math.Sin(2*math.Pi*770*float64(i)/rate))
	}
	if got := decode(t, rate, one); got != "" {
		t.Errorf("one tone: %q", got)
	}
	r := rand.New(rand.NewPCG(7, 7))
	noise := make([]float32, 20*rate)
	for i := range noise {
		noise[i] = float32(0.2 * r.NormFloat64())
	}
	if got := decode(t, rate, noise); got != "" {
		t.Errorf("noise: %q", got)
	}
}
