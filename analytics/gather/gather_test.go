//go:build cgo

package gather_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour/behaviourtest"
	"sentrybox/analytics/gather"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	width, height = 320, 180
	people        = 5
	after         = 10 * time.Second
)

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func at(s, x, y float64) analyticstest.Step { return analyticstest.Step{At: sec(s), X: x, Y: y} }

// crowd lets n people come from both sides, between from and from+spread, stand
// side by side around x with so much room each, and go at until.
func crowd(r *rand.Rand, n int, from, spread, until, x, room float64) []analyticstest.Actor {
	var all []analyticstest.Actor
	for i := range n {
		t := from + spread*float64(i)/float64(n)
		side := -0.1
		if i%2 == 1 {
			side = 1.1
		}
		y := 0.75 + 0.2*r.Float64()
		to := x + room*(float64(i)-float64(n-1)/2) + 0.02*r.Float64()
		all = append(all, analyticstest.Actor{Height: 0.26 + 0.06*r.Float64(), Shade: 20 + 40*r.Float64(),
			Path: []analyticstest.Step{at(t, side, y), at(t+5, to, y), at(until, to, y), at(until+5, 1-side, y)}})
	}
	return all
}

// drawn is a scene with its truth: from when to when there are enough people.
type drawn struct {
	actors   []analyticstest.Actor
	length   float64
	from, to float64 // 0 if there never are
}

func scenes() map[string]func(r *rand.Rand) drawn {
	return map[string]func(r *rand.Rand) drawn{
		"eight apart":    func(r *rand.Rand) drawn { return drawn{crowd(r, 8, 2, 6, 30, 0.5, 0.09), 40, 8, 32} },
		"eight together": func(r *rand.Rand) drawn { return drawn{crowd(r, 8, 2, 6, 30, 0.5, 0.035), 40, 8, 32} },
		"six at once":    func(r *rand.Rand) drawn { return drawn{crowd(r, 6, 2, 1, 30, 0.4, 0.05), 40, 4, 32} },
		"three":          func(r *rand.Rand) drawn { return drawn{crowd(r, 3, 2, 4, 30, 0.5, 0.09), 40, 0, 0} },
		"three together": func(r *rand.Rand) drawn { return drawn{crowd(r, 3, 2, 4, 30, 0.5, 0.04), 40, 0, 0} },
		"four":           func(r *rand.Rand) drawn { return drawn{crowd(r, 4, 2, 4, 30, 0.5, 0.1), 40, 0, 0} },
		"eight who pass": func(r *rand.Rand) drawn {
			d := drawn{length: 40}
			for k := range 8 {
				t := 2 + 4*float64(k) + 2*r.Float64()
				d.actors = append(d.actors, analyticstest.Actor{Height: 0.26 + 0.06*r.Float64(), Shade: 20 + 40*r.Float64(),
					Path: []analyticstest.Step{at(t, -0.1, 0.85), at(t+8, 1.1, 0.9)}})
			}
			return d
		},
		"eight for a moment": func(r *rand.Rand) drawn { return drawn{crowd(r, 8, 2, 1, 10, 0.5, 0.09), 30, 0, 0} },
	}
}

// TestAgitation lets a crowd run to and fro from 22 to 30 s, long after it was
// reported.
func TestAgitation(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 79))
	actors := crowd(r, 6, 2, 4, 22, 0.5, 0.1)
	for i := range actors {
		a := &actors[i]
		home := a.Path[2]
		a.Path = a.Path[:3]
		way := 0.2
		for s := 22 + 0.1*float64(i); s < 30; s += 0.5 {
			a.Path = append(a.Path, at(s+0.5, home.X+way, home.Y))
			way = 0.2 - way
		}
		a.Path = append(a.Path, at(31, home.X, home.Y), at(37, -0.1, home.Y))
	}
	for name, people := range map[string]int{"a gathering": people, "too few": 8} {
		s := &analyticstest.Scene{Width: width, Height: height, Seed: 5, Noise: 3, Actors: actors}
		w := gather.New(zone.Rasterize(whole(), width, height), people, after, true)
		events := behaviourtest.Play(t, s, w, behaviourtest.Script{Length: 40 * time.Second})
		if people == 8 {
			if len(events) > 0 {
				t.Errorf("%s: %+v", name, events)
			}
			continue
		}
		if len(events) != 3 {
			t.Fatalf("%s: %+v, want its beginning, a change and its end", name, events)
		}
		b, c, e := events[0], events[1], events[2]
		if b.Phase != wire.Begun || c.Phase != wire.Changed || e.Phase != wire.Ended || b.Agitated || !c.Agitated || !e.Agitated {
			t.Errorf("%s: %+v", name, events)
		}
		if c.Detected < 22*time.Second || c.Detected > 27*time.Second || c.Start != b.Start || c.Number != b.Number {
			t.Errorf("%s: agitated at %v", name, c.Detected)
		}
	}
}

func whole() []wire.Point { return []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}} }

func TestDrawnScenes(t *testing.T) {
	t.Parallel()
	first, n := uint64(1001), uint64(1)
	if v, err := strconv.ParseUint(os.Getenv("TUNE"), 10, 64); err == nil {
		first, n = 1, v
	}
	for name, draw := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := first; seed < first+n; seed++ {
				for _, noise := range []float64{4} {
					d := draw(rand.New(rand.NewPCG(seed, 79)))
					s := &analyticstest.Scene{Width: width, Height: height, Seed: seed, Noise: noise, Actors: d.actors}
					w := gather.New(zone.Rasterize(whole(), width, height), people, after, true)
					events := behaviourtest.Play(t, s, w, behaviourtest.Script{Length: sec(d.length), Mirror: seed%2 == 1})
					if d.to == 0 {
						if len(events) > 0 {
							t.Errorf("seed %d, noise %v: %+v, want nothing", seed, noise, events)
						}
						continue
					}
					if len(events) != 2 {
						t.Errorf("seed %d, noise %v: %+v, want one gathering", seed, noise, events)
						continue
					}
					b, e := events[0], events[1]
					if (b.Start-sec(d.from)).Abs() > 4*time.Second || b.Detected-sec(d.from) > after+4*time.Second || (e.End-sec(d.to)).Abs() > 5*time.Second {
						t.Errorf("seed %d, noise %v: from %v to %v, decided %v, want %v to %v", seed, noise, b.Start, e.End, b.Detected, d.from, d.to)
					}
					t.Logf("seed %d, noise %v: from %v to %v, decided %v", seed, noise, b.Start, e.End, b.Detected)
				}
			}
		})
	}
}
