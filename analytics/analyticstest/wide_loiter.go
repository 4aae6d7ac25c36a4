package analyticstest

import (
	"time"

	"sentrybox/analytics/wire"
)

// way puts a path together.
type way []Step

func enter(at, x, y float64) way { return way{{seconds64(at), -0.1, y}, {seconds64(at + 4), x, y}} }

// to walks on, from the end at once, to be there at a time.
func (w way) to(at, x, y float64) way { return append(w, Step{seconds64(at), x, y}) }

// wait stands where it is until a time.
func (w way) wait(at float64) way { return w.to(at, w[len(w)-1].X, w[len(w)-1].Y) }

// leave waits until a time and goes out to the right.
func (w way) leave(at float64) way {
	return w.wait(at).to(at+5, 1.12, w[len(w)-1].Y)
}

func (st *studio) loiterersWide() {
	const after = 20
	loiter := func(name string, seconds float64) *Clip {
		return st.vary(st.clip("loiter_"+name, []int{10, 12, 15, 25}[(st.seed+1)%4], seconds)).look(wire.Loitering, after)
	}
	stays := func(c *Clip, w way) {
		c.Scene.Actors = append(c.Scene.Actors, st.person(w...))
		c.event(wire.Loitering, w[0].At, w[len(w)-1].At)
	}
	spot := func() (float64, float64) { return st.between(0.35, 0.65), st.between(0.8, 0.93) }

	c := loiter("long", 100) // stands still for long
	x, y := spot()
	stays(c, enter(3, x, y).leave(90))

	c = loiter("paces", 70)
	x, y = spot()
	w := enter(3, x, y)
	for t := 9.0; t < 55; t += st.between(3, 6) {
		w = w.to(t, st.between(0.2, 0.8), y+st.between(-0.05, 0.05))
	}
	stays(c, w.leave(58))

	c = loiter("steps_out", 70) // out of the zone for three seconds
	c.Zones[0].Polygon = right(0.4)
	stays(c, enter(2, 0.7, 0.88).wait(16).to(18.5, 0.3, 0.88).to(21, 0.6, 0.88).wait(45).to(48, 0.75, 0.88).leave(50))
	c.Events[0].Start += 2 * time.Second

	c = loiter("none_returns", 100) // two stays that are too short, 35 s apart
	x, y = spot()
	a := st.person(enter(3, x, y).wait(14).to(18, -0.12, y)...)
	b := a
	b.Path = enter(55, x, y).wait(66).to(70, -0.12, y)
	c.Scene.Actors = []Actor{a, b}

	c = loiter("passers", 70) // and others who pass close by
	x, y = spot()
	stays(c, enter(3, x, y).leave(60))
	for t := 10.0; t < 55; t += st.between(6, 10) {
		c.Scene.Actors = append(c.Scene.Actors, st.person(through(t, st.between(7, 11), y+st.between(-0.06, 0.06), st.rng.IntN(2) == 0)...))
	}

	c = loiter("two", 60)
	stays(c, enter(3, 0.3, 0.88).leave(50))
	stays(c, enter(6, 0.7, 0.84).leave(46))

	c = loiter("none_short", 60) // leaves in time
	x, y = spot()
	c.Scene.Actors = []Actor{st.person(enter(3, x, y).wait(13).to(18, 1.1, y)...), st.person(enter(32, x, y).wait(42).to(47, 1.1, y)...)}

	c = loiter("none_stream", 90) // each passes within 12 s, and there is always somebody
	for t := 1.0; t < 76; t += st.between(2.5, 7) {
		y := st.between(0.76, 0.94)
		c.Scene.Actors = append(c.Scene.Actors, st.person(through(t, st.between(8, 12), y, st.rng.IntN(2) == 0)...))
	}

	c = loiter("none_queue", 90) // one comes as the other goes, to the same place
	x, y = spot()
	for t := 2.0; t < 70; t += 16 {
		c.Scene.Actors = append(c.Scene.Actors, st.person(enter(t, x, y).wait(t+9).to(t+14, 1.1, y)...))
	}

	c = loiter("night", 60)
	c.Scene.Noise = st.between(4, 6)
	c.Scene.Light = func(time.Duration) (float64, float64) { return 0.45, 8 }
	x, y = spot()
	stays(c, enter(3, x, y).wait(20).to(24, x+0.15, y).leave(50))

	c = loiter("far", 60)
	w = enter(3, 0.4, 0.62)
	stays(c, w.wait(15).to(22, 0.6, 0.62).wait(30).to(36, 0.45, 0.62).leave(48))
	c.Scene.Actors[0].Height = st.between(0.1, 0.14)

	c = loiter("light", 60) // the light steps while somebody stands there
	c.Scene.Light = func(t time.Duration) (float64, float64) {
		if t > 16*time.Second {
			return 0.75, 0
		}
		return 1, 0
	}
	x, y = spot()
	stays(c, enter(3, x, y).leave(50))

	c = loiter("branches", 60)
	c.Scene.Foliage = []Foliage{{X: 0.05, Y: 0.1, W: 0.5, H: 0.5, Sway: st.between(0.004, 0.008), Period: 2 * time.Second}}
	x, y = spot()
	stays(c, enter(12, x, y).wait(26).to(30, 0.7, y).leave(52))
}

func (st *studio) linesWide() {
	line := func(name string, seconds float64, direction wire.Direction, points ...wire.Point) *Clip {
		c := st.vary(st.clip("line_"+name, []int{10, 12, 15, 25}[(st.seed+2)%4], seconds))
		c.Zones = []wire.Zone{{Name: zoneName, Line: points}}
		c.Rules = []wire.Rule{{Kind: wire.LineCrossing, Zone: zoneName, Direction: direction}}
		return c
	}
	crosses := func(c *Clip, at float64) {
		c.event(wire.LineCrossing, seconds64(at-1.5), seconds64(at+1.5))
	}

	c := line("slanted", 50, wire.BothWays, wire.Point{0.35, 1}, wire.Point{0.65, 0.3})
	for i, t := range []float64{3, 16, 30} {
		y := st.between(0.8, 0.92)
		p := through(t, st.between(7, 10), y, i%2 == 0)
		c.Scene.Actors = append(c.Scene.Actors, st.person(p...))
		x := 0.35 + 0.3*(1-y)/0.7
		f := (x - p[0].X) / (p[1].X - p[0].X)
		crosses(c, p[0].At.Seconds()+f*(p[1].At-p[0].At).Seconds())
	}

	c = line("none_turns", 50, wire.BothWays, wire.Point{0.6, 1}, wire.Point{0.6, 0.2})
	c.Scene.Actors = []Actor{st.person(enter(3, 0.5, 0.88).wait(9).to(14, -0.12, 0.88)...), st.person(enter(22, 0.45, 0.8).wait(30).to(35, -0.12, 0.8)...)}

	c = line("none_along", 40, wire.BothWays, wire.Point{0, 0.7}, wire.Point{1, 0.7})
	c.Scene.Actors = []Actor{st.person(through(3, 9, 0.86, true)...), st.person(through(20, 10, 0.92, false)...)}

	c = line("approach", 50, wire.BothWays, wire.Point{0.1, 0.75}, wire.Point{0.9, 0.75})
	for _, t := range []float64{3, 24} {
		x := st.between(0.35, 0.65)
		a := st.person(Step{seconds64(t), x, 0.56}, Step{seconds64(t + 12), x + st.between(-0.1, 0.1), 1.25})
		a.Grows = true
		c.Scene.Actors = append(c.Scene.Actors, a)
		crosses(c, t+12*(0.75-0.56)/(1.25-0.56))
	}

	c = line("runs", 30, wire.BothWays, wire.Point{0.5, 1}, wire.Point{0.5, 0.2})
	c.Scene.Actors = []Actor{st.person(through(4, 3, 0.88, true)...), st.person(through(16, 3, 0.9, false)...)}
	crosses(c, 5.5)
	crosses(c, 17.5)

	c = line("night", 40, wire.LeftToRight, wire.Point{0.5, 1}, wire.Point{0.5, 0.2})
	c.Scene.Noise = st.between(4, 6)
	c.Scene.Light = func(time.Duration) (float64, float64) { return 0.45, 8 }
	c.Scene.Actors = []Actor{st.person(through(3, 9, 0.88, true)...), st.person(through(20, 9, 0.9, false)...)}
	crosses(c, 7.5)

	c = line("meet", 40, wire.BothWays, wire.Point{0.45, 1}, wire.Point{0.45, 0.2}) // two meet beside the line
	c.Scene.Actors = []Actor{st.person(through(3, 10, 0.9, true)...), st.person(through(4, 10, 0.86, false)...)}
	crosses(c, 3+10*0.6/1.3)
	crosses(c, 4+10*0.7/1.3)
}
