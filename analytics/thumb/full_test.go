package thumb

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"sentrybox/analytics/wire"
)

// TestFull: the picture keeps its size while it fits, is halved when it does not,
// and what is private is black.
func TestFull(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, tc := range map[string]struct {
		width, height, want int
		noise               bool
	}{"as it is": {1280, 720, 1280, false}, "too much": {2560, 1440, 1280, true}} {
		t.Run(name, func(t *testing.T) {
			img := image.NewYCbCr(image.Rect(0, 0, tc.width, tc.height), image.YCbCrSubsampleRatio420)
			for i := range img.Y {
				img.Y[i] = 200
				if tc.noise {
					img.Y[i] = byte(rnd.Uint32())
				}
			}
			b, err := Full(img, [][]wire.Point{{{0, 0}, {0.5, 0}, {0.5, 0.5}, {0, 0.5}}})
			if err != nil || len(b) > wire.MaxPicture {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			got, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil || got.Bounds().Dx() != tc.want {
				t.Fatalf("%v, %v", got.Bounds(), err)
			}
			if r, _, _, _ := got.At(tc.want/8, got.Bounds().Dy()/8).RGBA(); r > 0x1000 {
				t.Errorf("what is private has a brightness of %d", r>>8)
			}
		})
	}
	if _, err := Full(image.NewYCbCr(image.Rectangle{}, image.YCbCrSubsampleRatio420), nil); err == nil {
		t.Error("a picture of nothing")
	}
}
