package analyticstest

import (
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// walkers are people who pass: an intrusion each time.
func (st *studio) walkers() {
	c := st.clip("walkers_street", 12, 38).on(st.stock.Street).look(wire.Intrusion, 0)
	c.Scene.Actors = []Actor{st.person(st.stroll(4, 0.9)...), st.person(st.stroll(24, st.between(0.8, 0.95))...)}
	c.presence(wire.Intrusion, 1)

	c = st.clip("walkers_square", 12, 40).on(st.stock.Square).look(wire.Intrusion, 0)
	c.Scene.Actors = []Actor{st.person(st.stroll(3, 0.72)...), st.person(st.stroll(5, 0.85)...)}
	c.presence(wire.Intrusion, 1)

	c = st.clip("walker_dusk", 15, 24).look(wire.Intrusion, 0)
	c.Scene.Noise = st.between(3, 4.5)
	gain := st.between(0.4, 0.55)
	c.Scene.Light = func(time.Duration) (float64, float64) { return gain, 8 }
	c.Scene.Actors = []Actor{st.person(st.stroll(6, 0.9)...)}
	c.presence(wire.Intrusion, 1)
}

// lines are crossed in the middle of the picture.
func (st *studio) lines() {
	for _, direction := range []wire.Direction{wire.BothWays, wire.LeftToRight} {
		c := st.clip("line_"+string(direction), 12, 30).on(st.stock.Street)
		// Drawn upwards, so that its left is the picture's.
		c.Zones = []wire.Zone{{Name: zoneName, Line: []wire.Point{{0.5, 1}, {0.5, 0.3}}}}
		c.Rules = []wire.Rule{{Kind: wire.LineCrossing, Zone: zoneName, Direction: direction}}
		for i, at := range []float64{2, 13} {
			path := st.stroll(at+st.between(0, 2), 0.88)
			if (i == 0) != (path[0].X < path[1].X) { // the first to the right, the second to the left
				path[0].X, path[1].X = path[1].X, path[0].X
			}
			c.Scene.Actors = append(c.Scene.Actors, st.person(path...))
			if i == 0 || direction == wire.BothWays {
				over := (path[0].At + path[1].At) / 2
				c.event(wire.LineCrossing, over-time.Second, over+time.Second)
			}
		}
	}
}

// loiterers stay for longer than the rule's time; passers-by do not.
func (st *studio) loiterers() {
	spot := func() (float64, float64) { return st.between(0.35, 0.65), st.between(0.82, 0.92) }
	enter := func(x, y float64) []Step {
		return []Step{{seconds64(2), -0.08, y}, {seconds64(5), x, y}}
	}
	leave := func(path []Step, at float64) []Step {
		last := path[len(path)-1]
		return append(path, Step{seconds64(at), last.X, last.Y}, Step{seconds64(at + 4), 1.1, last.Y})
	}
	for _, name := range []string{"loiter_wander", "loiter_still", "loiter_passed"} {
		c := st.clip(name, 12, 42).on(st.stock.Street).look(wire.Loitering, afterSec)
		x, y := spot()
		path := enter(x, y)
		for t := 8.0; name == "loiter_wander" && t < 32; t += st.between(3, 5) {
			path = append(path, Step{seconds64(t), st.between(0.25, 0.75), y})
		}
		c.Scene.Actors = []Actor{st.person(leave(path, 36)...)}
		c.presence(wire.Loitering, 1)
		for t := 9.0; name == "loiter_passed" && t < 30; t += 9 {
			c.Scene.Actors = append(c.Scene.Actors, st.person(st.stroll(t, y+st.between(-0.12, 0.08))...))
		}
	}
	c := st.clip("loiter_none_passers", 12, 42).on(st.stock.Street).look(wire.Loitering, afterSec)
	for t := 1.0; t < 32; t += st.between(5, 7) {
		path := st.stroll(t, 0.9)
		path[1].At = path[0].At + seconds64(7) // well before the time is up
		c.Scene.Actors = append(c.Scene.Actors, st.person(path...))
	}
}

// crowds gather, or are too few.
func (st *studio) crowds() {
	const after = 8
	c := st.clip("gathering", 12, 40).on(st.stock.Square).look(wire.Gathering, after)
	for i := range 5 {
		x, y := 0.3+0.1*float64(i)+st.between(-0.01, 0.01), st.between(0.74, 0.86)
		from := -0.08
		if i >= 3 {
			from = 1.08
		}
		at := 2 + float64(i)*0.8
		path := []Step{{seconds64(at), from, y}, {seconds64(at + 4), x, y}, {seconds64(30), x, y}, {seconds64(34), 1.1 - float64(i%2)*1.2, y}}
		c.Scene.Actors = append(c.Scene.Actors, st.person(path...))
	}
	c.presence(wire.Gathering, 4)

	c = st.clip("gathering_none_two", 12, 32).on(st.stock.Square).look(wire.Gathering, after)
	for i := range 2 {
		x, y := 0.4+0.15*float64(i), 0.8+0.05*float64(i)
		path := []Step{{seconds64(2), -0.08 + 1.16*float64(i), y}, {seconds64(6), x, y}, {seconds64(26), x, y}, {seconds64(30), 1.1, y}}
		c.Scene.Actors = append(c.Scene.Actors, st.person(path...))
	}
}

// bags are left by people who go; who stands still is no bag.
func (st *studio) bags() {
	const after = 10
	for _, place := range []string{"street", "square"} {
		c := st.clip("bag_"+place, 12, 40).on(st.stock.Street).look(wire.AbandonedObject, after)
		if place == "square" {
			c.on(st.stock.Square)
		}
		x, y := st.between(0.35, 0.6), st.between(0.8, 0.9)
		left := 8 + st.between(0, 1)
		c.Scene.Actors = []Actor{st.person(Step{seconds64(2), -0.08, y}, Step{seconds64(left - 1.5), x, y}, Step{seconds64(left + 1), x, y}, Step{seconds64(left + 5), 1.1, y})}
		size := tall(y) * st.between(0.22, 0.32)
		c.Scene.Things = []Thing{{From: seconds64(left), Until: c.Length, X: x + 0.04, Y: y + 0.01, W: size * 9 / 16 * 1.2, H: size, Shade: st.between(25, 50)}}
		c.event(wire.AbandonedObject, seconds64(left), c.Length)
	}
	c := st.clip("bag_none_stander", 12, 36).on(st.stock.Street).look(wire.AbandonedObject, after)
	c.Scene.Actors = []Actor{st.person(Step{seconds64(2), -0.08, 0.88}, Step{seconds64(6), 0.5, 0.88}, Step{seconds64(31), 0.5, 0.88}, Step{seconds64(35), 1.1, 0.88})}
}

// throws are objects of 6 to 20 pixels before a facade.
func (st *studio) throws() {
	for i, name := range []string{"throw_photo", "throw_drawn", "throw_trees"} {
		c := st.clip(name, 25, 16)
		c.Scene.Width, c.Scene.Height = 1280, 720
		c.look(wire.ThrownObject, 0)
		if c.Scene.Backdrop = st.facade(c.Scene.Width, c.Scene.Height); i != 1 && st.stock.Facade != nil {
			c.on(st.stock.Facade)
		}
		if name == "throw_trees" {
			c.Scene.Foliage = []Foliage{{X: 0, Y: 0.55, W: 0.25, H: 0.4, Sway: 0.004, Period: 2 * time.Second}}
		}
		for k := range 2 {
			f := Fall{
				At: seconds64(4 + 5*float64(k) + st.between(0, 1)), X: st.between(0.35, 0.9), Top: st.between(0.03, 0.25), Bottom: st.between(0.75, 0.9),
				Drift: st.between(-0.02, 0.02), Gravity: st.between(0.4, 0.9), Size: st.between(6, 20),
			}
			f.Shade = st.against(c.Scene, &f)
			c.Scene.Falls = append(c.Scene.Falls, f)
			c.event(wire.ThrownObject, f.At, f.Ends())
		}
		if name == "throw_drawn" { // and a bird that crosses
			y := st.between(0.15, 0.5)
			c.Scene.Falls = append(c.Scene.Falls, Fall{At: seconds64(1.5), X: 0.02, Top: y, Bottom: y + 0.03, Drift: 0.35, Gravity: 0.01, Size: 10, Shade: 40})
		}
	}
}

// against returns a shade that stands out from the most of what is behind a fall.
func (st *studio) against(s *Scene, f *Fall) float64 {
	sum, n := 0.0, 0.0
	for y := int(f.Top * float64(s.Height)); y < int(f.Bottom*float64(s.Height)); y++ {
		sum += float64(s.Backdrop[y*s.Width+int(f.X*float64(s.Width))])
		n++
	}
	if sum/n > 120 {
		return st.between(10, 45)
	}
	return st.between(200, 240)
}

// facade draws rows of windows with balconies on a wall.
func (st *studio) facade(w, h int) []byte {
	out := make([]byte, w*h)
	wall, glass := st.between(120, 170), st.between(50, 80)
	cw, ch := float64(w)/st.between(9, 13), float64(h)/st.between(6, 9)
	across, waves := make([]float64, w), make([]float64, w)
	for x := range w {
		across[x], waves[x] = math.Mod(float64(x), cw)/cw, 6*math.Sin(float64(x)/37)
	}
	for y := range h {
		fy, wave := math.Mod(float64(y), ch)/ch, math.Sin(float64(y)/23)
		for x := range w {
			fx, v := across[x], wall+waves[x]*wave
			switch {
			case float64(y) > 0.88*float64(h):
				v = 90 + 15*math.Sin(float64(x*7+y*13))
			case fx > 0.3 && fx < 0.7 && fy > 0.25 && fy < 0.7:
				v = glass + 25*fy
			case fy > 0.85:
				v -= 35
			}
			out[y*w+x] = uint8(min(max(v, 0), 255))
		}
	}
	return out
}
