//go:build cgo

package tamper

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	width, height = 240, 136
	rate          = 250 * time.Millisecond
)

// show is a scene, and what happens to its pictures before they are seen.
type show struct {
	scene  *analyticstest.Scene
	paint  func(pix []byte, t time.Duration)
	length time.Duration
	arm    map[time.Duration]bool // armed at first if 0 is not in it
	resize time.Duration          // when pictures begin to have half the size
	mask   *zone.Mask
}

func play(t testing.TB, s show) []behaviour.Event {
	t.Helper()
	sc := s.scene
	armed, given := s.arm[0]
	w := New(sc.Width, sc.Height, s.mask, armed || !given)
	var events []behaviour.Event
	pix := make([]byte, sc.Width*sc.Height)
	for at := time.Duration(0); at <= s.length; at += rate {
		if armed, ok := s.arm[at]; ok {
			events = append(events, w.Arm(armed, at)...)
		}
		if at > 0 && at == s.resize {
			half := *sc
			half.Width, half.Height = sc.Width/2, sc.Height/2
			sc, pix = &half, pix[:half.Width*half.Height]
			w.Resize(sc.Width, sc.Height, nil)
		}
		sc.Draw(pix, at)
		if s.paint != nil {
			s.paint(pix, at)
		}
		events = append(events, w.Step(&behaviour.Scene{Time: at, Pix: pix})...)
	}
	return append(events, w.Finish()...)
}

func street(seed uint64) *analyticstest.Scene {
	return &analyticstest.Scene{Width: width, Height: height, Seed: seed, Noise: 2}
}

// pavement is full of small things.
func pavement(w, h int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	pix := make([]byte, w*h)
	for i := range pix {
		pix[i] = 100
	}
	for range w * h / 300 {
		x0, y0, shade := rng.IntN(w-20), rng.IntN(h-12), byte(60+rng.IntN(90))
		for y := range 3 + rng.IntN(9) {
			for x := range 3 + rng.IntN(17) {
				pix[(y0+y)*w+x0+x] = shade
			}
		}
	}
	return pix
}

// fill covers all but the lowest part of the picture from a time to another.
func fill(from, to time.Duration, shade byte, part float64) func([]byte, time.Duration) {
	return func(pix []byte, t time.Duration) {
		if t < from || t >= to {
			return
		}
		for i := range int(part * float64(len(pix))) {
			pix[i] = shade
		}
	}
}

const (
	at      = 12 * time.Second
	forever = time.Hour
)

func TestTampering(t *testing.T) {
	t.Parallel()
	lens := func(kind analyticstest.TamperKind) show {
		s := street(101 + uint64(kind))
		s.Width, s.Height = 640, 360
		s.Backdrop = pavement(s.Width, s.Height, s.Seed)
		s.Tamper = analyticstest.Tamper{Kind: kind, At: at}
		return show{scene: s}
	}
	// A frozen camera's noise is frozen too.
	var still []byte
	freeze := func(pix []byte, t time.Duration) {
		if t < at {
			still = append(still[:0], pix...)
		}
		copy(pix, still)
	}
	for name, s := range map[string]show{
		"covered":              lens(analyticstest.Cover),
		"defocused":            lens(analyticstest.Defocus),
		"turned":               lens(analyticstest.Turn),
		"blinded":              lens(analyticstest.Blind),
		"frozen":               {scene: street(111), paint: freeze},
		"black":                {scene: street(112), paint: fill(at, forever, 16, 1)},
		"a bright cloth":       {scene: street(113), paint: fill(at, forever, 225, 1)},
		"all but a caption":    {scene: street(114), paint: fill(at, forever, 60, 0.9)},
		"covered, in the rain": {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 115, Noise: 2, Rain: 2000}, paint: fill(at, forever, 40, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			s.length = at + 9*time.Second
			e := play(t, s)
			if len(e) != 2 || e[0].Phase != wire.Begun || e[1].Phase != wire.Ended || e[0].Number != e[1].Number {
				t.Fatalf("want one tampering: %+v", e)
			}
			// Lenses take up to 1.2 s to be out of focus.
			if late := e[0].Detected - at; late < 0 || late > 6200*time.Millisecond || name != "defocused" && late > 5*time.Second {
				t.Errorf("decided %v after it", late)
			}
			if (e[0].Start-at).Abs() > 2*time.Second || e[0].Box != (wire.Box{0, 0, 1, 1}) || !(e[0].Confidence > 0.5 && e[0].Confidence <= 1) {
				t.Errorf("%+v", e[0])
			}
			t.Logf("decided %v after it", e[0].Detected-at)
		})
	}
}

func TestUntouched(t *testing.T) {
	t.Parallel()
	light := func(seed uint64, f func(t time.Duration) (float64, float64)) *analyticstest.Scene {
		s := street(seed)
		s.Light = f
		return s
	}
	// A bus comes from the right, fills the picture for four seconds and drives on.
	bus := func(stop time.Duration) func([]byte, time.Duration) {
		return func(pix []byte, t time.Duration) {
			drive := min(t, at) + max(t-at-stop, 0) // it stops in between
			nose := width + int(float64(width)*(1-drive.Seconds()/10.8))
			for i := range pix {
				x, y := i%width-nose, i/width
				if x < 0 || x > width*5/4 || y < height/12 {
					continue
				}
				shade := 170
				if y > height/4 && y < height*5/8 && x%48 > 6 {
					shade = 60 + x%48
				}
				pix[i] = byte(shade + int(pix[i])%3)
			}
		}
	}
	for name, s := range map[string]show{
		"noise":       {scene: street(121)},
		"no noise":    {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 122}},
		"heavy noise": {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 123, Noise: 9}},
		"dusk": {scene: light(124, func(t time.Duration) (float64, float64) {
			return math.Exp(-t.Seconds() / 40), 4
		}), length: 150 * time.Second},
		"dawn": {scene: light(125, func(t time.Duration) (float64, float64) {
			return min(0.02+t.Seconds()/60, 1), 3
		}), length: 80 * time.Second},
		"infra-red comes on": {scene: light(126, func(t time.Duration) (float64, float64) {
			if t < at {
				return 0.4, 0
			}
			return 0.8, 50
		})},
		"lights off": {scene: light(127, func(t time.Duration) (float64, float64) {
			if t < at {
				return 1, 0
			}
			return 0.3, 8
		})},
		"exposure hunts": {scene: light(128, func(t time.Duration) (float64, float64) {
			return 1 + 0.4*math.Sin(t.Seconds()), 0
		})},
		"rain":                {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 129, Noise: 2, Rain: 4000}},
		"a bus passes":        {scene: street(130), paint: bus(0)},
		"a bus stops for 3 s": {scene: street(131), paint: bus(3 * time.Second), length: 40 * time.Second},
		"somebody fills half the picture": {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 132, Noise: 2, Actors: []analyticstest.Actor{
			{Height: 1.9, Shade: 40, Path: []analyticstest.Step{{At: 8 * time.Second, X: 1.3, Y: 1.9}, {At: at, X: 0.5, Y: 1.9}, {At: 20 * time.Second, X: 0.5, Y: 1.9}}}}}},
		"the mast sways": {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 133, Noise: 2, Shake: func(t time.Duration) (float64, float64) {
			return 1.5 * math.Sin(7*t.Seconds()), math.Cos(5 * t.Seconds())
		}}},
		"a dark wall": {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 134, Noise: 3, Light: func(time.Duration) (float64, float64) {
			return 0.02, 20
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s.length == 0 {
				s.length = 25 * time.Second
			}
			if e := play(t, s); len(e) != 0 {
				t.Errorf("nobody touched it: %+v", e)
			}
		})
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, e []behaviour.Event, start, end time.Duration) {
		t.Helper()
		if len(e) != 2 || (e[0].Start-start).Abs() > 1500*time.Millisecond || (e[1].End-end).Abs() > 1500*time.Millisecond {
			t.Errorf("want one from %v to %v: %+v", start, end, e)
		}
	}
	t.Run("the view is back", func(t *testing.T) {
		t.Parallel()
		check(t, play(t, show{scene: street(141), paint: fill(at, 30*time.Second, 30, 1), length: 50 * time.Second}), at, 30*time.Second)
	})
	t.Run("a camera that sees nothing does not get used to it", func(t *testing.T) {
		t.Parallel()
		check(t, play(t, show{scene: street(142), paint: fill(at, forever, 30, 1), length: 400 * time.Second}), at, 400*time.Second)
	})
	t.Run("another view is taken for the view", func(t *testing.T) {
		t.Parallel()
		s := street(143)
		s.Tamper = analyticstest.Tamper{Kind: analyticstest.Turn, At: at}
		check(t, play(t, show{scene: s, length: 400 * time.Second}), at, at+acceptAfter+time.Second)
	})
	t.Run("another size", func(t *testing.T) {
		t.Parallel()
		check(t, play(t, show{scene: street(144), paint: fill(at, 20*time.Second, 30, 1), length: 30 * time.Second, resize: 20 * time.Second}), at, 20*time.Second)
	})
	t.Run("disarmed and armed", func(t *testing.T) {
		t.Parallel()
		e := play(t, show{scene: street(145), paint: fill(at, forever, 30, 1), length: 50 * time.Second,
			arm: map[time.Duration]bool{0: false, 20 * time.Second: true, 30 * time.Second: false, 40 * time.Second: true}})
		if len(e) != 4 || e[0].Start != 20*time.Second || e[1].End != 30*time.Second || e[2].Start != 40*time.Second || e[2].Number != 2 {
			t.Errorf("want two: %+v", e)
		}
	})
}

func TestPrivatePixelsAreNotLookedAt(t *testing.T) {
	t.Parallel()
	mask := zone.Privacy([][]wire.Point{{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}, width, height)
	if e := play(t, show{scene: street(151), paint: fill(at, forever, 30, 1), length: 25 * time.Second, mask: mask}); len(e) != 0 {
		t.Errorf("all is private, and yet %+v", e)
	}
	mask = zone.Privacy([][]wire.Point{{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}, width, height)
	if e := play(t, show{scene: street(152), paint: fill(at, forever, 30, 1), length: 25 * time.Second, mask: mask}); len(e) != 2 {
		t.Errorf("half is private, the other half was covered: %+v", e)
	}
}

// noise is a picture of a signal lost on its way.
func noise(from time.Duration) func([]byte, time.Duration) {
	return func(pix []byte, t time.Duration) {
		if t < from {
			return
		}
		rng := rand.New(rand.NewPCG(uint64(t), 5))
		for i := range pix {
			pix[i] = pix[i]/5 + byte(rng.IntN(180))
		}
	}
}

// TestWithinFiveSeconds has what earlier took longer.
func TestWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	glare := func(pix []byte, t time.Duration) {
		if t < at {
			return
		}
		for i := range pix {
			x, y := float64(i%width)/width-0.45, float64(i/width)/width-0.25
			pix[i] = byte(min(0.4*float64(pix[i])+500*math.Exp(-14*(x*x+y*y))+160*math.Exp(-3*math.Hypot(x, y)), 255))
		}
	}
	for name, paint := range map[string]func([]byte, time.Duration){"a broken signal": noise(at), "a torch": glare} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := street(161)
			s.Backdrop = pavement(width, height, 161)
			e := play(t, show{scene: s, paint: paint, length: at + 8*time.Second})
			if len(e) != 2 || e[0].Detected < at || e[0].Detected > at+5*time.Second {
				t.Errorf("want one within 5 s of %v: %+v", at, e)
			}
		})
	}
}

func TestNothingIsAllocated(t *testing.T) {
	s := street(171)
	w := New(s.Width, s.Height, nil, true)
	pix := make([]byte, s.Width*s.Height)
	s.Draw(pix, 0)
	now := time.Duration(0)
	if n := testing.AllocsPerRun(40, func() {
		w.Step(&behaviour.Scene{Time: now, Pix: pix})
		now += rate
	}); n > 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func BenchmarkStep(b *testing.B) {
	s := &analyticstest.Scene{Width: 640, Height: 360, Seed: 1, Noise: 2}
	w := New(s.Width, s.Height, nil, true)
	pix := make([][]byte, 4)
	for i := range pix {
		pix[i] = make([]byte, s.Width*s.Height)
		s.Draw(pix[i], time.Duration(i)*time.Second)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ { // every one is looked at; in use, every other is
		w.Step(&behaviour.Scene{Time: time.Duration(i) * 250 * time.Millisecond, Pix: pix[i%len(pix)]})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
