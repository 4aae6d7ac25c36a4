//go:build cgo

package motion

import (
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
)

// TestRecall: a detector that is given the background of another sees at once who stands there. If the camera was moved
// meanwhile it begins as if it had been given none.
func TestRecall(t *testing.T) {
	for name, back := range map[string][]byte{"a wall": nil, "a pavement": cobbles()} {
		scene := func() *analyticstest.Scene {
			return &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2, Backdrop: back}
		}
		empty := watch(t, scene(), nil)
		empty.until(15*time.Second, false)
		kept := make([]byte, KeepSize(width, height))
		if err := empty.d.Keep(kept); err != nil {
			t.Fatal(err)
		}
		for _, moved := range []float64{0, 4, 8, 16} {
			s := scene()
			s.Actors = []analyticstest.Actor{standing(0, time.Minute)}
			s.Shake = func(time.Duration) (float64, float64) { return moved, moved / 2 }
			e := watch(t, s, nil)
			if err := e.d.Recall(kept); err != nil {
				t.Fatal(err)
			}
			e.now = 20 * time.Second
			first := e.until(e.now, true)
			age := e.d.Age()
			r := e.until(e.now+2*time.Second, true)
			if want := moved == 0; !first.Settling || r.Settling || age > 0 != want || len(r.Blobs) == 1 != want || len(r.Blobs) > 1 {
				t.Errorf("%s, moved by %v: age %v, then %d blobs", name, moved, age, len(r.Blobs))
			}
		}
		if empty.d.Keep(kept[1:]) == nil || empty.d.Recall(kept[1:]) == nil {
			t.Error("of another size")
		}
	}
}
