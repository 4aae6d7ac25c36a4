package alert

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sentrybox/gateway/store"
)

// Ending is how an event of a sensor is over.
type Ending struct {
	ID string // the alert's
	By string // the sensor or rule
	At time.Time
	// Close says that nobody has to look any more: the alert is handled.
	Close bool
	// Also runs in the transaction; nil for nothing.
	Also func(*sql.Tx) error
}

// Locate says in a new revision where the caller of an alert is, if nobody has said so before. Of an
// alert that is closed or unknown it changes nothing.
func (s *Service) Locate(ctx context.Context, id string, at Position) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil || !found || !row.Open {
			return err
		}
		var a record
		if err := a.read(row); err != nil || a.Position != nil {
			return err
		}
		a.Rev++
		a.Position = &at
		return s.write(ctx, tx, &a, row.LastEvent, store.Step{At: s.Now(), Action: "located", By: a.Device})
	})
	if err != nil {
		return fmt.Errorf("locate alert %s: %w", id, err)
	}
	return nil
}

// End says in a new revision that what an alert was raised for is over. Whether
// somebody has to look is not changed, unless it is to be closed. To say it again, or
// of an alert that is closed or unknown, changes nothing and is no error.
func (s *Service) End(ctx context.Context, e Ending) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if e.Also != nil {
			if err := e.Also(tx); err != nil {
				return err
			}
		}
		row, found, err := store.AlertByID(ctx, tx, e.ID)
		if err != nil || !found || !row.Open {
			return err
		}
		var a record
		if err := a.read(row); err != nil {
			return err
		}
		if !a.EndedAt.IsZero() {
			return nil
		}
		a.Rev++
		a.EndedAt = Time{e.At}
		action := "ended"
		if e.Close {
			a.answered(Handled, Answer{By: e.By}, s.Now())
			action = "handled"
		}
		return s.write(ctx, tx, &a, row.LastEvent, store.Step{At: s.Now(), Action: action, By: e.By})
	})
	if err != nil {
		return fmt.Errorf("end alert %s: %w", e.ID, err)
	}
	return nil
}
