package alert

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// republishMost bounds what one Republish queues: the gravest alerts, and of those the newest.
const republishMost = 500

// Republish queues the newest revision of every open alert again, and returns
// how many: a broker that was restarted may have forgotten what it acknowledged
// and retained. They go behind everything more urgent, and a receiver that keeps
// the highest revision sees nothing new.
func (s *Service) Republish(ctx context.Context, now time.Time) (int, error) {
	n := 0
	err := s.Store.Tx(ctx, func(tx *sql.Tx) error {
		all, err := gravest(ctx, tx, republishMost)
		if err != nil {
			return err
		}
		for i := range all {
			if err := s.requeue(ctx, tx, &all[i], now); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("publish open alerts again: %w", err)
	}
	if n > 0 {
		s.Outbox.Wake()
	}
	return n, nil
}

// Open returns what is published of every open alert, the gravest first: for a broker
// that knows nothing yet.
func (s *Service) Open(ctx context.Context, now time.Time) ([]outbox.Item, error) {
	var items []outbox.Item
	err := s.Store.Tx(ctx, func(tx *sql.Tx) error {
		all, err := gravest(ctx, tx, republishMost)
		if err != nil {
			return err
		}
		for _, a := range all {
			for _, level := range a.Published {
				payload, err := a.encode(level)
				if err != nil {
					return err
				}
				items = append(items, outbox.Item{Lane: outbox.State, Topic: Topic(level, a.ID), Retain: true, Payload: payload, Created: now})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the open alerts: %w", err)
	}
	return items, nil
}

// Current returns the newest revision of an alert, open or closed, as it is published for the first
// level that heard of it. It fails with ErrInvalid if there is no such alert.
func (s *Service) Current(ctx context.Context, tx *sql.Tx, id string) ([]byte, error) {
	row, found, err := store.AlertByID(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("no alert %.30q here: %w", id, ErrInvalid)
	}
	var a record
	if err := a.read(row); err != nil {
		return nil, err
	}
	level := a.Level
	if len(a.Published) > 0 {
		level = a.Published[0]
	}
	a.SentAt, a.Replayed = Time{s.Now()}, true
	return a.encode(level)
}

func (s *Service) requeue(ctx context.Context, tx *sql.Tx, a *record, now time.Time) error {
	for _, level := range a.Published {
		topic := Topic(level, a.ID)
		waits, err := s.Outbox.Pending(ctx, tx, topic)
		if err != nil {
			return err
		}
		if waits { // for its first time
			continue
		}
		payload, err := a.encode(level)
		if err != nil {
			return err
		}
		item := outbox.Item{Lane: outbox.State, Rank: a.Severity, Topic: topic, Key: "again/" + topic, Retain: true, Payload: payload, Created: now}
		if _, err := s.Outbox.Put(ctx, tx, item); err != nil {
			return err
		}
	}
	return nil
}
