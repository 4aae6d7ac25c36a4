package wire

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Version is the version of this protocol. The two programs are installed
// together, so a difference is a broken installation and nothing to bridge.
const Version = 5

// Type says what a message is.
type Type uint8

// The messages. Those of the gateway are below 16.
const (
	TypeConfig     Type = 1  // Config, as JSON
	TypeAccessUnit Type = 2  // AccessUnit, binary
	TypeArm        Type = 3  // Arm, as JSON
	TypeEnd        Type = 4  // no payload
	TypePing       Type = 5  // no payload; asks for a Progress at once
	TypePace       Type = 6  // Pace, as JSON
	TypeStill      Type = 7  // Still, as JSON; the answer is a Picture
	TypeShow       Type = 8  // Show, as JSON
	TypeRevision   Type = 9  // Revision, as JSON; the answer is TypeRevised
	TypeHello      Type = 16 // Hello, as JSON
	TypeDetection  Type = 17 // Detection: uint32 length of its JSON, the JSON, a JPEG or nothing
	TypeProgress   Type = 18 // Progress, as JSON
	TypeSummary    Type = 19 // Progress, as JSON
	TypeOverlay    Type = 20 // Overlay, as JSON; only if the config or a Show asks for it
	TypeVideo      Type = 21 // Video, binary; only if the config asks for it
	TypePicture    Type = 22 // Picture: uint64 id of the detection, a JPEG
	TypeRevised    Type = 23 // no payload
)

// Limits on the length of a message, in bytes.
const (
	MaxToVision    = 16 << 20
	MaxFromVision  = 1 << 20
	MaxVideo       = 4 << 20 // the same from a process that sends video
	MaxThumbnail   = 12 << 10
	MaxPicture     = 960 << 10
	MaxTrack       = 64 // points of a trajectory
	maxFloors      = 256
	maxZones       = 64
	maxRules       = 64
	maxPoints      = 128
	maxLinePoints  = 16
	maxPeople      = 1000
	maxRate        = 120
	accessUnitHead = 8 + 8 + 8 + 1 + 1
	videoHead      = 8 + 1
)

// The codecs of an access unit: Annex B byte streams, and one JFIF picture each.
const (
	CodecH264  = 1
	CodecH265  = 2
	CodecMJPEG = 3
)

// Kind is a kind of behaviour, as it stands in alerts and in the config.
type Kind string

// The kinds that a camera's rules can name.
const (
	Motion          Kind = "motion"
	Intrusion       Kind = "intrusion"
	LineCrossing    Kind = "line_crossing"
	Loitering       Kind = "loitering"
	ThrownObject    Kind = "thrown_object"
	Gathering       Kind = "gathering"
	AbandonedObject Kind = "abandoned_object"
	Tamper          Kind = "tamper"
)

// Kinds lists every kind of the contract.
func Kinds() []Kind {
	return []Kind{Motion, Intrusion, LineCrossing, Loitering, ThrownObject, Gathering, AbandonedObject, Tamper}
}

// Built lists the kinds that this version's vision process finds.
func Built() []Kind {
	return []Kind{Motion, Intrusion, LineCrossing, Loitering, ThrownObject, Gathering, AbandonedObject, Tamper}
}

// Point is x and y as fractions of the picture, from its top left corner.
type Point [2]float64

// Box is x, y, width and height as fractions of the picture.
type Box [4]float64

// Zone is a named part of the picture: a polygon of at least three points, or a
// line of at least two for rules of the kind LineCrossing.
type Zone struct {
	Name    string  `json:"name"`
	Polygon []Point `json:"polygon,omitempty"`
	Line    []Point `json:"line,omitempty"`
	Floors  []Floor `json:"floors,omitempty"` // of a facade, for thrown_object
}

// Floor is where a floor of a facade lies.
type Floor struct {
	Name string  `json:"name"`
	Y    float64 `json:"y"` // as a fraction of the picture, from the top
}

// Figure is somebody drawn into the picture, to tell how tall people are there:
// heights of the head and of the feet as fractions of the picture, from the top.
type Figure struct {
	Head float64 `json:"head"`
	Foot float64 `json:"foot"`
}

// TrackPoint is where an object was: media time in seconds, and x and y as
// fractions of the picture.
type TrackPoint [3]float64

// Direction says which way of crossing a line counts. Left and right are those
// of someone who walks along the line in the picture from its first point
// to its last: of a line drawn from the left edge to the right, left is above.
type Direction string

// The directions; none means both.
const (
	BothWays    Direction = "both"
	LeftToRight Direction = "left_to_right"
	RightToLeft Direction = "right_to_left"
)

// Directions lists every direction.
func Directions() []Direction { return []Direction{BothWays, LeftToRight, RightToLeft} }

// Rule asks for one kind of behaviour in one zone.
type Rule struct {
	Kind   Kind    `json:"kind"`
	Zone   string  `json:"zone"`
	After  float64 `json:"after,omitempty"`  // seconds
	People int     `json:"people,omitempty"` // for gathering
	// Direction is for line_crossing.
	Direction Direction `json:"direction,omitempty"`
	// Severity is the gateway's own, and is not sent.
	Severity int `json:"-"`
}

// Config is the first message to a vision process.
type Config struct {
	Version int       `json:"version"`
	Camera  string    `json:"camera"` // for its log lines
	Zones   []Zone    `json:"zones"`
	Privacy [][]Point `json:"privacy,omitempty"` // polygons never analysed and never shown
	Figures []Figure  `json:"figures,omitempty"` // none, or one near and one far
	Rules   []Rule    `json:"rules"`
	Armed   []bool    `json:"armed"` // a rule each
	// Replay asks for a Progress after every access unit that ends a second of
	// media time, since wall time says nothing there.
	Replay bool `json:"replay,omitempty"`
	// Lazy allows to pass over pictures as long as nothing happens that they could show.
	Lazy bool `json:"lazy,omitempty"`
	// Hardware asks for the board's own decoder, if there is one that bears the stream.
	Hardware bool `json:"hardware,omitempty"`
	// AddressSpace bounds the process, in bytes; the program's default when 0.
	AddressSpace uint64 `json:"address_space,omitempty"`
	// Detector gives a second opinion on people; nil for none.
	Detector *Detector `json:"detector,omitempty"`
	// Thumbnail bounds a thumbnail, in bytes; MaxThumbnail when 0.
	Thumbnail int `json:"thumbnail,omitempty"`
	// Legacy says that a file of LegacySize follows on file descriptor 7, in which the process finds what the one before has left,
	// and leaves the same.
	Legacy bool `json:"legacy,omitempty"`
	// Overlay asks for an Overlay of each analysed picture, and Annotate for Video:
	// the pictures with their overlays drawn.
	Overlay  bool `json:"overlay,omitempty"`
	Annotate bool `json:"annotate,omitempty"`
}

// Arm says which rules are armed from here on.
type Arm struct {
	Armed []bool `json:"armed"` // a rule each
}

// Pace says how much a camera may cost from here on, as the box has it to give. A
// process that was told none sees every picture that it wants to.
type Pace struct {
	// Rate bounds the pictures a second that the heuristics see; none when 0.
	Rate float64 `json:"rate,omitempty"`
	// Keyframes says that nothing but keyframes is to be decoded.
	Keyframes bool `json:"keyframes,omitempty"`
}

// Validate checks a pace.
func (p Pace) Validate() error {
	if !(p.Rate >= 0 && p.Rate <= maxRate) { // also refuses NaN
		return fmt.Errorf("pace: %v pictures a second, from 0 to %d", p.Rate, maxRate)
	}
	return nil
}

// Attention is how closely a vision process watches. It decides how soon the
// gateway has to hand over what arrives.
type Attention string

// The degrees of attention; none means Awake.
const (
	Awake  Attention = "awake"  // something moves: each picture counts, as soon as it is there
	Quiet  Attention = "quiet"  // nothing moves: every picture is looked at, and a quarter of a second does not matter
	Asleep Attention = "asleep" // nothing moves, and nothing but keyframes is decoded: what is between them can wait for the next
)

// Validate checks an attention.
func (a Attention) Validate() error {
	switch a {
	case "", Awake, Quiet, Asleep:
		return nil
	}
	return fmt.Errorf("progress: attention %q", a)
}

// Hello is the first message of a vision process: its sandbox is closed.
type Hello struct {
	Version int     `json:"version"`
	Sandbox Sandbox `json:"sandbox"`
	// NoEncoder says that Video was asked for and cannot be made: the machine's
	// libavcodec has no H.264 encoder.
	NoEncoder bool `json:"no_encoder,omitempty"`
	// NoHardware says that Hardware was asked for and there is none that can be opened.
	NoHardware bool `json:"no_hardware,omitempty"`
	// Detector says why the detector that was asked for cannot be used; empty if
	// it can, or none was asked for. At most MaxReason bytes.
	Detector string `json:"detector,omitempty"`
}

// MaxReason is the most bytes of Hello.Detector.
const MaxReason = 300

// Sandbox says what holds a vision process.
type Sandbox struct {
	NoNewPrivs   bool   `json:"no_new_privs"`
	Seccomp      bool   `json:"seccomp"`
	Landlock     int    `json:"landlock"`      // the kernel's ABI version, 0 without
	AddressSpace uint64 `json:"address_space"` // bytes, 0 without a limit
}

// AccessUnit is one encoded picture on its way to a vision process.
type AccessUnit struct {
	Seq      uint64        // grows by one, over restarts of the process too
	PTS      time.Duration // media time
	Wall     time.Time
	Codec    uint8 // CodecH264 and so on
	Keyframe bool
	Gap      bool // something was lost before it
	CatchUp  bool // seen before, handed over again after a restart
	More     bool // another follows at once: there is no hurry to say how far one is
	Data     []byte
}

// Phase says which end of a behaviour a detection reports.
type Phase string

// A behaviour is reported when it is decided and again when it is over. In
// between, a gathering is reported once more if it has become agitated since.
const (
	Begun   Phase = "begun"
	Changed Phase = "changed"
	Ended   Phase = "ended"
)

// Detection is one behaviour that a rule asked for.
type Detection struct {
	ID         uint64    `json:"id"` // unique within the process
	Phase      Phase     `json:"phase"`
	Rule       int       `json:"rule"` // index into Config.Rules
	Kind       Kind      `json:"kind"`
	Zone       string    `json:"zone"`
	Start      float64   `json:"start"`    // media time, seconds
	Detected   float64   `json:"detected"` // media time of the deciding picture
	End        float64   `json:"end,omitempty"`
	StartWall  time.Time `json:"start_wall"`
	DetectWall time.Time `json:"detect_wall"`
	Box        Box       `json:"box"`
	Confidence float64   `json:"confidence"` // 0 to 1
	// Agitated says that people in a gathering run, push or fight. It stays when they
	// have calmed down.
	Agitated bool `json:"agitated,omitempty"`
	// Track is the way of a thrown object, in order of time, and Floor the name
	// of the zone's floor that it most likely came from, if floors were drawn.
	Track []TrackPoint `json:"track,omitempty"`
	Floor string       `json:"floor,omitempty"`
	JPEG  []byte       `json:"-"` // a thumbnail, with Begun
	// Severity is that of its rule, if the gateway has given it one.
	Severity int `json:"-"`
}

// Picture is the whole picture that a detection was decided in, without marks;
// what is private is black. It follows the detection, or does not.
type Picture struct {
	Detection uint64 // its id
	// Wall is the wall clock of the access unit that it was decoded from, to the millisecond;
	// zero with a detection, which has its own.
	Wall time.Time
	JPEG []byte
}

// Progress counts what a vision process has done. It follows at least every
// second while access units arrive, and each Ping; a process that has work and
// says nothing for five seconds is taken to hang.
type Progress struct {
	Seq      uint64 `json:"seq"`      // the last access unit handled
	Seen     uint64 `json:"seen"`     // access units received
	Decoded  uint64 `json:"decoded"`  // pictures decoded
	Analysed uint64 `json:"analysed"` // pictures that the heuristics saw
	Damaged  uint64 `json:"damaged"`  // access units that the decoder refused
	Skipped  uint64 `json:"skipped"`  // pictures that the heuristics would have seen, but for a Pace
	Width    int    `json:"width"`    // of the picture as coded, in pixels
	Height   int    `json:"height"`
	// Attention is told at once when it changes.
	Attention Attention `json:"attention,omitempty"`
	// Confirmed is of the second opinions.
	Confirmed Confirmed `json:"confirmed"`
}

// Validate checks a detection from a process that runs cfg.
func (d *Detection) Validate(cfg *Config) error {
	if d.Phase != Begun && d.Phase != Ended && (d.Phase != Changed || !d.Agitated) {
		return fmt.Errorf("detection: phase %q, agitated %v", d.Phase, d.Agitated)
	}
	if d.Agitated && d.Kind != Gathering {
		return fmt.Errorf("detection: agitated %s", d.Kind)
	}
	if d.Rule < 0 || d.Rule >= len(cfg.Rules) {
		return fmt.Errorf("detection: rule %d of %d", d.Rule, len(cfg.Rules))
	}
	if r := cfg.Rules[d.Rule]; d.Kind != r.Kind || d.Zone != r.Zone {
		return fmt.Errorf("detection: %s in %q, but rule %d asks for %s in %q", d.Kind, d.Zone, d.Rule, r.Kind, r.Zone)
	}
	for _, v := range append([]float64{d.Confidence}, d.Box[:]...) {
		if !(v >= 0 && v <= 1) { // also refuses NaN
			return fmt.Errorf("detection: %v is not a fraction", v)
		}
	}
	for _, v := range []float64{d.Start, d.Detected, d.End} {
		if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 1e9 {
			return fmt.Errorf("detection: %v is not a media time", v)
		}
	}
	for _, w := range []time.Time{d.StartWall, d.DetectWall} {
		if y := w.Year(); y < 1970 || y > 9999 {
			return fmt.Errorf("detection: year %d", y)
		}
	}
	if err := d.validTrack(cfg); err != nil {
		return err
	}
	if len(d.JPEG) > MaxThumbnail {
		return fmt.Errorf("detection: thumbnail of %d bytes, at most %d", len(d.JPEG), MaxThumbnail)
	}
	return nil
}

func (d *Detection) validTrack(cfg *Config) error {
	if len(d.Track) > MaxTrack {
		return fmt.Errorf("detection: track of %d points, at most %d", len(d.Track), MaxTrack)
	}
	for i, p := range d.Track {
		if !(math.Abs(p[0]) <= 1e9) || i > 0 && p[0] <= d.Track[i-1][0] {
			return fmt.Errorf("detection: %v is no media time, or not after that of the point before", p[0])
		}
		for _, v := range p[1:] {
			if !(v >= 0 && v <= 1) {
				return fmt.Errorf("detection: track at %v, outside the picture", p[1:])
			}
		}
	}
	if d.Floor == "" {
		return nil
	}
	for _, z := range cfg.Zones {
		if z.Name == d.Zone && slices.ContainsFunc(z.Floors, func(f Floor) bool { return f.Name == d.Floor }) {
			return nil
		}
	}
	return fmt.Errorf("detection: zone %q has no floor %q", d.Zone, d.Floor)
}
