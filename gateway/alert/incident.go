package alert

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"sentrybox/gateway/store"
)

const (
	// incidentWithin is how close in time alerts of one place are one incident.
	incidentWithin = time.Minute
	// incidentMost bounds how many open alerts are looked at.
	incidentMost = 50
)

// incident returns the first of the open alerts that a belongs to: those of the same
// zone of a device, or of the same grid, whose last event is less than a minute old. It
// returns "" if a is the first. What concerns the gateway itself, and tests, belong to nothing.
func incident(ctx context.Context, tx *sql.Tx, a *Alert, now time.Time) (string, error) {
	apart := []string{System, "test"}
	if slices.Contains(apart, a.Kind) {
		return "", nil
	}
	rows, err := store.OpenAlerts(ctx, tx, incidentMost)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if since := now.Sub(row.LastEvent); since < 0 || since >= incidentWithin || slices.Contains(apart, row.Kind) {
			continue
		}
		var other record
		if other.read(row) != nil {
			continue // no alert is to fail for another's sake
		}
		sameZone := other.Device == a.Device && other.foldZone() == a.foldZone()
		sameGrid := a.Grid != "" && other.Grid == a.Grid
		if !sameZone && !sameGrid {
			continue
		}
		if other.Incident != "" {
			return other.Incident, nil
		}
		return other.ID, nil
	}
	return "", nil
}
