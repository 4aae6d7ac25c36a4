package analyticstest

import (
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// quietWide is a minute each of what no one wants to hear of.
func (st *studio) quietWide() {
	quiet := func(name string) *Clip {
		c := st.vary(st.clip("still_"+name, []int{10, 12, 15, 25}[(st.seed+3)%4], 60))
		c.look(wire.Intrusion, 0).look(wire.Motion, 0).look(wire.Loitering, afterSec)
		return c.look(wire.Gathering, 8).look(wire.AbandonedObject, 10).look(wire.Tamper, 0)
	}
	dark := func(c *Clip) *Clip {
		c.Scene.Light = func(time.Duration) (float64, float64) { return 0.4, 8 }
		c.Scene.Noise = st.between(3, 5)
		return c
	}

	quiet("bush").Scene.Foliage = []Foliage{{X: 0.3, Y: 0.5, W: 0.2, H: 0.35, Sway: st.between(0.005, 0.012), Period: 1800 * time.Millisecond}}
	c := quiet("gale")
	c.Scene.Foliage = []Foliage{{X: 0.0, Y: 0.0, W: 1, H: 0.4, Sway: st.between(0.012, 0.02), Period: 1500 * time.Millisecond}}
	c.Scene.Shake = sway(st.between(0.5, 1.5), 9)
	quiet("flag").Scene.Extras = []extra{cloth(0.6, 0.2, 0.1, 0.2, st.between(40, 200), st.between(0.5, 1)), cloth(0.2, 0.5, 0.12, 0.18, st.between(40, 200), st.between(0.4, 0.9))}
	quiet("clouds").Scene.Extras = []extra{clouds(st.between(0.25, 0.45), st.between(0.02, 0.06))}
	quiet("dapple").Scene.Extras = []extra{dapple(st.rng.Uint64(), 0.2, 0.6, 0.5, 0.3, st.between(0.3, 0.5), st.between(0.006, 0.015))}
	dark(quiet("web")).Scene.Extras = []extra{web(0.1, 0.2, 0.7, 0.6, st.between(80, 160)), web(0.8, 0.1, 0.6, 0.9, st.between(60, 120))}
	c = dark(quiet("insects"))
	for t := 3.0; t < 56; t += st.between(1, 4) {
		c.Scene.Insects = append(c.Scene.Insects, Insect{From: seconds64(t), Until: seconds64(t + st.between(0.5, 4)), Size: st.between(4, 18), Shade: st.between(60, 160), Seed: st.rng.Uint64()})
	}
	c = quiet("birds")
	for t := 3.0; t < 55; t += st.between(4, 9) {
		c.Scene.Extras = append(c.Scene.Extras, bird(seconds64(t), st.between(1.2, 3), st.between(0.1, 0.5), st.between(4, 9), st.between(20, 60), st.rng.IntN(2) == 0))
	}
	c = dark(quiet("headlights"))
	for t := 5.0; t < 52; t += st.between(6, 11) {
		left := float64(st.rng.IntN(2))
		c.Scene.Glows = append(c.Scene.Glows, Glow{From: seconds64(t), Until: seconds64(t + st.between(1.5, 4)), X0: left, Y0: st.between(0.5, 0.7), X1: 1 - left, Y1: 0.7, Radius: st.between(0.06, 0.15), Level: st.between(100, 220)})
	}
	dark(quiet("lamp")).Scene.Extras = []extra{lamp(0.5, 0.7, st.between(0.12, 0.25), func(sec float64) float64 {
		if math.Mod(sec, 20) < 10 {
			return 0
		}
		return 90
	})}
	dark(quiet("flicker")).Scene.Extras = []extra{lamp(0.3, 0.6, st.between(0.1, 0.2), func(sec float64) float64 {
		return 40 + 30*math.Copysign(1, math.Sin(2*math.Pi*0.7*sec)*math.Sin(2*math.Pi*3.1*sec))
	})}
	c = quiet("pumping") // automatic exposure hunts
	c.Scene.Light = func(t time.Duration) (float64, float64) { return 1 + 0.25*math.Sin(2*math.Pi*t.Seconds()/3.3), 0 }
	quiet("puddle").Scene.Extras = []extra{ripples(0.3, 0.75, 0.35, 0.15, st.between(10, 25))}
	c = quiet("shadows")
	for t := 5.0; t < 50; t += st.between(8, 14) {
		c.Scene.Extras = append(c.Scene.Extras, shadow(st.between(0.4, 0.7), through(t, st.between(6, 10), st.between(0.85, 0.98), st.rng.IntN(2) == 0)...))
	}
	c.Rules = c.Rules[2:] // a moving shadow is motion to anybody's eye
	quiet("storm").Scene.Rain = st.between(1200, 2500)
	quiet("blizzard").Scene.Snow = st.between(700, 1500)
	c = dark(quiet("grain"))
	c.Scene.Noise, c.Rate = st.between(6, 9), 200
	quiet("lowrate").Rate = 80
	quiet("shaking").Scene.Shake = sway(st.between(1.5, 3.5), 11)
	c = quiet("dawn")
	c.Scene.Light = func(t time.Duration) (float64, float64) { return 0.35 + 0.65*t.Seconds()/60, 5 }
	c = quiet("steps")
	levels := []float64{1, st.between(0.55, 0.75), 1.1, st.between(0.8, 0.9), 1.2, 0.7}
	c.Scene.Light = func(t time.Duration) (float64, float64) { return levels[min(int(t.Seconds()/10), 5)], 0 }
	c = dark(quiet("infrared"))
	at := seconds64(st.between(15, 25))
	c.Scene.Light = func(t time.Duration) (float64, float64) {
		if t < at {
			return 0.3, 4
		}
		return -0.35, 110 // what was dark is bright
	}
	c = quiet("cat")
	c.Scene.Extras = []extra{cat(st.between(0.035, 0.05), st.between(20, 60), through(8, 9, 0.85, true)...), cat(st.between(0.035, 0.05), 200, through(35, 5, 0.9, false)...)}
	c.Rules = append(c.Rules[:1], c.Rules[2:]...)
}
