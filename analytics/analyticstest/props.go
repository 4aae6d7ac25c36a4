package analyticstest

import (
	"math"
	"math/rand/v2"
	"time"
)

// luggage is what people leave: a box, a bag, a case or a bottle. Sizes are
// fractions of the picture, X and Y the middle of the foot.
type luggage struct {
	shape      string
	X, Y, W, H float64
	shade      float64 // grey level
	texture    float64 // grey levels
	seed       uint64
}

// cover returns how much of it is at a place of its box, u and v from 0 to 1, and by
// how much its shade differs there.
func (l *luggage) cover(u, v float64) (inside bool, shade float64) {
	switch l.shape {
	case "bag": // round shoulders, a handle above
		if v < 0.25 {
			return math.Abs(math.Hypot(u-0.5, (v-0.25)*1.2)-0.22) < 0.06, -8
		}
		return math.Pow(math.Abs(u-0.5)*2, 4)+math.Pow(math.Abs(v-0.62)/0.38, 4) < 1, 12 * (0.5 - v)
	case "case": // ribs, and a handle drawn out
		if v < 0.3 {
			return math.Abs(math.Abs(u-0.5)-0.2) < 0.06 || v < 0.06 && math.Abs(u-0.5) < 0.26, -10
		}
		return v < 0.95 || math.Abs(math.Abs(u-0.5)-0.38) < 0.1, 9 * math.Sin(u*25)
	case "bottle":
		if v < 0.35 {
			return math.Abs(u-0.5) < 0.2, 10
		}
		return math.Abs(u-0.5) < 0.5, 30 * math.Exp(-20*(u-0.35)*(u-0.35))
	}
	if v < 0.22 { // the box's lid, lit from above
		return true, 14
	}
	if math.Abs(u-0.5) < 0.05 {
		return true, 20
	}
	return true, 0
}

// drawAt draws it with its foot at a place, and the shadow at its foot.
//
//go:norace
func (l *luggage) drawAt(s *Scene, pix []float64, fx, fy float64) {
	const sub = 3
	w, h := l.W*float64(s.Width), l.H*float64(s.Height)
	x0, y0 := fx*float64(s.Width)-w/2, fy*float64(s.Height)-h
	for y := max(int(y0+0.8*h), 0); y < min(int(y0+1.12*h)+1, s.Height); y++ {
		for x := max(int(x0-0.2*w), 0); x < min(int(x0+1.25*w)+1, s.Width); x++ {
			u, v := (float64(x)-fx*float64(s.Width))/(0.7*w), (float64(y)-fy*float64(s.Height))/(0.15*h)
			pix[y*s.Width+x] *= 1 - 0.3*math.Exp(-(u*u+v*v)*1.5)
		}
	}
	for y := max(int(y0), 0); y < min(int(y0+h)+1, s.Height); y++ {
		for x := max(int(x0), 0); x < min(int(x0+w)+1, s.Width); x++ {
			in, sum := 0.0, 0.0
			for k := range sub * sub {
				u := (float64(x) + (float64(k%sub)+0.5)/sub - x0) / w
				v := (float64(y) + (float64(k/sub)+0.5)/sub - y0) / h
				if u < 0 || u > 1 || v < 0 || v > 1 {
					continue
				}
				if ok, d := l.cover(u, v); ok {
					in++
					sum += l.shade + d + l.texture*(unit(hash(l.seed, uint64(u*9), uint64(v*9)))-0.5)
				}
			}
			if in > 0 {
				i := y*s.Width + x
				pix[i] += in / (sub * sub) * (sum/in - pix[i])
			}
		}
	}
}

// unit returns a number from 0 to 1 out of a hash.
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// sitter draws a person who sits, from a time to another: a cutout pressed together, or a
// drawn one. They keep still for about ten seconds, then move for one.
func sitter(a *Actor, x, y, low float64, from, until time.Duration, seed uint64) Prop {
	return Prop{From: from, Until: until, Foot: y, Draw: func(s *Scene, pix []float64, t time.Duration) {
		sec := t.Seconds()
		turn := math.Floor(sec / 10)
		lean := 0.015 * (unit(hash(seed, uint64(turn))) - 0.5)
		if d := sec - 10*turn; d < 1 {
			lean += 0.02 * math.Sin(math.Pi*d)
		}
		h, w := a.Height*low*float64(s.Height), a.Height*float64(s.Height)*0.42
		cx, foot := (x+lean*a.Height)*float64(s.Width), y*float64(s.Height)
		if a.Look == nil {
			s.ellipse(pix, cx+0.1*w, foot-0.88*h, 0.07*w/0.42, 0.11*h, a.Shade+30)
			s.ellipse(pix, cx, foot-0.5*h, 0.4*w, 0.32*h, a.Shade)
			s.ellipse(pix, cx+0.25*w, foot-0.16*h, 0.5*w, 0.17*h, a.Shade-15)
			return
		}
		f := &a.Look.Frames[int(turn)%min(3, len(a.Look.Frames))]
		s.frame(pix, f, cx-w/2, foot-h, w, h)
	}}
}

// frame draws a picture of a person into a box.
//
//go:norace
func (s *Scene) frame(pix []float64, f *CutFrame, x0, y0, w, h float64) {
	for py := max(int(y0), 0); py < min(int(y0+h)+1, s.Height); py++ {
		for px := max(int(x0), 0); px < min(int(x0+w)+1, s.Width); px++ {
			u, v := (float64(px)+0.5-x0)/w*float64(f.Width)-0.5, (float64(py)+0.5-y0)/h*float64(f.Height)-0.5
			luma, alpha := f.sample(u, v)
			i := py*s.Width + px
			pix[i] += alpha * (luma - pix[i])
		}
	}
}

// vehicle draws a car that is at path(t), the middle of its foot, w wide.
func vehicle(w, shade, foot float64, until time.Duration, path func(t time.Duration) float64) Prop {
	return Prop{Until: until, Foot: foot, Draw: func(s *Scene, pix []float64, t time.Duration) {
		pw := w * float64(s.Width)
		h := 0.38 * pw
		x0, y0 := path(t)*float64(s.Width)-pw/2, foot*float64(s.Height)-h
		s.rect(pix, x0, y0+0.42*h, pw, 0.45*h, shade)
		s.rect(pix, x0+0.2*pw, y0, 0.55*pw, 0.45*h, shade+8)
		s.rect(pix, x0+0.24*pw, y0+0.08*h, 0.21*pw, 0.3*h, 45)
		s.rect(pix, x0+0.5*pw, y0+0.08*h, 0.2*pw, 0.3*h, 50)
		for _, u := range []float64{0.2, 0.8} {
			s.ellipse(pix, x0+u*pw, y0+0.84*h, 0.085*pw, 0.16*h, 25)
		}
	}}
}

// patch changes the light on a part of the ground: a quadrilateral of sides that
// lean, its edge soft pixels wide. level is its gain at a time.
func patch(x, y, w, h, soft float64, level func(t time.Duration) (gain, dx float64), until time.Duration) Prop {
	return Prop{Until: until, Foot: -1, Draw: func(s *Scene, pix []float64, t time.Duration) {
		gain, dx := level(t)
		if gain == 1 {
			return
		}
		for py := max(int((y-h)*float64(s.Height)), 0); py < min(int((y+h)*float64(s.Height)), s.Height); py++ {
			for px := range s.Width {
				v := (float64(py)/float64(s.Height) - y) / h * 2
				u := (float64(px)/float64(s.Width) - x - dx - 0.25*h*v) / w * 2
				d := min((1-math.Abs(u))*w/2*float64(s.Width), (1-math.Abs(v))*h/2*float64(s.Height))
				if in := min(max(d/soft+0.5, 0), 1); in > 0 {
					pix[py*s.Width+px] *= 1 + in*(gain-1)
				}
			}
		}
	}}
}

// puddle darkens a spot of uneven outline that grows.
func puddle(x, y, r float64, grows, until time.Duration, seed uint64) Prop {
	return Prop{Until: until, Foot: -1, Draw: func(s *Scene, pix []float64, t time.Duration) {
		rr := r * math.Sqrt(min(t.Seconds()/grows.Seconds(), 1)) * float64(s.Width)
		cx, cy := x*float64(s.Width), y*float64(s.Height)
		for py := max(int(cy-rr), 0); py < min(int(cy+rr), s.Height); py++ {
			for px := max(int(cx-1.5*rr), 0); px < min(int(cx+1.5*rr), s.Width); px++ {
				u, v := (float64(px)-cx)/rr, 2.2*(float64(py)-cy)/rr
				a := math.Atan2(v, u)
				edge := 1 + 0.2*math.Sin(3*a+float64(seed%7)) + 0.1*math.Sin(7*a)
				if in := min(max((edge-math.Hypot(u, v))*rr/3+0.5, 0), 1); in > 0 {
					i := py*s.Width + px
					pix[i] += in * 0.35 * (75 - pix[i])
				}
			}
		}
	}}
}

// litter is leaves that blow about and come to rest here and there for a while.
func litter(n int, until time.Duration, seed uint64) Prop {
	return Prop{Until: until, Foot: -1, Draw: func(s *Scene, pix []float64, t time.Duration) {
		rng := rand.New(rand.NewPCG(seed, 23))
		for range n {
			x, y, pace := rng.Float64(), 0.55+0.43*rng.Float64(), 0.05+0.1*rng.Float64()
			phase := 20 * rng.Float64()
			period := math.Floor((t.Seconds() + phase) / 7)
			in := t.Seconds() + phase - 7*period
			gust := period + min(in/1.2, 1) // it moves for 1.2 s, then lies for 5.8 s
			u := math.Mod(x+pace*gust, 1.1)
			v := y + 0.01*math.Sin(3*gust)
			s.ellipse(pix, u*float64(s.Width), v*float64(s.Height), 2.5+2*y, 1.5+y, 70+60*rng.Float64())
		}
	}}
}
