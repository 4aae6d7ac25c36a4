//go:build cgo

package left_test

import (
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/left"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
)

const (
	width, height = 320, 180
	period        = 125 * time.Millisecond
	after         = 8 * time.Second
)

func whole() []wire.Point { return []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}} }

func sec(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

type script struct {
	scene   *analyticstest.Scene
	zone    []wire.Point
	privacy [][]wire.Point
	length  time.Duration
	arm     map[time.Duration]bool
}

func play(t testing.TB, s script) []behaviour.Event {
	t.Helper()
	sc := s.scene
	if s.zone == nil {
		s.zone = whole()
	}
	d, err := motion.New(sc.Width, sc.Height, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tracker := track.New(sc.Width, sc.Height, 0)
	armed, given := s.arm[0]
	w := left.New(s.zone, s.privacy, after, sc.Width, sc.Height, armed || !given)
	defer w.Close()
	var events []behaviour.Event
	pix := make([]byte, sc.Width*sc.Height)
	for at := time.Duration(0); at <= s.length; at += period {
		if armed, ok := s.arm[at]; ok {
			events = append(events, w.Arm(armed, at)...)
		}
		sc.Draw(pix, at)
		r, err := d.Detect(pix, at)
		if err != nil {
			t.Fatal(err)
		}
		tracker.Update(r, at)
		events = append(events, w.Step(&behaviour.Scene{Time: at, Pix: pix, Tracks: tracker.Tracks(), Motion: d, Blobs: r.Blobs})...)
		d.Learn()
	}
	return append(events, w.Finish()...)
}

// owner comes, bends down at 7 s for two seconds, and goes.
func owner(tall float64) analyticstest.Actor {
	return analyticstest.Actor{Height: tall, Shade: 35, Path: []analyticstest.Step{
		{At: sec(3), X: -0.1, Y: 0.8}, {At: sec(7), X: 0.5, Y: 0.8}, {At: sec(9), X: 0.5, Y: 0.8}, {At: sec(13), X: 1.1, Y: 0.8}}}
}

// bag lies beside the owner from 7.5 s on.
func bag(size, shade float64) analyticstest.Thing {
	return analyticstest.Thing{From: sec(7.5), Until: time.Hour, X: 0.53, Y: 0.8, W: size * 0.7, H: size, Shade: shade}
}

func scene(seed uint64, actors ...analyticstest.Actor) *analyticstest.Scene {
	return &analyticstest.Scene{Width: width, Height: height, Seed: seed, Noise: 2, Actors: actors}
}

func with(s *analyticstest.Scene, things ...analyticstest.Thing) *analyticstest.Scene {
	s.Things = things
	return s
}

func TestLeft(t *testing.T) {
	t.Parallel()
	passer := func(from float64) analyticstest.Actor {
		return analyticstest.Actor{Height: 0.4, Shade: 150, Path: []analyticstest.Step{
			{At: sec(from), X: 1.1, Y: 0.85}, {At: sec(from + 6), X: -0.1, Y: 0.85}}}
	}
	for name, s := range map[string]*analyticstest.Scene{
		"small and dark":    with(scene(201, owner(0.4)), bag(0.07, 25)),
		"large":             with(scene(202, owner(0.45)), bag(0.16, 35)),
		"bright":            with(scene(203, owner(0.4)), bag(0.1, 190)),
		"somebody walks by": with(scene(204, owner(0.4), passer(14)), bag(0.1, 30)),
		"it grows dark": func() *analyticstest.Scene {
			s := with(scene(205, owner(0.4)), bag(0.1, 20))
			s.Light = func(t time.Duration) (float64, float64) { return max(1-t.Seconds()/60, 0.5), 0 }
			return s
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := play(t, script{scene: s, length: sec(35)})
			if len(e) != 2 || e[0].Phase != wire.Begun || e[1].Phase != wire.Ended {
				t.Fatalf("want one thing: %+v", e)
			}
			if (e[0].Start-sec(7.5)).Abs() > 4*time.Second || e[0].Detected < sec(15.5) || e[0].Detected > sec(28) {
				t.Errorf("left at 7.5 s, alone from about 11 s: %+v", e[0])
			}
			th, b := s.Things[0], e[0].Box
			if cx, foot := b[0]+b[2]/2, b[1]+b[3]; cx < th.X-0.04 || cx > th.X+0.04 || foot < th.Y-0.05 || foot > th.Y+0.05 {
				t.Errorf("box %.3f, the thing is at %+v", b, th)
			}
		})
	}
}

func TestTakenAgain(t *testing.T) {
	t.Parallel()
	b := bag(0.1, 30)
	b.Until = sec(32)
	s := with(scene(211, owner(0.4), analyticstest.Actor{Height: 0.4, Shade: 35, Path: []analyticstest.Step{
		{At: sec(28), X: 1.1, Y: 0.8}, {At: sec(31), X: 0.57, Y: 0.8}, {At: sec(33), X: 0.57, Y: 0.8}, {At: sec(36), X: 1.1, Y: 0.8}}}), b)
	e := play(t, script{scene: s, length: sec(45)})
	if len(e) != 2 || e[1].End < sec(29) || e[1].End > sec(38) {
		t.Errorf("left at 7.5 s and taken at 32 s: %+v", e)
	}
}

func TestNothingLeft(t *testing.T) {
	t.Parallel()
	there := bag(0.1, 30) // from the first, and taken away
	there.From, there.Until = 0, sec(8)
	step := func(s *analyticstest.Scene) *analyticstest.Scene {
		s.Light = func(t time.Duration) (float64, float64) {
			if t < sec(12) {
				return 1, 0
			}
			return 0.6, 5
		}
		return s
	}
	for name, s := range map[string]script{
		"nothing":    {scene: scene(221)},
		"walkers":    {scene: scene(222, owner(0.4), owner(0.3))},
		"taken away": {scene: with(scene(223, owner(0.4)), there)},
		"the light":  {scene: step(scene(224, owner(0.4)))},
		"rain":       {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 225, Noise: 2, Rain: 2000}},
		"a glow":     {scene: &analyticstest.Scene{Width: width, Height: height, Seed: 226, Noise: 2, Glows: []analyticstest.Glow{{From: sec(8), Until: sec(30), Radius: 0.08, Level: 60}}}},
		"its owner stays": {scene: with(scene(227, analyticstest.Actor{Height: 0.4, Shade: 35, Path: []analyticstest.Step{
			{At: sec(3), X: -0.1, Y: 0.8}, {At: sec(7), X: 0.5, Y: 0.8}, {At: time.Minute, X: 0.5, Y: 0.8}}}), bag(0.1, 30))},
		"without anybody": {scene: with(scene(228), bag(0.1, 30))},
		"elsewhere":       {scene: with(scene(229, owner(0.4)), bag(0.1, 30)), zone: []wire.Point{{0, 0}, {0.3, 0}, {0.3, 1}, {0, 1}}},
		"private":         {scene: with(scene(230, owner(0.4)), bag(0.1, 30)), privacy: [][]wire.Point{{{0.4, 0.5}, {0.7, 0.5}, {0.7, 1}, {0.4, 1}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.length = sec(32)
			if e := play(t, s); len(e) != 0 {
				t.Errorf("nothing was left: %+v", e)
			}
		})
	}
}

// TestWatchedFromAfar has the owner wait two body heights away until 30 s.
func TestWatchedFromAfar(t *testing.T) {
	t.Parallel()
	a := owner(0.3)
	a.Path = []analyticstest.Step{{At: sec(3), X: -0.1, Y: 0.8}, {At: sec(7), X: 0.5, Y: 0.8}, {At: sec(9), X: 0.5, Y: 0.8},
		{At: sec(12), X: 0.9, Y: 0.8}, {At: sec(30), X: 0.9, Y: 0.8}, {At: sec(32), X: 1.1, Y: 0.8}}
	e := play(t, script{scene: with(scene(261, a), bag(0.1, 30)), length: sec(46)})
	if len(e) != 2 || e[0].Detected < sec(31) || e[0].Detected > sec(43) {
		t.Errorf("watched until about 31 s: %+v", e)
	}
}

// TestWhoSitsIsNoThing has somebody sit down whose legs and body keep still between two
// movements, and passers-by.
func TestWhoSitsIsNoThing(t *testing.T) {
	t.Parallel()
	a := analyticstest.Actor{Height: 0.45, Shade: 35, Path: []analyticstest.Step{{At: sec(3), X: -0.1, Y: 0.8}, {At: sec(7), X: 0.5, Y: 0.8}}}
	passer := analyticstest.Actor{Height: 0.4, Shade: 150, Path: []analyticstest.Step{{At: sec(20), X: 1.1, Y: 0.85}, {At: sec(26), X: -0.1, Y: 0.85}}}
	s := scene(262, a, passer)
	s.Props = []analyticstest.Prop{{From: sec(7), Until: time.Hour, Foot: 0.8, Draw: func(s *analyticstest.Scene, pix []float64, t time.Duration) {
		shift := int(t/(9*time.Second)) % 2 * 3
		for y := 110; y < 144; y++ {
			for x := 150 + shift; x < 170; x++ {
				pix[y*s.Width+x] = 35 + float64((y-110)/12*20)
			}
		}
	}}}
	if e := play(t, script{scene: s, length: sec(60)}); len(e) != 0 {
		t.Errorf("somebody sits there: %+v", e)
	}
}

// TestLightIsNoThing has a lamp light a part of the ground while people pass.
func TestLightIsNoThing(t *testing.T) {
	t.Parallel()
	s := scene(263, owner(0.4))
	s.Props = []analyticstest.Prop{{From: sec(11), Until: time.Hour, Foot: -1, Draw: func(s *analyticstest.Scene, pix []float64, _ time.Duration) {
		for y := 140; y < 155; y++ {
			for x := 40; x < 65; x++ {
				pix[y*s.Width+x] *= 1.5
			}
		}
	}}}
	if e := play(t, script{scene: s, length: sec(35)}); len(e) != 0 {
		t.Errorf("it is a light: %+v", e)
	}
}

// TestNothingIsAllocated looks at a thing that lies there, picture by picture.
func TestNothingIsAllocated(t *testing.T) {
	s := with(scene(264, owner(0.4)), bag(0.1, 30))
	d, err := motion.New(s.Width, s.Height, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tracker := track.New(s.Width, s.Height, 0)
	w := left.New(whole(), nil, after, s.Width, s.Height, true)
	defer w.Close()
	pix := make([]byte, s.Width*s.Height)
	at := time.Duration(0)
	step := func() {
		r, err := d.Detect(pix, at)
		if err != nil {
			t.Fatal(err)
		}
		tracker.Update(r, at)
		w.Step(&behaviour.Scene{Time: at, Pix: pix, Tracks: tracker.Tracks(), Motion: d, Blobs: r.Blobs})
		d.Learn()
		at += 2 * period
	}
	for at < sec(30) {
		s.Draw(pix, at)
		step()
	}
	if n := testing.AllocsPerRun(40, step); n > 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func TestArm(t *testing.T) {
	t.Parallel()
	e := play(t, script{scene: with(scene(241, owner(0.4)), bag(0.1, 30)), length: sec(40), arm: map[time.Duration]bool{
		0: false, sec(26): true, sec(30): false, sec(34): true}})
	if len(e) != 4 || e[0].Start != sec(26) || e[1].End != sec(30) || e[2].Start != sec(34) || e[2].Number == e[0].Number {
		t.Errorf("want what lies there, twice: %+v", e)
	}
}

func BenchmarkStep(b *testing.B) {
	s := with(scene(251, owner(0.4)), bag(0.1, 30))
	s.Width, s.Height = 640, 360
	d, err := motion.New(s.Width, s.Height, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	w := left.New(whole(), nil, after, s.Width, s.Height, true)
	defer w.Close()
	pix := make([][]byte, 4)
	for i := range pix {
		pix[i] = make([]byte, s.Width*s.Height)
		s.Draw(pix[i], sec(20)+time.Duration(i)*period)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ { // every one is looked at; in use, every other is
		w.Step(&behaviour.Scene{Time: time.Duration(i) * 250 * time.Millisecond, Pix: pix[i%len(pix)], Motion: d})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
