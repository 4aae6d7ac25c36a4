//go:build cgo

package cv

import (
	"bytes"
	"image"
	"testing"
)

// TestRegion holds rectangles against the same pixels of the whole picture.
func TestRegion(t *testing.T) {
	for _, file := range []string{"plain.h264", "ten.h265", "plain.mjpeg", "gray.h264", "crop.h264", "odd.h264"} {
		d := open(t, codecOf(file))
		l := decodeAll(t, d, units(t, file), nil)[0]
		w, h := l.CodedWidth, l.CodedHeight
		whole := make([]byte, w*h)
		if err := d.Region(whole, image.Rect(0, 0, w, h), 1); err != nil {
			t.Fatal(file, err)
		}
		if Factor(w, h) == 1 {
			if err := d.Convert(&l); err != nil || !bytes.Equal(l.Pix, whole) {
				t.Errorf("%s: the whole picture differs from what Convert gives (%v)", file, err)
			}
		}
		for _, r := range []image.Rectangle{
			image.Rect(0, 0, 1, 1), image.Rect(3, 5, 20, 9), image.Rect(w-1, h-1, w, h), image.Rect(w-17, 1, w, h),
		} {
			got := bytes.Repeat([]byte{0xee}, r.Dx()*r.Dy()+1)
			if err := d.Region(got, r, 1); err != nil {
				t.Fatal(file, r, err)
			}
			for y := range r.Dy() {
				at := (r.Min.Y+y)*w + r.Min.X
				if !bytes.Equal(got[y*r.Dx():(y+1)*r.Dx()], whole[at:at+r.Dx()]) {
					t.Fatalf("%s: row %d of %v differs", file, y, r)
				}
			}
			if got[len(got)-1] != 0xee {
				t.Errorf("%s: %v wrote beyond itself", file, r)
			}
		}
		half := make([]byte, 8*4)
		if err := d.Region(half, image.Rect(4, 6, 21, 15), 2); err != nil {
			t.Fatal(file, err)
		}
		at := func(x, y int) int { return int(whole[(6+y)*w+4+x]) }
		if want := (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4; int(half[0]) != want {
			t.Errorf("%s: shrunk by 2 begins with %d, want %d", file, half[0], want)
		}
	}
}

func TestRegionRefuses(t *testing.T) {
	d := open(t, codecOf("plain.h264"))
	buf := make([]byte, 1<<16)
	if err := d.Region(buf, image.Rect(0, 0, 8, 8), 1); err == nil {
		t.Error("a region was had before any picture")
	}
	l := decodeAll(t, d, units(t, "plain.h264"), nil)[0]
	w, h := l.CodedWidth, l.CodedHeight
	for _, tc := range []struct {
		r    image.Rectangle
		f, n int
	}{
		{image.Rect(-1, 0, 8, 8), 1, 100},
		{image.Rect(0, 0, w+1, 8), 1, 1 << 16},
		{image.Rect(0, h-7, 8, h+1), 1, 100},
		{image.Rect(w, h, w+1, h+1), 1, 100},
		{image.Rectangle{image.Pt(8, 8), image.Pt(0, 0)}, 1, 100},
		{image.Rect(4, 4, 4, 9), 1, 100},
		{image.Rect(0, 0, 8, 8), 1, 63},
		{image.Rect(0, 0, 8, 8), 0, 100},
		{image.Rect(0, 0, 32, 32), 17, 100},
		{image.Rect(0, 0, 8, 8), 9, 100},
	} {
		if err := d.Region(buf[:tc.n], tc.r, tc.f); err == nil {
			t.Errorf("%v shrunk by %d into %d bytes was let pass", tc.r, tc.f, tc.n)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Region(buf, image.Rect(0, 0, 8, 8), 1); err == nil {
		t.Error("a region was had from a closed decoder")
	}
}
