package selcall

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/tone"
)

func decode(t testing.TB, rate int, sound []float32, systems ...System) []Call {
	t.Helper()
	b, err := tone.NewBank(rate)
	if err != nil {
		t.Fatal(err)
	}
	if len(systems) == 0 {
		systems = Systems()
	}
	d := New(b, systems)
	var out []Call
	quiet := make([]float32, rate/5)
	for _, part := range [][]float32{quiet, sound, quiet} {
		for len(part) > 0 {
			n, hop := b.Write(part)
			part = part[n:]
			if !hop {
				continue
			}
			if got, ok := d.Hop(); ok {
				out = append(out, got)
			}
		}
	}
	return out
}

func noisy(x []float32, snr, level float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	sigma := level / math.Sqrt2 * math.Pow(10, -snr/20)
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v + float32(sigma*r.NormFloat64())
	}
	return out
}

// numbers have every digit, and repeats.
func numbers() []string {
	return []string{"12345", "67890", "11111", "12233", "90012", "ABCDF", "00099", "54545"}
}

func TestEverySystem(t *testing.T) {
	for _, s := range Systems() {
		for _, n := range numbers() {
			for _, how := range []Sending{{}, {Drift: 0.015}, {Drift: -0.015}, {First: 600 * time.Millisecond}, {Level: 0.02}} {
				for _, rate := range []int{8000, 22050, 48000} {
					if (rate != 8000 || how.Level > 0) && n != "12233" {
						continue
					}
					x, err := Append(nil, rate, s, n, how)
					if err != nil {
						t.Fatal(err)
					}
					got := decode(t, rate, x, s)
					if len(got) != 1 || got[0].Digits != n || got[0].System != s.Name {
						t.Errorf("%s %s %+v at %d: %v", s.Name, n, how, rate, got)
					}
				}
			}
		}
	}
}

// With all systems on, the length of the tones tells CCIR from EEA, and calls of digits alone are
// ZVEI 1's, being the first.
func TestAllSystemsAtOnce(t *testing.T) {
	for _, s := range Systems() {
		x, _ := Append(nil, 8000, s, "12345", Sending{})
		want := s.Name
		if want == "zvei2" {
			want = "zvei1"
		}
		if got := decode(t, 8000, x); len(got) != 1 || got[0].System != want || got[0].Digits != "12345" {
			t.Errorf("%s: %v", s.Name, got)
		}
	}
}

func TestNoise(t *testing.T) {
	for _, s := range Systems() {
		missed, all := 0, 0
		for seed := range uint64(5) {
			for _, n := range numbers() {
				x, _ := Append(nil, 8000, s, n, Sending{})
				all++
				if got := decode(t, 8000, noisy(x, 10, 0.5, seed), s); len(got) != 1 || got[0].Digits != n {
					missed++
				}
			}
		}
		if missed > 0 {
			t.Errorf("%s at 10 dB: %d of %d missed", s.Name, missed, all)
		}
	}
}

func TestNoCalls(t *testing.T) {
	s := Systems()[0]
	off, _ := Append(nil, 8000, s, "12345", Sending{Drift: 0.032})
	if got := decode(t, 8000, off); len(got) > 0 {
		t.Errorf("off by 3.2 %%: %v", got)
	}
	four, _ := Append(nil, 8000, s, "1234", Sending{})
	if got := decode(t, 8000, four); len(got) > 0 {
		t.Errorf("four tones: %v", got)
	}
	long, _ := Append(nil, 8000, System{"", 300 * time.Millisecond, s.Frequencies}, "12345", Sending{})
	if got := decode(t, 8000, long); len(got) > 0 {
		t.Errorf("tones of 300 ms: %v", got)
	}
	r := rand.New(rand.NewPCG(7, 7))
	noise := make([]float32, 8000*20)
	for i := range noise {
		noise[i] = float32(0.2 * r.NormFloat64())
	}
	if got := decode(t, 8000, noise); len(got) > 0 {
		t.Errorf("noise: %v", got)
	}
	for _, bad := range []string{"12E45", "12", strings.Repeat("1", 9), "1234x"} {
		if Check(bad) == nil {
			t.Errorf("%q is a number", bad)
		}
	}
}
