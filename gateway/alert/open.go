package alert

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"sentrybox/gateway/store"
)

// openMost bounds the open alerts that are looked at in one go.
const openMost = 10_000

// gravest returns at most n of the open alerts, the gravest first, and of those the newest. What cannot be read
// is passed over.
func gravest(ctx context.Context, tx *sql.Tx, n int) (all []record, err error) {
	rows, err := store.OpenAlerts(ctx, tx, openMost)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		var a record
		if a.read(row) == nil {
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b record) int { return cmp.Compare(a.Severity, b.Severity) })
	return all[:min(n, len(all))], nil
}

// Shown returns the open alerts that a page shows, newest first, and how many there are: all of severity 1 and 2, and
// the newest of the others, as many as fit into n.
func (s *Service) Shown(ctx context.Context, n int) (shown []Alert, open int, err error) {
	err = s.Store.Tx(ctx, func(tx *sql.Tx) error {
		rows, err := store.OpenAlerts(ctx, tx, openMost)
		if err != nil {
			return err
		}
		shown = nil
		for _, row := range rows {
			var a record
			if a.read(row) == nil {
				shown = append(shown, a.Alert)
			}
		}
		return nil
	})
	if err == nil {
		open, err = s.Store.OpenCount(ctx)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the open alerts: %w", err)
	}
	room := n
	for i := range shown {
		if shown[i].Severity <= 2 {
			room--
		}
	}
	shown = slices.DeleteFunc(shown, func(a Alert) bool {
		if a.Severity <= 2 {
			return false
		}
		room--
		return room < 0
	})
	return shown, open, nil
}
