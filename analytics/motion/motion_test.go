//go:build cgo

package motion

import (
	"fmt"
	"image"
	"testing"
	"time"
	"unsafe"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	width, height = 240, 136
	period        = 125 * time.Millisecond
)

// eye shows a scene to a detector, picture by picture.
type eye struct {
	t   testing.TB
	s   *analyticstest.Scene
	d   *Detector
	pix []byte
	now time.Duration
}

func watch(t testing.TB, s *analyticstest.Scene, ignore *zone.Mask) *eye {
	t.Helper()
	d, err := New(s.Width, s.Height, ignore)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return &eye{t: t, s: s, d: d, pix: make([]byte, s.Width*s.Height)}
}

// until shows the pictures up to a time, holding all blobs or none, and returns
// the last result.
func (e *eye) until(at time.Duration, hold bool) Result {
	e.t.Helper()
	var r Result
	for ; e.now <= at; e.now += period {
		e.s.Draw(e.pix, e.now)
		var err error
		if r, err = e.d.Detect(e.pix, e.now); err != nil {
			e.t.Fatal(err)
		}
		for i := range r.Blobs {
			r.Blobs[i].Hold = hold
		}
		e.d.Learn()
	}
	return r
}

// standing is somebody who is there from one time to another.
func standing(from, to time.Duration) analyticstest.Actor {
	return analyticstest.Actor{Height: 0.5, Shade: 30, Path: []analyticstest.Step{{At: from, X: 0.5, Y: 0.8}, {At: to, X: 0.5, Y: 0.8}}}
}

func TestBlobIsWhereThePersonIs(t *testing.T) {
	e := watch(t, &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2,
		Actors: []analyticstest.Actor{standing(3*time.Second, time.Minute)}}, nil)
	if r := e.until(2900*time.Millisecond, true); len(r.Blobs) != 0 || r.Settling {
		t.Fatalf("before: %+v", r)
	}
	r := e.until(3500*time.Millisecond, true)
	if len(r.Blobs) != 1 {
		t.Fatalf("%d blobs, want 1: %+v", len(r.Blobs), r.Blobs)
	}
	b := r.Blobs[0]
	w, _ := e.s.Where(0, 3500*time.Millisecond)
	box := image.Rect(int(w[0]*width)-4, int(w[1]*height)-4, int((w[0]+w[2])*width)+5, int((w[1]+w[3])*height)+5)
	if !b.Box.In(box) || b.Box.Dy() < box.Dy()*3/4 {
		t.Errorf("blob %v, the person is within %v", b.Box, box)
	}
	if b.New < 0.5 || b.Lost > 0.1 {
		t.Errorf("who came in has new edges: new %.2f, lost %.2f", b.New, b.Lost)
	}
	n := 0
	for i, c := range e.d.Classes() {
		if c == 1 {
			n++
			if p := image.Pt(i%width, i/width); !p.In(b.Box) {
				t.Fatalf("%v is of the blob and outside its box", p)
			}
		}
	}
	if n < b.Area*9/10 || n > b.Area*11/10 {
		t.Errorf("%d pixels of the blob's class, area %d", n, b.Area)
	}
}

func TestHeldIsNotLearned(t *testing.T) {
	for _, hold := range []bool{true, false} {
		e := watch(t, &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2,
			Actors: []analyticstest.Actor{standing(2*time.Second, time.Hour)}}, nil)
		e.until(3*time.Second, hold)
		r := e.until(50*time.Second, hold)
		if got := len(r.Blobs) > 0 && r.Blobs[0].Box.Dy() > height/3; got != hold {
			t.Errorf("hold %v: after 50 s seen is %v: %+v", hold, got, r.Blobs)
		}
	}
}

func TestGhostIsLearnedAtOnce(t *testing.T) {
	e := watch(t, &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2,
		Actors: []analyticstest.Actor{standing(0, 5*time.Second)}}, nil)
	e.until(5*time.Second, false)
	r := e.until(5200*time.Millisecond, false)
	if len(r.Blobs) == 0 {
		t.Fatal("the place that was left does not show")
	}
	if b := r.Blobs[0]; b.Lost < 0.3 || b.New > b.Lost/2 {
		t.Errorf("the place that was left: new %.2f, lost %.2f", b.New, b.Lost)
	}
	if r := e.until(9*time.Second, false); len(r.Blobs) != 0 {
		t.Errorf("a ghost after 4 s: %+v", r.Blobs)
	}
}

func TestLightIsFollowed(t *testing.T) {
	for name, change := range map[string][2]float64{
		"brighter": {1, 25}, "darker": {0.6, 0}, "exposure": {1.4, -10},
	} {
		t.Run(name, func(t *testing.T) {
			s := &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2,
				Actors: []analyticstest.Actor{standing(2*time.Second, time.Hour)},
				Light: func(t time.Duration) (float64, float64) {
					if t < 5*time.Second {
						return 1, 0
					}
					return change[0], change[1]
				}}
			e := watch(t, s, nil)
			before := e.until(4900*time.Millisecond, true)
			after := e.until(5*time.Second, true)
			if len(before.Blobs) != 1 || len(after.Blobs) != 1 {
				t.Fatalf("%d blobs, then %d in the first picture of the other light", len(before.Blobs), len(after.Blobs))
			}
			a, b := before.Blobs[0].Box, after.Blobs[0].Box
			if both := a.Intersect(b); both.Dx()*both.Dy()*10 < a.Union(b).Dx()*a.Union(b).Dy()*7 {
				t.Errorf("blob %v, then %v", a, b)
			}
			if after.Settling || after.Foreground > 0.15 {
				t.Errorf("settling %v, foreground %.2f", after.Settling, after.Foreground)
			}
		})
	}
}

func TestAnotherViewIsSeeded(t *testing.T) {
	one := &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2}
	e := watch(t, one, nil)
	e.until(5*time.Second, false)
	e.s = &analyticstest.Scene{Width: width, Height: height, Seed: 99, Noise: 2, Light: func(time.Duration) (float64, float64) { return -1, 255 }}
	e.until(7500*time.Millisecond, false)
	if r := e.until(9*time.Second, false); r.Settling || len(r.Blobs) != 0 {
		t.Errorf("4 s after the view changed: settling %v, %d blobs, foreground %.2f", r.Settling, len(r.Blobs), r.Foreground)
	}
}

func TestIgnoredIsNotSeen(t *testing.T) {
	private := zone.Privacy([][]wire.Point{{{0.3, 0}, {0.7, 0}, {0.7, 1}, {0.3, 1}}}, width, height)
	s := &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2,
		Actors: []analyticstest.Actor{standing(2*time.Second, time.Hour)},
		Light: func(t time.Duration) (float64, float64) {
			if t < 5*time.Second {
				return 1, 0
			}
			return 1, 40
		}}
	e := watch(t, s, private)
	for at := time.Duration(0); at < 8*time.Second; at += period {
		if r := e.until(at, false); len(r.Blobs) != 0 {
			t.Fatalf("%v: %+v", at, r.Blobs)
		}
		for i, p := range private.Pix {
			if p != 0 && (e.d.srcPix[i] != 0 || e.d.class[i] != 0) {
				t.Fatalf("%v: private pixel %d has luma %d, class %d", at, i, e.d.srcPix[i], e.d.class[i])
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	if _, err := New(MinSide-1, 100, nil); err == nil {
		t.Error("a picture too narrow was taken")
	}
	if _, err := New(100, 100, zone.Privacy([][]wire.Point{{{0, 0}, {1, 0}, {1, 1}}}, 50, 50)); err == nil {
		t.Error("a mask of another size was taken")
	}
	d, err := New(MinSide, MinSide, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Detect(make([]byte, 5), 0); err == nil {
		t.Error("a picture of another size was taken")
	}
	// The smallest size, all ignored, and time that stands still or jumps.
	all := zone.Privacy([][]wire.Point{{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}, MinSide, MinSide)
	blind, err := New(MinSide, MinSide, all)
	if err != nil {
		t.Fatal(err)
	}
	defer blind.Close()
	pix := make([]byte, MinSide*MinSide)
	for i, at := range []time.Duration{0, 0, time.Second, time.Hour, time.Hour} {
		for k := range pix {
			pix[k] = byte(k*i*37 + i)
		}
		for _, x := range []*Detector{d, blind} {
			r, err := x.Detect(pix, at)
			if err != nil {
				t.Fatal(err)
			}
			x.Learn()
			if x == blind && len(r.Blobs) != 0 {
				t.Errorf("blind, it sees %+v", r.Blobs)
			}
		}
	}
}

// TestRestingStateAllocatesNothing holds that pictures cost no garbage and no
// OpenCV memory once everything has its size.
func TestRestingStateAllocatesNothing(t *testing.T) {
	e := watch(t, &analyticstest.Scene{Width: width, Height: height, Seed: 1, Noise: 2,
		Actors: []analyticstest.Actor{standing(time.Second, time.Hour)}}, nil)
	e.until(5*time.Second, true)
	mats := []uintptr{ptr(e.d.curPix) + ptr(e.d.prevPix), ptr(e.d.fgPix), ptr(e.d.openedPix), ptr(e.d.highPix), ptr(e.d.lowPix)}
	e.s.Draw(e.pix, e.now)
	n := testing.AllocsPerRun(20, func() {
		e.now += period
		if _, err := e.d.Detect(e.pix, e.now); err != nil {
			t.Fatal(err)
		}
		e.d.Learn()
	})
	if n > 0 {
		t.Errorf("%v allocations a picture", n)
	}
	// The views that were taken at the start are still OpenCV's memory.
	views := []*[]uint8{&e.d.fgPix, &e.d.openedPix, &e.d.highPix, &e.d.lowPix}
	for i, m := range e.d.mats[:8] {
		pix, err := m.DataPtrUint8()
		if err != nil || len(pix) != width*height {
			t.Fatalf("mat %d: %d bytes, %v", i, len(pix), err)
		}
	}
	for i, v := range views {
		if ptr(*v) != mats[i+1] {
			t.Errorf("view %d moved", i)
		}
	}
}

func ptr(b []uint8) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func BenchmarkPicture(b *testing.B) {
	for _, size := range []image.Point{{X: 320, Y: 180}, {X: 640, Y: 360}, {X: 704, Y: 576}} {
		b.Run(fmt.Sprintf("size=%dx%d", size.X, size.Y), func(b *testing.B) {
			s := &analyticstest.Scene{Width: size.X, Height: size.Y, Seed: 1, Noise: 2, Actors: []analyticstest.Actor{
				standing(time.Second, time.Hour),
				{Height: 0.3, Shade: 40, Path: []analyticstest.Step{{X: 0, Y: 0.8}, {At: 12 * time.Second, X: 1, Y: 0.8}}},
				{Height: 0.2, Shade: 190, Path: []analyticstest.Step{{X: 1, Y: 0.7}, {At: 12 * time.Second, X: 0, Y: 0.7}}}}}
			var pictures [80][]byte
			for i := range pictures {
				pictures[i] = make([]byte, size.X*size.Y)
				s.Draw(pictures[i], time.Duration(i)*period)
			}
			e := watch(b, s, nil)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				e.now += period
				r, err := e.d.Detect(pictures[n%len(pictures)], e.now)
				if err != nil {
					b.Fatal(err)
				}
				for i := range r.Blobs {
					r.Blobs[i].Hold = true
				}
				e.d.Learn()
				n++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}
