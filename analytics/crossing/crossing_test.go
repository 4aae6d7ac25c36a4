//go:build cgo

package crossing_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/behaviour/behaviourtest"
	"sentrybox/analytics/crossing"
	"sentrybox/analytics/wire"
)

const width, height = 240, 136

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func at(s, x, y float64) analyticstest.Step { return analyticstest.Step{At: sec(s), X: x, Y: y} }

func person(r *rand.Rand, path ...analyticstest.Step) analyticstest.Actor {
	return analyticstest.Actor{Height: 0.28 + 0.14*r.Float64(), Shade: 20 + 40*r.Float64(), Path: path}
}

// drawn is a scene with its truth: when a foot is upon the line.
type drawn struct {
	actors []analyticstest.Actor
	line   []wire.Point
	way    wire.Direction
	length float64
	want   []float64
}

func upright() []wire.Point { return []wire.Point{{0.5, 0.5}, {0.5, 1}} } // walks down: left is at the right

func flat() []wire.Point { return []wire.Point{{0.1, 0.7}, {0.9, 0.7}} } // walks right: left is above

func scenes() map[string]func(r *rand.Rand) drawn {
	across := func(r *rand.Rand) analyticstest.Actor {
		y := 0.75 + 0.2*r.Float64()
		return person(r, at(2, -0.1, y), at(10, 1.1, y))
	}
	down := func(r *rand.Rand, x float64) analyticstest.Actor {
		return person(r, at(2, -0.1, 0.5), at(5, x, 0.5), at(9, x, 0.9), at(12, 1.1, 0.9))
	}
	return map[string]func(r *rand.Rand) drawn{
		"across": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{across(r)}, upright(), wire.BothWays, 13, []float64{6}}
		},
		"across, to left": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{across(r)}, upright(), wire.RightToLeft, 13, []float64{6}}
		},
		"the wrong way": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{across(r)}, upright(), wire.LeftToRight, 13, nil}
		},
		"down": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{down(r, 0.3+0.4*r.Float64())}, flat(), wire.LeftToRight, 14, []float64{7}}
		},
		"down, a wrong way": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{down(r, 0.3+0.4*r.Float64())}, flat(), wire.RightToLeft, 14, nil}
		},
		"up": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{person(r, at(2, -0.1, 0.92), at(5, 0.4, 0.92), at(9, 0.5, 0.5), at(13, 1.1, 0.5))}, flat(), wire.BothWays, 15, []float64{7.1}}
		},
		"past its end": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{across(r)}, []wire.Point{{0.5, 0}, {0.5, 0.6}}, wire.BothWays, 13, nil}
		},
		"along it": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{person(r, at(2, -0.1, 0.82), at(11, 1.1, 0.82))}, flat(), wire.BothWays, 14, nil}
		},
		"turns back on it": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{person(r, at(2, -0.1, 0.85), at(6, 0.51, 0.85), at(9, 0.51, 0.85), at(13, -0.1, 0.85))}, upright(), wire.BothWays, 15, nil}
		},
		"there and back": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{person(r, at(2, -0.1, 0.85), at(7, 0.8, 0.85), at(12, -0.1, 0.85))}, upright(), wire.BothWays, 15, []float64{5.35, 8.65}}
		},
		"two who meet on it": func(r *rand.Rand) drawn {
			return drawn{[]analyticstest.Actor{across(r), person(r, at(2, 1.1, 0.8), at(10, -0.1, 0.8))}, upright(), wire.BothWays, 13, []float64{6, 6}}
		},
		"one after the other": func(r *rand.Rand) drawn {
			d := drawn{line: upright(), length: 22}
			for k := range 4 {
				t := 2 + 3.5*float64(k)
				d.actors = append(d.actors, person(r, at(t, -0.1, 0.85), at(t+7, 1.1, 0.85)))
				d.want = append(d.want, t+3.5)
			}
			return d
		},
	}
}

func TestDrawnScenes(t *testing.T) {
	t.Parallel()
	first, n := uint64(1001), uint64(1)
	if v, err := strconv.ParseUint(os.Getenv("TUNE"), 10, 64); err == nil {
		first, n = 1, v
	}
	for name, draw := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found, missed, wrong int
			var late time.Duration
			for seed := first; seed < first+n; seed++ {
				for _, noise := range []float64{2, 6} {
					d := draw(rand.New(rand.NewPCG(seed, 78)))
					s := &analyticstest.Scene{Width: width, Height: height, Seed: seed, Noise: noise, Actors: d.actors}
					events := behaviourtest.Play(t, s, crossing.New(d.line, d.way, width, height, true), behaviourtest.Script{Length: sec(d.length)})
					f, w, l := score(t, events, d.want)
					if m := len(d.want) - f; m+w > 0 {
						t.Errorf("seed %d, noise %v: %d missed, %d wrong: %+v, want %v", seed, noise, m, w, events, d.want)
					}
					found, missed, wrong, late = found+f, missed+len(d.want)-f, wrong+w, max(late, l)
				}
			}
			t.Logf("found %d, missed %d, wrong %d, at most %v late", found, missed, wrong, late)
			if late > 2*time.Second {
				t.Errorf("decided %v after the foot was on the line", late)
			}
		})
	}
}

// score holds events against the times at which a foot was on the line.
func score(t *testing.T, events []behaviour.Event, want []float64) (found, wrong int, late time.Duration) {
	t.Helper()
	used := make([]bool, len(want))
next:
	for i, e := range events {
		if e.Phase != wire.Begun {
			continue
		}
		if end := events[i+1]; end.Phase != wire.Ended || end.Number != e.Number || end.End < e.Start || end.Start != e.Start {
			t.Errorf("%+v ends with %+v", e, end)
		}
		for k, s := range want {
			if !used[k] && e.Start > sec(s-1.6) && e.Start < sec(s+0.5) && e.Detected > sec(s) {
				used[k] = true
				found++
				late = max(late, e.Detected-sec(s))
				continue next
			}
		}
		wrong++
	}
	return found, wrong, late
}
