package alert

import (
	"context"
	"database/sql"
	"fmt"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// waitingMost bounds what one Waiting looks at.
const waitingMost = 1000

// Waiting returns the alerts of a severity of at most least that nobody has
// answered, and whose text waits in the outbox, the gravest first.
func (s *Service) Waiting(ctx context.Context, least int) (all []Alert, err error) {
	err = s.Store.Tx(ctx, func(tx *sql.Tx) error {
		ids, err := s.Outbox.WaitingKeys(ctx, tx, outbox.Alert, least, waitingMost)
		if err != nil {
			return err
		}
		for _, id := range ids {
			row, found, err := store.AlertByID(ctx, tx, id)
			if err != nil {
				return err
			}
			var a record
			if !found || a.read(row) != nil {
				continue
			}
			if a.Severity <= least && a.State == Raised {
				all = append(all, a.Alert)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for alerts that wait: %w", err)
	}
	return all, nil
}
