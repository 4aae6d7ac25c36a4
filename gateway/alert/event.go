package alert

import (
	"context"
	"database/sql"
	"time"
)

// Event is something that a person should know of.
type Event struct {
	// ID is the alert's identifier if the caller has chosen it, so that it can
	// ask again without raising a second alert; otherwise empty.
	ID         string
	Device     string
	Grid       string
	Kind       string
	Zone       string
	Code       string // what it is, of the kind System
	Severity   int    // 1 to 4, of the rule
	Start      time.Time
	Detected   time.Time
	Confidence float64
	Floor      string // of a thrown object, if known
	Caller     string // of a radio or an intercom; what different callers say is not one alert
	Place      string // where the caller is, in words
	Position   *Position
	Agitated   bool // of a gathering; it counts as one severity graver
	Reading    Reading
	// Call says that a person asks for somebody: once an alert is answered, a further call is a new one.
	Call bool
	// Drill says that nothing has happened: the alert climbs no level when nobody answers, and is closed
	// when its time to be answered is over.
	Drill bool
	// Also runs in the transaction that makes the event durable, with its alert's
	// identifier; nil for nothing. An alert that is held never comes to it.
	Also      func(tx *sql.Tx, id string) error
	Thumbnail []byte // JPEG, or none
	// Picture waits for the whole picture, a JPEG; nil if there will be none.
	Picture func(context.Context) []byte
}

// severity returns how grave the event is.
func (e *Event) severity() int {
	if e.Agitated {
		return max(e.Severity-1, 1)
	}
	return e.Severity
}

// foldZone is the zone by which events are one alert.
func (e *Event) foldZone() string {
	return foldZone(e.Kind, e.Code, e.Caller, e.Zone)
}

// foldZone is that of the events that are in it.
func (a *Alert) foldZone() string {
	return foldZone(a.Kind, a.Code, a.Caller, a.Zone)
}

func foldZone(kind, code, caller, zone string) string {
	switch {
	case kind == System:
		return code
	case caller != "":
		return caller
	}
	return zone
}
