package analyticstest

import (
	"math"
	"time"
)

// gust sways a camera's mast, and dies down.
func gust(t time.Duration, strength float64) (dx, dy float64) {
	sec := t.Seconds()
	a := strength * max(math.Sin(2*math.Pi*sec/11), 0)
	return a * math.Sin(2*math.Pi*3.1*sec), 0.6 * a * math.Sin(2*math.Pi*4.3*sec+1)
}

// vehicles come and stay, or go.
func (st *studio) vehicles() {
	for _, how := range []string{"comes", "goes", "far"} {
		s := st.stage("none_car_"+how, 50, false)
		w := st.between(0.2, 0.3)
		if how == "far" {
			s.y, w = 0.6, st.between(0.07, 0.1)
		}
		at, where := 8.0, st.between(0.35, 0.65)
		s.Scene.Props = append(s.Scene.Props, vehicle(w, st.between(50, 190), s.y, time.Hour, func(t time.Duration) float64 {
			f := t.Seconds() - at // brakes within 5 s, or speeds up
			switch {
			case how == "goes" && f < 0 || how != "goes" && f > 5:
				return where
			case how == "goes":
				return where + 0.05*f*f
			}
			return where - 0.06*(5-f)*(5-f)
		}))
		if how == "comes" { // and somebody goes by
			s.passers(20, 2)
		}
	}
}

// lightsAndDoors are shadows and patches of light that come to stay, while people pass.
func (st *studio) lightsAndDoors() {
	at := func(t time.Duration, from, takes float64) float64 {
		return min(max((t.Seconds()-from)/takes, 0), 1)
	}
	for _, how := range []string{"shadow", "window", "lamp", "door"} {
		s := st.stage("none_"+how, 50, false)
		s.passers(4, 4)
		x, y := st.between(0.3, 0.7), st.between(0.75, 0.92)
		gain := st.between(1.25, 1.6)
		switch how {
		case "shadow": // of a house, over minutes
			s.Scene.Props = append(s.Scene.Props, patch(0.1, 0.8, 0.35, 0.35, 8, func(t time.Duration) (float64, float64) {
				return 0.6, 0.004 * t.Seconds()
			}, time.Hour))
		case "window", "lamp":
			w, h, takes := st.between(0.04, 0.1), st.between(0.05, 0.12), 0.2
			if how == "lamp" {
				w, h, takes = st.between(0.08, 0.14), st.between(0.1, 0.2), 2
			}
			from := st.between(9, 15)
			s.Scene.Props = append(s.Scene.Props, patch(x, y, w, h, st.between(1.5, 4), func(t time.Duration) (float64, float64) {
				return 1 + (gain-1)*at(t, from, takes), 0
			}, time.Hour))
		case "door": // somebody comes out of it, and it stays open
			h := tall(0.6) * 1.15
			from := 8.0
			wide := h * 0.45 * 9 / 16
			s.Scene.Props = append(s.Scene.Props, Prop{Until: time.Hour, Foot: 0.595, Draw: func(sc *Scene, pix []float64, t time.Duration) {
				if f := at(t, from, 1.5); f > 0 {
					sc.rect(pix, (x-wide/2)*float64(sc.Width), (0.6-h)*float64(sc.Height), f*wide*float64(sc.Width), h*float64(sc.Height), 35)
				}
			}})
			a := st.person(Step{seconds64(from + 1.5), x, 0.6}, Step{seconds64(from + 3), x, 0.62}, Step{seconds64(from + 14), 1.1, 0.66})
			s.Scene.Actors = append(s.Scene.Actors, a)
		}
	}
}

// grounds change by themselves.
func (st *studio) grounds() {
	s := st.stage("none_puddles", 60, false)
	s.Scene.Rain = st.between(400, 1000)
	for range 4 {
		s.Scene.Props = append(s.Scene.Props, puddle(st.rng.Float64(), st.between(0.65, 0.95), st.between(0.03, 0.08), 50*time.Second, time.Hour, st.rng.Uint64()))
	}
	s.passers(8, 3)

	s = st.stage("none_leaves", 50, false)
	st.meadow(s)
	s.passers(6, 3)

	s = st.stage("none_noise", 45, false)
	s.Scene.Noise = st.between(4, 6)
	s.Scene.Light = func(time.Duration) (float64, float64) { return 0.4, 8 }
	s.passers(4, 5)

	s = st.stage("none_branches", 50, false)
	s.Scene.Foliage = []Foliage{{X: 0.1, Y: 0.1, W: 0.35, H: 0.5, Sway: st.between(0.005, 0.01), Period: 2 * time.Second}}
	s.passers(5, 4)

	s = st.stage("none_shake", 50, false)
	s.Scene.Shake = gusts(st.between(1, 2))
	s.passers(5, 4)
}
