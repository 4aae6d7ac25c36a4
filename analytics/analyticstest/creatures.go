package analyticstest

import (
	"math"
	"time"
)

// birds glide, swoop and take off.
func (st *studio) birds(c *Clip) {
	h := float64(c.Scene.Height)
	st.often(c, 3, func(at float64) {
		dir, v, y := st.aside(), st.between(0.15, 0.6), st.between(0.05, 0.7)
		size, flap, shade := h*st.between(0.008, 0.025), st.between(4, 12), st.aside()*st.between(30, 70)
		// A swoop goes down and is caught again, a start goes up from where it sat.
		deep, long, steep := st.between(0.1, 0.5), st.between(0.7, 1.8), st.between(-0.1, 0.1)
		kind := st.rng.IntN(3)
		x0 := 0.5 - dir*0.55
		if kind > 0 {
			x0 = st.between(0.2, 0.8)
			v *= 0.6
		}
		c.sprite(at, at+6, func(t float64) Pose {
			x, dy := x0+dir*v*t, steep*t
			switch kind {
			case 1:
				dy = deep * (1 - math.Cos(math.Pi*min(t/long, 1.2))) / 2
			case 2:
				dy = 0.15*min(t, 0.3)*t - 0.3*max(t-0.3, 0)*t
			}
			return Pose{X: x, Y: y + dy, W: size, H: size * (0.3 + 0.4*math.Abs(math.Sin(flap*t))), Turn: 0.2 * math.Sin(flap*t/2), Shade: shade, Clear: true}
		})
	})
}

// insects fly near the lens and farther off.
func (st *studio) insects(c *Clip) {
	st.often(c, 1.2, func(at float64) {
		c.Scene.Insects = append(c.Scene.Insects, Insect{From: seconds64(at), Until: seconds64(at + st.between(0.5, 3)),
			Size: float64(c.Scene.Height) / 360 * st.between(1.5, 12), Shade: st.between(30, 120), Seed: st.rng.Uint64()})
	})
}

// leaves sink, swaying and turning.
func (st *studio) leaves(c *Clip) {
	h := float64(c.Scene.Height)
	wind := st.between(-0.1, 0.1)
	st.often(c, 1, func(at float64) {
		x0, y0, v := st.between(0, 1), st.between(-0.1, 0.5), st.between(0.08, 0.3)
		p, sway, spin := st.between(2, 6), st.between(0.01, 0.05), st.between(2, 8)
		size, shade := h*st.between(0.01, 0.03), st.aside()*st.between(25, 70)
		c.sprite(at, at+7, func(t float64) Pose {
			return Pose{X: x0 + wind*t + sway*math.Sin(p*t), Y: y0 + v*t + sway/2*math.Cos(2*p*t), W: size,
				H: size * (0.25 + 0.6*math.Abs(math.Cos(spin*t/2))), Turn: math.Sin(p * t), Shade: shade, Clear: true}
		})
	})
}

// peopleBelow is people at the foot of the building and on balconies, and a child's ball.
func (st *studio) peopleBelow(c *Clip) {
	st.often(c, 6, func(at float64) {
		h := st.between(0.08, 0.25)
		x, dir, v := 0.5, st.aside(), st.between(0.3, 0.6)*h
		a := st.person(Step{seconds64(at), x - dir*0.6, 0.97}, Step{seconds64(at + 1.2/v), x + dir*0.6, st.between(0.9, 0.99)})
		a.Height = h
		c.Scene.Actors = append(c.Scene.Actors, a)
	})
	st.often(c, 5, func(at float64) { // leans out, waves
		x, y, s := st.between(0.2, 0.8), st.between(0.1, 0.7), float64(c.Scene.Height)*st.between(0.02, 0.05)
		p, shade, reach := st.between(2, 6), st.aside()*st.between(20, 60), st.between(0.005, 0.02)
		c.sprite(at, at+st.between(2, 5), func(t float64) Pose {
			return Pose{X: x + reach*math.Sin(p*t), Y: y + reach*math.Cos(0.7*p*t), W: s * 0.6, H: s, Shade: shade, Clear: true}
		})
	})
	st.often(c, 8, func(at float64) { // a ball that bounces along
		v, high, per, size := st.aside()*st.between(0.05, 0.2), st.between(0.03, 0.1), st.between(0.5, 0.9), float64(c.Scene.Height)*st.between(0.01, 0.02)
		x := st.between(0.3, 0.7)
		c.sprite(at, at+4, func(t float64) Pose {
			u := math.Mod(t, per)/per*2 - 1
			return Pose{X: x + v*t, Y: 0.95 - high*(1-u*u), W: size, H: size, Shade: 220}
		})
	})
}

// cars come towards the camera, growing, and cross the foot of the picture.
func (st *studio) cars(c *Clip) {
	h := float64(c.Scene.Height)
	st.often(c, 5, func(at float64) {
		lane, z, shade := st.between(-0.2, 0.2), st.between(2, 4), st.aside()*st.between(40, 90)
		for k := range 5 {
			dx, dy := float64(k%2)-0.5, float64(k/2)*0.3
			part := shade * (1 - 0.8*float64(k%2))
			c.sprite(at, at+z*0.93, func(t float64) Pose {
				near := 0.07 / (1 - t/z)
				return Pose{X: 0.5 + (lane+dx*0.15)*near*3, Y: 0.35 + 0.6*near + dy*near*0.5, W: 0.16 * near * h, H: 0.1 * near * h, Box: true, Shade: part, Clear: true}
			})
		}
	})
	st.often(c, 7, func(at float64) {
		dir, v, y := st.aside(), st.between(0.2, 0.8), st.between(0.85, 0.95)
		for k := range 3 {
			c.sprite(at, at+1.5/v, func(t float64) Pose {
				return Pose{X: 0.5 + dir*(v*t-0.7) + 0.04*float64(k), Y: y - 0.02*float64(k%2), W: 0.1 * h, H: 0.05 * h, Box: true, Shade: 40 + 70*float64(k)}
			})
		}
	})
}

// branches sway before the facade.
func (st *studio) branches(c *Clip) {
	for range 3 {
		c.Scene.Foliage = append(c.Scene.Foliage, Foliage{X: st.between(0, 0.7), Y: st.between(0.3, 0.7), W: st.between(0.1, 0.3), H: st.between(0.15, 0.3),
			Sway: st.between(0.002, 0.012), Period: seconds64(st.between(1, 3))})
	}
}

// laundry hangs on lines and blows in the wind.
func (st *studio) laundry(c *Clip) {
	w, h := float64(c.Scene.Width), float64(c.Scene.Height)
	for range 3 + st.rng.IntN(5) {
		x0, y0, n := st.between(0.1, 0.9), st.between(0.1, 0.7), 2+st.rng.IntN(5)
		p, sway, gust := st.between(2, 7), st.between(2, 12)*h/720, st.between(5, 11)
		for k := range n {
			shade, q := st.aside()*st.between(25, 70), st.between(-0.5, 0.5)
			c.sprite(0, c.Length.Seconds(), func(t float64) Pose {
				wind := sway * max(math.Sin(2*math.Pi*t/gust+q), 0)
				return Pose{X: x0 + (18*float64(k)*h/720+wind*math.Sin(p*t+float64(k)/2+q))/w, Y: y0 + 0.4*wind*math.Cos(p*t+float64(k)/3)/h,
					W: 14 * h / 720, H: 36 * h / 720, Turn: wind / 30 * math.Sin(p*t+q), Box: true, Shade: shade, Clear: true}
			})
		}
	}
}

// curtains and flags move where they hang.
func (st *studio) curtains(c *Clip) {
	h := float64(c.Scene.Height)
	for range 4 {
		x0, y0, p, q := st.between(0.1, 0.9), st.between(0.1, 0.8), st.between(0.5, 9), st.between(0.5, 3)
		for k := range 4 {
			c.sprite(0, c.Length.Seconds(), func(t float64) Pose {
				u := float64(k) / 4
				return Pose{X: x0 + 0.012*float64(k) + 0.004*math.Sin(q*t), Y: y0 + 0.012*u*math.Sin(p*t-4*u), W: 0.022 * h, H: 0.05 * h, Box: true, Shade: 30 + 50*float64(k%2), Clear: true}
			})
		}
	}
}

// headlights sweep over the wall at night.
func (st *studio) headlights(c *Clip) {
	dark(c, 0.35, 3)
	st.often(c, 4, func(at float64) {
		g := Glow{From: seconds64(at), Until: seconds64(at + st.between(0.8, 4)), Radius: st.between(0.02, 0.12), Level: st.between(40, 220)}
		g.X0, g.Y0, g.X1, g.Y1 = st.between(0, 1), st.between(0.1, 0.9), st.between(0, 1), st.between(0.3, 1)
		c.Scene.Glows = append(c.Scene.Glows, g)
	})
}

// lights go on and off, all over and in windows, and a reflection wanders down
// as a window is closed.
func (st *studio) lights(c *Clip) {
	period := st.between(2, 5)
	c.Scene.Light = func(t time.Duration) (float64, float64) {
		if math.Mod(t.Seconds(), 2*period) < period {
			return 1, 0
		}
		return 0.85, 3
	}
	h := float64(c.Scene.Height)
	st.often(c, 2, func(at float64) { // a column of windows, one after the other, as in a staircase
		x, step, until := st.between(0.1, 0.9), st.between(0.03, 0.3), at+st.between(2, 5)
		for k := range 7 {
			c.sprite(at+step*float64(k), until, func(float64) Pose {
				return Pose{X: x, Y: 0.1 + 0.11*float64(k), W: 0.03 * h, H: 0.04 * h, Box: true, Shade: 230}
			})
		}
	})
	st.often(c, 5, func(at float64) {
		x, y, v, size := st.between(0.1, 0.9), st.between(0.1, 0.5), st.between(0.1, 0.4), st.between(0.01, 0.03)*h
		c.sprite(at, at+st.between(0.5, 1.5), func(t float64) Pose {
			return Pose{X: x + 0.05*t, Y: y + v*t, W: size, H: size * 0.6, Shade: 70, Clear: true}
		})
	})
}

// lifts and window cleaners go down the facade, starting and stopping.
func (st *studio) lifts(c *Clip) {
	h := float64(c.Scene.Height)
	st.often(c, 6, func(at float64) {
		x, y, v, a := st.between(0.1, 0.9), st.between(0.05, 0.4), st.between(0.1, 0.4), st.between(0.3, 1)
		w, tall, shade := st.between(0.01, 0.05)*h, st.between(0.01, 0.05)*h, st.aside()*60
		c.sprite(at, at+4, func(t float64) Pose {
			q := max(t-1, 0)
			d := v * q
			if q < a {
				d = v * q * q / (2 * a)
			} else {
				d -= v * a / 2
			}
			return Pose{X: x, Y: y + d, W: w, H: tall, Box: true, Shade: shade, Clear: true}
		})
	})
}
