package alert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/store"
)

const (
	// lookEvery bounds how long a clock that was set can go unnoticed.
	lookEvery = time.Minute
	// retryAfter is for a database that does not take it.
	retryAfter = 5 * time.Second
	// pendingEvery is for an alert whose times are about to be corrected.
	pendingEvery = time.Second
)

// up returns the next level that has not heard of the alert, or "".
func (r *record) up() Level {
	all := Levels()
	for i := len(all) - 1; i >= 0; i-- {
		if slices.Contains(r.Published, all[i]) {
			if i+1 < len(all) {
				return all[i+1]
			}
			return ""
		}
	}
	return ""
}

// nextDue returns when the alert's next clock runs out, by the alert's own times, and
// what is overdue then. It returns zero if no clock runs. An alert that nobody acknowledges
// climbs a level each time that respondWithin has passed; one that is not handled climbs one. A drill
// has the time to be answered alone.
func (r *record) nextDue(respondWithin time.Duration) (time.Time, Overdue) {
	if !r.Open() {
		return time.Time{}, ""
	}
	if r.Drill {
		return r.RespondBy.Time, NotAcknowledged
	}
	var respond, handle time.Time
	if r.State == Raised && (r.Climbed == 0 || r.up() != "") {
		respond = r.RespondBy.Add(time.Duration(r.Climbed) * respondWithin)
	}
	if !r.Late {
		handle = r.HandleBy.Time
	}
	if respond.IsZero() || !handle.IsZero() && handle.Before(respond) {
		return handle, NotHandled
	}
	return respond, NotAcknowledged
}

// drillOver is the note of a drill that is closed since its time is over.
const drillOver = "自动结束 closed by itself"

// DrillOver is the action of that step.
const DrillOver = "drill_over"

// escalate makes the revision of an alert that is overdue.
func (r *record) escalate(why Overdue) {
	r.Rev++
	r.Escalated = why
	if why == NotHandled {
		r.Late = true
	} else {
		r.Climbed++
	}
	if level := r.up(); level != "" {
		r.Published = append(r.Published, level)
	}
}

// expect notes that an alert's clock runs. It is called with mu held.
func (s *Service) expect(r *record) {
	due, _ := r.nextDue(s.terms(r.Kind, r.Severity).RespondWithin)
	if !due.IsZero() && (s.due.IsZero() || due.Before(s.due)) {
		s.due = due
	}
}

// RunClocks keeps the clocks of all alerts until ctx ends: what is not acknowledged
// or not handled in time is published at the next level up too.
func (s *Service) RunClocks(ctx context.Context) error {
	s.mu.Lock()
	s.changed = make(chan struct{}, 1)
	changed := s.changed
	s.mu.Unlock()
	for {
		_, wait, err := s.Escalate(ctx)
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Error("the clocks of alerts are not kept", "error", err)
			}
			// Whatever is due has to wait: a database that fails is not to be stormed.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(retryAfter):
			}
			continue
		}
		s.mu.Lock()
		s.looked = time.Now()
		s.mu.Unlock()
		for look := time.Now().Add(wait); ; {
			timer := time.NewTimer(min(time.Until(look), s.untilDue()))
			select {
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			case <-changed: // perhaps by an alert that is due sooner
				timer.Stop()
				continue
			case <-timer.C:
			}
			break
		}
	}
}

// untilDue returns how long it is until a clock may run out, between 0 and lookEvery.
func (s *Service) untilDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due.IsZero() {
		return lookEvery
	}
	return min(max(s.due.Sub(s.Now()), 0), lookEvery)
}

// Escalate publishes at the next level up each alert whose clock has run out, and
// returns how many and when to look again.
func (s *Service) Escalate(ctx context.Context) (n int, wait time.Duration, err error) {
	h, err := s.hands(ctx)
	if err != nil {
		return 0, 0, err
	}
	s.mu.Lock()
	s.due = time.Time{} // what is written from here on is seen again
	s.mu.Unlock()
	var rows []store.Alert
	err = s.Store.Tx(ctx, func(tx *sql.Tx) (err error) {
		rows, err = store.OpenAlerts(ctx, tx, openMost)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read the open alerts: %w", err)
	}
	wait = lookEvery
	for _, row := range rows {
		var a record
		if err := a.read(row); err != nil {
			s.Log.Error("the clocks of an alert are not kept", "error", err)
			continue
		}
		left, ok := h.left(&a, s.terms(a.Kind, a.Severity).RespondWithin)
		if ok && left <= 0 {
			changed, err := s.climb(ctx, a.ID, h)
			if err != nil {
				return n, 0, err
			}
			if changed {
				n++
			}
			left = 0 // it may be due once more
		}
		if ok {
			wait = min(wait, max(left, 0))
		}
	}
	return n, min(wait, s.untilDue()), nil
}

// climb escalates an alert, if it is still overdue.
func (s *Service) climb(ctx context.Context, id string, h *hands) (changed bool, err error) {
	var a record
	err = s.transact(ctx, func(tx *sql.Tx) error {
		a, changed = record{}, false
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil || !found {
			return err
		}
		if err := a.read(row); err != nil {
			return err
		}
		within := s.terms(a.Kind, a.Severity).RespondWithin
		if left, ok := h.left(&a, within); !ok || left > 0 {
			return nil
		}
		changed = true
		if a.Drill {
			a.Rev++
			a.answered(Handled, Answer{By: s.Gateway, Note: drillOver}, s.Now())
			return s.write(ctx, tx, &a, row.LastEvent, store.Step{At: s.Now(), Action: DrillOver, By: s.Gateway})
		}
		_, why := a.nextDue(within)
		a.escalate(why)
		return s.write(ctx, tx, &a, row.LastEvent, store.Step{At: s.Now(), Action: "escalate", By: s.Gateway, Note: string(why)})
	})
	if err != nil {
		return false, fmt.Errorf("escalate alert %s: %w", id, err)
	}
	switch {
	case changed && a.Drill:
		s.Log.Info("a test of the line is over", "id", id)
	case changed:
		s.Log.Warn("alert is overdue", "id", id, "rev", a.Rev, "kind", a.Kind, "severity", a.Severity, "why", a.Escalated, "levels", a.Published)
	}
	return changed, nil
}

// hands are the clock's, as alerts see it: one that was raised while the clock was wrong
// goes by the time that the machine ran since.
type hands struct {
	now   time.Time
	stamp clock.Stamp
	clock *clock.Clock // nil: now is right
	// unsure are the alerts whose times may have to be corrected.
	unsure map[string]store.Unsure
	beats  map[string]store.Beat // the last sign of life of their runs
}

func (s *Service) hands(ctx context.Context) (*hands, error) {
	h := &hands{now: s.Now(), clock: s.Clock, unsure: map[string]store.Unsure{}, beats: map[string]store.Beat{}}
	if s.Clock == nil {
		return h, nil
	}
	h.stamp = s.Clock.Stamp()
	all, err := s.Store.Unsures(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range all {
		h.unsure[u.Alert] = u
		if _, known := h.beats[u.Boot]; known || u.Boot == h.stamp.Boot {
			continue
		}
		beat, found, err := s.Store.BeatOf(ctx, u.Boot)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		if found {
			h.beats[u.Boot] = beat
		}
	}
	return h, nil
}

// left returns how long it is until the alert's next clock runs out, or false if none runs.
func (h *hands) left(r *record, respondWithin time.Duration) (time.Duration, bool) {
	due, _ := r.nextDue(respondWithin)
	if due.IsZero() {
		return 0, false
	}
	if h.clock == nil {
		return due.Sub(h.now), true
	}
	u, unsure := h.unsure[r.ID]
	switch beat, known := h.beats[u.Boot]; {
	case unsure && u.Boot == h.stamp.Boot:
		if moved := h.stamp.Offset - u.Offset; moved >= clock.Step || moved <= -clock.Step {
			return pendingEvery, true // Correct is about to move the deadline
		}
		return due.Sub(h.now), true
	case h.stamp.Set && unsure:
		return pendingEvery, true // as above
	case h.stamp.Set:
		return due.Sub(h.now), true
	case unsure && !u.Set && known:
		// Both runs began before anybody set a clock. The machine was off for an unknown time,
		// which is counted as none.
		return due.Add(h.stamp.Offset - beat.Up - u.Offset).Sub(h.now), true
	default:
		return due.Sub(h.clock.Least(r.raised())), true
	}
}

// raised is a moment that has passed when the clock was right.
func (r *record) raised() time.Time {
	if r.AcknowledgedAt.After(r.DetectedAt.Time) {
		return r.AcknowledgedAt.Time
	}
	return r.DetectedAt.Time
}
