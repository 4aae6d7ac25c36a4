// Package alert turns events into alerts and follows them until they are
// handled.
//
// An alert exists once its row and its outbox rows are committed in one
// transaction. From then on every change is a new revision, written and queued
// the same way. The identifier never changes and the revision only grows, so a
// receiver that upserts by identifier and keeps the highest revision sees each
// alert once, however often it was sent.
package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// MaxPayload is how long an alert may be on the wire, in bytes.
const MaxPayload = 1024

// State is where an alert is in its life.
type State string

// The states, in their order. Handled and False close the alert.
const (
	Raised       State = "raised"
	Acknowledged State = "acknowledged"
	Dispatched   State = "dispatched"
	Handled      State = "handled"
	False        State = "false"
)

// Level is who an alert is for.
type Level string

// The levels, from the nearest to the farthest.
const (
	Grid      Level = "grid"
	Community Level = "community"
	Street    Level = "street"
)

// Levels lists every level.
func Levels() []Level { return []Level{Grid, Community, Street} }

// Time is a moment as the contract writes it: RFC 3339 in UTC with milliseconds.
type Time struct{ time.Time }

const timeForm = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes t; the zero time is null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"` + timeForm + `"`)), nil
}

// UnmarshalJSON reads any RFC 3339 time, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		t.Time = time.Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(b)
}

// Alert is the payload of the contract.
type Alert struct {
	ID          string   `json:"id"` // ULID
	Rev         int      `json:"rev"`
	Gateway     string   `json:"gateway"`
	Street      string   `json:"street"`
	Community   string   `json:"community"`
	Grid        string   `json:"grid"`
	Device      string   `json:"device"`
	Kind        string   `json:"kind"`
	Zone        string   `json:"zone"`           // empty but of cameras
	Code        string   `json:"code,omitempty"` // of the kind System
	Severity    int      `json:"severity"`       // 1, the gravest, to 4
	State       State    `json:"state"`
	Level       Level    `json:"level"`
	StartedAt   Time     `json:"started_at"`
	DetectedAt  Time     `json:"detected_at"`
	SentAt      Time     `json:"sent_at"` // set when it goes out
	ClockSynced bool     `json:"clock_synced"`
	Replayed    bool     `json:"replayed"` // it may have been sent before, or waited for the line
	Confidence  float64  `json:"confidence"`
	RespondBy   Time     `json:"respond_by"`
	HandleBy    Time     `json:"handle_by"`
	Evidence    []string `json:"evidence"`
	// Count is how many events were folded into the alert.
	Count int `json:"count"`
	// Floor is the one that a thrown object most likely came from, if the config
	// draws the facade's floors.
	Floor string `json:"floor,omitempty"`
	// Agitated says that people in a gathering run, push or fight, or have done so.
	Agitated bool `json:"agitated,omitempty"`
	// Caller is who called by radio or intercom, and Place where that is, if known; Position
	// is where the caller's radio says it is.
	Caller   string    `json:"caller,omitempty"`
	Place    string    `json:"place,omitempty"`
	Position *Position `json:"position,omitempty"`
	// Incident is the first alert of those that belong together; empty in that one.
	Incident string `json:"incident,omitempty"`
	// Escalated says why a further level hears of it, or would if there were one.
	Escalated Overdue `json:"escalated,omitempty"`
	// AcknowledgedAt is when somebody first answered, and HandledAt when it was closed.
	AcknowledgedAt Time `json:"acknowledged_at,omitzero"`
	HandledAt      Time `json:"handled_at,omitzero"`
	// By and Note are of the last answer that moved the state, cut short. They are left
	// out where the names are so long that the payload would be.
	By   string `json:"by,omitempty"`
	Note string `json:"note,omitempty"`
	Reading
	// EndedAt is when a sensor's reading was normal again. Somebody has still to look.
	EndedAt Time `json:"ended_at,omitzero"`
}

// Position is on WGS 84, in degrees.
type Position struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Reading is what a sensor measured, in an alert.
type Reading struct {
	Quantity string   `json:"quantity,omitempty"`
	Value    *float64 `json:"value,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Text     string   `json:"text,omitempty"` // of what is no number, such as a card
}

// Overdue is a deadline that nobody kept.
type Overdue string

// The deadlines that can be missed.
const (
	NotAcknowledged Overdue = "not_acknowledged"
	NotHandled      Overdue = "not_handled"
)

// Open says whether someone still has to do something about it.
func (a *Alert) Open() bool { return a.State != Handled && a.State != False }

// levels returns who hears of the alert at once.
func (a *Alert) levels(first Level) []Level {
	if a.Severity == 1 {
		return Levels()
	}
	return []Level{first}
}

// plain is JSON in which characters such as < stay as they are: this is no HTML.
func plain(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// encode writes the payload for one level.
func (a Alert) encode(level Level) ([]byte, error) {
	a.Level = level
	if a.SentAt.IsZero() { // as long as what Render puts there
		a.SentAt = a.DetectedAt
	}
	if a.Evidence == nil {
		a.Evidence = []string{}
	}
	b, err := plain(a)
	for _, leaveOut := range []func(){func() { a.Note = "" }, func() { a.By = "" }, func() { a.HandledAt = Time{} }, func() { a.AcknowledgedAt = Time{} },
		func() { a.Quantity = "" }, func() { a.EndedAt = Time{} }, func() { a.Reading = Reading{} },
		func() { a.Position = nil }, func() { a.Place = "" }} {
		if err != nil || len(b) < MaxPayload {
			break
		}
		leaveOut()
		b, err = plain(a)
	}
	if err != nil {
		return nil, fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	if len(b) >= MaxPayload {
		return nil, fmt.Errorf("alert %s is %d bytes long, the contract allows fewer than %d: shorten the names of gateway, street, community, grid, camera and zone: %w", a.ID, len(b), MaxPayload, ErrInvalid)
	}
	return b, nil
}

// Render sets what is only known at the moment of sending in the payload of a
// queued alert: when, and whether a receiver may have seen it before.
func Render(payload []byte, now time.Time, replayed bool) ([]byte, error) {
	if len(payload) == 0 {
		return payload, nil // it clears the topic of a closed alert
	}
	var a Alert
	if err := json.Unmarshal(payload, &a); err != nil {
		return nil, fmt.Errorf("read a queued alert: %w", err)
	}
	a.SentAt, a.Replayed = Time{now}, replayed
	return a.encode(a.Level)
}

// Parse reads the payload of a queued alert.
func Parse(payload []byte) (Alert, error) {
	var a Alert
	if err := json.Unmarshal(payload, &a); err != nil {
		return Alert{}, fmt.Errorf("read a queued alert: %w", err)
	}
	return a, nil
}

// Topic returns where an alert is published for a level, below the prefix.
func Topic(level Level, id string) string { return "alert/" + string(level) + "/" + id }

// ThumbTopic returns where an alert's thumbnail is published, below the prefix.
func ThumbTopic(id string) string { return "thumb/" + id }

func addEvidence(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(slices.Clone(list), name)
}
