package alert

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// ErrInvalid means that a request cannot be carried out as it stands; trying
// again does not help, or only harms.
var ErrInvalid = errors.New("invalid")

// Service raises alerts and takes the duty room's answers.
type Service struct {
	Store  *store.Store
	Outbox *outbox.Box
	Log    *slog.Logger
	Now    func() time.Time

	Gateway, Street, Community string

	// What holds unless Kinds or Severities say otherwise.
	FirstLevel    Level
	RespondWithin time.Duration
	HandleWithin  time.Duration
	CoolDown      time.Duration

	// Kinds go before Severities.
	Kinds      map[string]Terms
	Severities map[int]Terms

	// Clock says how far Now can be believed; nil where only its being above the
	// clock package's floor counts.
	Clock *clock.Clock

	// Queued hears of what a committed transaction has put into the outbox, in the
	// order of the commits; nil for nobody. It must not call the Service.
	Queued func([]outbox.Item)

	changed chan struct{} // set by RunClocks: holds a token when an alert has changed

	mu     sync.Mutex    // held from the begin of a transaction until Queued has heard of it
	queued []outbox.Item // guarded by mu: by the transaction that is open
	held   []held        // guarded by mu
	due    time.Time     // guarded by mu: no clock runs out before; zero when none runs
	looked time.Time     // guarded by mu: when RunClocks has last looked; zero before it runs
}

// transact runs fn in a transaction, and tells of what it has queued once that
// is durable. On a full disk fn runs twice.
func (s *Service) transact(ctx context.Context, fn func(*sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.Store.Urgent(ctx, func(tx *sql.Tx) error {
		s.queued = nil
		return fn(tx)
	})
	if err != nil {
		return err
	}
	if len(s.queued) == 0 {
		return nil
	}
	s.Outbox.Wake()
	if s.Queued != nil {
		s.Queued(s.queued)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

// put queues an item within the transaction of transact.
func (s *Service) put(ctx context.Context, tx *sql.Tx, it outbox.Item) error {
	_, err := s.Outbox.Put(ctx, tx, it)
	if err == nil {
		s.queued = append(s.queued, it)
	}
	return err
}

// record is an alert as it is kept: with the levels that have heard of it, since
// their topics are to be cleared when it closes.
type record struct {
	Alert
	Published []Level `json:"published"`
	// Climbed is how often it went a level up since nobody acknowledged it.
	Climbed int `json:"climbed,omitempty"`
	// Late says that it went a level up since nobody has handled it.
	Late bool `json:"late,omitempty"`
	// Drill is that of the event.
	Drill bool `json:"drill,omitempty"`
}

func (r *record) read(row store.Alert) error {
	if err := json.Unmarshal(row.Doc, r); err != nil {
		return fmt.Errorf("read alert %s: %w", row.ID, err)
	}
	return nil
}

// Raise makes the event durable and returns its alert: a new one, or the open
// alert of the same device, kind and zone if its last event is younger than the cool-down,
// it is not overdue, and the event is nothing new to who has answered it. When Raise
// returns without an error nothing may lose the alert.
// See also ErrHeld; an event with an ID is not held.
func (s *Service) Raise(ctx context.Context, e Event) (Alert, error) {
	if e.Severity < 1 || e.Severity > 4 {
		return Alert{}, fmt.Errorf("severity %d, it goes from 1 (gravest) to 4: %w", e.Severity, ErrInvalid)
	}
	if e.ID != "" {
		if _, err := ulid.ParseStrict(e.ID); err != nil {
			return Alert{}, fmt.Errorf("identifier %q is no ULID: %w", e.ID, ErrInvalid)
		}
	}
	now := s.Now()
	var a record
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if err := s.raise(ctx, tx, e, now, &a); err != nil || e.Also == nil {
			return err
		}
		return e.Also(tx, a.ID)
	})
	if err != nil && e.ID == "" && store.Unwritable(err) {
		return s.hold(e, now, err)
	}
	if err != nil {
		return Alert{}, fmt.Errorf("raise an alert: %w", err)
	}
	s.Log.Info("alert", "id", a.ID, "rev", a.Rev, "device", a.Device, "kind", a.Kind, "zone", a.Zone,
		"severity", a.Severity, "state", a.State)
	return a.Alert, nil
}

// raise is Raise within its transaction.
func (s *Service) raise(ctx context.Context, tx *sql.Tx, e Event, now time.Time, a *record) error {
	*a = record{}
	if e.ID != "" {
		row, found, err := store.AlertByID(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		if found {
			return a.read(row)
		}
		return s.create(ctx, tx, e, now, a)
	}
	row, found, err := store.OpenAlert(ctx, tx, e.Device, e.Kind, e.foldZone(), now)
	if err != nil {
		return err
	}
	if found {
		if err := a.read(row); err != nil {
			s.Log.Error("an alert is raised anew since the one before is damaged", "error", err)
		} else if s.folds(&a.Alert, &e, row.LastEvent, now) {
			return s.fold(ctx, tx, e, now, a)
		}
	}
	*a = record{}
	return s.create(ctx, tx, e, now, a)
}

func (s *Service) create(ctx context.Context, tx *sql.Tx, e Event, now time.Time, a *record) (err error) {
	if a.Alert, err = s.newAlert(e, now); err != nil {
		return err
	}
	a.Drill = e.Drill
	if a.Incident, err = incident(ctx, tx, &a.Alert, now); err != nil {
		return err
	}
	if err := s.unsure(ctx, tx, a.ID); err != nil {
		return err
	}
	if err := s.write(ctx, tx, a, now, store.Step{At: now, Action: "raised", By: e.Device}); err != nil {
		return err
	}
	return s.queueThumbnail(ctx, tx, a, e.Thumbnail, now)
}

// newAlert returns the first revision of an event's alert.
func (s *Service) newAlert(e Event, now time.Time) (Alert, error) {
	id := e.ID
	if id == "" {
		u, err := ulid.New(ulid.Timestamp(now), rand.Reader)
		if err != nil {
			return Alert{}, fmt.Errorf("make an identifier: %w", err)
		}
		id = u.String()
	}
	terms := s.terms(e.Kind, e.severity())
	a := Alert{
		ID: id, Rev: 1, Gateway: s.Gateway, Street: s.Street, Community: s.Community, Grid: e.Grid,
		Device: e.Device, Kind: e.Kind, Zone: e.Zone, Code: e.Code, Severity: e.severity(), State: Raised,
		StartedAt: Time{e.Start}, DetectedAt: Time{e.Detected},
		ClockSynced: now.Unix() >= clock.Floor, Confidence: e.Confidence,
		RespondBy: Time{now.Add(terms.RespondWithin)}, HandleBy: Time{now.Add(terms.HandleWithin)}, Count: 1, Floor: e.Floor, Agitated: e.Agitated,
		Reading: e.Reading, Caller: e.Caller, Place: e.Place, Position: e.Position,
	}
	if s.Clock != nil {
		a.ClockSynced = s.Clock.Stamp().Set
	}
	if len(e.Thumbnail) > 0 {
		a.Evidence = addEvidence(a.Evidence, "thumb")
	}
	return a, nil
}

// publish adds the levels that hear of the alert.
func (r *record) publish(first Level) {
	r.Level = first
	for _, level := range r.levels(first) {
		if !slices.Contains(r.Published, level) {
			r.Published = append(r.Published, level)
		}
	}
}

// Attach adds a piece of evidence to an alert, in a new revision. also runs in
// the same transaction. It fails with ErrInvalid if there is no such alert.
func (s *Service) Attach(ctx context.Context, id, part string, also func(*sql.Tx) error) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("no alert %s here: %w", id, ErrInvalid)
		}
		var a record
		if err := a.read(row); err != nil {
			return err
		}
		if err := also(tx); err != nil {
			return err
		}
		if slices.Contains(a.Evidence, part) {
			return nil
		}
		a.Rev++
		a.Evidence = addEvidence(a.Evidence, part)
		return s.write(ctx, tx, &a, row.LastEvent, store.Step{At: s.Now(), Action: "evidence", By: a.Device, Note: part})
	})
	if err != nil {
		return fmt.Errorf("add %s to alert %s: %w", part, id, err)
	}
	return nil
}

// Illustrate gives an alert that has none a thumbnail, a JPEG. It fails with ErrInvalid if there is no such alert.
func (s *Service) Illustrate(ctx context.Context, id string, jpeg []byte) error {
	return s.Attach(ctx, id, "thumb", func(tx *sql.Tx) error {
		row, _, err := store.AlertByID(ctx, tx, id)
		if err != nil {
			return err
		}
		var a record
		if err := a.read(row); err != nil || slices.Contains(a.Evidence, "thumb") {
			return err
		}
		return s.queueThumbnail(ctx, tx, &a, jpeg, s.Now())
	})
}

// folds says whether the event e of now belongs to the open alert a. An alert that somebody has answered
// goes on counting, so that an answer does not make the same thing ring anew; what they cannot know of,
// since it is graver or somebody calls again, is an alert of its own, as is what comes once a is overdue.
func (s *Service) folds(a *Alert, e *Event, lastEvent, now time.Time) bool {
	if now.Sub(lastEvent) >= s.CoolDown {
		return false
	}
	if a.State == Raised {
		return now.Before(a.RespondBy.Time)
	}
	graver := e.severity() < a.Severity || e.Agitated && !a.Agitated
	return !graver && !e.Call && !e.Drill && now.Before(a.HandleBy.Time)
}

// fold adds an event to an open alert. The picture of the first event stays.
func (s *Service) fold(ctx context.Context, tx *sql.Tx, e Event, now time.Time, a *record) error {
	a.Rev++
	a.Count++
	a.Severity = min(a.Severity, e.severity())
	a.Agitated = a.Agitated || e.Agitated
	a.Confidence = max(a.Confidence, e.Confidence)
	if a.Floor == "" {
		a.Floor = e.Floor
	}
	a.Reading, a.EndedAt = e.Reading, Time{}
	if e.Position != nil {
		a.Position = e.Position
	}
	thumb := e.Thumbnail
	if len(a.Evidence) > 0 {
		thumb = nil
	} else if len(thumb) > 0 {
		a.Evidence = addEvidence(a.Evidence, "thumb")
	}
	if err := s.write(ctx, tx, a, now, store.Step{At: now, Action: "event", By: e.Device}); err != nil {
		return err
	}
	return s.queueThumbnail(ctx, tx, a, thumb, now)
}

// write stores a revision and queues it for every level that hears of it; a
// closed alert's topics are cleared behind its last revision.
func (s *Service) write(ctx context.Context, tx *sql.Tx, a *record, lastEvent time.Time, step store.Step) error {
	a.publish(s.terms(a.Kind, a.Severity).Level)
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	row := store.Alert{
		ID: a.ID, Rev: a.Rev, Open: a.Open(), Device: a.Device, Kind: a.Kind, Zone: a.foldZone(),
		LastEvent: lastEvent, Doc: doc,
	}
	if err := s.Store.PutAlert(ctx, tx, row, step); err != nil {
		return err
	}
	s.expect(a)
	return s.queue(ctx, tx, a, step.At)
}

// queue queues a revision of the time at.
func (s *Service) queue(ctx context.Context, tx *sql.Tx, a *record, at time.Time) error {
	for _, level := range a.Published {
		payload, err := a.encode(level)
		if err != nil {
			return err
		}
		item := outbox.Item{Lane: outbox.Alert, Rank: a.Severity, Topic: Topic(level, a.ID), Key: a.ID, Retain: true, Payload: payload, Created: at}
		if err := s.put(ctx, tx, item); err != nil {
			return err
		}
		if a.Open() {
			continue
		}
		item.Payload = nil
		if err := s.put(ctx, tx, item); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) queueThumbnail(ctx context.Context, tx *sql.Tx, a *record, jpeg []byte, now time.Time) error {
	if len(jpeg) == 0 {
		return nil
	}
	return s.put(ctx, tx, outbox.Item{
		Lane: outbox.Thumbnail, Rank: a.Severity, Topic: ThumbTopic(a.ID), After: a.ID,
		Payload: jpeg, Created: now,
	})
}
