//go:build cgo

package cv

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func somePixels(n int, seed uint64, blobs bool) *Pixels {
	r := rand.New(rand.NewPCG(seed, 9))
	p := &Pixels{}
	for _, b := range []*[]uint8{&p.Cur, &p.Prev, &p.Pred, &p.High, &p.Low, &p.Foreground, &p.State, &p.Class} {
		*b = make([]uint8, n)
	}
	p.Background, p.Noise, p.Flicker = make([]uint16, n), make([]uint16, n), make([]uint16, n)
	class := uint8(0)
	for i := range n {
		c := r.IntN(256)
		near := func(by int) uint8 { return uint8(min(max(c+r.IntN(2*by+1)-by, 0), 255)) }
		p.Cur[i], p.Prev[i], p.Pred[i] = uint8(c), near(12), near(20)
		p.High[i], p.Low[i] = near(30), near(30)
		p.State[i] = uint8(r.IntN(8))
		p.Background[i] = uint16(near(9))<<8 | uint16(r.IntN(256))
		p.Noise[i], p.Flicker[i] = uint16(r.IntN(1<<r.IntN(17))), uint16(r.IntN(1<<r.IntN(17)))
		if r.IntN(8) == 0 { // as far apart as can be
			p.Prev[i], p.Pred[i], p.High[i], p.Low[i] = uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256))
			p.Background[i] = uint16(r.IntN(1 << 16))
		}
		if blobs && r.IntN(40) == 0 {
			class = uint8(r.IntN(256) * r.IntN(2))
		}
		p.Class[i] = class
	}
	return p
}

func (p *Pixels) clone() *Pixels {
	q := *p
	for _, b := range []*[]uint8{&q.Cur, &q.Prev, &q.Pred, &q.High, &q.Low, &q.Foreground, &q.State, &q.Class} {
		*b = slices.Clone(*b)
	}
	q.Background, q.Noise, q.Flicker = slices.Clone(q.Background), slices.Clone(q.Noise), slices.Clone(q.Flicker)
	return &q
}

// segmentPlainly is Segment as it is defined, pixel by pixel.
func (p *Pixels) segmentPlainly(t *Thresholds) (fg, moving int) {
	for i, v := range p.Cur {
		c, s := int32(v), int32(p.Noise[i])
		diff := max(c-int32(p.High[i]), int32(p.Low[i])-c, 0) << 8
		base := t.Base + s*t.Noise/2
		change := c - int32(p.Prev[i])
		st := p.State[i] & 1 << 2
		if max(change, -change)<<8 > t.Change+s {
			st |= 2
		}
		p.Foreground[i] = 0
		if diff > base {
			st |= 1
			if diff > base+t.Flicker*max(int32(p.Flicker[i])-t.FlickerFree, 0) {
				p.Foreground[i] = 255
				fg++
				moving += int(st >> 1 & 1)
			}
		}
		p.State[i] = st
	}
	return fg, moving
}

// learnPlainly is Learn as it is defined, pixel by pixel.
func (p *Pixels) learnPlainly(w *Weights) {
	for i, v := range p.Cur {
		c, q, b, k := int32(v), int32(p.Pred[i]), int32(p.Background[i]), p.Class[i]
		if w.Held[k] {
			p.Background[i] = uint16(b + (q<<8-b)*w.Background[k]>>16)
			continue
		}
		p.Background[i] = uint16(b + ((c<<8-b)*w.Background[k]+1<<15)>>16)
		s := int32(p.Noise[i])
		diff := min(max(c-q, q-c)<<8, 3*s+w.Bound)
		p.Noise[i] = uint16(s + ((diff-s)*w.Noise+1<<15)>>16)
		f, x, st := int32(p.Flicker[i]), int32(0), p.State[i]
		if w.Glance {
			if st&5 == 0 {
				p.Flicker[i] = uint16(f - f*w.Flicker>>16)
			}
			continue
		}
		if (st^st>>2)&1 != 0 {
			x = w.Flip
		}
		p.Flicker[i] = uint16(f + ((x-f)*w.Flicker)>>16)
	}
}

func (p *Pixels) differs(q *Pixels) string {
	switch {
	case !slices.Equal(p.Foreground, q.Foreground):
		return "foreground"
	case !slices.Equal(p.State, q.State):
		return "state"
	case !slices.Equal(p.Background, q.Background):
		return "background"
	case !slices.Equal(p.Noise, q.Noise):
		return "noise"
	case !slices.Equal(p.Flicker, q.Flicker):
		return "flicker"
	}
	return ""
}

func someWeights(r *rand.Rand, glance bool) *Weights {
	w := &Weights{Noise: r.Int32N(16000), Flicker: r.Int32N(32768), Flip: r.Int32N(1 << 16), Bound: 512, Glance: glance}
	for i := range w.Background {
		w.Background[i], w.Held[i] = r.Int32N(32768), i > 0 && r.IntN(3) == 0
	}
	return w
}

// TestPixels holds the loops in C to their definition, for lengths that no vector divides too.
func TestPixels(t *testing.T) {
	limits := &Thresholds{Base: 6 << 8, Noise: 5, Change: 4 << 8, Flicker: 60, FlickerFree: 64}
	r := rand.New(rand.NewPCG(7, 7))
	for seed := range uint64(60) {
		n := 1 + r.IntN(3000)
		if seed%20 == 0 {
			n += 1 << 16 // more than one piece
		}
		a := somePixels(n, seed, seed%3 > 0)
		b := a.clone()
		fg, moving := a.Segment(limits)
		wantFg, wantMoving := b.segmentPlainly(limits)
		if d := a.differs(b); d != "" || fg != wantFg || moving != wantMoving {
			t.Fatalf("seed %d, %d pixels: segment: %d and %d, want %d and %d; %s", seed, n, fg, moving, wantFg, wantMoving, d)
		}
		w := someWeights(r, seed%2 == 0)
		a.Learn(w)
		b.learnPlainly(w)
		if d := a.differs(b); d != "" {
			t.Fatalf("seed %d, %d pixels, glance %v: learn: %s", seed, n, w.Glance, d)
		}
	}
	p := somePixels(100, 1, true)
	p.Noise = p.Noise[:99]
	before := p.clone()
	if n, m := p.Segment(limits); n+m > 0 {
		t.Error("slices of other lengths are not refused")
	}
	p.Learn(&Weights{})
	if d := p.differs(before); d != "" {
		t.Error("slices of other lengths are written to:", d)
	}
}

func BenchmarkPixels(b *testing.B) {
	const n = 640 * 360
	limits := &Thresholds{Base: 6 << 8, Noise: 5, Change: 4 << 8, Flicker: 60, FlickerFree: 64}
	w := someWeights(rand.New(rand.NewPCG(7, 7)), false)
	for _, blobs := range []bool{false, true} {
		p := somePixels(n, 3, blobs)
		for _, bc := range []struct {
			name string
			do   func()
		}{
			{"segment", func() { p.Segment(limits) }},
			{"learn", func() { p.Learn(w) }},
		} {
			b.Run(fmt.Sprintf("do=%s/blobs=%v", bc.name, blobs), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					bc.do()
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
			})
		}
	}
}
