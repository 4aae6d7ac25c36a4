//go:build cgo

package main

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/cv"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/wire"
)

const againAt = savedAt + time.Second

func newLegacy() *legacy { return &legacy{pages: make([]byte, wire.LegacySize)} }

// stayers is what both processes watch for.
func stayers() *wire.Config {
	cfg := testConfig(wire.Intrusion, wire.Loitering)
	cfg.Rules[1].After = 30
	cfg.Overlay = true
	return cfg
}

// watched has a process watch a scene until savedAt and leave something.
func watched(t *testing.T, s *analyticstest.Scene) *legacy {
	t.Helper()
	l := newLegacy()
	then(t, l, s, 0, savedAt)
	last := &picture{luma: &cv.Luma{Width: testWidth, Height: testHeight}, wall: testEpoch().Add(savedAt)}
	if p, ago := l.met(last); p == nil || len(p.Known) != 1 || len(p.Stays) != 1 || ago > 2*time.Second || !bytes.HasPrefix(l.pages, []byte(legacyWhole)) {
		t.Fatalf("it left %+v, as of %v before", p, ago)
	}
	return l
}

// then has another process watch a scene.
func then(t *testing.T, l *legacy, s *analyticstest.Scene, from, until time.Duration) answers {
	t.Helper()
	g := newGateway(t, stayers())
	g.legacy = l
	g.show(s, from, until)
	g.check(g.w.End())
	return g.talk(stayers())
}

// inTime holds a loitering against when somebody came.
func inTime(t *testing.T, d *wire.Detection) {
	t.Helper()
	if came := comesAt.Seconds(); d.Start < came || d.Start > came+2 || d.Detected < d.Start+30 || d.Detected > d.Start+31.5 {
		t.Errorf("the stay: %+v", d)
	}
}

// TestLegacy: somebody stands in the zone while the process ends. The next one knows that they are not a part of the
// background: it finds them soon, where they are, and nothing where they are not any more.
func TestLegacy(t *testing.T) {
	s := stander()
	left := watched(t, s)
	again := func() *legacy { return &legacy{pages: bytes.Clone(left.pages)} }
	t.Run("after a second", func(t *testing.T) {
		a := then(t, again(), s, againAt, ends)
		if n := ghosts(a.overlays, s); n > 0 {
			t.Errorf("%d pictures have something where nobody is any more", n)
		}
		if len(a.detections) != 4 {
			t.Fatalf("%d detections, want both ends of two", len(a.detections))
		}
		if d := a.detections[0]; d.Kind != wire.Intrusion || d.Detected > againAt.Seconds()+2 || overlap(d.Box, s) < 0.5 {
			t.Errorf("found at %.1f, at %v", d.Detected, d.Box)
		}
		inTime(t, &a.detections[1])
	})
	t.Run("without a legacy", func(t *testing.T) {
		a := then(t, nil, s, againAt, ends)
		if ghosts(a.overlays, s) == 0 || a.detections[0].Detected < leaves.Seconds() {
			t.Error("it is as good: the test proves nothing")
		}
	})
	t.Run("pictures that are handed over again", func(t *testing.T) {
		a := then(t, again(), s, savedAt-4*time.Second, leaves)
		if n := len(a.detections); n != 4 || a.detections[1].Kind != wire.Loitering {
			t.Fatalf("%d detections", n)
		}
		inTime(t, &a.detections[1])
	})
	t.Run("who was reported", func(t *testing.T) {
		l := again()
		last := &picture{luma: &cv.Luma{Width: testWidth, Height: testHeight}, wall: testEpoch().Add(savedAt)}
		p, _ := l.met(last)
		p.Stays[0].Reported = true
		if err := l.meet(p, last); err != nil {
			t.Fatal(err)
		}
		for _, d := range then(t, l, s, againAt, leaves).detections {
			if d.Kind == wire.Loitering {
				t.Errorf("%+v", d)
			}
		}
	})
	t.Run("what does not fit", func(t *testing.T) { testMisfits(t, left.pages) })
}

// testMisfits: what is left of another view, another time or another size, or was not written whole, is as nothing.
func testMisfits(t *testing.T, pages []byte) {
	const until = againAt + 2*time.Second
	same := func(*analyticstest.Scene) {}
	none := then(t, nil, stander(), againAt, until)
	for name, tc := range map[string]struct {
		scene func(*analyticstest.Scene)
		left  func(*legacy)
	}{
		"a camera that was moved": {func(s *analyticstest.Scene) {
			s.Shake = func(time.Duration) (float64, float64) { return 18, 6 }
		}, nil},
		"a camera that was turned": {func(s *analyticstest.Scene) { s.Seed++ }, nil},
		"the dark": {func(s *analyticstest.Scene) {
			s.Light = func(time.Duration) (float64, float64) { return 0.1, 8 }
		}, nil},
		"another size":              {same, func(l *legacy) { l.pages[24]++ }},
		"long ago":                  {same, func(l *legacy) { l.pages[38]-- }}, // 78 hours
		"killed while it wrote":     {same, func(l *legacy) { l.void() }},
		"one who lies":              {same, func(l *legacy) { clear(l.pages[backgroundAt:]) }},
		"one who sees nothing else": {same, func(l *legacy) { fill(l.pages[backgroundAt:], 255) }},
	} {
		l, s, want := &legacy{pages: bytes.Clone(pages)}, stander(), none
		tc.scene(s)
		if tc.left != nil {
			tc.left(l)
		} else {
			want = then(t, nil, s, againAt, until)
		}
		got := then(t, l, s, againAt, until)
		if !reflect.DeepEqual(got.detections, want.detections) || !reflect.DeepEqual(got.overlays, want.overlays) {
			t.Errorf("%s: it is not as if nothing had been left", name)
		}
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// FuzzLegacy: whatever a process has left, the next one goes on.
func FuzzLegacy(f *testing.F) {
	const side = motion.MinSide
	luma := &cv.Luma{Width: side, Height: side, CodedWidth: side, CodedHeight: side, Pix: make([]byte, side*side)}
	pic := &picture{luma: luma, wall: testEpoch()}
	whole := newLegacy()
	d, err := motion.New(side, side, nil)
	if err == nil {
		err = whole.leave(d, pic)
	}
	if err == nil {
		err = whole.meet(&people{Known: []box{{1, 1, 9, 9}}, Stays: []personInZone{{Rule: 7, Dwell: 3, Box: box{1, 1, 9, 9}, Tall: 8}}}, pic)
	}
	if err != nil {
		f.Fatal(err)
	}
	d.Close()
	n := bytes.IndexByte(whole.pages[legacyHead:], 0)
	f.Add(whole.pages[:legacyHead+n], []byte{1, 2, 3})
	f.Add([]byte(legacyWhole), []byte{})
	f.Add(whole.pages[:legacyHead-1], bytes.Repeat([]byte{255, 0}, side*side))
	f.Fuzz(func(t *testing.T, head, pixels []byte) {
		l := &legacy{pages: make([]byte, backgroundAt+4*side*side)}
		copy(l.pages, head)
		copy(l.pages[backgroundAt:], pixels)
		if p, ago := l.met(pic); p != nil && (p.validate(side, side) != nil || ago > peopleAge) {
			t.Errorf("%+v, %v ago", p, ago)
		}
		d, err := motion.New(side, side, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := l.recall(d, pic); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			r, err := d.Detect(luma.Pix, time.Duration(i)*period)
			if err != nil || i == 0 && !r.Settling {
				t.Fatalf("picture %d: %+v, %v", i, r, err)
			}
			d.Learn()
		}
	})
}
