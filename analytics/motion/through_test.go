//go:build cgo

package motion

import (
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
)

// cobbles is a ground with structure everywhere.
func cobbles() []byte {
	rng := rand.New(rand.NewPCG(5, 5))
	pix := make([]byte, width*height)
	var stones [(width/8 + 1) * (height/8 + 1)]uint8
	for i := range stones {
		stones[i] = uint8(70 + rng.IntN(90))
	}
	for i := range pix {
		pix[i] = stones[i/width/8*(width/8+1)+i%width/8]
	}
	return pix
}

// TestThrough: a shadow or a light lets the ground's structure through, a person does not.
func TestThrough(t *testing.T) {
	shade := func(factor float64) func(*analyticstest.Scene, []float64, time.Duration) {
		return func(s *analyticstest.Scene, pix []float64, at time.Duration) {
			if at < 3*time.Second {
				return
			}
			for y := 40; y < 110; y++ {
				for x := 100; x < 140; x++ {
					pix[y*s.Width+x] *= factor
				}
			}
		}
	}
	for name, tc := range map[string]struct {
		scene       analyticstest.Scene
		least, most float64
	}{
		"shadow": {analyticstest.Scene{Extras: []func(*analyticstest.Scene, []float64, time.Duration){shade(0.45)}}, 0.5, 1},
		"light":  {analyticstest.Scene{Extras: []func(*analyticstest.Scene, []float64, time.Duration){shade(1.7)}}, 0.7, 1},
		"person": {analyticstest.Scene{Actors: []analyticstest.Actor{standing(3*time.Second, time.Minute)}}, 0, 0.25},
	} {
		s := tc.scene
		s.Width, s.Height, s.Seed, s.Noise, s.Backdrop = width, height, 2, 1.5, cobbles()
		e := watch(t, &s, nil)
		r := e.until(3250*time.Millisecond, true)
		if len(r.Blobs) == 0 {
			t.Errorf("%s: nothing seen", name)
			continue
		}
		if got := r.Blobs[0].Through; got < tc.least || got > tc.most {
			t.Errorf("%s: %.2f of the ground shows through, want %.2f to %.2f", name, got, tc.least, tc.most)
		}
	}
}

// TestStanderIsNotWornAway: who is held and stands for a minute stays as large as they were.
func TestStanderIsNotWornAway(t *testing.T) {
	e := watch(t, &analyticstest.Scene{Width: width, Height: height, Seed: 3, Noise: 2, Backdrop: cobbles(),
		Actors: []analyticstest.Actor{standing(3*time.Second, 2*time.Minute)}}, nil)
	first := 0
	for ; e.now < 60*time.Second; e.now += period {
		e.s.Draw(e.pix, e.now)
		r, err := e.d.Detect(e.pix, e.now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Blobs {
			r.Blobs[i].Hold = true
		}
		e.d.KeepAround()
		e.d.Learn()
		switch {
		case e.now < 4*time.Second:
		case len(r.Blobs) == 0:
			t.Fatalf("gone at %v", e.now)
		case first == 0:
			first = r.Blobs[0].Area
		case 10*r.Blobs[0].Area < 8*first:
			t.Fatalf("%d pixels at %v, %d at first", r.Blobs[0].Area, e.now, first)
		}
	}
}
