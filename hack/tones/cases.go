package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/selcall"
)

// multimonRate is what multimon-ng takes. Ours listens to the same samples.
const multimonRate = 22050

// sound is one signal that both decoders are to get.
type sound struct {
	name  string
	demod string // multimon-ng's name of it
	want  string
	make  func() ([]float32, error)
	snr   float64 // dB over the whole band of 11 kHz below; 0 for clean
}

func cases() []sound {
	ms := time.Millisecond
	var all []sound
	for _, c := range []struct {
		name string
		s    dtmf.Sending
	}{
		{"DTMF, 100 ms", dtmf.Sending{}},
		{"DTMF, 50 ms", dtmf.Sending{Tone: 50 * ms, Pause: 50 * ms}},
		{"DTMF, 40 ms, pauses of 40 ms", dtmf.Sending{Tone: 40 * ms, Pause: 40 * ms}},
		{"DTMF, twist +4 dB", dtmf.Sending{Twist: 4}},
		{"DTMF, twist -8 dB", dtmf.Sending{Twist: -8}},
		{"DTMF, 1.5 % off", dtmf.Sending{Drift: 0.015}},
		{"DTMF, -25 dBm0", dtmf.Sending{Level: 0.694 * math.Pow(10, -25.0/20)}},
	} {
		all = append(all, sound{name: c.name, demod: "DTMF", want: dtmf.Digits, make: func() ([]float32, error) {
			return dtmf.Append(nil, multimonRate, dtmf.Digits, c.s)
		}})
	}
	for _, s := range selcall.Systems() {
		all = append(all, sound{name: strings.ToUpper(s.Name), demod: strings.ToUpper(s.Name), want: "12233", make: func() ([]float32, error) {
			return selcall.Append(nil, multimonRate, s, "12233", selcall.Sending{})
		}}, sound{name: strings.ToUpper(s.Name) + ", 1.5 % off", demod: strings.ToUpper(s.Name), want: "90817", make: func() ([]float32, error) {
			return selcall.Append(nil, multimonRate, s, "90817", selcall.Sending{Drift: 0.015})
		}})
	}
	clean := len(all)
	for i := range clean {
		c := all[i]
		c.name, c.snr = c.name+", 10 dB", 10
		all = append(all, c)
	}
	return all
}

// compare has both decode the signal so often, and counts how often each got it whole.
func (c *sound) compare(ctx context.Context, repeats int, show bool) (ours, theirs int, err error) {
	x, err := c.make()
	if err != nil {
		return 0, 0, err
	}
	for seed := range repeats {
		y := framed(x, c.snr, uint64(seed))
		samples := quantised(y)
		a, err := hear(samples, c.demod)
		if err != nil {
			return 0, 0, err
		}
		b, err := multimon(ctx, samples, c.demod)
		if err != nil {
			return 0, 0, err
		}
		if a == c.want {
			ours++
		} else if show {
			fmt.Printf("   %s: sentrybox %q\n", c.name, a)
		}
		if b == c.want {
			theirs++
		} else if show {
			fmt.Printf("   %s: multimon-ng %q\n", c.name, b)
		}
	}
	return ours, theirs, nil
}

// framed puts silence around a sound, and noise so many dB below it over all, within the
// band of a channel: noise is white up to half of the rate, and a channel has 4 kHz of it.
func framed(x []float32, snr float64, seed uint64) []float32 {
	quiet := make([]float32, multimonRate/4)
	y := append(append(append([]float32{}, quiet...), x...), quiet...)
	if snr == 0 {
		return y
	}
	var power float64
	n := 0
	for _, v := range x {
		if v != 0 {
			power += float64(v) * float64(v)
			n++
		}
	}
	// So that there are snr dB in 4 kHz.
	sigma := math.Sqrt(power / float64(n) * math.Pow(10, -snr/10) * multimonRate / 2 / 4000)
	r := rand.New(rand.NewPCG(seed, 3))
	low := lowPass(4000.0 / multimonRate)
	for i := range y {
		y[i] += float32(low(sigma * r.NormFloat64()))
	}
	return y
}

// lowPass is a Butterworth filter of the second order, twice; corner is a part of the rate.
func lowPass(corner float64) func(float64) float64 {
	one := func() func(float64) float64 {
		s, c := math.Sincos(2 * math.Pi * corner)
		alpha := s / math.Sqrt2
		a0, b0 := 1+alpha, (1-c)/2
		var s1, s2 float64
		return func(x float64) float64 {
			y := b0/a0*x + s1
			s1 = 2*b0/a0*x + 2*c/a0*y + s2
			s2 = b0/a0*x - (1-alpha)/a0*y
			return y
		}
	}
	first, second := one(), one()
	return func(x float64) float64 { return second(first(x)) }
}

func quantised(x []float32) []int16 {
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(32767 * max(-1, min(1, v)))
	}
	return out
}
