package alert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// ErrHeld means that the disk takes nothing, so that the alert is not durable. It
// is sent from memory, and made durable as soon as that is possible: it is not to
// be raised again.
var ErrHeld = errors.New("the alert is in memory alone")

const (
	// maxHeld bounds the alerts that are in memory alone.
	maxHeld = 200
	// maxMild is how many there are for none of severity 3 and 4 to join them.
	maxMild = 150
)

// held is an alert that is not durable.
type held struct {
	record
	at    time.Time
	thumb []byte
}

// hold sends an alert from memory since why keeps it from being durable.
func (s *Service) hold(e Event, now time.Time, why error) (Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.held {
		if h := &s.held[i]; h.Device == e.Device && h.Kind == e.Kind && h.foldZone() == e.foldZone() && now.Sub(h.at) < s.CoolDown {
			if !h.worsen(&e) {
				return h.Alert, fmt.Errorf("%w: %w", ErrHeld, why)
			}
			return h.Alert, errors.Join(fmt.Errorf("%w: %w", ErrHeld, why), s.volatile(h, now))
		}
	}
	switch n := len(s.held); {
	case n >= maxMild && e.severity() > 2:
		// Who tells it would try it again and again, and what is graver would wait behind it.
		return Alert{}, fmt.Errorf("%d alerts are in memory alone, this one is lost: %w: %w", n, ErrInvalid, why)
	case n >= maxHeld:
		return Alert{}, fmt.Errorf("%d alerts are in memory alone: %w", n, why)
	}
	h := held{at: now, thumb: e.Thumbnail, record: record{Drill: e.Drill}}
	var err error
	if h.Alert, err = s.newAlert(e, now); err != nil {
		return Alert{}, err
	}
	if err := s.volatile(&h, now); err != nil {
		return Alert{}, errors.Join(err, why)
	}
	s.held = append(s.held, h)
	s.Log.Error("an alert is in memory alone", "id", h.ID, "device", h.Device, "kind", h.Kind, "error", why)
	return h.Alert, fmt.Errorf("%w: %w", ErrHeld, why)
}

// worsen makes a new revision of an alert for a further event that is graver, and reports whether it is.
func (h *held) worsen(e *Event) bool {
	if e.severity() >= h.Severity && (!e.Agitated || h.Agitated) {
		return false
	}
	h.Rev++
	h.Severity, h.Agitated = min(h.Severity, e.severity()), h.Agitated || e.Agitated
	return true
}

// volatile queues an alert's revision in memory. It runs with mu held.
func (s *Service) volatile(h *held, now time.Time) error {
	h.publish(s.terms(h.Kind, h.Severity).Level)
	var items []outbox.Item
	for _, level := range h.Published {
		payload, err := h.encode(level)
		if err != nil {
			return err
		}
		items = append(items, outbox.Item{Lane: outbox.Alert, Rank: h.Severity, Topic: Topic(level, h.ID), Key: h.ID, Retain: true, Payload: payload, Created: now})
	}
	if err := s.Outbox.Volatile(items...); err != nil {
		return err
	}
	if s.Queued != nil {
		s.Queued(items)
	}
	return nil
}

// Settle makes durable what is in memory alone, the oldest first, and returns how
// many alerts are in memory still.
func (s *Service) Settle(ctx context.Context) (int, error) {
	for {
		s.mu.Lock()
		n := len(s.held)
		var h held
		if n > 0 {
			h = s.held[0]
		}
		s.mu.Unlock()
		if n == 0 {
			return 0, nil
		}
		err := s.transact(ctx, func(tx *sql.Tx) error {
			a := h.record
			if err := s.write(ctx, tx, &a, h.at, store.Step{At: h.at, Action: "raised", By: h.Device}); err != nil {
				return err
			}
			return s.queueThumbnail(ctx, tx, &a, h.thumb, h.at)
		})
		if err != nil {
			return n, fmt.Errorf("make durable what is in memory: %w", err)
		}
		s.mu.Lock()
		if s.held[0].Rev == h.Rev { // else it became graver meanwhile: once more
			s.held = s.held[1:]
		}
		s.mu.Unlock()
		s.Log.Info("an alert is durable at last", "id", h.ID)
	}
}

// Restore puts back the revisions that a damaged database has lost, and queues
// them again, in one transaction.
func (s *Service) Restore(ctx context.Context, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	err := s.transact(ctx, func(tx *sql.Tx) error {
		for _, r := range records {
			var a record
			if err := a.read(r.Alert); err != nil {
				return err
			}
			if err := s.Store.PutAlert(ctx, tx, r.Alert, r.Step); err != nil {
				return err
			}
			if err := s.queue(ctx, tx, &a, r.Step.At); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore alerts from the journal: %w", err)
	}
	return nil
}
