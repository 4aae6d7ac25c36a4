//go:build cgo

package confirm

import (
	"errors"
	"image"
	"math"
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// double is a detector that answers as it is told.
type double struct {
	scores Scores
	err    error
	asked  []time.Duration
	now    time.Duration
	closed bool
}

func (d *double) View(b image.Rectangle) (image.Rectangle, int) { return b.Inset(-10), 64 }
func (d *double) Close() error                                  { d.closed = true; return nil }
func (d *double) Detect(*Crop) (Scores, error) {
	d.asked = append(d.asked, d.now)
	return d.scores, d.err
}

// bench drives a watch over tracks that do not change.
type bench struct {
	t      *testing.T
	d      *double
	w      *Watch
	tracks []track.Track
	now    time.Duration
}

func newBench(t *testing.T, cfg wire.Detector, tracks ...track.Track) *bench {
	d := &double{}
	if cfg.PerMinute == 0 {
		cfg.PerMinute = 60
	}
	if cfg.Format == "" {
		cfg.Format = wire.ONNX
	}
	cfg.Score = 0.5
	grey := func(dst []byte, r image.Rectangle, f int) error {
		for i := range (r.Dx() / f) * (r.Dy() / f) {
			dst[i] = 100
		}
		return nil
	}
	b := &bench{t: t, d: d, w: New(d, cfg, grey), tracks: tracks}
	b.w.Resize(640, 480, 320, 240, nil)
	return b
}

func somebody(id uint64, x int) track.Track {
	return track.Track{ID: id, Box: image.Rect(x, 100, x+30, 180), Seen: 9, Person: true}
}

func everywhere(image.Rectangle) bool { return true }

// run shows pictures, eight a second, for some time.
func (b *bench) run(d time.Duration) {
	for end := b.now + d; b.now < end; b.now += time.Second / 8 {
		b.d.now = b.now
		b.w.Look(b.tracks, b.now, everywhere)
	}
}

func (b *bench) confidence(k wire.Kind) float64 {
	return b.w.Confidence(k, 0.6, b.tracks[0].Box, b.tracks)
}

// people returns the ids of the tracks that a rule sees as people.
func (b *bench) people(k wire.Kind) (ids []uint64) {
	for _, t := range b.w.Tracks(k, b.tracks, b.now) {
		if t.Person {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func TestConfirmedAtOnce(t *testing.T) {
	b := newBench(t, wire.Detector{Veto: true}, somebody(1, 20))
	if c := b.confidence(wire.Loitering); c != 0.6 {
		t.Errorf("before anything was asked the confidence is %v", c)
	}
	b.d.scores.Person = 0.9
	b.run(30 * time.Second)
	if len(b.d.asked) != 1 || b.d.asked[0] != 0 {
		t.Errorf("asked at %v, once is enough", b.d.asked)
	}
	if c := b.confidence(wire.Loitering); c < 0.7 || c > 1 {
		t.Errorf("confidence %v", c)
	}
	if got := b.people(wire.Intrusion); !slices.Equal(got, []uint64{1}) {
		t.Errorf("people %v", got)
	}
	if c := b.confidence(wire.Motion); c != 0.6 {
		t.Errorf("motion is no matter of people, %v", c)
	}
}

func TestDoubted(t *testing.T) {
	b := newBench(t, wire.Detector{Veto: true}, somebody(1, 20))
	b.run(time.Second / 8)
	if got := b.people(wire.Intrusion); got != nil {
		t.Errorf("seen as people while more is asked: %v", got)
	}
	b.run(2 * time.Second)
	if n := len(b.d.asked); n != tries || b.d.asked[n-1] > patience {
		t.Errorf("asked at %v", b.d.asked)
	}
	if got := b.people(wire.Gathering); got != nil || b.w.Count().Held != 1 {
		t.Errorf("people %v, %+v", got, b.w.Count())
	}
	if got := b.people(wire.Motion); !slices.Equal(got, []uint64{1}) {
		t.Errorf("for motion: %v", got)
	}
	if c := b.confidence(wire.Intrusion); math.Abs(c-0.6*(1-doubtNet)) > 1e-9 {
		t.Errorf("confidence %v", c)
	}
	b.run(30 * time.Second)
	if n := len(b.d.asked); n < patient || n > patient+3 {
		t.Errorf("asked %d times in half a minute", n)
	}
	b.d.scores.Person = 0.5 // found after all
	b.run(rarely + time.Second)
	if got := b.people(wire.Intrusion); !slices.Equal(got, []uint64{1}) || b.w.Count().Held != 1 {
		t.Errorf("people %v, %+v", got, b.w.Count())
	}
}

func TestWithoutVeto(t *testing.T) {
	b := newBench(t, wire.Detector{}, somebody(1, 20))
	b.run(3 * time.Second)
	if got := b.people(wire.Intrusion); !slices.Equal(got, []uint64{1}) {
		t.Errorf("people %v", got)
	}
	hog := newBench(t, wire.Detector{Format: wire.HOG}, somebody(1, 20))
	hog.run(3 * time.Second)
	if n, h := b.confidence(wire.Loitering), hog.confidence(wire.Loitering); n >= h || h >= 0.6 {
		t.Errorf("confidence: a network takes it to %v, HOG to %v", n, h)
	}
}

func TestVehicles(t *testing.T) {
	b := newBench(t, wire.Detector{Veto: true}, somebody(1, 20))
	b.d.scores.Vehicle = 0.8
	b.run(3 * time.Second)
	if got := b.people(wire.Intrusion); len(got) != 1 {
		t.Errorf("a vehicle is an intruder: %v", got)
	}
	if got := b.people(wire.Loitering); len(got) != 0 {
		t.Errorf("and no loiterer: %v", got)
	}
	if i, l := b.confidence(wire.LineCrossing), b.confidence(wire.Loitering); i <= 0.6 || l >= 0.6 {
		t.Errorf("confidence %v and %v", i, l)
	}
}

func TestBudget(t *testing.T) {
	var crowd []track.Track
	for i := range uint64(10) {
		crowd = append(crowd, somebody(i+1, 20*int(i)))
	}
	b := newBench(t, wire.Detector{Veto: true, PerMinute: 6}, crowd...)
	for range 180 {
		b.run(time.Second)
		for i, at := range b.d.asked {
			if i >= 6 && at-b.d.asked[i-6] < time.Minute {
				t.Fatalf("seven in the minute before %v", at)
			}
		}
	}
	if n := len(b.d.asked); n != 18 || b.w.Count().Asked != 18 || b.w.Count().Unasked == 0 {
		t.Errorf("asked %d times, %+v", n, b.w.Count())
	}
	if got := b.people(wire.Intrusion); len(got) < 8 {
		t.Errorf("people that nothing was left for count as without a detector: %v", got)
	}
	// The same tracks and times ask the same.
	again := newBench(t, wire.Detector{Veto: true, PerMinute: 6}, crowd...)
	again.run(180 * time.Second)
	if !slices.Equal(again.d.asked, b.d.asked) || again.w.Count() != b.w.Count() {
		t.Error("the same again is not the same")
	}
}

// stranger is a track that has shown no outline of its own yet.
func stranger(id uint64, x int) track.Track {
	t := somebody(id, x)
	t.Person = false
	return t
}

func TestNoOutline(t *testing.T) {
	b := newBench(t, wire.Detector{}, stranger(1, 20))
	b.run(20 * time.Second)
	if n := len(b.d.asked); n != 0 {
		t.Errorf("asked %d times about nothing", n)
	}
}

func TestKnownBeforeTheHeuristicsKnow(t *testing.T) {
	for _, format := range []wire.ModelFormat{wire.ONNX, wire.HOG} {
		// A track of its own outline, as a picture with somebody in it makes it.
		tracker := track.New(320, 240, 0)
		blobs := []motion.Blob{{Box: image.Rect(20, 100, 50, 180), Area: 2000, New: 0.8}}
		for i := range time.Duration(early) {
			tracker.Update(motion.Result{Blobs: blobs}, i*time.Second/8)
		}
		b := newBench(t, wire.Detector{Format: format}, tracker.Tracks()...)
		if b.tracks[0].Person {
			t.Fatal("the heuristics know already")
		}
		b.d.scores.Person = 0.9
		b.run(time.Second / 8)
		if got := b.people(wire.Intrusion); got != nil {
			t.Errorf("%s: one answer makes people of %v", format, got)
		}
		b.run(10 * time.Second)
		if n := len(b.d.asked); n != makesPerson {
			t.Errorf("%s: asked %d times", format, n)
		}
		if got := b.people(wire.Intrusion); (len(got) == 1) != (format == wire.ONNX) {
			t.Errorf("%s: people %v", format, got)
		}
		if got := b.people(wire.Motion); got != nil {
			t.Errorf("%s: for motion %v", format, got)
		}
	}
}

func TestDetectorFails(t *testing.T) {
	b := newBench(t, wire.Detector{Veto: true}, somebody(1, 20))
	b.d.err = errors.New("broken")
	b.run(10 * time.Second)
	if len(b.d.asked) != 1 || b.w.Err() == nil || !b.w.Count().Lost {
		t.Errorf("asked %d times, %v, %+v", len(b.d.asked), b.w.Err(), b.w.Count())
	}
	if got := b.people(wire.Intrusion); len(got) != 1 || b.confidence(wire.Intrusion) != 0.6 {
		t.Errorf("people %v", got)
	}
	if _, drop := b.w.Thing(0.6, b.tracks[0].Box, b.now); drop {
		t.Error("a broken detector drops a thing")
	}
	if err := b.w.Close(); err != nil || !b.d.closed {
		t.Errorf("close: %v", err)
	}
}

func TestThing(t *testing.T) {
	box := image.Rect(20, 100, 50, 120)
	for _, tc := range []struct {
		veto   bool
		person float64
		want   float64
		drop   bool
	}{{false, 0.4, 0.6, false}, {false, 0.6, 0.36, false}, {true, 0.4, 0.6, false}, {true, 0.6, 0.36, true}} {
		b := newBench(t, wire.Detector{Veto: tc.veto})
		b.d.scores.Person = tc.person
		if c, drop := b.w.Thing(0.6, box, 0); math.Abs(c-tc.want) > 1e-9 || drop != tc.drop {
			t.Errorf("%+v: %v, %v", tc, c, drop)
		}
	}
}

func TestNotWorthAsking(t *testing.T) {
	shared, unseen, new, tiny := somebody(1, 20), somebody(2, 60), somebody(3, 100), somebody(4, 140)
	shared.Shared, unseen.Blob, new.Seen = true, -1, 1
	tiny.Box = image.Rect(140, 100, 142, 104)
	b := newBench(t, wire.Detector{}, shared, unseen, new, tiny)
	b.run(3 * time.Second)
	b.tracks = []track.Track{somebody(5, 200)}
	b.w.Look(b.tracks, b.now, func(image.Rectangle) bool { return false })
	if len(b.d.asked) != 0 {
		t.Errorf("asked at %v", b.d.asked)
	}
}

func TestCrop(t *testing.T) {
	const width, height = 100, 80
	source := func(dst []byte, r image.Rectangle, f int) error {
		if !r.In(image.Rect(0, 0, width, height)) {
			t.Errorf("region %v is outside", r)
		}
		for y := range r.Dy() / f {
			for x := range r.Dx() / f {
				dst[y*(r.Dx()/f)+x] = byte(r.Min.X + x*f)
			}
		}
		return nil
	}
	m := zone.New(50, 40) // half the size
	m.Add([]wire.Point{{0, 0}, {0.2, 0}, {0.2, 1}, {0, 1}})
	c := cropper{width: width, height: height, privacy: m}
	body := image.Rect(10, 20, 30, 60)
	k, err := c.take(source, body, image.Rect(-20, 0, 60, 80), 40)
	if err != nil || k.Width != 40 || k.Height != 40 || k.Body != (Rect{15, 10, 25, 30}) {
		t.Fatalf("%+v, %v", k, err)
	}
	row := k.Pix[20*40 : 21*40]
	for x, want := range map[int]byte{0: 128, 9: 128, 10: 128, 19: 128, 20: 20, 39: 58} {
		if row[x] != want {
			t.Errorf("column %d is %d, want %d", x, row[x], want)
		}
	}
	if k, err := c.take(source, body, image.Rect(-40, 0, -20, 20), 40); k != nil || err != nil {
		t.Errorf("beyond the picture: %v, %v", k, err)
	}
	c.privacy = nil
	if k, _ = c.take(source, body, image.Rect(80, 60, 120, 100), 40); k.Pix[39*40+39] != 99 {
		t.Errorf("the edge is not repeated: %d", k.Pix[39*40+39])
	}
}

// BenchmarkHOG looks at one crop of a body of 100 pixels.
func BenchmarkHOG(b *testing.B) {
	d, err := NewHOG()
	if err != nil {
		b.Fatal(err)
	}
	c := cropper{width: 640, height: 480}
	source := func(dst []byte, r image.Rectangle, f int) error {
		for i := range (r.Dx() / f) * (r.Dy() / f) {
			dst[i] = byte(i * i >> 3)
		}
		return nil
	}
	body := image.Rect(300, 200, 340, 300)
	view, side := d.View(body)
	b.ReportAllocs()
	for b.Loop() {
		k, err := c.take(source, body, view, side)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Detect(k); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "crops/s")
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}
