//go:build cgo

package crossing_test

import (
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/behaviour/behaviourtest"
	"sentrybox/analytics/crossing"
	"sentrybox/analytics/wire"
)

// BenchmarkStep is for three people on their way to the line.
func BenchmarkStep(b *testing.B) {
	s := &analyticstest.Scene{Width: 640, Height: 360, Seed: 3, Noise: 2}
	for i := range 3 {
		s.Actors = append(s.Actors, analyticstest.Actor{Height: 0.35, Shade: float64(40 + 20*i), Path: []analyticstest.Step{
			{At: time.Duration(1+i) * time.Second, X: -0.1, Y: 0.9}, {At: time.Duration(11+i) * time.Second, X: 1.1, Y: 0.9}}})
	}
	w := crossing.New([]wire.Point{{0.9, 0}, {0.9, 1}}, wire.BothWays, s.Width, s.Height, true)
	k := &keeper{Watch: w}
	behaviourtest.Play(b, s, k, behaviourtest.Script{Length: 7 * time.Second, During: func() {
		b.ReportAllocs()
		for b.Loop() {
			w.Step(k.last)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
	}})
}

// keeper remembers the last scene.
type keeper struct {
	*crossing.Watch
	last *behaviour.Scene
}

func (k *keeper) Step(s *behaviour.Scene) []behaviour.Event {
	k.last = s
	return k.Watch.Step(s)
}
