//go:build cgo

package cv

import (
	"errors"
	"testing"
	"time"
)

var withB = []int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 11, 10}

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		file                string
		order               []int
		pictures            int
		coded, coded2, w, h int // coded×coded2 shrinks to w×h
		x0, y0, sceneW      int
		full                bool
	}{
		{file: "plain.h264", pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "plain.h265", pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "bframes.h264", order: withB, pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "bframes.h265", order: withB, pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "odd.h264", pictures: 2, coded: 65, coded2: 49, w: 65, h: 49, sceneW: 65},
		{file: "crop.h264", pictures: 2, coded: 144, coded2: 90, w: 144, h: 90, x0: 6, y0: 2, sceneW: 160},
		{file: "wide.h264", pictures: 1, coded: 1922, coded2: 90, w: 640, h: 30, sceneW: 1922},
		{file: "gray.h264", pictures: 2, coded: 64, coded2: 48, w: 64, h: 48, sceneW: 64, full: true},
		{file: "ten.h264", order: []int{0, 2, 1}, pictures: 3, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "ten.h265", pictures: 6, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "large.h265", pictures: 2, coded: 320, coded2: 240, w: 320, h: 240, sceneW: 320},
		{file: "plain.mjpeg", pictures: 3, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160, full: true},
		{file: "wide.mjpeg", pictures: 1, coded: 162, coded2: 98, w: 162, h: 98, sceneW: 162, full: true},
	} {
		t.Run(tc.file, func(t *testing.T) {
			d := open(t, codecOf(tc.file))
			for range 2 { // the second time after Drain and Flush
				got := decodeAll(t, d, units(t, tc.file), tc.order)
				if len(got) != tc.pictures {
					t.Fatalf("%d pictures, want %d", len(got), tc.pictures)
				}
				for i := range got {
					l := &got[i]
					if l.CodedWidth != tc.coded || l.CodedHeight != tc.coded2 || l.Width != tc.w || l.Height != tc.h {
						t.Fatalf("%d×%d to %d×%d", l.CodedWidth, l.CodedHeight, l.Width, l.Height)
					}
					if l.PTS != time.Duration(i)*period {
						t.Errorf("picture %d has PTS %v", i, l.PTS)
					}
					if l.Corrupt {
						t.Errorf("picture %d is called corrupt", i)
					}
					if i == 0 && !l.Keyframe {
						t.Error("the first picture is no keyframe")
					}
					checkScene(t, l, i, tc.x0, tc.y0, tc.sceneW, tc.full)
				}
			}
		})
	}
}

func TestRefusesRGB(t *testing.T) {
	d := open(t, codecOf("rgb.h264"))
	if err := d.Send(units(t, "rgb.h264")[0], 0, true); err != nil {
		t.Fatal(err)
	}
	if err := d.Drain(); err != nil {
		t.Fatal(err)
	}
	var l Luma
	ok, err := d.Receive(&l)
	if ok || !errors.Is(err, ErrUnsupported) || !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v, %v", ok, err)
	}
	d.Flush()
	if got := decodeAll(t, d, units(t, "plain.h264"), nil); len(got) != 12 {
		t.Errorf("%d pictures after it, want 12", len(got))
	}
}
