package alert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sentrybox/gateway/store"
)

// Pulse goes the way of an event that becomes an alert, through the same lock and a transaction that
// becomes durable, and leaves nothing but a time. It fails, or does not return, where Raise would.
func (s *Service) Pulse(ctx context.Context) error {
	now := s.Now()
	if err := s.transact(ctx, func(tx *sql.Tx) error { return store.PutPulse(ctx, tx, now) }); err != nil {
		return fmt.Errorf("nothing can be made durable: %w", err)
	}
	return nil
}

// errClocks means that RunClocks does not look any more.
var errClocks = errors.New("the clocks of alerts are not looked at")

// Clocks returns an error if RunClocks, which runs, has not looked at the clocks for longer than it
// ever waits.
func (s *Service) Clocks() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.looked.IsZero() && time.Since(s.looked) > 2*lookEvery {
		return errClocks
	}
	return nil
}
