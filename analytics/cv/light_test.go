//go:build cgo

package cv

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// measurePlainly is Measure as it is defined.
func measurePlainly(cur []uint8, bg []uint16, ignore []uint8, w, h, side int) []Sums {
	sums := make([]Sums, side*side)
	for gy := range side {
		for gx := range side {
			k := &sums[gy*side+gx]
			for y := gy * h / side; y < (gy+1)*h/side; y += 2 {
				for x := gx * w / side; x < (gx+1)*w/side; x += 2 {
					if i := y*w + x; ignore == nil || ignore[i] == 0 {
						c, b := int64(cur[i]), int64(bg[i]>>8)
						k.N, k.C, k.B, k.CC, k.BB, k.CB = k.N+1, k.C+c, k.B+b, k.CC+c*c, k.BB+b*b, k.CB+c*b
					}
				}
			}
		}
	}
	return sums
}

func TestMeasure(t *testing.T) {
	for _, size := range [][2]int{{32, 32}, {33, 47}, {640, 360}, {713, 401}} {
		p := somePixels(size[0]*size[1], 4, true)
		ignore := make([]uint8, len(p.Cur))
		for i, c := range p.Class {
			ignore[i] = c & 1
		}
		for _, ign := range [][]uint8{nil, ignore} {
			got := make([]Sums, 400)
			Measure(p.Cur, p.Background, ign, size[0], size[1], 20, got)
			if want := measurePlainly(p.Cur, p.Background, ign, size[0], size[1], 20); !slices.Equal(got, want) {
				t.Errorf("%d×%d, ignored %v: the sums differ", size[0], size[1], ign != nil)
			}
		}
	}
	Measure(make([]uint8, 9), make([]uint16, 9), nil, 4, 4, 2, make([]Sums, 4)) // too short for the picture: nothing
}

func TestRelight(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, w := range []int{32, 63, 640} {
		p := somePixels(w, 7, false)
		first, points := []int32{0, int32(w / 3), int32(w / 3), int32(w)}, make([]int32, 4)
		for range 50 {
			for i := range points {
				points[i] = int32(r.IntN(1<<17)) - 1<<16
			}
			gain := uint32(r.IntN(700))
			got := make([]uint8, w)
			Relight(got, p.Background, p.Cur, first, points, gain)
			for k := range 3 {
				for x := first[k]; x < first[k+1]; x++ {
					v := int32(uint32(p.Background[x])*gain>>8) + points[k] + (points[k+1]-points[k])*int32(p.Cur[x])>>8
					if want := uint8(min(max(v, 0)>>8, 255)); got[x] != want {
						t.Fatalf("width %d, pixel %d: %d, want %d", w, x, got[x], want)
					}
				}
			}
		}
		got := make([]uint8, w)
		Grey(got, p.Background)
		for x, b := range p.Background {
			if want := uint8((uint32(b) + 128) >> 8); got[x] != want {
				t.Fatalf("grey of %d: %d, want %d", b, got[x], want)
			}
		}
		kept := slices.Clone(got)
		for _, bad := range [][]int32{{0, int32(w + 1)}, {-1, 5}, {5, 0}, {}} {
			Relight(got, p.Background, p.Cur, bad, points[:len(bad)], 256)
		}
		Relight(got, p.Background[:w-1], p.Cur, first, points, 256)
		Grey(got, p.Background[:w-1])
		if !slices.Equal(got, kept) {
			t.Error("what does not fit was written")
		}
	}
}

func BenchmarkLight(b *testing.B) {
	const w, h = 640, 360
	p := somePixels(w*h, 1, false)
	sums, first, points := make([]Sums, 400), make([]int32, 20), make([]int32, 20)
	for i := range first {
		first[i] = int32(i * w / 19)
	}
	for name, do := range map[string]func(){
		"measure": func() { Measure(p.Cur, p.Background, nil, w, h, 20, sums) },
		"relight": func() {
			for y := range h {
				Relight(p.Pred[y*w:(y+1)*w], p.Background[y*w:(y+1)*w], p.Prev, first, points, 300)
			}
		},
		"grey": func() { Grey(p.Pred, p.Background) },
	} {
		b.Run(fmt.Sprintf("do=%s", name), func(b *testing.B) {
			for b.Loop() {
				do()
			}
		})
	}
}
