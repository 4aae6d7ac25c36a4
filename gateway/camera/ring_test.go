package camera

import (
	"context"
	"errors"
	"testing"
	"time"

	"sentrybox/drivers/media"
)

// fill pushes n pictures, ten a second, with a keyframe every gop.
func fill(r *ring, n, gop, size int) {
	for i := range n {
		r.push(media.AccessUnit{PTS: time.Duration(i) * 100 * time.Millisecond, Keyframe: i%gop == 0, Data: make([]byte, size)})
	}
}

func TestRingStartsAtAKeyframe(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes, n, gop int
		age           time.Duration
		units, bound  int
	}{
		"by age":                    {1 << 20, 100, 10, 2 * time.Second, 30, 40},
		"by bytes":                  {25 * 138, 100, 10, time.Hour, 10, 25},
		"a long group is kept":      {1 << 20, 100, 100, time.Second, 100, 100},
		"a group that does not fit": {5 * 138, 99, 100, time.Second, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRing(tc.bytes, tc.age)
			fill(r, tc.n, tc.gop, 10)
			if n := len(r.units); n < tc.units || n > tc.bound {
				t.Errorf("%d units, want %d to %d", n, tc.units, tc.bound)
			}
			total := 0
			for _, u := range r.units {
				total += u.cost()
			}
			if total != r.bytes || r.bytes > tc.bytes {
				t.Errorf("%d bytes counted, %d there, %d allowed", r.bytes, total, tc.bytes)
			}
			if r.next() != uint64(tc.n)+1 {
				t.Errorf("next is %d after %d", r.next(), tc.n)
			}
			if name != "a group that does not fit" && !r.units[0].Keyframe {
				t.Error("the oldest is no keyframe")
			}
		})
	}
}

// TestRingOfCrumbs: a camera that sends millions of tiny pictures after one
// keyframe fills neither memory nor time.
func TestRingOfCrumbs(t *testing.T) {
	r := newRing(ringBytes, ringAge)
	fill(r, 1_000_000, 1_000_001, 6)
	if n := len(r.units); n > ringBytes/unitOverhead {
		t.Errorf("%d pictures are kept", n)
	}
	fill(r, 100_000, 1, 6)
	if n := len(r.keys); n > len(r.units) || r.bytes > ringBytes {
		t.Errorf("%d keyframes of %d pictures, %d bytes", n, len(r.units), r.bytes)
	}
}

func TestRingRead(t *testing.T) {
	r := newRing(1<<20, 4*time.Second)
	fill(r, 100, 10, 10)
	for name, tc := range map[string]struct {
		seq  uint64
		lag  time.Duration
		want uint64
	}{
		"as asked":               {95, time.Second, 95},
		"gone":                   {1, time.Hour, 91},
		"too far behind":         {75, time.Second, 91},
		"behind within the lag":  {75, time.Hour, 75},
		"behind, no newer start": {92, 100 * time.Millisecond, 92},
	} {
		if _, got, err := r.read(t.Context(), tc.seq, tc.lag); err != nil || got != tc.want {
			t.Errorf("%s: got %d, %v; want %d", name, got, err, tc.want)
		}
	}
}

func TestRingReadWaits(t *testing.T) {
	r := newRing(1<<20, time.Second)
	want, got := r.next(), make(chan uint64)
	go func() {
		_, seq, _ := r.read(t.Context(), want, time.Second)
		got <- seq
	}()
	fill(r, 1, 1, 1)
	r.flush()
	if seq := <-got; seq != want {
		t.Errorf("got %d", seq)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.read(ctx, 2, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
}
