package alert

import (
	"context"
	"database/sql"
	"fmt"

	"sentrybox/gateway/store"
)

// Agitate says that the gathering e, which the alert id was raised for or
// folded into, has become agitated since. The alert becomes one severity graver than the
// rule of e says, at most 1, whatever its state, in a new revision for every level
// that hears of that severity. It is no further event: count and cool-down stay. To say it
// again, or of an alert that is closed, changes nothing and is no error.
func (s *Service) Agitate(ctx context.Context, id string, e Event) error {
	e.Agitated = true
	if done, err := s.agitateHeld(id, e); done || err != nil {
		return err
	}
	now := s.Now()
	var a record
	changed := false
	err := s.transact(ctx, func(tx *sql.Tx) error {
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("no alert %.30q here: %w", id, ErrInvalid)
		}
		a = record{}
		if err := a.read(row); err != nil {
			return err
		}
		if changed = a.agitate(e); !changed {
			return nil
		}
		return s.write(ctx, tx, &a, row.LastEvent, store.Step{At: now, Action: "agitated", By: e.Device})
	})
	if err != nil {
		return fmt.Errorf("make an alert graver: %w", err)
	}
	if changed {
		s.Log.Info("alert is agitated", "id", a.ID, "rev", a.Rev, "severity", a.Severity, "state", a.State)
	}
	return nil
}

// agitate makes a new revision of an alert that an agitated event belongs to, if
// that says anything new.
func (a *record) agitate(e Event) bool {
	if !a.Open() || a.Agitated && e.severity() >= a.Severity {
		return false
	}
	a.Rev++
	a.Agitated, a.Severity = true, min(a.Severity, e.severity())
	return true
}

// agitateHeld is Agitate for an alert that is in memory alone, and says whether it is.
func (s *Service) agitateHeld(id string, e Event) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.held {
		h := &s.held[i]
		if h.ID != id {
			continue
		}
		if !h.agitate(e) {
			return true, nil
		}
		return true, s.volatile(h, s.Now())
	}
	return false, nil
}
