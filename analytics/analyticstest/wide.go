package analyticstest

import (
	"image"
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// widePresence is people in every way that cameras see them, and what is not people.
func (st *studio) widePresence() {
	st.intrusionsWide()
	st.loiterersWide()
	st.linesWide()
	st.quietWide()
}

// vary gives a clip one of the photographs or a drawn ground, and a camera's size.
func (st *studio) vary(c *Clip) *Clip {
	switch st.rng.IntN(4) {
	case 0:
		c.Scene.Width, c.Scene.Height = 704, 576
	case 1:
		c.Scene.Width, c.Scene.Height = 960, 540
	}
	photos := []*image.Gray{st.stock.Street, st.stock.Square, st.stock.Street, nil}
	return c.on(photos[st.rng.IntN(len(photos))])
}

// right is the right part of the picture.
func right(from float64) []wire.Point {
	return []wire.Point{{from, 0.25}, {1, 0.25}, {1, 1}, {from, 1}}
}

// through crosses the picture within so many seconds, from the left if toRight.
func through(at, seconds, y float64, toRight bool) []Step {
	from, to := -0.15, 1.15
	if !toRight {
		from, to = to, from
	}
	return []Step{{seconds64(at), from, y}, {seconds64(at + seconds), to, y}}
}

// within adds an event for each time that an actor's feet are at or right of x.
func (c *Clip) within(kind wire.Kind, x float64) {
	inside := *c.Scene
	inside.Actors = nil
	for _, a := range c.Scene.Actors {
		a.Path = clipLeft(a.Path, x)
		inside.Actors = append(inside.Actors, a)
	}
	for _, span := range inside.seen(1, c.Length) {
		c.event(kind, max(span[0]-500*time.Millisecond, 0), span[1]+500*time.Millisecond)
	}
}

// clipLeft leaves of a straight way the part at or right of x.
func clipLeft(path []Step, x float64) []Step {
	var out []Step
	for i, p := range path {
		if i > 0 {
			q := path[i-1]
			if (q.X < x) != (p.X < x) {
				f := (x - q.X) / (p.X - q.X)
				out = append(out, Step{q.At + time.Duration(f*float64(p.At-q.At)), x, q.Y + f*(p.Y-q.Y)})
			}
		}
		if p.X >= x {
			out = append(out, p)
		}
	}
	return out
}

func (st *studio) intrusionsWide() {
	in := func(name string, seconds float64) *Clip {
		return st.vary(st.clip("in_"+name, []int{10, 12, 15, 25}[st.seed%4], seconds)).look(wire.Intrusion, 0)
	}
	pace := func() bool { return st.rng.IntN(2) == 0 }

	c := in("zone", 50)
	c.Zones[0].Polygon = right(0.5)
	turn := []Step{{seconds64(18), -0.15, 0.9}, {seconds64(23), 0.3, 0.9}, {seconds64(25), 0.3, 0.9}, {seconds64(30), -0.15, 0.9}}
	c.Scene.Actors = []Actor{st.person(through(3, 11, 0.88, true)...), st.person(turn...), st.person(through(34, 12, 0.92, false)...)}
	c.within(wire.Intrusion, 0.5)

	c = in("far", 40)
	for i, at := range []float64{3, 24} {
		a := st.person(through(at, 13, st.between(0.5, 0.7), pace())...)
		a.Height = st.between(0.075, 0.11) + 0.01*float64(i)
		c.Scene.Actors = append(c.Scene.Actors, a)
	}
	c.presence(wire.Intrusion, 1)

	c = in("near", 30)
	a := st.person(through(4, st.between(4, 6), 1.15, pace())...)
	a.Height = st.between(0.8, 1.0)
	b := st.person(through(18, st.between(4, 6), 0.98, pace())...)
	b.Height = st.between(0.6, 0.8)
	c.Scene.Actors = []Actor{a, b}
	c.presence(wire.Intrusion, 1)

	c = in("run", 30)
	c.Scene.Actors = []Actor{st.person(through(4, st.between(2.5, 3.2), 0.9, pace())...), st.person(through(18, st.between(2.5, 3.5), 0.8, pace())...)}
	c.presence(wire.Intrusion, 1)

	c = in("faint", 40)
	for _, at := range []float64{4, 22} {
		a := st.person(through(at, 11, st.between(0.78, 0.92), pace())...)
		a.Faint = st.between(0.4, 0.55)
		c.Scene.Actors = append(c.Scene.Actors, a)
	}
	c.presence(wire.Intrusion, 1)

	c = in("night", 40)
	c.Scene.Noise = st.between(4.5, 7)
	gain := st.between(0.3, 0.5)
	c.Scene.Light = func(time.Duration) (float64, float64) { return gain, 10 }
	c.Scene.Actors = []Actor{st.person(through(4, 11, 0.88, pace())...), st.person(through(22, 11, 0.84, pace())...)}
	c.presence(wire.Intrusion, 1)

	c = in("sequence", 75)
	for at := 3.0; at < 60; at += st.between(14, 19) {
		c.Scene.Actors = append(c.Scene.Actors, st.person(through(at, 9, st.between(0.8, 0.92), pace())...))
	}
	c.presence(wire.Intrusion, 1)

	c = in("group", 30)
	y := st.between(0.8, 0.88)
	for i := range 3 {
		p := through(4+0.9*float64(i), 12, y+0.02*float64(i), true)
		c.Scene.Actors = append(c.Scene.Actors, st.person(p...))
	}
	c.presence(wire.Intrusion, 1)

	c = in("car", 40)
	h := st.between(0.14, 0.22)
	shade := st.between(20, 60) + 150*float64(st.rng.IntN(2))
	c.Scene.Extras = []extra{car(h, shade, through(5, st.between(3.5, 6), 0.85, true)...), car(h, 230-shade, through(24, st.between(3.5, 6), 0.9, false)...)}
	c.event(wire.Intrusion, seconds64(5), seconds64(11))
	c.event(wire.Intrusion, seconds64(24), seconds64(30))

	c = in("light", 40)
	step := []float64{0.7, 1.3}[st.rng.IntN(2)]
	c.Scene.Light = func(t time.Duration) (float64, float64) {
		if t > 12*time.Second {
			return step, 0
		}
		return 1, 0
	}
	c.Scene.Actors = []Actor{st.person([]Step{{seconds64(5), -0.1, 0.9}, {seconds64(10), 0.5, 0.9}, {seconds64(20), 0.55, 0.9}, {seconds64(25), 1.1, 0.9}}...)}
	c.presence(wire.Intrusion, 1)

	c = in("branches", 40)
	c.Scene.Foliage = []Foliage{{X: 0.05, Y: 0.3, W: 0.4, H: 0.45, Sway: st.between(0.004, 0.01), Period: 2 * time.Second}}
	c.Scene.Actors = []Actor{st.person(through(12, 11, 0.92, pace())...)}
	c.presence(wire.Intrusion, 1)

	c = in("door", 30)
	c.Scene.Actors = []Actor{st.person([]Step{{seconds64(6), 0.5, 0.75}, {seconds64(12), 1.15, 0.85}}...)}
	c.presence(wire.Intrusion, 1)

	c = in("approach", 30)
	a = st.person([]Step{{seconds64(4), st.between(0.3, 0.6), 0.55}, {seconds64(14), st.between(0.4, 0.6), 1.3}}...)
	a.Grows = true
	c.Scene.Actors = []Actor{a}
	c.presence(wire.Intrusion, 1)

	for _, name := range []string{"rain", "snow", "lowrate", "shake"} {
		c = in(name, 40)
		switch name {
		case "rain":
			c.Scene.Rain = st.between(400, 1000)
		case "snow":
			c.Scene.Snow = st.between(200, 600)
		case "lowrate":
			c.Rate = 120
			c.Scene.Noise = st.between(2, 4)
		case "shake":
			c.Scene.Shake = sway(st.between(0.8, 2), 7)
		}
		c.Scene.Actors = []Actor{st.person(through(12, 11, st.between(0.8, 0.92), pace())...)}
		c.presence(wire.Intrusion, 1)
	}

	c = in("gate", 40) // a small zone, quickly crossed
	c.Zones[0].Polygon = []wire.Point{{0.45, 0.6}, {0.6, 0.6}, {0.6, 1}, {0.45, 1}}
	c.Scene.Actors = []Actor{st.person(through(5, 8, 0.88, pace())...), st.person(through(22, 6.5, 0.92, pace())...)}
	for _, a := range c.Scene.Actors {
		mid := (a.Path[0].At + a.Path[1].At) / 2
		c.event(wire.Intrusion, mid-1500*time.Millisecond, mid+1500*time.Millisecond)
	}
}

// sway shakes the camera in gusts of a strength in pixels.
func sway(strength, gusts float64) func(time.Duration) (float64, float64) {
	return func(t time.Duration) (float64, float64) {
		sec := t.Seconds()
		k := strength * max(math.Sin(2*math.Pi*sec/gusts), 0)
		return k * math.Sin(2*math.Pi*2.7*sec), 0.5 * k * math.Sin(2*math.Pi*3.9*sec+1)
	}
}
