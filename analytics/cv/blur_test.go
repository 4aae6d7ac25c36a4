//go:build cgo

package cv

import (
	"math/rand/v2"
	"testing"
)

// blurPlainly is Blur as it is defined, pixel by pixel.
func blurPlainly(out, in []uint8, width, height, reach int) {
	mirror := func(i, size int) int {
		if i = max(i, -i); i >= size {
			return 2*size - 2 - i
		}
		return i
	}
	n := (2*reach + 1) * (2*reach + 1)
	for y := range height {
		for x := range width {
			sum := 0
			for dy := -reach; dy <= reach; dy++ {
				for dx := -reach; dx <= reach; dx++ {
					sum += int(in[mirror(y+dy, height)*width+mirror(x+dx, width)])
				}
			}
			out[y*width+x] = uint8((2*sum + n) / (2 * n))
		}
	}
}

// TestBlur holds the blur to its definition, for widths that no vector divides too.
func TestBlur(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	var b Blur
	for range 60 {
		width, height, reach := minBlurred+r.IntN(90), minBlurred+r.IntN(20), 1+r.IntN(2)
		in, got, want := make([]uint8, width*height), make([]uint8, width*height), make([]uint8, width*height)
		least := r.IntN(256)
		for i := range in {
			in[i] = uint8(least + r.IntN(256-least))
		}
		b.Run(got, in, width, height, reach)
		blurPlainly(want, in, width, height, reach)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%d×%d, reach %d: pixel %d, %d is %d, want %d", width, height, reach, i%width, i/width, got[i], want[i])
			}
		}
	}
	out := []uint8{7}
	b.Run(out, make([]uint8, 99), 10, 10, 2)
	if out[0] != 7 {
		t.Error("slices that are too short are written to")
	}
}
