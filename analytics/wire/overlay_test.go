package wire

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"
)

func testOverlay() Overlay {
	return Overlay{
		Time: 12.5, Foreground: 0.03, Armed: []bool{true},
		Tracks: []Followed{
			{ID: 7, Box: Box{0.1, 0.2, 0.1, 0.3}, Nature: Unproven, Age: 0.4, Why: TooYoung, Measures: []Measure{{AgeOf, 0.4, 1}}},
			{ID: 9, Box: Box{0.5, 0.2, 0.1, 0.3}, Nature: Person, Age: 20, Hidden: true},
		},
		Blobs: []Seen{{Box: Box{0.1, 0.2, 0.1, 0.3}, New: 0.6, Lost: 0.1, Moving: 0.2, Restless: 0.05, Hold: true}},
		Notes: []Note{
			{Track: 7, Stance: Watching, Why: NotPerson, Measures: []Measure{{InZone, 0.4, 0}}},
			{Box: &Box{0.2, 0.2, 0.1, 0.1}, Stance: Refused, Why: Steady, Measures: []Measure{{Points, 9, 5}, {Score, 15, 18}}},
		},
	}
}

func TestOverlayAndVideoTravel(t *testing.T) {
	var pipe bytes.Buffer
	w := NewWriter(&pipe, MaxVideo)
	o, v := testOverlay(), Video{PTS: 3 * time.Second, Keyframe: true, Data: []byte{0, 0, 0, 1, 0x65}}
	if err := w.JSON(TypeOverlay, &o); err != nil {
		t.Fatal(err)
	}
	if err := w.Video(&v); err != nil {
		t.Fatal(err)
	}
	r := NewReader(&pipe, MaxVideo)
	typ, p, err := r.Next()
	var gotO Overlay
	if err != nil || typ != TypeOverlay || Decode(p, &gotO) != nil || !reflect.DeepEqual(gotO, o) {
		t.Errorf("type %d, %v: %+v", typ, err, gotO)
	}
	typ, p, err = r.Next()
	var gotV Video
	if err != nil || typ != TypeVideo || DecodeVideo(p, &gotV) != nil || !reflect.DeepEqual(gotV, v) {
		t.Errorf("type %d, %v: %+v", typ, err, gotV)
	}
	if DecodeVideo(make([]byte, videoHead), &gotV) == nil {
		t.Error("video without a byte of it was read")
	}
}

func TestOverlayValidate(t *testing.T) {
	ok := testOverlay()
	if err := ok.Validate(testConfig()); err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	for name, spoil := range map[string]func(*Overlay){
		"time":           func(o *Overlay) { o.Time = math.Inf(1) },
		"foreground":     func(o *Overlay) { o.Foreground = nan },
		"armed":          func(o *Overlay) { o.Armed = nil },
		"many tracks":    func(o *Overlay) { o.Tracks = make([]Followed, MaxFollowed+1) },
		"many blobs":     func(o *Overlay) { o.Blobs = make([]Seen, MaxSeen+1) },
		"many notes":     func(o *Overlay) { o.Notes = make([]Note, MaxNotes+1) },
		"nature":         func(o *Overlay) { o.Tracks[0].Nature = "ghost" },
		"track's box":    func(o *Overlay) { o.Tracks[0].Box[1] = nan },
		"age":            func(o *Overlay) { o.Tracks[0].Age = nan },
		"track's reason": func(o *Overlay) { o.Tracks[0].Why = "<script>" },
		"blob's box":     func(o *Overlay) { o.Blobs[0].Box[3] = 1.1 },
		"blob":           func(o *Overlay) { o.Blobs[0].Moving = -1 },
		"rule":           func(o *Overlay) { o.Notes[0].Rule = 1 },
		"negative rule":  func(o *Overlay) { o.Notes[0].Rule = -1 },
		"stance":         func(o *Overlay) { o.Notes[0].Stance = "" },
		"note's box":     func(o *Overlay) { o.Notes[1].Box[0] = -0.5 },
		"note's reason":  func(o *Overlay) { o.Notes[1].Why = "because" },
		"many measures":  func(o *Overlay) { o.Notes[1].Measures = make([]Measure, MaxMeasures+1) },
		"quantity":       func(o *Overlay) { o.Notes[1].Measures[0].Of = "love" },
		"have":           func(o *Overlay) { o.Notes[1].Measures[0].Have = nan },
		"need":           func(o *Overlay) { o.Notes[1].Measures[0].Need = math.Inf(-1) },
	} {
		o := testOverlay()
		spoil(&o)
		if o.Validate(testConfig()) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestFullOverlayFits holds that the largest overlay is within a message's limit.
func TestFullOverlayFits(t *testing.T) {
	o := testOverlay()
	measures := make([]Measure, MaxMeasures)
	for i := range measures {
		measures[i] = Measure{OutlineNew, -123456789.123456, -123456789.123456}
	}
	box := Box{0.123456789, 0.123456789, 0.123456789, 0.123456789}
	o.Tracks, o.Blobs, o.Notes = nil, nil, nil
	for range MaxFollowed {
		o.Tracks = append(o.Tracks, Followed{ID: math.MaxUint64, Box: box, Nature: Unproven, Age: 1e9, Hidden: true, Shared: true, Why: Acceleration, Measures: measures})
	}
	for range MaxSeen {
		o.Blobs = append(o.Blobs, Seen{Box: box, New: 0.123456789, Lost: 0.123456789, Moving: 0.123456789, Restless: 0.123456789, Hold: true})
	}
	for range MaxNotes {
		o.Notes = append(o.Notes, Note{Track: math.MaxUint64, Box: &box, Stance: Watching, Why: Acceleration, Measures: measures})
	}
	if err := o.Validate(testConfig()); err != nil {
		t.Fatal(err)
	}
	var pipe bytes.Buffer
	if err := NewWriter(&pipe, MaxFromVision).JSON(TypeOverlay, &o); err != nil {
		t.Errorf("%d bytes: %v", pipe.Len(), err)
	}
}

func TestNamesAreTold(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if r == "" || seen[string(r)] {
			t.Errorf("reason %q is there twice", r)
		}
		seen[string(r)] = true
	}
	clear(seen)
	for _, q := range Quantities() {
		if q == "" || seen[string(q)] {
			t.Errorf("quantity %q is there twice", q)
		}
		seen[string(q)] = true
	}
	if c := testConfig(); c.FromVision() != MaxFromVision {
		t.Error("a process that sends no video may send long messages")
	}
}
