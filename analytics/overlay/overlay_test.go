package overlay

import (
	"bytes"
	"image"
	"strings"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

const width, height = 640, 360

func testConfig() *wire.Config {
	return &wire.Config{Version: wire.Version, Camera: "gate 东",
		Zones: []wire.Zone{
			{Name: "gate", Polygon: []wire.Point{{0.2, 0.2}, {0.8, 0.2}, {0.8, 0.9}, {0.2, 0.9}}, Floors: []wire.Floor{{Name: "12层", Y: 0.3}, {Name: "11层", Y: 0.5}}},
			{Name: "大门", Line: []wire.Point{{0.1, 0.5}, {0.9, 0.6}}},
			{Name: "all", Polygon: []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}},
		},
		Privacy: [][]wire.Point{{{0, 0}, {0.1, 0}, {0.1, 0.1}, {0, 0.1}}},
		Rules: []wire.Rule{
			{Kind: wire.Loitering, Zone: "gate", After: 30},
			{Kind: wire.LineCrossing, Zone: "大门", Direction: wire.LeftToRight},
			{Kind: wire.ThrownObject, Zone: "all"},
		},
		Armed: []bool{true, true, false}}
}

func testOverlay() *wire.Overlay {
	return &wire.Overlay{Time: 10, Foreground: 0.02, Armed: []bool{true, true, false},
		Tracks: []wire.Followed{
			{ID: 12, Box: wire.Box{0.4, 0.4, 0.1, 0.3}, Nature: wire.Person, Age: 18.4},
			{ID: 13, Box: wire.Box{0.6, 0.4, 0.1, 0.3}, Nature: wire.Unproven, Age: 0.4, Why: wire.TooYoung, Measures: []wire.Measure{{Of: wire.AgeOf, Have: 0.4, Need: 1}}},
		},
		Blobs: []wire.Seen{{Box: wire.Box{0.4, 0.4, 0.1, 0.3}}},
		Notes: []wire.Note{
			{Rule: 0, Track: 12, Stance: wire.Watching, Why: wire.TooShort, Measures: []wire.Measure{{Of: wire.InZone, Have: 18.4, Need: 30}}},
			{Rule: 0, Track: 13, Stance: wire.Watching, Why: wire.NotPerson},
			{Rule: 2, Box: &wire.Box{0.7, 0.1, 0.05, 0.2}, Stance: wire.Refused, Why: wire.Steady, Measures: []wire.Measure{{Of: wire.Score, Have: 20, Need: 18}}},
		}}
}

func plain(w, h int, grey uint8) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = grey
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	return img
}

// at returns the colour at a fraction of the picture.
func at(r *Renderer, x, y float64) colour {
	p := r.place(x, y)
	img := r.canvas.img
	c := img.COffset(int(p.x), int(p.y))
	return colour{img.Y[img.YOffset(int(p.x), int(p.y))], img.Cb[c], img.Cr[c]}
}

func TestDrawn(t *testing.T) {
	r := New(testConfig())
	r.Take(testOverlay())
	w, h := r.Size(width, height)
	img := r.Draw(plain(width, height, 90), 10*time.Second, "")
	if img.Rect != image.Rect(0, 0, w, h) || w%2 != 0 || h%2 != 0 || h < minHeight {
		t.Fatalf("drawn %v, said %d×%d", img.Rect, w, h)
	}
	for name, tc := range map[string]struct {
		x, y float64
		want colour
	}{
		"the zone's border":   {0.5, 0.2, yellow()},
		"the line":            {0.5, 0.55, yellow()},
		"the person's border": {0.4, 0.66, green()},
		"the other's border":  {0.6, 0.66, white()},
		"the falling thing":   {0.71, 0.095, grey()},
		"what is private":     {0.05, 0.09, black()},
		"the picture":         {0.9, 0.95, colour{90, 128, 128}},
	} {
		if got := at(r, tc.x, tc.y); got != tc.want {
			t.Errorf("%s is %v, want %v", name, got, tc.want)
		}
	}
}

// TestText holds what the panel says, which is what people look for.
func TestText(t *testing.T) {
	r := New(testConfig())
	r.Take(testOverlay())
	r.Draw(plain(width, height, 90), 10*time.Second, "")
	var said []string
	rows := append(r.head("a remark"), r.trackRows()...)
	for i := range r.cfg.Rules {
		rows = append(rows, r.ruleRows(i)...)
	}
	for _, row := range rows {
		said = append(said, row.s)
	}
	got := strings.Join(said, "\n")
	want := `   10.00 s  gate 
foreground 2.0 %, 1 blobs, 2 tracks
a remark
tracks
  #12 person, 18.4 s
  #13 unproven, 0.4 s: too short a time (age 0.4 of 1 s)
1 loitering Z1 gate, after 30 s
  #12 in zone 18.4 of 30 s: not for long enough
  #13: not yet a person, too short a time
2 line crossing Z2
3 thrown object Z3 all (disarmed)
  a score 20 of 18: refused, does not get faster`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEventsStandOut(t *testing.T) {
	r := New(testConfig())
	fall := &wire.Detection{ID: 1, Phase: wire.Begun, Rule: 2, Kind: wire.ThrownObject, Zone: "all", Start: 8, Detected: 9,
		Box: wire.Box{0.3, 0.2, 0.1, 0.5}, Track: []wire.TrackPoint{{8, 0.35, 0.2}, {9, 0.35, 0.7}}, Floor: "12层", JPEG: []byte("jpeg")}
	r.Event(fall)
	over := *fall
	over.Phase, over.End = wire.Ended, 9
	r.Event(&over)
	r.Draw(plain(width, height, 90), 10*time.Second, "")
	if got := at(r, 0.35, 0.4); got != red() {
		t.Errorf("a second after the fall its way is %v", got)
	}
	if rows := r.eventRows(); len(rows) != 2 || rows[1].col != red() || rows[1].s != "  9.0 s thrown object Z3 all, from 8.0 to 9.0 s, 0.00, floor 12" {
		t.Errorf("events: %+v", rows)
	}
	r.Draw(plain(width, height, 90), 20*time.Second, "")
	if got := at(r, 0.35, 0.4); got != (colour{90, 128, 128}) {
		t.Errorf("ten seconds later it is %v", got)
	}
	for i := range uint64(100) {
		fall.ID = 2 + i
		r.Event(fall)
	}
	if len(r.events) > maxEvents || r.events[len(r.events)-1].ID != 101 {
		t.Errorf("%d events, the last %d", len(r.events), r.events[len(r.events)-1].ID)
	}
}

func TestTrailsFadeAndEnd(t *testing.T) {
	r := New(testConfig())
	o := testOverlay()
	for i := range 200 {
		o.Time = float64(i) / 8
		o.Tracks[0].Box[0] = 0.1 + float64(i%100)/200
		o.Tracks[1].ID = uint64(100 + i)
		r.Take(o)
	}
	if n := len(r.trails[12].points); n > int(trailTime/(time.Second/8))+1 {
		t.Errorf("a trail of %d points", n)
	}
	if len(r.trails) > 50 {
		t.Errorf("%d trails", len(r.trails))
	}
	o.Time, o.Tracks = 0, nil // another clock
	r.Take(o)
	if len(r.trails) != 0 {
		t.Errorf("%d trails of another clock", len(r.trails))
	}
}

// TestPanelNeverOverflows draws far more than there is room for.
func TestPanelNeverOverflows(t *testing.T) {
	cfg := testConfig()
	for range 60 {
		cfg.Rules = append(cfg.Rules, wire.Rule{Kind: wire.Motion, Zone: "all"})
	}
	r := New(cfg)
	o := testOverlay()
	o.Armed = make([]bool, len(cfg.Rules))
	for i := range uint64(64) {
		o.Tracks = append(o.Tracks, wire.Followed{ID: i, Nature: wire.Unproven, Box: wire.Box{1, 1, 0, 0}})
	}
	for i := range 250 {
		o.Notes = append(o.Notes, wire.Note{Rule: i % len(cfg.Rules), Box: &wire.Box{0, 0, 1, 1}, Stance: wire.Watching, Why: wire.TooShort})
	}
	r.Take(o)
	img := r.Draw(plain(width, height, 90), 10*time.Second, "remark")
	for _, other := range [][2]int{{1280, 720}, {33, 900}, {352, 288}, {641, 361}} { // another stream after a reconnection
		if again := r.Draw(plain(other[0], other[1], 90), 11*time.Second, ""); again.Rect != img.Rect {
			t.Errorf("%v is drawn as %v", other, again.Rect)
		}
	}
	for _, row := range r.trackRows() {
		if len(row.s) > panelChars+4 {
			t.Errorf("a row of %d characters: %q", len(row.s), row.s)
		}
	}
}

func TestSmallAndOddPictures(t *testing.T) {
	for _, size := range [][2]int{{32, 32}, {101, 75}, {479, 271}, {481, 271}, {1280, 1}} {
		r := New(testConfig())
		r.Take(testOverlay())
		w, h := r.Size(size[0], size[1])
		img := r.Draw(plain(size[0], size[1], 90), 10*time.Second, "")
		if img.Rect.Dx() != w || img.Rect.Dy() != h || w%2+h%2 != 0 {
			t.Errorf("%v: %v, said %d×%d", size, img.Rect, w, h)
		}
	}
}

// TestEveryWordIsSaid holds that no reason is drawn as an identifier, and that
// each quantity has a sentence.
func TestEveryWordIsSaid(t *testing.T) {
	for _, why := range wire.Reasons() {
		if s := saidAs(why); s == "" || strings.Contains(s, "_") || latin(s) != s {
			t.Errorf("%s is said as %q", why, s)
		}
	}
	for _, q := range wire.Quantities() {
		if s := measure(wire.Measure{Of: q, Have: 0.25, Need: 0.5}); strings.Contains(s, "_") || !strings.ContainsAny(s, "0123456789") {
			t.Errorf("%s is said as %q", q, s)
		}
	}
}

func TestDrawingIsTheSameTwice(t *testing.T) {
	draw := func() []byte {
		r := New(testConfig())
		r.Take(testOverlay())
		return bytes.Clone(r.Draw(plain(width, height, 90), 10*time.Second, "").Y)
	}
	if !bytes.Equal(draw(), draw()) {
		t.Error("two drawings of the same overlay differ")
	}
}

func BenchmarkDraw1280(b *testing.B) {
	r := New(testConfig())
	r.Take(testOverlay())
	img := plain(1280, 720, 90)
	for b.Loop() {
		r.Draw(img, 10*time.Second, "")
	}
}
