// Package tryout runs rules that are not saved on what is kept of a camera's last minutes, and says
// what they would have raised, and what came near to it.
//
// They run in a vision process of their own, which gives way to those that watch, as fast as it goes
// and for a bounded time. All rules are armed; what lies outside their hours is told as such.
package tryout

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/gateway/config"
)

// Errors of Begin and Clip.
var (
	ErrBusy    = errors.New("another camera's rules are being tried")
	ErrNothing = errors.New("nothing of the camera is kept")
)

const (
	mostTime   = 5 * time.Minute  // of a process
	keptFor    = 15 * time.Minute // a result, for who looks at it
	mostEvents = 200
	niceness   = 19
)

// State is how far a try is.
type State string

// The states.
const (
	Running State = "running"
	Done    State = "done"
	Stopped State = "stopped" // by who began it
	Late    State = "late"    // its time was up before it was through
	Failed  State = "failed"
)

// Past reads what is kept of a camera.
type Past interface {
	// Span returns from when to when something is kept; zero if nothing is.
	Span() (from, to time.Time)
	// Read returns a function that returns one access unit after the other, from the last keyframe
	// at or before a moment on, and io.EOF behind the last.
	Read(from time.Time) func() (media.AccessUnit, error)
}

// Setup is what a try needs.
type Setup struct {
	Camera       *config.Camera
	Past         Past
	Location     *time.Location // of the schedules
	CoolDown     time.Duration  // within which events of a rule are one alert
	VisionPath   string
	AddressSpace int // MiB
	Log          *slog.Logger
}

// Report is how a try stands.
type Report struct {
	State    State
	Why      string // of Failed, in English
	From, To time.Time
	Rules    []config.Rule // that Events and Misses have indices of
	Part     float64       // that has been looked at, 0 to 1
	Until    time.Time     // up to where that is
	Pictures uint64        // analysed
	People   int           // that were followed: persons, groups and vehicles
	Events   []Event
	More     int // events beyond those
	Misses   []Miss
}

// Event is what a rule would have raised.
type Event struct {
	Rule            int
	Start, Detected time.Time
	End             time.Time // zero while it lasts
	Box             wire.Box
	Confidence      float64
	Floor           string
	Agitated        bool
	// Unarmed says that the rule's hours do not cover it, and Folded that it would have been
	// counted to the alert of the one before.
	Unarmed, Folded bool

	id      uint64
	picture []byte // a JPEG
}

// HasPicture says whether there is a picture.
func (e *Event) HasPicture() bool { return len(e.picture) > 0 }

// Desk has the newest try. It tries one at a time. Its zero value is ready.
type Desk struct {
	mu  sync.Mutex
	try *try // guarded by mu
}

// Begin begins a try and returns its id. What was tried before is forgotten. It returns ErrBusy
// or ErrNothing.
func (d *Desk) Begin(s Setup) (string, error) {
	from, to := s.Past.Span()
	if from.IsZero() {
		return "", ErrNothing
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.try != nil && d.try.running() {
		return "", ErrBusy
	}
	if d.try != nil {
		d.try.forget.Stop()
	}
	t := newTry(ulid.Make().String(), s, from, to)
	d.try = t
	t.forget = time.AfterFunc(mostTime+keptFor, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.try == t {
			d.try = nil
		}
	})
	go t.run()
	return t.id, nil
}

func (d *Desk) find(id string) *try {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.try == nil || d.try.id != id {
		return nil
	}
	return d.try
}

// Look returns how a try stands; false if there is none of that id.
func (d *Desk) Look(id string) (Report, bool) {
	t := d.find(id)
	if t == nil {
		return Report{}, false
	}
	return t.look(), true
}

// Stop ends a try. What it has found stays.
func (d *Desk) Stop(id string) bool {
	t := d.find(id)
	if t == nil {
		return false
	}
	t.stop()
	return true
}

// Picture returns the JPEG of an event, private parts painted over; nil if there is none.
func (d *Desk) Picture(id string, event int) []byte {
	t := d.find(id)
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if event < 0 || event >= len(t.report.Events) {
		return nil
	}
	return t.report.Events[event].picture
}

// Past returns what a try reads, nil if there is none of that id.
func (d *Desk) Past(id string) Past {
	if t := d.find(id); t != nil {
		return t.setup.Past
	}
	return nil
}

// Close ends what is under way and waits for it.
func (d *Desk) Close() {
	d.mu.Lock()
	t := d.try
	d.try = nil
	d.mu.Unlock()
	if t != nil {
		t.forget.Stop()
		t.stop()
		<-t.done
	}
}
