package analyticstest

import (
	"time"

	"sentrybox/analytics/wire"
)

// tampering is done to cameras; dusk does nothing to one.
func (st *studio) tampering() {
	for _, k := range []struct {
		name string
		kind TamperKind
	}{{"cover", Cover}, {"defocus", Defocus}, {"turn", Turn}, {"blind", Blind}, {"freeze", Freeze}, {"none_dusk", Untouched}} {
		c := st.clip("tamper_"+k.name, 12, 26).on(st.stock.Street).look(wire.Tamper, 0)
		c.Scene.Noise = st.between(3, 4)
		c.Scene.Actors = []Actor{st.person(st.stroll(2, 0.9)...)}
		if k.kind == Untouched {
			length := c.Length.Seconds()
			c.Scene.Light = func(t time.Duration) (float64, float64) { return 1 - 0.7*t.Seconds()/length, 4 }
			continue
		}
		c.Scene.Tamper = Tamper{Kind: k.kind, At: seconds64(st.between(12, 14))}
		c.event(wire.Tamper, c.Scene.Tamper.At, c.Length)
	}
}

// nuisances are what cameras see every day and nobody wants to hear of.
func (st *studio) nuisances() {
	quiet := func(name string, fps int) *Clip {
		c := st.clip("quiet_"+name, fps, 30).on(st.stock.Street).look(wire.Intrusion, 0).look(wire.Loitering, afterSec)
		c.look(wire.Gathering, 8).look(wire.AbandonedObject, 10).look(wire.Tamper, 0)
		if fps >= 20 {
			c.look(wire.ThrownObject, 0)
		}
		return c
	}
	s := quiet("light_steps", 12).Scene
	steps := []float64{1, st.between(0.65, 0.8), st.between(1.1, 1.25), 0.9}
	s.Light = func(t time.Duration) (float64, float64) {
		f := max(t.Seconds()-6, 0) / 6
		k := min(int(f), len(steps)-1)
		next := steps[min(k+1, len(steps)-1)]
		if t.Seconds() < 6 {
			return steps[0], 0
		}
		ramp := min((f-float64(k))*6/0.4, 1)
		return steps[k] + ramp*(next-steps[k]), 0
	}

	c := quiet("infrared", 12)
	s = c.Scene
	at := st.between(9, 12)
	s.Light = func(t time.Duration) (float64, float64) {
		switch sec := t.Seconds(); {
		case sec < at:
			return 0.35, 5
		case sec < at+0.5: // the filter moves
			return 0.1, 2
		default:
			return 0.6, 12
		}
	}
	s.Glows = []Glow{{From: seconds64(at + 0.4), Until: c.Length + time.Minute, X0: 0.5, Y0: 0.6, X1: 0.5, Y1: 0.6, Radius: 0.3, Level: 45}}

	quiet("branches", 12).Scene.Foliage = []Foliage{
		{X: 0.05, Y: 0.05, W: 0.3, H: 0.45, Sway: st.between(0.005, 0.012), Period: 2 * time.Second},
		{X: 0.7, Y: 0.4, W: 0.25, H: 0.35, Sway: st.between(0.004, 0.008), Period: 1600 * time.Millisecond},
	}
	quiet("rain", 25).Scene.Rain = st.between(500, 1200)
	quiet("snow", 25).Scene.Snow = st.between(300, 700)
	s = quiet("insects", 25).Scene
	s.Light = func(time.Duration) (float64, float64) { return 0.5, 5 }
	for t := 3.0; t < 27; t += st.between(2, 5) {
		s.Insects = append(s.Insects, Insect{From: seconds64(t), Until: seconds64(t + st.between(0.5, 2.5)), Size: st.between(5, 16), Shade: st.between(60, 150), Seed: st.rng.Uint64()})
	}
	s = quiet("headlights", 12).Scene
	s.Light = func(time.Duration) (float64, float64) { return 0.35, 5 }
	for _, t := range []float64{6, 14, 22} {
		left := float64(st.rng.IntN(2))
		s.Glows = append(s.Glows, Glow{From: seconds64(t), Until: seconds64(t + st.between(2, 4)), X0: left, Y0: 0.6, X1: 1 - left, Y1: 0.7, Radius: 0.12, Level: st.between(120, 220)})
	}
	quiet("shake", 12).Scene.Shake = gusts(st.between(1, 2.2))
}
