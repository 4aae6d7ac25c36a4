package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// AlertsBetween returns the alerts of a device, or all where it is empty, that were raised between two
// moments: by the time in their identifiers.
func AlertsBetween(ctx context.Context, tx *sql.Tx, device string, from, to time.Time) (all []Alert, err error) {
	first, err := Least(from)
	if err != nil {
		return nil, err
	}
	last, err := Least(to)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+alertColumns+` FROM alerts WHERE id >= ? AND id < ? AND (? = '' OR device = ?) ORDER BY id`, first, last, device, device)
	if err != nil {
		return nil, fmt.Errorf("look for alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		a, _, err := scanAlert(rows)
		if err != nil {
			return nil, fmt.Errorf("look for alerts: %w", err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Least is the identifier of an alert before all others of a moment.
func Least(t time.Time) (string, error) {
	var id ulid.ULID
	if err := id.SetTime(uint64(max(t.UnixMilli(), 0))); err != nil { // not below 0
		return "", fmt.Errorf("time %v: %w", t, err)
	}
	return id.String(), nil
}
