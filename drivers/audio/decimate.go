package audio

import (
	"context"
	"math"
	"time"
)

// decimated makes a Stream of bytes at a multiple of Rate.
func decimated(open func(context.Context) (raw, error), factor int) Open {
	return func(ctx context.Context) (Stream, error) {
		r, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return &stream{raw: r, down: newDecimator(factor), buf: make([]byte, 4096)}, nil
	}
}

// stream turns bytes into samples at Rate.
type stream struct {
	raw  raw
	down *decimator
	buf  []byte
	odd  int // bytes of half a sample at buf's begin
}

func (s *stream) Read(p []int16) (int, error) {
	for {
		want := min(len(s.buf), 2*len(p)*s.down.factor)
		n, err := s.raw.Read(s.buf[s.odd:max(want, s.odd+1)])
		n += s.odd
		out := 0
		for i := 0; i+1 < n; i += 2 {
			if v, ok := s.down.next(int16(uint16(s.buf[i]) | uint16(s.buf[i+1])<<8)); ok {
				p[out] = v
				out++
			}
		}
		if s.odd = n & 1; s.odd == 1 {
			s.buf[0] = s.buf[n-1]
		}
		if out > 0 {
			return out, nil // an error comes again
		}
		if err != nil {
			return 0, err
		}
	}
}

func (s *stream) SetReadDeadline(t time.Time) error { return s.raw.SetReadDeadline(t) }
func (s *stream) Close() error                      { return s.raw.Close() }

// decimator lowers the rate by a whole factor, through a low-pass of 3.6 kHz: a
// sinc under a Hamming window.
type decimator struct {
	factor int
	taps   []float32
	ring   []float32
	at, n  int
}

func newDecimator(factor int) *decimator {
	d := &decimator{factor: factor}
	if factor == 1 {
		return d
	}
	d.taps, d.ring = make([]float32, 32*factor+1), make([]float32, 32*factor+1)
	cut, middle, sum := 3600.0/(Rate*float64(factor)), float64(len(d.taps)-1)/2, 0.0
	for i := range d.taps {
		x := float64(i) - middle
		h := 2 * cut
		if x != 0 {
			h = math.Sin(2*math.Pi*cut*x) / (math.Pi * x)
		}
		h *= 0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/float64(len(d.taps)-1))
		d.taps[i] = float32(h)
		sum += h
	}
	for i := range d.taps {
		d.taps[i] /= float32(sum)
	}
	return d
}

// next takes a sample, and returns one every factor times.
func (d *decimator) next(v int16) (int16, bool) {
	if d.factor == 1 {
		return v, true
	}
	d.ring[d.at] = float32(v)
	d.at = (d.at + 1) % len(d.ring)
	if d.n++; d.n < d.factor {
		return 0, false
	}
	d.n = 0
	var sum float32
	older, newer := d.ring[d.at:], d.ring[:d.at]
	for i, x := range older {
		sum += x * d.taps[i]
	}
	for i, x := range newer {
		sum += x * d.taps[len(older)+i]
	}
	return int16(max(-32768, min(32767, math.Round(float64(sum))))), true
}
