package wire

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Limits on an Overlay.
const (
	MaxFollowed = 64
	MaxSeen     = 64
	MaxNotes    = 256
	MaxMeasures = 4
)

// Overlay is what one analysed picture was made of: what there is to draw over
// it, and what each rule thinks of it. It carries no text, so that whoever draws it
// can do so in any language.
type Overlay struct {
	Time       float64    `json:"time"`       // media time, seconds
	Foreground float64    `json:"foreground"` // part of the picture that differs from the background, 0 to 1
	Settling   bool       `json:"settling,omitempty"`
	Armed      []bool     `json:"armed"` // a rule each
	Tracks     []Followed `json:"tracks,omitempty"`
	Blobs      []Seen     `json:"blobs,omitempty"`
	Notes      []Note     `json:"notes,omitempty"` // in order of their rules
}

// Show asks for an Overlay of each analysed picture from here on, or for none. While it is
// asked for, no picture is passed over for its being quiet.
type Show struct {
	On bool `json:"on"`
}

// Nature is what a track has shown itself to be.
type Nature string

// The natures.
const (
	Unproven Nature = "unproven"
	Mover    Nature = "mover"  // it moves from one place to another
	Person   Nature = "person" // a person, a group or a vehicle
)

// Natures lists every nature.
func Natures() []Nature { return []Nature{Unproven, Mover, Person} }

// Followed is a live track.
type Followed struct {
	ID     uint64  `json:"id"`
	Box    Box     `json:"box"` // where it is, or is thought to be if it is hidden
	Nature Nature  `json:"nature"`
	Age    float64 `json:"age"` // seconds
	Hidden bool    `json:"hidden,omitempty"`
	Shared bool    `json:"shared,omitempty"` // its blob is also another's
	// Why is the first test that it fails to be a person by, and Measures what was measured.
	Why      Reason    `json:"why,omitempty"`
	Measures []Measure `json:"measures,omitempty"`
}

// Seen is a blob of the foreground.
type Seen struct {
	Box      Box     `json:"box"`
	New      float64 `json:"new"`  // part of its outline that the background lacks, 0 to 1
	Lost     float64 `json:"lost"` // part of its outline that the background has, 0 to 1
	Moving   float64 `json:"moving"`
	Restless float64 `json:"restless"` // part of its surroundings that is never still, 0 to 1
	Hold     bool    `json:"hold,omitempty"`
}

// Stance is how far a rule has come with something.
type Stance string

// The stances.
const (
	Watching Stance = "watching" // it may become a behaviour
	Refused  Stance = "refused"  // it is none, for the reason that Why gives
	Decided  Stance = "decided"  // it is one, and goes on
)

// Stances lists every stance.
func Stances() []Stance { return []Stance{Watching, Refused, Decided} }

// Note is what one rule thinks of one thing in the picture, or of the picture
// as a whole.
type Note struct {
	Rule     int       `json:"rule"`            // index into Config.Rules
	Track    uint64    `json:"track,omitempty"` // what it is about, 0 if no track
	Box      *Box      `json:"box,omitempty"`   // where it is, if it is no track
	Stance   Stance    `json:"stance"`
	Why      Reason    `json:"why,omitempty"`
	Measures []Measure `json:"measures,omitempty"`
}

// Measure is what was measured, and the bound that it is held against.
type Measure struct {
	Of   Quantity `json:"of"`
	Have float64  `json:"have"`
	Need float64  `json:"need,omitempty"` // 0 if it is held against nothing
}

// Video is one picture with its overlay drawn, encoded as H.264: an Annex B byte
// stream whose keyframes begin with their parameter sets. Pictures are in order of their
// time, without reordering.
type Video struct {
	PTS      time.Duration // media time
	Keyframe bool
	Data     []byte
}

// FromVision returns how long a message from a process that runs c may be, in bytes.
func (c *Config) FromVision() int {
	if c.Annotate {
		return MaxVideo
	}
	return MaxFromVision
}

// Validate checks an overlay from a process that runs cfg.
func (o *Overlay) Validate(cfg *Config) error {
	switch {
	case !isTime(o.Time):
		return fmt.Errorf("overlay: %v is not a media time", o.Time)
	case len(o.Armed) != len(cfg.Rules):
		return fmt.Errorf("overlay: %d rules armed or not, of %d", len(o.Armed), len(cfg.Rules))
	case len(o.Tracks) > MaxFollowed || len(o.Blobs) > MaxSeen || len(o.Notes) > MaxNotes:
		return fmt.Errorf("overlay: %d tracks, %d blobs, %d notes: too many", len(o.Tracks), len(o.Blobs), len(o.Notes))
	case !areFractions(o.Foreground):
		return fmt.Errorf("overlay: foreground %v", o.Foreground)
	}
	for i := range o.Tracks {
		if err := o.Tracks[i].validate(); err != nil {
			return fmt.Errorf("overlay: tracks[%d]: %w", i, err)
		}
	}
	for i := range o.Blobs {
		b := &o.Blobs[i]
		if !areFractions(b.Box[:]...) || !areFractions(b.New, b.Lost, b.Moving, b.Restless) {
			return fmt.Errorf("overlay: blobs[%d]: %+v has no fractions", i, *b)
		}
	}
	for i := range o.Notes {
		if err := o.Notes[i].validate(cfg); err != nil {
			return fmt.Errorf("overlay: notes[%d]: %w", i, err)
		}
	}
	return nil
}

func (f *Followed) validate() error {
	if !slices.Contains(Natures(), f.Nature) || !areFractions(f.Box[:]...) || !isTime(f.Age) {
		return fmt.Errorf("%+v: no nature, box or age", *f)
	}
	return validWhy(f.Why, f.Measures)
}

func (n *Note) validate(cfg *Config) error {
	if n.Rule < 0 || n.Rule >= len(cfg.Rules) {
		return fmt.Errorf("rule %d of %d", n.Rule, len(cfg.Rules))
	}
	if !slices.Contains(Stances(), n.Stance) || n.Box != nil && !areFractions(n.Box[:]...) {
		return fmt.Errorf("stance %q, box %v", n.Stance, n.Box)
	}
	return validWhy(n.Why, n.Measures)
}

func validWhy(why Reason, measures []Measure) error {
	if why != "" && !slices.Contains(Reasons(), why) {
		return fmt.Errorf("unknown reason %q", why)
	}
	if len(measures) > MaxMeasures {
		return fmt.Errorf("%d measures, at most %d", len(measures), MaxMeasures)
	}
	for _, m := range measures {
		if !slices.Contains(Quantities(), m.Of) || !isTime(m.Have) || !isTime(m.Need) {
			return fmt.Errorf("measure %+v", m)
		}
	}
	return nil
}

// isTime says whether v is a number of a bounded size, as times and lengths are.
func isTime(v float64) bool { return math.Abs(v) <= 1e9 } // also refuses NaN

func areFractions(values ...float64) bool {
	for _, v := range values {
		if !(v >= 0 && v <= 1) {
			return false
		}
	}
	return true
}
