//go:build cgo

package motion

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"gocv.io/x/gocv"
)

// TestBlur holds the blur to OpenCV's, to the last bit: what the thresholds were found with.
func TestBlur(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{640, 360}, {479, 270}, {33, 32}, {704, 77}} {
		d, err := New(size.X, size.Y, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.srcPix {
			d.srcPix[i] = uint8(r.IntN(256))
		}
		want := gocv.NewMat()
		gocv.Blur(d.src, &want, image.Pt(2*d.reach+1, 2*d.reach+1))
		d.blur.Run(d.curPix, d.srcPix, d.w, d.h, d.reach)
		pix, err := want.DataPtrUint8()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.curPix, pix) {
			t.Errorf("%v: the blur is not OpenCV's", size)
		}
		_ = want.Close() // gocv's Close always returns nil
		d.Close()
	}
}
