package activity

import (
	"math"
	"math/rand/v2"
	"testing"
)

const rate = 8000

// speak is a crude vowel: a pulse train of a moving pitch through two resonances.
func speak(seconds float64) []float32 {
	out := make([]float32, int(seconds*rate))
	phase := 0.0
	var y1, y2, z1, z2 float64
	r := rand.New(rand.NewPCG(1, 1))
	for i := range out {
		at := float64(i) / rate
		pitch := 120 + 20*math.Sin(2*math.Pi*2*at)
		phase += pitch / rate
		x := 0.02 * r.NormFloat64()
		if phase >= 1 {
			phase--
			x++
		}
		y := x + 1.8*math.Cos(2*math.Pi*600/rate)*y1 - 0.81*y2
		y2, y1 = y1, y
		z := y + 1.8*math.Cos(2*math.Pi*1400/rate)*z1 - 0.81*z2
		z2, z1 = z1, z
		out[i] = float32(0.03 * z)
	}
	return out
}

func noise(seconds, sigma float64) []float32 {
	r := rand.New(rand.NewPCG(2, 2))
	out := make([]float32, int(seconds*rate))
	for i := range out {
		out[i] = float32(sigma * r.NormFloat64())
	}
	return out
}

func TestStates(t *testing.T) {
	sine := make([]float32, rate)
	for i := range sine {
		sine[i] = float32(0.4 * math.Sin(2*math.Pi*1000*float64(i)/rate))
	}
	for _, c := range []struct {
		name           string
		sound          []float32
		carrier, voice bool
	}{
		{"silence", make([]float32, rate), false, false},
		{"a whisper of noise", noise(1, 0.001), false, false},
		{"hiss", noise(1, 0.1), true, false},
		{"a tone", sine, true, false},
		{"a voice", speak(1), true, true},
	} {
		d, err := New(rate, Config{})
		if err != nil {
			t.Fatal(err)
		}
		changed := d.Write(c.sound)
		if s := d.State(); s.Carrier != c.carrier || s.Voice != c.voice || changed != (c.carrier || c.voice) {
			t.Errorf("%s: %+v, changed %v", c.name, s, changed)
		}
		d.Write(make([]float32, rate/2))
		if s := d.State(); s.Carrier != c.carrier {
			t.Errorf("%s: after half a second of quiet: %+v", c.name, s)
		}
		d.Write(make([]float32, rate))
		if s := d.State(); s.Carrier || s.Voice {
			t.Errorf("%s: after one and a half seconds of quiet: %+v", c.name, s)
		}
	}
}

func TestClipping(t *testing.T) {
	d, _ := New(rate, Config{})
	loud := make([]float32, rate)
	for i := range loud {
		loud[i] = float32(max(-1, min(1, 3*math.Sin(2*math.Pi*300*float64(i)/rate))))
	}
	d.Write(loud)
	if s := d.State(); s.Clipped < 0.9 || s.Peak < 0.99 || math.Abs(s.Level) > 2 {
		t.Errorf("%+v", s)
	}
	for _, c := range []Config{{Threshold: 3}, {Hang: -1}} {
		if _, err := New(rate, c); err == nil {
			t.Errorf("%+v passes", c)
		}
	}
}
