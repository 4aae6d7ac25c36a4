package alert

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/store"
)

// Correct moves the times of alerts that were raised while the clock was wrong,
// now that the stamp of it is another, and returns how many: what was taken down in this
// run of the machine exactly, and of an earlier one as late as it can have been, up to
// the moment when this run began. The latter stay with clock_synced false.
// Deadlines move along, and the revision grows.
func (s *Service) Correct(ctx context.Context, now clock.Stamp) (int, error) {
	all, err := s.Store.Unsures(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, u := range all {
		offset := now.Offset
		if u.Boot != now.Boot {
			if !now.Set {
				continue
			}
			beat, found, err := s.Store.BeatOf(ctx, u.Boot)
			if err != nil {
				return n, err
			}
			// The last sign of life was before this run began, which was at now.Offset.
			offset = now.Offset - beat.Up
			if !found || u.Set {
				offset = u.Offset // nothing is known, or it was right
			}
		}
		moved, err := s.correct(ctx, u, now, offset)
		if err != nil {
			return n, fmt.Errorf("correct the times of alert %s: %w", u.Alert, err)
		}
		if moved {
			n++
		}
	}
	return n, nil
}

// unsure notes an alert that is being raised while nobody keeps the clock right.
func (s *Service) unsure(ctx context.Context, tx *sql.Tx, id string) error {
	if s.Clock == nil {
		return nil
	}
	stamp := s.Clock.Stamp()
	if stamp.Synced {
		return nil
	}
	return store.PutUnsure(ctx, tx, store.Unsure{Alert: id, Boot: stamp.Boot, Offset: stamp.Offset, Set: stamp.Set})
}

func (s *Service) correct(ctx context.Context, u store.Unsure, now clock.Stamp, offset time.Duration) (moved bool, err error) {
	by := offset - u.Offset
	moved = by >= clock.Step || by <= -clock.Step
	final := now.Synced || u.Boot != now.Boot // nothing better will be known
	if !moved && !final {
		return false, nil
	}
	err = s.transact(ctx, func(tx *sql.Tx) error {
		if moved {
			if err := s.shift(ctx, tx, u.Alert, by, now.Set && u.Boot == now.Boot); err != nil {
				return err
			}
		}
		if final {
			return store.DropUnsure(ctx, tx, u.Alert)
		}
		u.Offset, u.Set = offset, now.Set
		return store.PutUnsure(ctx, tx, u)
	})
	return moved, err
}

func (s *Service) shift(ctx context.Context, tx *sql.Tx, id string, by time.Duration, synced bool) error {
	row, found, err := store.AlertByID(ctx, tx, id)
	if err != nil {
		return err
	}
	var a record
	if !found || a.read(row) != nil {
		return nil
	}
	for _, t := range []*Time{&a.StartedAt, &a.DetectedAt, &a.RespondBy, &a.HandleBy, &a.AcknowledgedAt, &a.HandledAt, &a.EndedAt} {
		if !t.IsZero() {
			t.Time = t.Add(by)
		}
	}
	a.ClockSynced = a.ClockSynced || synced
	a.Rev++
	if err := store.ShiftSteps(ctx, tx, id, by); err != nil {
		return err
	}
	return s.write(ctx, tx, &a, row.LastEvent.Add(by), store.Step{At: s.Now(), Action: "clock", By: s.Gateway, Note: by.Round(time.Millisecond).String()})
}
