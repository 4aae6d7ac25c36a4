package thumb

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"sentrybox/analytics/wire"
)

func picture(w, h int, luma func(x, y int) uint8) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			img.Y[img.YOffset(x, y)] = luma(x, y)
			img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = 128, 128
		}
	}
	return img
}

func noise(seed uint64) func(x, y int) uint8 {
	r := rand.New(rand.NewPCG(seed, 1))
	return func(int, int) uint8 { return uint8(r.Uint32()) }
}

func decode(t *testing.T, b []byte) *image.YCbCr {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img.(*image.YCbCr)
}

func TestFits(t *testing.T) {
	for name, tc := range map[string]struct {
		img   *image.YCbCr
		width int // of the result; 0 for any
	}{
		"even":              {picture(480, 270, func(int, int) uint8 { return 90 }), 480},
		"ramp":              {picture(480, 270, func(x, y int) uint8 { return uint8(x + y) }), 480},
		"white noise":       {picture(480, 270, noise(1)), 0},
		"noise, portrait":   {picture(480, 853, noise(2)), 0},
		"larger than asked": {picture(1200, 90, noise(3)), 0},
		"odd size":          {picture(333, 187, noise(4)), 0},
		"tiny":              {picture(1, 1, noise(5)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := JPEG(tc.img, Mark{Zone: []wire.Point{{0, 0}, {1, 0}, {1, 1}}, Box: wire.Box{0.9, 0.9, 0.1, 0.1}})
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > wire.MaxThumbnail {
				t.Errorf("%d bytes", len(b))
			}
			w := decode(t, b).Rect.Dx()
			if w > MaxWidth || (tc.width != 0 && w != tc.width) {
				t.Errorf("%d pixels wide", w)
			}
		})
	}
	for _, most := range []int{3 << 10, 4 << 10, 1 << 30} {
		b, err := JPEG(picture(480, 270, noise(6)), Mark{Most: most})
		if err != nil || len(b) > min(most, wire.MaxThumbnail) {
			t.Errorf("%d bytes where %d may be, %v", len(b), most, err)
		}
	}
	if _, err := JPEG(&image.YCbCr{}, Mark{}); err == nil {
		t.Error("an empty picture was encoded")
	}
}

func TestMarksAreDrawn(t *testing.T) {
	b, err := JPEG(picture(480, 270, func(int, int) uint8 { return 90 }), Mark{
		Zone: []wire.Point{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.9}, {0.1, 0.9}},
		Line: []wire.Point{{0.2, 0.2}, {0.2, 0.5}, {0.3, 0.8}},
		Box:  wire.Box{0.4, 0.3, 0.2, 0.4},
	})
	if err != nil {
		t.Fatal(err)
	}
	img := decode(t, b)
	for _, tc := range []struct {
		name string
		x, y float64
		is   func(r, g, b uint32) bool
	}{
		{"the zone's top", 0.5, 0.1, func(r, g, b uint32) bool { return r > b+40 && g > b+40 }},
		{"the line", 0.2, 0.35, func(r, g, b uint32) bool { return r > b+40 && g > b+40 }},
		{"the line's end", 0.25, 0.65, func(r, g, b uint32) bool { return r > b+40 && g > b+40 }},
		{"beside its ends", 0.25, 0.5, func(r, g, _ uint32) bool { return r < 110 && r > 70 && g+20 > r }},
		{"the box's left", 0.4, 0.5, func(r, g, b uint32) bool { return r > g+40 && r > b+40 }},
		{"the middle", 0.5, 0.5, func(r, g, _ uint32) bool { return r < 110 && r > 70 && g+20 > r }},
	} {
		r, g, b, _ := img.At(int(tc.x*480), int(tc.y*270)).RGBA()
		if !tc.is(r>>8, g>>8, b>>8) {
			t.Errorf("%s is %d %d %d", tc.name, r>>8, g>>8, b>>8)
		}
	}
}

func TestPrivacyIsBlack(t *testing.T) {
	privacy := []wire.Point{{0, 0}, {0.5, 0}, {0.5, 0.5}, {0, 0.5}}
	b, err := JPEG(picture(480, 270, noise(9)), Mark{Privacy: [][]wire.Point{privacy}})
	if err != nil {
		t.Fatal(err)
	}
	img := decode(t, b)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	// Within 16 pixels of the border, JPEG's blocks ring.
	for y := range h/2 - 16 {
		for x := range w/2 - 16 {
			if img.Y[img.YOffset(x, y)] > 16 {
				t.Fatalf("pixel %d, %d of the private part is %d", x, y, img.Y[img.YOffset(x, y)])
			}
		}
	}
	if img.Y[img.YOffset(w*3/4, h*3/4)] == 0 && img.Y[img.YOffset(w*3/4+1, h*3/4)] == 0 {
		t.Error("the rest is black too")
	}
}

func BenchmarkJPEG(b *testing.B) {
	src := picture(480, 270, func(x, y int) uint8 { return uint8(x*y/40 + x%7*5) })
	m := Mark{Zone: []wire.Point{{0.1, 0.1}, {0.9, 0.1}, {0.5, 0.9}}, Box: wire.Box{0.4, 0.3, 0.2, 0.4}}
	for b.Loop() {
		if _, err := JPEG(src, m); err != nil {
			b.Fatal(err)
		}
	}
}
