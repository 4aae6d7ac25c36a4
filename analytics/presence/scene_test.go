//go:build cgo

package presence_test

import (
	"math"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/presence"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	width, height = 240, 136
	period        = 125 * time.Millisecond
)

func whole() []wire.Point { return []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}} }

// crossing is a walk from left to right that begins and ends outside.
func crossing(from time.Duration, tall float64) analyticstest.Actor {
	return analyticstest.Actor{Height: tall, Shade: 40, Path: []analyticstest.Step{
		{At: from, X: -0.1, Y: 0.8}, {At: from + 8*time.Second, X: 1.1, Y: 0.85}}}
}

func scene(actors ...analyticstest.Actor) *analyticstest.Scene {
	return &analyticstest.Scene{Width: width, Height: height, Seed: 3, Noise: 2, Actors: actors}
}

type script struct {
	kind    wire.Kind
	zone    []wire.Point
	privacy [][]wire.Point
	length  time.Duration
	arm     map[time.Duration]bool // when to arm and disarm; armed at first if 0 is not in it
}

// play shows a scene to the whole chain of heuristics.
func play(t testing.TB, s *analyticstest.Scene, p script) []behaviour.Event {
	t.Helper()
	if p.kind == "" {
		p.kind = wire.Intrusion
	}
	if p.zone == nil {
		p.zone = whole()
	}
	d, err := motion.New(s.Width, s.Height, zone.Privacy(p.privacy, s.Width, s.Height))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tracker := track.New(s.Width, s.Height, 0)
	armed, given := p.arm[0]
	w := presence.New(p.kind, zone.Rasterize(p.zone, s.Width, s.Height), armed || !given)
	var events []behaviour.Event
	keep := func(e []behaviour.Event) { events = append(events, e...) }
	pix := make([]byte, s.Width*s.Height)
	for at := time.Duration(0); at <= p.length; at += period {
		if armed, ok := p.arm[at]; ok {
			keep(w.Arm(armed, at))
		}
		s.Draw(pix, at)
		r, err := d.Detect(pix, at)
		if err != nil {
			t.Fatal(err)
		}
		tracker.Update(r, at)
		keep(w.Step(&behaviour.Scene{Time: at, Tracks: tracker.Tracks(), Motion: d, Blobs: r.Blobs}))
		d.Learn()
	}
	keep(w.Finish())
	return events
}

// want is an occupation that must be found: began and ended within a second and a half
// of these times, and decided no later than 2.5 s after the beginning.
type want struct{ start, end time.Duration }

func check(t *testing.T, events []behaviour.Event, wants ...want) {
	t.Helper()
	if len(events) != 2*len(wants) {
		t.Fatalf("%d events, want %d occupations: %+v", len(events), len(wants), events)
	}
	near := func(a, b time.Duration) bool { return (a - b).Abs() <= 1500*time.Millisecond }
	for i, w := range wants {
		b, e := events[2*i], events[2*i+1]
		switch {
		case b.Phase != wire.Begun || e.Phase != wire.Ended || b.Number != e.Number:
			t.Errorf("occupation %d: %+v, then %+v", i, b, e)
		case !near(b.Start, w.start) || !near(e.End, w.end):
			t.Errorf("occupation %d: from %v to %v, want %v to %v", i, b.Start, e.End, w.start, w.end)
		case b.Detected < b.Start || b.Detected-w.start > 2500*time.Millisecond:
			t.Errorf("occupation %d: began %v, decided %v", i, b.Start, b.Detected)
		case !(b.Confidence > 0 && b.Confidence <= 1):
			t.Errorf("occupation %d: confidence %v", i, b.Confidence)
		}
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func TestNothing(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*analyticstest.Scene{
		"noise":       {Width: width, Height: height, Seed: 1, Noise: 3},
		"heavy noise": {Width: width, Height: height, Seed: 2, Noise: 9},
		"no noise":    {Width: width, Height: height, Seed: 3},
		"light step": {Width: width, Height: height, Seed: 4, Noise: 2, Light: func(t time.Duration) (float64, float64) {
			if t < 6*time.Second {
				return 1, 0
			}
			return 1, 45
		}},
		"lights off": {Width: width, Height: height, Seed: 5, Noise: 2, Light: func(t time.Duration) (float64, float64) {
			if t < 6*time.Second {
				return 1, 0
			}
			return 0.45, 5
		}},
		"exposure hunts": {Width: width, Height: height, Seed: 6, Noise: 2, Light: func(t time.Duration) (float64, float64) {
			return 1 + 0.25*math.Sin(2*math.Pi*t.Seconds()/5), 0
		}},
		"foliage": {Width: width, Height: height, Seed: 7, Noise: 2, Foliage: []analyticstest.Foliage{
			{X: 0.1, Y: 0.1, W: 0.35, H: 0.5, Sway: 0.01, Period: 2 * time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []wire.Kind{wire.Intrusion, wire.Motion} {
				check(t, play(t, s, script{kind: kind, length: 14 * time.Second}))
			}
		})
	}
}

func TestWalker(t *testing.T) {
	t.Parallel()
	for name, tall := range map[string]float64{"far": 0.14, "middle": 0.35, "near": 0.7} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scene(crossing(3*time.Second, tall))
			events := play(t, s, script{length: 14 * time.Second})
			check(t, events, want{seconds(3.7), seconds(10.4)})
			box, _ := s.Where(0, events[0].Detected)
			if got := overlap(events[0].Box, box); got < 0.4 {
				t.Errorf("box %.2f, the walker is at %.2f: overlap %.2f", events[0].Box, box, got)
			}
		})
	}
}

// overlap returns the intersection of two boxes over their union.
func overlap(a wire.Box, b [4]float64) float64 {
	w := min(a[0]+a[2], b[0]+b[2]) - max(a[0], b[0], 0)
	h := min(a[1]+a[3], b[1]+b[3]) - max(a[1], b[1], 0)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (a[2]*a[3] + b[2]*b[3] - w*h)
}

func TestWalkerWhileTheLightChanges(t *testing.T) {
	t.Parallel()
	s := scene(crossing(2*time.Second, 0.35))
	s.Light = func(t time.Duration) (float64, float64) {
		if t > 5*time.Second {
			return 0.7, 0
		}
		return 1, 0
	}
	check(t, play(t, s, script{length: 13 * time.Second}), want{seconds(2.7), seconds(9.4)})
}

func TestWalkerBeforeFoliage(t *testing.T) {
	t.Parallel()
	s := scene(crossing(8*time.Second, 0.4))
	s.Foliage = []analyticstest.Foliage{{X: 0.1, Y: 0.05, W: 0.35, H: 0.4, Sway: 0.01, Period: 2 * time.Second}}
	check(t, play(t, s, script{length: 19 * time.Second}), want{seconds(8.7), seconds(15.4)})
}

func TestZoneAndPrivacy(t *testing.T) {
	t.Parallel()
	upper := []wire.Point{{0, 0}, {1, 0}, {1, 0.6}, {0, 0.6}}
	right := []wire.Point{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}
	corner := []wire.Point{{0, 0}, {0.2, 0}, {0.2, 0.2}, {0, 0.2}}
	walk := func() *analyticstest.Scene { return scene(crossing(2*time.Second, 0.35)) }
	for name, tc := range map[string]struct {
		script script
		want   []want
	}{
		"outside the zone":             {script{zone: corner}, nil},
		"motion outside the zone":      {script{zone: corner, kind: wire.Motion}, nil},
		"only the head is in the zone": {script{zone: upper}, nil},
		"half of the picture":          {script{zone: right}, []want{{seconds(6), seconds(9.4)}}},
		"motion in half of it":         {script{zone: right, kind: wire.Motion}, []want{{seconds(6), seconds(9.4)}}},
		"all is private":               {script{privacy: [][]wire.Point{whole()}}, nil},
		"the way is private":           {script{privacy: [][]wire.Point{{{0, 0.35}, {1, 0.35}, {1, 1}, {0, 1}}}, kind: wire.Motion}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.script.length = 13 * time.Second
			check(t, play(t, walk(), tc.script), tc.want...)
		})
	}
}

func TestOneOccupation(t *testing.T) {
	t.Parallel()
	t.Run("two who overlap in time are one", func(t *testing.T) {
		t.Parallel()
		s := scene(crossing(2*time.Second, 0.35), crossing(6*time.Second, 0.3))
		check(t, play(t, s, script{length: 18 * time.Second}), want{seconds(2.7), seconds(13.4)})
	})
	t.Run("one who comes back after 30 s is two", func(t *testing.T) {
		t.Parallel()
		s := scene(crossing(2*time.Second, 0.35), crossing(38*time.Second, 0.35))
		check(t, play(t, s, script{length: 50 * time.Second}),
			want{seconds(2.7), seconds(9.4)}, want{seconds(38.7), seconds(45.4)})
	})
	t.Run("one who stands for a minute is one", func(t *testing.T) {
		t.Parallel()
		s := scene(analyticstest.Actor{Height: 0.4, Shade: 30, Path: []analyticstest.Step{
			{At: 2 * time.Second, X: -0.1, Y: 0.8}, {At: 6 * time.Second, X: 0.5, Y: 0.8},
			{At: 66 * time.Second, X: 0.5, Y: 0.8}, {At: 70 * time.Second, X: 1.1, Y: 0.8}}})
		check(t, play(t, s, script{length: 74 * time.Second}), want{seconds(2.6), seconds(69.4)})
	})
	t.Run("who is there at first and leaves does not leave a ghost", func(t *testing.T) {
		t.Parallel()
		s := scene(analyticstest.Actor{Height: 0.4, Shade: 30, Path: []analyticstest.Step{
			{At: 0, X: 0.4, Y: 0.8}, {At: 4 * time.Second, X: 0.4, Y: 0.8}, {At: 8 * time.Second, X: 1.1, Y: 0.8}}})
		// Nothing is said before they move; what is left behind is no person.
		check(t, play(t, s, script{length: 25 * time.Second}), want{seconds(4.5), seconds(7.5)})
	})
}

func TestArm(t *testing.T) {
	t.Parallel()
	stay := scene(analyticstest.Actor{Height: 0.4, Shade: 30, Path: []analyticstest.Step{
		{At: time.Second, X: -0.1, Y: 0.8}, {At: 5 * time.Second, X: 0.5, Y: 0.8}, {At: time.Minute, X: 0.5, Y: 0.8}}})
	events := play(t, stay, script{length: 20 * time.Second, arm: map[time.Duration]bool{
		0: false, 10 * time.Second: true, 13 * time.Second: false, 16 * time.Second: true}})
	check(t, events, want{seconds(10), seconds(13)}, want{seconds(16), seconds(20)})
	if events[0].Start < 10*time.Second || events[2].Start < 16*time.Second {
		t.Errorf("an occupation began before its rule was armed: %+v", events)
	}
}

func TestSameTwice(t *testing.T) {
	t.Parallel()
	p := script{length: 14 * time.Second}
	a := play(t, scene(crossing(2*time.Second, 0.35), crossing(4*time.Second, 0.2)), p)
	b := play(t, scene(crossing(2*time.Second, 0.35), crossing(4*time.Second, 0.2)), p)
	if len(a) == 0 || len(a) != len(b) {
		t.Fatalf("%d and %d events", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("event %d: %+v, then %+v", i, a[i], b[i])
		}
	}
}

func BenchmarkStep(b *testing.B) {
	s := &analyticstest.Scene{Width: 640, Height: 360, Seed: 3, Noise: 2, Actors: []analyticstest.Actor{
		{Height: 0.4, Shade: 40, Path: []analyticstest.Step{{X: 0.5, Y: 0.9}, {At: time.Hour, X: 0.5, Y: 0.9}}}}}
	d, err := motion.New(s.Width, s.Height, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	tracker := track.New(s.Width, s.Height, 0)
	w := presence.New(wire.Motion, zone.Rasterize([]wire.Point{{0.1, 0.1}, {0.9, 0.1}, {0.5, 1}}, s.Width, s.Height), true)
	empty, pix := make([]byte, s.Width*s.Height), make([]byte, s.Width*s.Height)
	s.Draw(empty, 2*time.Hour)
	s.Draw(pix, time.Minute)
	var sc behaviour.Scene
	for i := range 12 {
		at := time.Duration(i) * period
		if i == 8 {
			empty = pix
		}
		r, err := d.Detect(empty, at)
		if err != nil {
			b.Fatal(err)
		}
		tracker.Update(r, at)
		sc = behaviour.Scene{Time: at, Tracks: tracker.Tracks(), Motion: d, Blobs: r.Blobs}
	}
	if len(sc.Tracks) == 0 {
		b.Fatal("no track")
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Step(&sc)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
