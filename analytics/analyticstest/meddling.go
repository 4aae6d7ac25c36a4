package analyticstest

import (
	"fmt"
	"image"
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// act changes a picture since seconds after it began; it may do so in place.
type act func(s *Scene, pix []float64, since float64) []float64

// view is a clip of a camera that is asked for tampering alone.
func (st *studio) view(name string, seconds float64) *Clip {
	c := st.clip("meddle_"+name, sweepRate, seconds)
	if st.ground(c); c.Scene.Backdrop == nil && st.rng.IntN(2) == 0 {
		st.photo(c, st.stock.Facade)
	}
	c.Scene.Noise = st.between(1.5, 4)
	c.look(wire.Tamper, 0)
	c.Scene.Actors = []Actor{st.person(st.stroll(2, 0.9)...), st.person(st.stroll(16, 0.8)...)}
	return c
}

// meddle does something to the camera of a clip; it is to be found from delay seconds after
// its beginning on, when it has become tampering.
func (st *studio) meddle(name string, delay float64, do act) *Clip {
	c := st.view(name, 28+delay)
	at := seconds64(st.between(11, 14))
	c.Scene.Before = func(s *Scene, pix []float64, t time.Duration) []float64 {
		if t <= at {
			return pix
		}
		return do(s, pix, (t - at).Seconds())
	}
	c.event(wire.Tamper, at+seconds64(delay), c.Length)
	return c
}

// cover paints what is nearer than part of the way from one side to the other.
func cover(from int, part, takes float64, shade func(x, y float64) float64) act {
	return func(s *Scene, pix []float64, since float64) []float64 {
		edge := part * min(since/takes, 1)
		for i := range pix {
			x, y := float64(i%s.Width)/float64(s.Width), float64(i/s.Width)/float64(s.Height)
			d := [4]float64{y, 1 - y, x, 1 - x}[from%4]
			if in := min(max((edge-d)*25, 0), 1); in > 0 { // too close to be sharp
				pix[i] += in * (shade(x, y) - pix[i])
			}
		}
		return pix
	}
}

// panorama turns the camera to what is beside its view, by angle(since) picture widths.
func panorama(beside []byte, angle func(since float64) float64) act {
	return func(s *Scene, pix []float64, since float64) []float64 {
		by := int(angle(since) * float64(s.Width))
		if by == 0 {
			return pix
		}
		out := make([]float64, len(pix))
		for y := range s.Height {
			row := y * s.Width
			n := copy(out[row:row+s.Width], pix[row+min(by, s.Width):row+s.Width])
			for x := n; x < s.Width; x++ {
				out[row+x] = float64(beside[row+(x+by)%s.Width])
			}
		}
		return out
	}
}

// beside is another view: a photograph where there is one.
func (st *studio) beside(c *Clip) []byte {
	for _, p := range []*image.Gray{st.stock.Facade, st.stock.Street, st.stock.Square} {
		if st.rng.IntN(3) == 0 && p != nil {
			if pic := st.fit(p, c.Scene.Width, c.Scene.Height); string(pic) != string(c.Scene.Backdrop) {
				return pic
			}
		}
	}
	return st.paving(c.Scene.Width, c.Scene.Height)
}

// defocus puts the lens out of focus by a radius, a part of the picture's width.
func defocus(radius, takes float64) act {
	return func(s *Scene, pix []float64, since float64) []float64 {
		if r := int(math.Round(min(since/takes, 1) * radius * float64(s.Width))); r > 0 {
			for range 2 {
				pix = blur(pix, s.Width, s.Height, r)
			}
		}
		return pix
	}
}

// plain makes everything one shade.
func plain(v float64) func(x, y float64) float64 { return func(_, _ float64) float64 { return v } }

// meddlings are done to cameras.
func (st *studio) meddlings() {
	side := func() int { return st.rng.IntN(4) }
	st.meddle("most", 0.6, cover(side(), 0.8, 0.6, plain(30)))
	st.meddle("cloth", 0.5, cover(side(), 1.1, 0.5, plain(st.between(150, 235))))
	period := st.between(0.05, 0.15)
	st.meddle("pattern", 0.5, cover(side(), 1.1, 0.5, func(x, y float64) float64 {
		return 110 + 60*math.Sin(x/period*2*math.Pi)*math.Sin(y/period*2*math.Pi)
	}))
	st.meddle("hand", 0.4, func(s *Scene, pix []float64, since float64) []float64 { // trembles before the lens
		dx := 0.01 * math.Sin(9*since)
		return cover(3, 1.1, 0.4, func(x, y float64) float64 {
			return 70 + 25*math.Sin(14*(x+dx)+3*y) + 8*math.Sin(40*y)
		})(s, pix, since)
	})
	st.sprayed("spray", 10)
	st.sprayed("spray_fast", 2)
	for _, r := range []float64{0.006, 0.012, 0.03} {
		st.meddle(fmt.Sprintf("defocus%.0f", r*1000), 1.2, defocus(r, 1.2))
	}
	for _, k := range []struct {
		name         string
		angle, takes float64
	}{{"turn_small", 0.15, 0.5}, {"turn_half", 0.5, 1}, {"turn_fast", 1, 0.4}, {"turn_slow", 1, 8}} {
		delay := k.takes
		if k.takes > 2 {
			delay = 0.15 / k.angle * k.takes
		}
		var other []byte
		c := st.meddle(k.name, delay, func(s *Scene, pix []float64, since float64) []float64 {
			return panorama(other, func(since float64) float64 { return k.angle * min(since/k.takes, 1) })(s, pix, since)
		})
		other = st.beside(c)
	}
	x, y := st.between(0.3, 0.7), st.between(0.3, 0.7)
	torch := st.meddle("torch", 0.3, func(s *Scene, pix []float64, since float64) []float64 {
		shake := 0.02 * math.Sin(5*since)
		for i := range pix {
			u, v := float64(i%s.Width)/float64(s.Width)-x-shake, float64(i/s.Width)/float64(s.Width)-y*0.56
			d := math.Hypot(u, v)
			pix[i] = pix[i]*0.4 + 500*math.Exp(-d*d*14) + 160*math.Exp(-3*d) // the exposure falls
		}
		return pix
	})
	torch.Scene.Light = func(time.Duration) (float64, float64) { return 0.6, 5 }
	for _, q := range []int{25, 30} {
		c := st.view(fmt.Sprintf("freeze%d", q), 28)
		c.Quantizer = q
		c.Scene.Noise = st.between(3, 4)
		c.Scene.Tamper = Tamper{Kind: Freeze, At: seconds64(st.between(11, 14))}
		c.event(wire.Tamper, c.Scene.Tamper.At, c.Length)
	}
	st.meddle("black", 0, func(_ *Scene, pix []float64, _ float64) []float64 {
		for i := range pix {
			pix[i] = 16
		}
		return pix
	}).Scene.Noise = 0.5
	st.meddle("static", 0, func(s *Scene, pix []float64, since float64) []float64 { // on a loose cable
		for i := range pix {
			pix[i] = 0.2*pix[i] + 180*unit(hash(s.Seed, math.Float64bits(since), uint64(i)))
		}
		return pix
	})
}

// sprayed covers the lens spot by spot, within seconds.
func (st *studio) sprayed(name string, takes float64) {
	const spots = 60
	var xs, ys, rs [spots]float64
	c := st.meddle(name, 0.35*takes, func(s *Scene, pix []float64, since float64) []float64 {
		for i := range pix {
			x, y := float64(i%s.Width)/float64(s.Width), float64(i/s.Width)/float64(s.Height)
			keep := 1.0
			for k := range min(int(since/takes*spots), spots) {
				d := math.Hypot(x-xs[k], 0.7*(y-ys[k])) / rs[k]
				keep *= min(max(2*d-1.2, 0), 1)
			}
			pix[i] = 55 + keep*(pix[i]-55)
		}
		return pix
	})
	for k := range spots {
		xs[k], ys[k], rs[k] = (float64(k%8)+st.rng.Float64())/8, (float64(k/8)+st.rng.Float64())/7.5, st.between(0.12, 0.2)
	}
	st.rng.Shuffle(spots, func(i, j int) { xs[i], xs[j], ys[i], ys[j] = xs[j], xs[i], ys[j], ys[i] })
	c.Length += seconds64(0.65 * takes)
	c.Events[0].End = c.Length
}

// untouched are scenes in which nobody touches the camera.
func (st *studio) untouched() {
	ramp := func(t time.Duration, from, takes float64) float64 {
		return min(max((t.Seconds()-from)/takes, 0), 1)
	}
	for _, k := range []struct {
		name                 string
		from, to, at, takes  float64
		offset, then, length float64
	}{
		{"dusk", 1, 0.1, 5, 70, 3, 12, 80}, {"dawn", 0.1, 1.1, 5, 70, 12, 0, 80}, {"light_off", 0.8, 0.18, 12, 0.1, 4, 6, 32},
		{"light_on", 0.18, 0.8, 12, 0.2, 6, 4, 32}, {"exposure", 1, 1.6, 12, 0.8, 0, 0, 30}, {"exposure_down", 1.2, 0.45, 12, 0.4, 0, 5, 30},
		{"fog", 1, 0.3, 5, 60, 0, 120, 75}, {"infrared_on", 0.3, 0.7, 12, 0.3, 4, 40, 32}, {"infrared_off", 0.7, 0.3, 12, 0.3, 40, 4, 32},
	} {
		c := st.view("none_"+k.name, k.length)
		c.Scene.Light = func(t time.Duration) (float64, float64) {
			f := ramp(t, k.at, k.takes)
			return k.from + f*(k.to-k.from), k.offset + f*(k.then-k.offset)
		}
		if k.name == "infrared_on" {
			c.Scene.Glows = []Glow{{From: seconds64(12.2), Until: time.Hour, X0: 0.5, Y0: 0.6, X1: 0.5, Y1: 0.6, Radius: 0.3, Level: 45}}
		}
	}
	c := st.view("none_headlights", 40)
	c.Scene.Light = func(time.Duration) (float64, float64) { return 0.35, 5 }
	for t := 6.0; t < 34; t += st.between(6, 9) {
		c.Scene.Glows = append(c.Scene.Glows, Glow{From: seconds64(t), Until: seconds64(t + st.between(2, 4)), X0: 0, Y0: 0.5, X1: 1, Y1: 0.6, Radius: st.between(0.12, 0.3), Level: st.between(150, 320)})
	}
	st.fills()
	st.view("none_rain", 30).Scene.Rain = st.between(2500, 5000)
	st.view("none_snow", 30).Scene.Snow = st.between(800, 2000)
	c = st.view("none_noise", 30)
	c.Scene.Noise = st.between(6, 10)
	c.Scene.Light = func(time.Duration) (float64, float64) { return 0.3, 12 }
	c = st.view("none_flat", 60) // nothing much to see, and nothing happens
	c.Scene.Noise, c.Scene.Actors = st.between(0.3, 1.5), nil
	for i := range c.Scene.Backdrop {
		c.Scene.Backdrop[i] = uint8(140 + 8*(i/c.Scene.Width)/c.Scene.Height)
	}
	st.passing("none_focus", 1, defocus(0.02, 0.2))
	st.passing("none_glare", 2, func(_ *Scene, pix []float64, _ float64) []float64 {
		for i := range pix {
			pix[i] += 230
		}
		return pix
	})
	beside := st.paving(640, 360)
	st.passing("none_turn_back", 2, panorama(beside, func(since float64) float64 { return 0.6 * math.Sin(math.Pi*since/2) }))
	st.passing("none_hand", 2, cover(3, 1.1, 0.3, plain(60)))
	strength := st.between(2, 4)
	st.view("none_vibrates", 30).Scene.Shake = func(t time.Duration) (float64, float64) {
		return strength * math.Sin(71*t.Seconds()), 0.7 * strength * math.Sin(53*t.Seconds())
	}
}

// passing does something that is over after some seconds.
func (st *studio) passing(name string, lasts float64, do act) {
	c := st.view(name, 30)
	c.Scene.Before = func(s *Scene, pix []float64, t time.Duration) []float64 {
		if since := t.Seconds() - 12; since > 0 && since < lasts {
			return do(s, pix, since)
		}
		return pix
	}
}

// fills are large things that move before the camera for ten seconds.
func (st *studio) fills() {
	c := st.view("none_lorry", 36)
	shade := st.between(60, 190)
	c.Scene.Props = []Prop{{Until: time.Hour, Foot: 2, Draw: func(s *Scene, pix []float64, t time.Duration) {
		nose := 1 - (t.Seconds()-10)*0.25 // two picture widths long
		for i := range pix {
			x, y := float64(i%s.Width)/float64(s.Width)-nose, float64(i/s.Width)/float64(s.Height)
			if x < 0 || x > 2 || y < 0.06 || y > 0.97 {
				continue
			}
			v := shade + 6*math.Sin(40*y)
			switch {
			case x < 0.3 && y > 0.25 && y < 0.55, y > 0.88:
				v = 40
			case math.Mod(x, 0.35) < 0.01:
				v -= 18
			}
			pix[i] = v
		}
	}}}
	c = st.view("none_crowd", 36)
	for k := range 14 {
		from := -0.4
		if k%2 == 1 {
			from = 1.4
		}
		start := st.between(8, 10)
		a := st.person(Step{seconds64(start), from, st.between(1.3, 1.7)})
		a.Height = st.between(1.25, 1.55)
		y := a.Path[0].Y
		for t := start + 3; t < 18; t += 3 { // to and fro, for ten seconds
			a.Path = append(a.Path, Step{seconds64(t), st.between(0, 1), y})
		}
		a.Path = append(a.Path, Step{seconds64(21.5), 1.4, y})
		c.Scene.Actors = append(c.Scene.Actors, a)
	}
}
