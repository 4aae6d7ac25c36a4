//go:build cgo

package cv

import (
	"image"
	"image/color"
	"math"
	"testing"
)

// toRGB is the scene's colour at limited range: luma y, Cb 100, Cr 180, by the
// red and blue weights of a standard.
func toRGB(y, kr, kb float64) (r, g, b float64) {
	y = (y - 16) / 219
	cb, cr := (100-128)/224.0, (180-128)/224.0
	r = y + 2*(1-kr)*cr
	b = y + 2*(1-kb)*cb
	g = (y - kr*r - kb*b) / (1 - kr - kb)
	clip := func(v float64) float64 { return 255 * min(max(v, 0), 1) }
	return clip(r), clip(g), clip(b)
}

func TestSnapshotColours(t *testing.T) {
	for _, tc := range []struct {
		file       string
		maxWidth   int
		w, h, from int // from: the scene's column of the first
		kr, kb     float64
	}{
		{"plain.h264", 320, 160, 96, 0, 0.299, 0.114},
		{"plain.h264", 100, 80, 48, 0, 0.299, 0.114},
		{"plain.h265", 55, 53, 32, 0, 0.299, 0.114},
		{"ten.h265", 160, 160, 96, 0, 0.299, 0.114},
		{"plain.mjpeg", 80, 80, 48, 0, 0.299, 0.114},
		{"hd709.h264", 160, 160, 96, 0, 0.2126, 0.0722},
		{"crop.h264", 144, 144, 90, 6, 0.299, 0.114},
		{"wide.mjpeg", 162, 162, 98, 0, 0.299, 0.114},
		{"odd.h264", 65, 65, 49, 0, 0.299, 0.114},
	} {
		t.Run(tc.file, func(t *testing.T) {
			d := open(t, codecOf(tc.file))
			last := decodeAll(t, d, units(t, tc.file), nil)
			img, err := d.Snapshot(tc.maxWidth)
			if err != nil {
				t.Fatal(err)
			}
			if img.Rect != image.Rect(0, 0, tc.w, tc.h) || img.SubsampleRatio != image.YCbCrSubsampleRatio420 {
				t.Fatalf("%v, %v", img.Rect, img.SubsampleRatio)
			}
			coded := last[0].CodedWidth
			scene := coded
			if tc.from > 0 {
				scene = 160
			}
			f := coded / tc.w
			y := tc.h * 3 / 4
			for x := 4; x < tc.w-4; x++ {
				luma := 40 + 160*(float64(tc.from+x*f)+float64(f-1)/2)/float64(scene)
				r, g, b := toRGB(luma, tc.kr, tc.kb)
				c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
				for i, diff := range []float64{float64(c.R) - r, float64(c.G) - g, float64(c.B) - b} {
					if math.Abs(diff) > 9 {
						t.Fatalf("column %d: %v, want %.0f %.0f %.0f (component %d)", x, c, r, g, b, i)
					}
				}
			}
		})
	}
}

func TestSnapshotGray(t *testing.T) {
	d := open(t, codecOf("gray.h264"))
	decodeAll(t, d, units(t, "gray.h264"), nil)
	img, err := d.Snapshot(64)
	if err != nil {
		t.Fatal(err)
	}
	for i := range img.Cb {
		if img.Cb[i] != 128 || img.Cr[i] != 128 {
			t.Fatalf("colour %d,%d in a grey picture", img.Cb[i], img.Cr[i])
		}
	}
	if a, b := img.Y[40*64+4], img.Y[40*64+60]; b < a+120 {
		t.Errorf("no ramp: %d to %d", a, b)
	}
}
