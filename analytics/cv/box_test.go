//go:build cgo

package cv

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// slowBox is the filter as it is defined: the rounded mean of f×f samples.
func slowBox(at func(x, y int) int, width, height, f int) []byte {
	var out []byte
	for y := range height / f {
		for x := range width / f {
			sum := 0
			for dy := range f {
				for dx := range f {
					sum += at(x*f+dx, y*f+dy)
				}
			}
			out = append(out, byte((sum+f*f/2)/(f*f)))
		}
	}
	return out
}

func TestBox(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, depth := range []struct{ bits, low int }{{8, 0}, {10, 0}, {10, 6}, {12, 0}, {16, 0}} {
		for f := 1; f <= 12; f++ {
			for _, size := range [][2]int{{12, 12}, {37, 25}, {130, 49}} {
				w, h := size[0], size[1]
				stride := w*2 + 6
				src := make([]byte, stride*h)
				for i := range src {
					src[i] = byte(r.Uint32())
				}
				if f%2 == 0 { // and the extremes, where sums overflow first
					for i := range src {
						src[i] = 255
					}
				}
				at := func(x, y int) int { return int(src[y*stride+x]) }
				if depth.bits > 8 {
					at = func(x, y int) int {
						v := binary.NativeEndian.Uint16(src[y*stride+2*x:])
						return min(int(v>>(depth.low+depth.bits-8)), 255)
					}
				}
				want := slowBox(at, w, h, f)
				const guard = 0xa5
				dst := make([]byte, len(want)+64)
				for i := range dst {
					dst[i] = guard
				}
				acc := make([]uint16, w)
				box(dst, src, stride, w, h, f, depth.bits, depth.low, acc)
				for i, v := range dst {
					if i < len(want) && v != want[i] {
						t.Fatalf("%d bits, f=%d, %d×%d: byte %d is %d, want %d", depth.bits, f, w, h, i, v, want[i])
					}
					if i >= len(want) && v != guard {
						t.Fatalf("%d bits, f=%d, %d×%d: wrote past the end", depth.bits, f, w, h)
					}
				}
			}
		}
	}
}

func TestWorkingSize(t *testing.T) {
	for _, tc := range []struct{ w, h, f, ww, wh int }{
		{64, 48, 1, 64, 48},
		{704, 576, 1, 704, 576},
		{720, 576, 1, 720, 576},
		{960, 1088, 2, 480, 544},
		{1280, 720, 2, 640, 360},
		{1440, 1080, 2, 720, 540},
		{1920, 1080, 3, 640, 360},
		{1922, 90, 3, 640, 30},
		{2560, 1440, 4, 640, 360}, // 2560/3 = 853
		{3840, 2160, 6, 640, 360},
		{4000, 3000, 6, 666, 500},
		{1080, 1920, 2, 540, 960},
		{64, 8192, 7, 9, 1170},
		{8192, 2, 12, 682, 0},
	} {
		w, h := WorkingSize(tc.w, tc.h)
		if f := Factor(tc.w, tc.h); f != tc.f || w != tc.ww || h != tc.wh {
			t.Errorf("%d×%d: factor %d to %d×%d, want %d to %d×%d", tc.w, tc.h, f, w, h, tc.f, tc.ww, tc.wh)
		}
	}
}

func BenchmarkBox(b *testing.B) {
	for _, bc := range []struct{ f, w, h, depth int }{
		{1, 704, 576, 8}, {2, 1280, 720, 8}, {2, 1440, 1080, 8}, {3, 1920, 1080, 8}, {4, 2560, 1440, 8}, {6, 3840, 2160, 8}, {3, 1920, 1080, 10},
	} {
		b.Run(fmt.Sprintf("f=%d/%dx%d/%dbit", bc.f, bc.w, bc.h, bc.depth), func(b *testing.B) {
			stride := bc.w * (bc.depth + 7) / 8
			src := make([]byte, stride*bc.h)
			dst := make([]byte, (bc.w/bc.f)*(bc.h/bc.f))
			acc := make([]uint16, bc.w)
			for b.Loop() {
				box(dst, src, stride, bc.w, bc.h, bc.f, bc.depth, 0, acc)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}

// BenchmarkDecode1080 decodes one picture, a keyframe in 15, as the vision process does: all of
// it; all but the loop filter; and without fetching its luma. Of keyframes every picture is one.
func BenchmarkDecode1080(b *testing.B) {
	all := units(b, "bench1080.h264")
	for _, bc := range []struct {
		name   string
		aus    [][]byte
		filter LoopFilter
		luma   bool
	}{
		{"of=all/filter=all/luma=yes", all, FilterAll, true},
		{"of=all/filter=key/luma=yes", all, FilterKey, true},
		{"of=all/filter=key/luma=no", all, FilterKey, false},
		{"of=keyframes/filter=all/luma=yes", all[:1], FilterAll, true},
		{"of=keyframes/filter=none/luma=yes", all[:1], FilterNone, true},
	} {
		b.Run(bc.name, func(b *testing.B) {
			d := open(b, codecOf("bench1080.h264"))
			d.Filter(bc.filter)
			take := d.Skip
			if bc.luma {
				take = d.Receive
			}
			var l Luma
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := d.Send(bc.aus[n%len(bc.aus)], 0, n%len(bc.aus) == 0); err != nil {
					b.Fatal(err)
				}
				for {
					ok, err := take(&l)
					if err != nil {
						b.Fatal(err)
					}
					if !ok {
						break
					}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}
