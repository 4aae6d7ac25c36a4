package perspective

import (
	"math"
	"math/rand/v2"
	"testing"

	"sentrybox/analytics/wire"
)

func near(a, b, slack float64) bool { return math.Abs(a-b) <= slack }

func TestDrawn(t *testing.T) {
	m := New([]wire.Figure{{Head: 0.5, Foot: 0.95}, {Head: 0.4, Foot: 0.5}})
	for foot, want := range map[float64]float64{0.95: 0.45, 0.5: 0.1, 0.725: 0.275, 1: 0.4889} {
		if h, ok := m.Height(foot); !ok || !near(h, want, 0.001) {
			t.Errorf("at %v: %v %v, want %v", foot, h, ok, want)
		}
	}
	if h, ok := m.Height(0.3); ok {
		t.Errorf("a person of height %v above the horizon", h)
	}
	m.Learn(0.5, 0.9)
	if h, _ := m.Height(0.5); !near(h, 0.1, 0.001) {
		t.Errorf("what was drawn has become %v", h)
	}
}

func TestUnknown(t *testing.T) {
	m := New(nil)
	for range enough - 1 {
		m.Learn(0.8, 0.3)
	}
	if h, ok := m.Height(0.8); ok {
		t.Errorf("height %v from %d people", h, enough-1)
	}
}

// TestLearned learns a line from people of different height and a few cars.
func TestLearned(t *testing.T) {
	m, rng := New(nil), rand.New(rand.NewPCG(1, 1))
	truth := func(foot float64) float64 { return 0.8 * (foot - 0.35) }
	for i := range 200 {
		foot := 0.5 + 0.45*rng.Float64()
		h := truth(foot) * (0.9 + 0.2*rng.Float64())
		if i%10 == 0 {
			h *= 0.6
		}
		m.Learn(foot, h)
	}
	for _, foot := range []float64{0.45, 0.5, 0.7, 0.95, 1} {
		if h, ok := m.Height(foot); !ok || !near(h, truth(foot), 0.15*truth(foot)+0.01) {
			t.Errorf("at %v: %v %v, want %v", foot, h, ok, truth(foot))
		}
	}
	if h, ok := m.Height(0.2); ok {
		t.Errorf("height %v where nobody has been", h)
	}
}

// TestOneBand: people who all walk along one line tell their height there alone.
func TestOneBand(t *testing.T) {
	m := New(nil)
	for i := range 20 {
		m.Learn(0.87+0.001*float64(i%3), 0.3)
	}
	if h, ok := m.Height(0.88); !ok || !near(h, 0.3, 0.001) {
		t.Errorf("%v %v", h, ok)
	}
	if h, ok := m.Height(0.6); ok {
		t.Errorf("height %v far from where people walk", h)
	}
}
