package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"testing"
	"time"
)

func testConfig() *Config {
	return &Config{
		Version: Version, Camera: "gate",
		Zones: []Zone{{Name: "all", Polygon: []Point{{0, 0}, {1, 0}, {1, 1}}}},
		Rules: []Rule{{Kind: Intrusion, Zone: "all"}},
		Armed: []bool{true},
	}
}

func testDetection() Detection {
	w := time.Date(2026, 3, 1, 2, 3, 4, 5e6, time.UTC)
	return Detection{
		ID: 7, Phase: Begun, Kind: Intrusion, Zone: "all", Start: 1, Detected: 2.5,
		StartWall: w, DetectWall: w, Box: Box{0.1, 0.2, 0.3, 0.4}, Confidence: 0.9, JPEG: []byte{0xff, 0xd8},
	}
}

// countedWrites counts Writes.
type countedWrites struct {
	bytes.Buffer
	n int
}

func (c *countedWrites) Write(b []byte) (int, error) {
	c.n++
	return c.Buffer.Write(b)
}

// TestBatch: several access units are one Write; one that is too long costs itself alone.
func TestBatch(t *testing.T) {
	var pipe countedWrites
	w := NewWriter(&pipe, 1000)
	list := make([]AccessUnit, 5)
	for i := range list {
		list[i] = AccessUnit{Seq: uint64(i), Wall: time.Unix(0, 0), Data: bytes.Repeat([]byte{byte(i)}, 100*i)}
	}
	list[3].Data = make([]byte, 1000)
	if err := w.AccessUnits(list); !errors.Is(err, ErrTooLong) {
		t.Errorf("an access unit that is too long: %v", err)
	}
	if pipe.n != 1 {
		t.Errorf("%d writes", pipe.n)
	}
	r := NewReader(&pipe, 1000)
	for _, i := range []int{0, 1, 2, 4} {
		typ, p, err := r.Next()
		var got AccessUnit
		if err == nil {
			err = DecodeAccessUnit(p, &got)
		}
		if err != nil || typ != TypeAccessUnit || got.Seq != list[i].Seq || !bytes.Equal(got.Data, list[i].Data) {
			t.Errorf("access unit %d: %v, %+v", i, err, got)
		}
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	var pipe bytes.Buffer
	w := NewWriter(&pipe, MaxToVision)
	au := AccessUnit{
		Seq: 1 << 40, PTS: -time.Second, Wall: time.Unix(1_700_000_000, 123), Codec: 2,
		Keyframe: true, CatchUp: true, More: true, Data: []byte{0, 0, 1, 0x40},
	}
	det := testDetection()
	for _, err := range []error{
		w.JSON(TypeConfig, testConfig()), w.AccessUnit(&au), w.Detection(&det), w.End(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := NewReader(&pipe, MaxToVision)

	next := func(want Type) []byte {
		t.Helper()
		got, p, err := r.Next()
		if err != nil || got != want {
			t.Fatalf("got type %d, %v; want %d", got, err, want)
		}
		return p
	}
	var cfg Config
	if err := Decode(next(TypeConfig), &cfg); err != nil || !reflect.DeepEqual(&cfg, testConfig()) {
		t.Errorf("config: %+v, %v", cfg, err)
	}
	var gotAU AccessUnit
	if err := DecodeAccessUnit(next(TypeAccessUnit), &gotAU); err != nil || !reflect.DeepEqual(gotAU, au) {
		t.Errorf("access unit: %+v, %v", gotAU, err)
	}
	var gotDet Detection
	if err := DecodeDetection(next(TypeDetection), &gotDet); err != nil || !reflect.DeepEqual(gotDet, det) {
		t.Errorf("detection: %+v, %v", gotDet, err)
	}
	if p := next(TypeEnd); len(p) != 0 {
		t.Errorf("end: %d bytes", len(p))
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want error
	}{
		"too long":        {"\xff\xff\xff\xff\x02", ErrTooLong},
		"cut in the head": {"\x05\x00", io.ErrUnexpectedEOF},
		"cut in the body": {"\x05\x00\x00\x00\x02ab", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := NewReader(bytes.NewReader([]byte(tc.in)), 1024).Next()
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if _, _, err := NewReader(bytes.NewReader(make([]byte, 5)), 1024).Next(); err == nil {
		t.Error("a message without a type was read")
	}
	if err := NewWriter(io.Discard, 8).AccessUnit(&AccessUnit{}); !errors.Is(err, ErrTooLong) {
		t.Errorf("write past the limit: %v", err)
	}
}

func TestDetectionValidate(t *testing.T) {
	ok := testDetection()
	if err := ok.Validate(testConfig()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Detection){
		"phase":       func(d *Detection) { d.Phase = "maybe" },
		"rule":        func(d *Detection) { d.Rule = 1 },
		"negative":    func(d *Detection) { d.Rule = -1 },
		"kind":        func(d *Detection) { d.Kind = Tamper },
		"zone":        func(d *Detection) { d.Zone = "elsewhere" },
		"box":         func(d *Detection) { d.Box[2] = 1.5 },
		"confidence":  func(d *Detection) { d.Confidence = math.NaN() },
		"media time":  func(d *Detection) { d.Start = math.Inf(1) },
		"wall":        func(d *Detection) { d.DetectWall = time.Time{} },
		"thumb bytes": func(d *Detection) { d.JPEG = make([]byte, MaxThumbnail+1) },
		"track":       func(d *Detection) { d.Track = make([]TrackPoint, MaxTrack+1) },
		"track back":  func(d *Detection) { d.Track = []TrackPoint{{2, 0.5, 0.1}, {1, 0.5, 0.2}} },
		"track time":  func(d *Detection) { d.Track = []TrackPoint{{math.NaN(), 0.5, 0.1}} },
		"track far":   func(d *Detection) { d.Track = []TrackPoint{{1, 0.5, 1.1}} },
		"track place": func(d *Detection) { d.Track = []TrackPoint{{1, math.NaN(), 1}} },
		"floor":       func(d *Detection) { d.Floor = "12" },
		"agitated":    func(d *Detection) { d.Agitated = true }, // of no gathering
		"unchanged":   func(d *Detection) { d.Phase = Changed },
	} {
		d := testDetection()
		spoil(&d)
		if d.Validate(testConfig()) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"version":      func(c *Config) { c.Version++ },
		"armed":        func(c *Config) { c.Armed = nil },
		"unknown zone": func(c *Config) { c.Rules[0].Zone = "x" },
		"zone twice":   func(c *Config) { c.Zones = append(c.Zones, c.Zones[0]) },
		"two points":   func(c *Config) { c.Zones[0].Polygon = c.Zones[0].Polygon[:2] },
		"outside":      func(c *Config) { c.Zones[0].Polygon[0][0] = -0.1 },
		"privacy":      func(c *Config) { c.Privacy = [][]Point{{}} },
		"after":        func(c *Config) { c.Rules[0].After = math.NaN() },
		"direction":    func(c *Config) { c.Rules[0].Direction = BothWays },
		"a line's end": func(c *Config) { c.Zones = []Zone{{Name: "all", Line: []Point{{0, 0}}}} },
		"line's point": func(c *Config) { withLine(c); c.Zones[1].Line[0][0] = 2 },
		"point twice":  func(c *Config) { withLine(c); c.Zones[1].Line[1] = c.Zones[1].Line[0] },
		"long line":    func(c *Config) { withLine(c); c.Zones[1].Line = make([]Point, 17) },
		"line and all": func(c *Config) { withLine(c); c.Zones[1].Polygon = c.Zones[0].Polygon },
		"no line":      func(c *Config) { withLine(c); c.Rules[1].Zone = "all" },
		"only a line":  func(c *Config) { withLine(c); c.Rules[0].Zone = "kerb" },
		"sideways":     func(c *Config) { withLine(c); c.Rules[1].Direction = "up" },
		"no floor":     func(c *Config) { c.Zones[0].Floors = []Floor{{"", 0.5}} },
		"floor twice":  func(c *Config) { c.Zones[0].Floors = []Floor{{"1", 0.5}, {"1", 0.6}} },
		"floor off":    func(c *Config) { c.Zones[0].Floors = []Floor{{"1", math.NaN()}} },
	} {
		c := testConfig()
		spoil(c)
		if c.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, d := range append(Directions(), "") {
		c := testConfig()
		withLine(c)
		c.Rules[1].Direction = d
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	if err := testConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestDetectionOfFall(t *testing.T) {
	c, d := testConfig(), testDetection()
	c.Zones[0].Floors = []Floor{{"12", 0.3}, {"11", 0.4}}
	d.Zone, d.Floor = c.Zones[0].Name, "11"
	d.Track = []TrackPoint{{1, 0.5, 0.4}, {1.04, 0.5, 0.41}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if err := d.Validate(c); err != nil {
		t.Error(err)
	}
}

func TestAgitatedGathering(t *testing.T) {
	c, d := testConfig(), testDetection()
	c.Rules[d.Rule].Kind, d.Kind = Gathering, Gathering
	for _, p := range []Phase{Begun, Changed, Ended} {
		d.Phase, d.Agitated = p, true
		if err := d.Validate(c); err != nil {
			t.Error(err)
		}
		d.Agitated = false
		if err := d.Validate(c); (err == nil) != (p != Changed) {
			t.Errorf("calm and %s: %v", p, err)
		}
	}
}

// withLine adds a zone that is a line, and a rule for it.
func withLine(c *Config) {
	c.Zones = append(c.Zones, Zone{Name: "kerb", Line: []Point{{0.1, 0.6}, {0.9, 0.6}}})
	c.Rules = append(c.Rules, Rule{Kind: LineCrossing, Zone: "kerb"})
	c.Armed = append(c.Armed, true)
}

// FuzzFromVision reads what a vision process that a stranger controls may send.
func FuzzFromVision(f *testing.F) {
	var pipe bytes.Buffer
	w := NewWriter(&pipe, MaxFromVision)
	det, o := testDetection(), testOverlay()
	for _, err := range []error{
		w.JSON(TypeHello, Hello{Version: Version}), w.Detection(&det), w.JSON(TypeProgress, Progress{Seq: 3}),
		w.JSON(TypeOverlay, &o), w.Video(&Video{PTS: 1, Data: []byte{1}}),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	f.Add(pipe.Bytes())
	f.Add([]byte("\x06\x00\x00\x00\x11\xff\xff\xff\xff{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), MaxFromVision)
		for {
			typ, p, err := r.Next()
			if err != nil {
				return
			}
			switch typ {
			case TypeDetection:
				var d Detection
				if DecodeDetection(p, &d) == nil && d.Validate(testConfig()) == nil && d.Zone != "all" {
					t.Errorf("zone %q passed", d.Zone)
				}
			case TypeOverlay:
				var o Overlay
				if Decode(p, &o) == nil && o.Validate(testConfig()) == nil {
					for _, n := range o.Notes {
						if n.Rule != 0 || len(n.Measures) > MaxMeasures {
							t.Errorf("note %+v passed", n)
						}
					}
				}
			case TypeVideo:
				var v Video
				if err := DecodeVideo(p, &v); err == nil && (len(v.Data) == 0 || len(v.Data) > len(b)) {
					t.Error("video from nowhere")
				}
			case TypeAccessUnit:
				var a AccessUnit
				if err := DecodeAccessUnit(p, &a); err == nil && len(a.Data) > len(b) {
					t.Error("data from nowhere")
				}
			default:
				var h Hello
				_ = Decode(p, &h)
			}
		}
	})
}
