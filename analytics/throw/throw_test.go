package throw

import (
	"bytes"
	"image"
	"math"
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// The seeds of these tests are others than those that the constants were chosen with.
const testSeed = 70_000

// dropped is a scene in which one thing falls from rest at 1.5 s.
func dropped(seed uint64, y, g, size, contrast float64) *scene {
	s := newScene(testSeed + seed)
	s.long = 1.5 + math.Sqrt(2*(sceneHeight-20-y)/g) + 0.8
	s.movers = []mover{falling(1.5, 150+300*s.rng.Float64(), y, 30, 0, g, size, contrast)}
	return s
}

func TestFalls(t *testing.T) {
	for i, tc := range []struct {
		name                  string
		y, g, size, contrast  float64
		noise, rate           float64
		spoil                 func(*scene)
		lateStart, earlyStart float64
	}{
		{name: "small", y: 100, g: 500, size: 6, contrast: 35},
		{name: "large, dark", y: 200, g: 300, size: 20, contrast: -40},
		{name: "far away", y: 80, g: 130, size: 7, contrast: 40},
		{name: "near", y: 60, g: 929, size: 18, contrast: -45},
		{name: "noisy", y: 90, g: 400, size: 10, contrast: 50, noise: 4},
		{name: "12.5 a second", y: 60, g: 250, size: 14, contrast: 50, rate: 12.5},
		{name: "50 a second", y: 90, g: 600, size: 10, contrast: 50, rate: 50},
		{name: "jitter", y: 90, g: 300, size: 12, contrast: -50, spoil: func(s *scene) {
			s.times = func(i int, t float64) float64 { return t + 0.006*math.Sin(float64(i*i)) }
		}},
		{name: "a time that goes back a little", y: 90, g: 300, size: 12, contrast: 50, spoil: func(s *scene) {
			s.times = func(i int, t float64) float64 {
				if i%12 == 6 { // as some cameras stamp their keyframes
					t -= 0.05
				}
				return t
			}
		}},
		{name: "repeated pictures", y: 90, g: 300, size: 12, contrast: 50, spoil: func(s *scene) {
			s.again = func(i int) bool { return i%5 == 3 }
		}},
		{name: "before a step of light", y: 90, g: 300, size: 12, contrast: 50, spoil: func(s *scene) {
			s.light = func(t float64) func(x, y float64) float64 { return evenly(20 * math.Floor(t/2.3)) }
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := dropped(uint64(i), tc.y, tc.g, tc.size, tc.contrast)
			if tc.noise > 0 {
				s.noise = tc.noise
			}
			if tc.rate > 0 {
				s.rate = tc.rate
			}
			if tc.spoil != nil {
				tc.spoil(s)
			}
			events := s.run(watchAll())
			if len(events) != 1 {
				t.Fatalf("%d events, want one", len(events))
			}
			checkFall(t, &events[0], tc.y, tc.g)
		})
	}
}

// checkFall holds an event against a thing that fell from rest at 1.5 s from y.
func checkFall(t *testing.T, e *Event, y, g float64) {
	t.Helper()
	hit := 1.5 + math.Sqrt(2*(sceneHeight-20-y)/g)
	start, end, at := e.Start.Seconds(), e.End.Seconds(), e.Detected.Seconds()
	if start < 1.4 || start > 2.2 || math.Abs(end-hit) > 0.3 || at < end || at > hit+1 {
		t.Errorf("from %.2f to %.2f s, decided at %.2f; it fell from 1.5 to %.2f", start, end, at, hit)
	}
	if top := e.Top[1] * sceneHeight; top < y-10 || top > y+90 {
		t.Errorf("highest at %.0f, let go at %.0f", top, y)
	}
	if e.Confidence < 0.6 || e.Confidence > 1 || len(e.Track) < 5 || len(e.Track) > wire.MaxTrack {
		t.Errorf("confidence %v, %d points", e.Confidence, len(e.Track))
	}
	for i, p := range e.Track {
		want := y + g*(p[0]-1.5)*(p[0]-1.5)/2
		if got := p[2] * sceneHeight; math.Abs(got-want) > 15+0.15*math.Abs(want-y) {
			t.Errorf("point %d at %.2f s is at %.0f, the thing was at %.0f", i, p[0], got, want)
		}
		b := e.Box
		if p[1] < b[0] || p[1] > b[0]+b[2] || p[2] < b[1] || p[2] > b[1]+b[3] {
			t.Errorf("point %v outside the box %v", p, b)
		}
	}
}

func TestTwoAreTwo(t *testing.T) {
	s := dropped(50, 80, 300, 10, 45)
	s.movers = append(s.movers, falling(2.1, 480, 120, 0, 0, 300, 10, -45), falling(1.9, 80, 100, 0, 0, 300, 10, -45))
	s.long = 5
	if n := len(s.run(watchAll())); n != 3 {
		t.Errorf("%d events of three things", n)
	}
}

func TestNuisances(t *testing.T) {
	for name, add := range nuisances() {
		t.Run(name, func(t *testing.T) {
			s := newScene(testSeed)
			s.long = 3.5
			add(s)
			for _, e := range s.run(watchAll()) {
				t.Errorf("taken for a fall: %.2f to %.2f s, box %.2f", e.Start.Seconds(), e.End.Seconds(), e.Box)
			}
		})
	}
}

func TestZoneAndPrivacy(t *testing.T) {
	left := []wire.Point{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}
	right := []wire.Point{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}
	for _, tc := range []struct {
		name    string
		zone    []wire.Point
		private [][]wire.Point
		want    int
	}{
		{"inside", left, nil, 1},
		{"outside", right, nil, 0},
		{"private", left, [][]wire.Point{left}, 0},
		{"beside what is private", left, [][]wire.Point{right}, 1},
	} {
		s := dropped(60, 80, 400, 12, 50)
		s.movers = []mover{falling(1.5, 150, 80, 0, 0, 400, 12, 50)}
		d := New(tc.zone, tc.private, sceneWidth, sceneHeight)
		r, f := d.Region()
		whole := watchAll()
		n := 0
		s.clean = make([]int32, len(s.back))
		for i := range int(s.long * s.rate) {
			at := float64(i) / s.rate
			s.draw(at)
			s.expose(whole.Buffer(), i)
			cut(d.Buffer(), whole.Buffer(), r, f)
			n += len(d.Step(time.Duration(at * float64(time.Second))))
		}
		if n += len(d.Finish()); n != tc.want {
			t.Errorf("%s: %d events, want %d", tc.name, n, tc.want)
		}
	}
}

func cut(dst, src []byte, r image.Rectangle, f int) {
	for y := range r.Dy() / f {
		copy(dst[y*r.Dx():(y+1)*r.Dx()], src[(r.Min.Y+y)*sceneWidth+r.Min.X:])
	}
}

func TestPrivatePixelsAreNotKept(t *testing.T) {
	private := []wire.Point{{0.25, 0.25}, {0.5, 0.25}, {0.5, 0.5}, {0.25, 0.5}}
	d := New([]wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, [][]wire.Point{private}, 64, 64)
	for i := range d.Buffer() {
		d.Buffer()[i] = 200
	}
	d.Step(0)
	got := d.history[0].pix
	if got[20*64+20] != 0 || got[10*64+10] != 200 {
		t.Errorf("private %d, open %d", got[20*64+20], got[10*64+10])
	}
}

func TestSameTwice(t *testing.T) {
	a, b := dropped(70, 80, 400, 12, 50).run(watchAll()), dropped(70, 80, 400, 12, 50).run(watchAll())
	if len(a) != 1 || len(b) != 1 || a[0].Start != b[0].Start || a[0].Box != b[0].Box || !slices.Equal(a[0].Track, b[0].Track) {
		t.Errorf("%v and %v", a, b)
	}
}

func TestOddSizes(t *testing.T) {
	whole := []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	for _, size := range []image.Point{{16, 16}, {17, 33}, {1366, 768}, {4096, 2160}, {20, 3000}} {
		d := New(whole, nil, size.X, size.Y)
		if d == nil {
			t.Errorf("%v: refused", size)
			continue
		}
		r, f := d.Region()
		if !r.In(image.Rectangle{Max: size}) || len(d.Buffer()) != (r.Dx()/f)*(r.Dy()/f) || len(d.Buffer()) > maxPixels {
			t.Errorf("%v: region %v, shrunk by %d, %d bytes", size, r, f, len(d.Buffer()))
		}
		for i := range 5 {
			for k := range d.Buffer() {
				d.Buffer()[k] = byte(k*i>>3) ^ byte(i*37)
			}
			d.Step(time.Duration(i) * 40 * time.Millisecond)
		}
	}
	if New(whole, nil, 15, 100) != nil {
		t.Error("15 columns were accepted")
	}
}

// TestClock: media time that repeats, jumps and goes back ends nothing but tracks.
func TestClock(t *testing.T) {
	d := watchAll()
	s := newScene(testSeed + 80)
	s.clean = slices.Clone(s.back)
	for i, at := range []time.Duration{0, 40, 40, 80, 60, 5000, 5040, 0, -4000, 1 << 40} {
		s.expose(d.Buffer(), i)
		d.Due(at * time.Millisecond)
		if n := len(d.Step(at * time.Millisecond)); n != 0 {
			t.Errorf("%d events of nothing", n)
		}
	}
}

// TestAbove compares the arithmetic on words with that on numbers.
func TestAbove(t *testing.T) {
	for threshold := minThreshold; threshold <= 250; threshold += 11 {
		q := uint64(threshold+1) / 2
		for a := range 256 {
			for b := range 256 {
				up, down := above(uint64(a)<<8|uint64(b)<<16, uint64(b)<<8|uint64(a)<<16, q)
				if a > b+threshold && (up != 0x8000 || down != 0x800000) {
					t.Fatalf("%d above %d by more than %d: %x %x", a, b, threshold, up, down)
				}
				if a-b < threshold-2 && b-a < threshold-2 && up|down != 0 {
					t.Fatalf("%d and %d differ by less than %d: %x %x", a, b, threshold, up, down)
				}
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	d, pics := benchmark(640, 480)
	i := 0
	step := func() {
		copy(d.Buffer(), pics[i%len(pics)])
		d.Step(time.Duration(i) * 40 * time.Millisecond)
		i++
	}
	for range 40 {
		step()
	}
	if n := testing.AllocsPerRun(30, step); n > 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

// benchmark returns a detector and pictures with noise and things that move.
func benchmark(width, height int) (*Detector, [][]byte) {
	s := newScene(testSeed + 90)
	pics := make([][]byte, 50)
	for i := range pics {
		pics[i] = make([]byte, width*height)
		at := i * 7919
		for k := range pics[i] {
			if at++; at >= len(s.table) {
				at = 0
			}
			pics[i][k] = byte(120 + 1.5*s.table[at])
		}
		for k := range 30 {
			x, y := (k*97+i*3)%(width-8), (k*53+i*i/4)%(height-8)
			for row := range 6 {
				at := (y+row)*width + x
				copy(pics[i][at:at+6], bytes.Repeat([]byte{180}, 6))
			}
		}
	}
	return New([]wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, nil, width, height), pics
}

func BenchmarkStep720(b *testing.B)  { benchmarkStep(b, 1280, 720) }
func BenchmarkStep1080(b *testing.B) { benchmarkStep(b, 1920, 1080) }

func benchmarkStep(b *testing.B, width, height int) {
	d, pics := benchmark(width, height)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		copy(d.Buffer(), pics[i%len(pics)])
		d.Step(time.Duration(i) * 40 * time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
