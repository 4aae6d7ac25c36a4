//go:build cgo

package gather_test

import (
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/behaviour/behaviourtest"
	"sentrybox/analytics/gather"
	"sentrybox/analytics/zone"
)

// BenchmarkStep is for six people who stand in the zone.
func BenchmarkStep(b *testing.B) {
	s := &analyticstest.Scene{Width: 640, Height: 360, Seed: 3, Noise: 2}
	for i := range 6 {
		x := 0.15 + 0.13*float64(i)
		s.Actors = append(s.Actors, analyticstest.Actor{Height: 0.35, Shade: float64(40 + 20*i), Path: []analyticstest.Step{
			{At: time.Second, X: -0.1, Y: 0.9}, {At: 6 * time.Second, X: x, Y: 0.9}, {At: time.Hour, X: x, Y: 0.9}}})
	}
	w := gather.New(zone.Rasterize(whole(), s.Width, s.Height), 4, time.Hour, true)
	k := &keeper{Watch: w}
	behaviourtest.Play(b, s, k, behaviourtest.Script{Length: 9 * time.Second, During: func() {
		b.ReportAllocs()
		for b.Loop() {
			k.last.Time += behaviourtest.Period
			w.Step(k.last)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
	}})
}

// keeper remembers the last scene.
type keeper struct {
	*gather.Watch
	last *behaviour.Scene
}

func (k *keeper) Step(s *behaviour.Scene) []behaviour.Event {
	k.last = s
	return k.Watch.Step(s)
}
