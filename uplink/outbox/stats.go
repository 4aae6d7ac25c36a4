package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// LaneStats is how a lane stands. The counters outlive the process.
type LaneStats struct {
	Depth  int
	Bytes  int64
	Oldest time.Time // when the oldest item was created, zero when there is none
	// Dropped is how many items were lost to age, to the lane's limit or to a full
	// disk; in the lane Metrics, readings.
	Dropped uint64
	// Folded is how many samples of metrics went into averages.
	Folded uint64
}

// Stats returns how every lane stands.
func (b *Box) Stats(ctx context.Context) (all [Lanes]LaneStats, err error) {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return all, fmt.Errorf("measure the outbox: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for l := range all {
		if all[l], err = b.laneStats(ctx, conn, Lane(l)); err != nil {
			return all, fmt.Errorf("measure the outbox: %w", err)
		}
	}
	if b.tail != nil {
		t, m := b.tail.Stats(), &all[Metrics]
		m.Depth += t.Depth
		m.Bytes += t.Bytes
		m.Dropped += t.Dropped
		m.Folded += t.Folded
		if !t.Oldest.IsZero() && (m.Oldest.IsZero() || t.Oldest.Before(m.Oldest)) {
			m.Oldest = t.Oldest
		}
	}
	return all, nil
}

func (b *Box) laneStats(ctx context.Context, db querier, lane Lane) (s LaneStats, err error) {
	var created sql.NullInt64
	err = db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(size), 0),
		min(created),
		coalesce((SELECT items FROM outbox_dropped WHERE lane = ?1), 0)
		FROM outbox WHERE lane = ?1`, lane).Scan(&s.Depth, &s.Bytes, &created, &s.Dropped)
	if err != nil {
		return s, err
	}
	if created.Valid {
		s.Oldest = time.UnixMilli(created.Int64)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Dropped += b.uncounted[lane].items
	return s, nil
}

// Depth returns how many items of a lane wait and when the oldest was created,
// zero when none does.
func (b *Box) Depth(ctx context.Context, lane Lane) (n int, oldest time.Time, err error) {
	all, err := b.Stats(ctx)
	if err != nil || lane < 0 || int(lane) >= Lanes {
		return 0, time.Time{}, err
	}
	return all[lane].Depth, all[lane].Oldest, nil
}
