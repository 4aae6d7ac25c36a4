//go:build cgo

package loiter_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/behaviour/behaviourtest"
	"sentrybox/analytics/loiter"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	width, height = 240, 136
	after         = 20 * time.Second
)

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// at is a step of somebody's way.
func at(s, x, y float64) analyticstest.Step { return analyticstest.Step{At: sec(s), X: x, Y: y} }

// stay is a loiterer's stay that must be found.
type stay struct{ from, to float64 }

// drawn is a scene with its truth.
type drawn struct {
	actors []analyticstest.Actor
	zone   []wire.Point
	length float64
	want   []stay
}

// person is somebody of the seed's looks.
func person(r *rand.Rand, path ...analyticstest.Step) analyticstest.Actor {
	shade := 20 + 40*r.Float64()
	if r.IntN(2) == 0 {
		shade = 180 + 40*r.Float64()
	}
	return analyticstest.Actor{Height: 0.3 + 0.12*r.Float64(), Shade: shade, Path: path}
}

// passer walks through from one side to the other within 8 to 14 s.
func passer(r *rand.Rand, from float64) analyticstest.Actor {
	a, b := -0.12, 1.12
	if r.IntN(2) == 0 {
		a, b = b, a
	}
	y := 0.78 + 0.15*r.Float64()
	return person(r, at(from, a, y), at(from+8+6*r.Float64(), b, y+0.04*r.Float64()))
}

func whole() []wire.Point { return []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}} }

// scenes are what a seed makes of each kind of behaviour.
func scenes() map[string]func(r *rand.Rand) drawn {
	return map[string]func(r *rand.Rand) drawn{
		"wanders": func(r *rand.Rand) drawn {
			p := []analyticstest.Step{at(2, -0.1, 0.8), at(5, 0.3, 0.8)}
			t := 5.0
			for t < 36 {
				t += 2 + 2*r.Float64()
				p = append(p, at(t, 0.2+0.6*r.Float64(), 0.75+0.2*r.Float64()))
			}
			return drawn{actors: []analyticstest.Actor{person(r, append(p, at(t+5, 1.1, 0.85))...)}, length: 48, want: []stay{{2.3, t + 4.7}}}
		},
		"stands still": func(r *rand.Rand) drawn {
			x, y := 0.25+0.5*r.Float64(), 0.8+0.15*r.Float64()
			return drawn{actors: []analyticstest.Actor{person(r, at(2, -0.1, y), at(6, x, y), at(90, x, y), at(96, 1.1, y))},
				length: 100, want: []stay{{2.4, 95.5}}}
		},
		"passed by others": func(r *rand.Rand) drawn {
			x := 0.4 + 0.2*r.Float64()
			d := drawn{actors: []analyticstest.Actor{person(r, at(2, -0.1, 0.85), at(6, x, 0.85), at(40, x, 0.85), at(46, 1.1, 0.85))},
				length: 52, want: []stay{{2.4, 45.5}}}
			for k := range 3 {
				d.actors = append(d.actors, passer(r, 9+9*float64(k)+3*r.Float64()))
			}
			return d
		},
		"leaves for 3 s": func(r *rand.Rand) drawn {
			y := 0.8 + 0.1*r.Float64()
			return drawn{actors: []analyticstest.Actor{person(r, at(2, -0.1, y), at(5, 0.35, y), at(12, 0.35, y),
				at(13, 0.55, y), at(14.5, 0.72, y), at(16, 0.55, y), at(17.5, 0.35, y), at(34, 0.35, y), at(38, -0.1, y))},
				zone: []wire.Point{{0, 0}, {0.6, 0}, {0.6, 1}, {0, 1}}, length: 44, want: []stay{{2.4, 37.5}}}
		},
		"leaves the picture for 3 s": func(r *rand.Rand) drawn {
			y := 0.8 + 0.1*r.Float64()
			return drawn{actors: []analyticstest.Actor{person(r, at(2, -0.1, y), at(5, 0.35, y), at(12, 0.35, y),
				at(15, -0.12, y), at(17.5, -0.12, y), at(20.5, 0.35, y), at(34, 0.35, y), at(38, -0.1, y))},
				length: 44, want: []stay{{2.4, 37.5}}}
		},
		"leaves for 30 s": func(r *rand.Rand) drawn {
			y := 0.8 + 0.1*r.Float64()
			return drawn{actors: []analyticstest.Actor{person(r, at(2, -0.1, y), at(5, 0.35, y), at(14, 0.35, y), at(17, -0.12, y),
				at(47, -0.12, y), at(50, 0.35, y), at(59, 0.35, y), at(62, -0.12, y))}, length: 68}
		},
		"many pass": func(r *rand.Rand) drawn {
			var d drawn
			for k := range 9 {
				d.actors = append(d.actors, passer(r, 1+6*float64(k)+3*r.Float64()))
			}
			d.length = 70
			return d
		},
		"many pass in a row": func(r *rand.Rand) drawn {
			var d drawn
			for k := range 8 { // each comes in as the one before goes out, on the other side or the same
				from := 1 + 10*float64(k)
				a, b := -0.12, 1.12
				if r.IntN(2) == 0 {
					a, b = b, a
				}
				y := 0.85
				d.actors = append(d.actors, person(r, at(from, a, y), at(from+11, b, y)))
			}
			d.length = 95
			return d
		},
		"two at once": func(r *rand.Rand) drawn {
			return drawn{actors: []analyticstest.Actor{
				person(r, at(2, -0.1, 0.8), at(5, 0.25, 0.8), at(40, 0.25, 0.8), at(44, -0.1, 0.8)),
				person(r, at(6, 1.1, 0.9), at(10, 0.7, 0.9), at(38, 0.7, 0.9), at(42, 1.1, 0.9))},
				length: 48, want: []stay{{2.4, 43.5}, {6.3, 41.5}}}
		},
	}
}

func play(t *testing.T, d drawn, seed uint64, noise float64, mirror bool) []behaviour.Event {
	if d.zone == nil {
		d.zone = whole()
	}
	s := &analyticstest.Scene{Width: width, Height: height, Seed: seed, Noise: noise, Actors: d.actors}
	w := loiter.New(zone.Rasterize(d.zone, width, height), after, true)
	return behaviourtest.Play(t, s, w, behaviourtest.Script{Length: sec(d.length), Mirror: mirror})
}

// score holds events against the truth.
func score(events []behaviour.Event, d drawn) (found, missed, wrong int, delay time.Duration) {
	used := make([]bool, len(d.want))
next:
	for _, e := range events {
		if e.Phase != wire.Begun {
			continue
		}
		for i, s := range d.want {
			if !used[i] && e.Detected >= sec(s.from)+after-sec(0.5) && e.Detected <= sec(s.to+10) && (e.Start-sec(s.from)).Abs() < 3*time.Second {
				used[i] = true
				found++
				delay = max(delay, e.Detected-sec(s.from)-after)
				continue next
			}
		}
		wrong++
	}
	return found, len(d.want) - found, wrong, delay
}

func TestDrawnScenes(t *testing.T) {
	t.Parallel()
	first, n := uint64(1001), uint64(1)
	if v, err := strconv.ParseUint(os.Getenv("TUNE"), 10, 64); err == nil {
		first, n = 1, v
	}
	for name, make := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found, missed, wrong int
			var late time.Duration
			for seed := first; seed < first+n; seed++ {
				for variant, noise := range []float64{2, 6} {
					d := make(rand.New(rand.NewPCG(seed, 77)))
					events := play(t, d, seed, noise, variant == 1 && d.zone == nil)
					f, m, w, l := score(events, d)
					if m+w > 0 {
						t.Errorf("seed %d, noise %v: %d missed, %d wrong: %+v, want %+v", seed, noise, m, w, events, d.want)
					}
					found, missed, wrong, late = found+f, missed+m, wrong+w, max(late, l)
				}
			}
			t.Logf("found %d, missed %d, wrong %d, at most %v late", found, missed, wrong, late)
			if late > 3*time.Second {
				t.Errorf("decided %v late", late)
			}
		})
	}
}

func TestArm(t *testing.T) {
	t.Parallel()
	stay := analyticstest.Actor{Height: 0.4, Shade: 30, Path: []analyticstest.Step{at(1, -0.1, 0.8), at(5, 0.5, 0.8), at(60, 0.5, 0.8)}}
	s := &analyticstest.Scene{Width: width, Height: height, Seed: 3, Noise: 2, Actors: []analyticstest.Actor{stay}}
	w := loiter.New(zone.Rasterize(whole(), width, height), 5*time.Second, false)
	events := behaviourtest.Play(t, s, w, behaviourtest.Script{Length: 20 * time.Second,
		Arm: map[time.Duration]bool{10 * time.Second: true, 13 * time.Second: false, 16 * time.Second: true}})
	if len(events) != 4 {
		t.Fatalf("%+v", events)
	}
	for i, from := range []time.Duration{10 * time.Second, 16 * time.Second} {
		b, e := events[2*i], events[2*i+1]
		if b.Phase != wire.Begun || e.Phase != wire.Ended || b.Number != e.Number || b.Start != from || b.Detected-from > time.Second {
			t.Errorf("armed at %v: %+v, %+v", from, b, e)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	s := &analyticstest.Scene{Width: 640, Height: 360, Seed: 3, Noise: 2, Actors: []analyticstest.Actor{
		{Height: 0.4, Shade: 40, Path: []analyticstest.Step{at(1, -0.1, 0.9), at(5, 0.5, 0.9), at(600, 0.5, 0.9)}}}}
	w := loiter.New(zone.Rasterize(whole(), s.Width, s.Height), time.Hour, true)
	k := &keeper{Watch: w}
	behaviourtest.Play(b, s, k, behaviourtest.Script{Length: 8 * time.Second, During: func() {
		b.ReportAllocs()
		for b.Loop() {
			w.Step(k.last)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
	}})
}

// keeper remembers the last scene.
type keeper struct {
	*loiter.Watch
	last *behaviour.Scene
}

func (k *keeper) Step(s *behaviour.Scene) []behaviour.Event {
	k.last = s
	return k.Watch.Step(s)
}
