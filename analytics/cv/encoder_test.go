//go:build cgo

package cv

import (
	"errors"
	"image"
	"math"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// ramp is a picture that differs from place to place and from time to time.
func ramp(w, h, n int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			img.Y[y*img.YStride+x] = uint8(40 + 60*math.Sin(float64(x+3*n)/20) + 60 + float64(y)/8)
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = uint8(100+n), uint8(150-n)
	}
	return img
}

func TestEncodedIsDecoded(t *testing.T) {
	const w, h, pictures = 322, 178, 60
	e, err := NewEncoder(w, h, 80*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }() // returns nil
	d := open(t, wire.CodecH264)
	var luma Luma
	got, keys := 0, 0
	receive := func() error {
		for {
			ok, err := d.Receive(&luma)
			if err != nil || !ok {
				return err
			}
			want := ramp(w, h, got)
			if at := time.Duration(got) * 81 * time.Millisecond; (luma.PTS - at).Abs() > 12*time.Microsecond {
				t.Errorf("picture %d is of %v, want %v", got, luma.PTS, at)
			}
			if luma.CodedWidth != w || luma.CodedHeight != h || luma.Corrupt {
				t.Fatalf("picture %d: %+v", got, luma)
			}
			img, err := d.Snapshot(w)
			if err != nil {
				return err
			}
			for name, diff := range map[string]float64{"luma": meanDiff(img.Y, want.Y), "cb": meanDiff(img.Cb, want.Cb), "cr": meanDiff(img.Cr, want.Cr)} {
				if diff > 3 {
					t.Errorf("picture %d: %s differs by %.1f on average", got, name, diff)
				}
			}
			got++
		}
	}
	each := func(data []byte, pts time.Duration, keyframe bool) error {
		if keyframe {
			keys++
		}
		if err := d.Send(data, pts, keyframe); err != nil {
			return err
		}
		return receive()
	}
	for i := range pictures {
		if err := e.Encode(ramp(w, h, i), time.Duration(i)*81*time.Millisecond, each); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(e.Finish(each), d.Drain(), receive()); err != nil {
		t.Fatal(err)
	}
	if got != pictures || keys != 2 {
		t.Errorf("%d pictures, %d keyframes; want %d and 2", got, keys, pictures)
	}
}

func meanDiff(a, b []byte) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return sum / float64(len(a))
}

func TestEncoderRefuses(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {321, 240}, {320, 241}, {MaxSide + 2, 16}, {-320, 240}} {
		if _, err := NewEncoder(size[0], size[1], time.Second); err == nil {
			t.Errorf("%v was taken", size)
		}
	}
	e, err := NewEncoder(64, 48, 0)
	if err != nil {
		t.Fatal(err)
	}
	nothing := func([]byte, time.Duration, bool) error { return nil }
	short, mixed := ramp(64, 48, 0), ramp(64, 48, 0)
	short.Y = short.Y[:len(short.Y)-1]
	mixed.Cr = mixed.Cr[:10]
	for name, img := range map[string]*image.YCbCr{
		"another size": ramp(64, 50, 0), "4:4:4": image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio444),
		"a short plane": short, "planes that differ": mixed, "a part": ramp(128, 96, 0).SubImage(image.Rect(64, 48, 128, 96)).(*image.YCbCr),
	} {
		if err := e.Encode(img, time.Second, nothing); err == nil {
			t.Errorf("%s was taken", name)
		}
		e.begun = false
	}
	stop := errors.New("stop")
	if err := e.Encode(ramp(64, 48, 0), time.Second, func([]byte, time.Duration, bool) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if err := e.Encode(ramp(64, 48, 0), time.Second, nothing); err == nil {
		t.Error("a time was taken twice")
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if err := e.Encode(ramp(64, 48, 0), time.Minute, nothing); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func BenchmarkEncode1280(b *testing.B) {
	e, err := NewEncoder(1744, 720, 80*time.Millisecond)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close() }() // returns nil
	pictures := []*image.YCbCr{ramp(1744, 720, 0), ramp(1744, 720, 1), ramp(1744, 720, 2)}
	n := 0
	for b.Loop() {
		if err := e.Encode(pictures[n%3], time.Duration(n)*80*time.Millisecond, func([]byte, time.Duration, bool) error { return nil }); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
