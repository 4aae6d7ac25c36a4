package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Limit bounds a lane. What is zero bounds nothing.
type Limit struct {
	// Bytes is how much may wait, payloads and about 200 bytes an item.
	Bytes int64
	// Age is how long an item may wait. It does not count for items that were put
	// while the clock had never been set.
	Age time.Duration
}

// Limits bounds every lane. That of Alert is not looked at: an alert is never
// dropped, and its lane is bounded by the disk alone. The lane Metrics counts
// here only as far as it is in the database and not in a Tail, which has limits of
// its own.
type Limits [Lanes]Limit

// DefaultLimits returns limits with which an outbox stays below 128 MiB, and
// that hold a week without a line.
func DefaultLimits() Limits {
	const week = 7 * 24 * time.Hour
	return Limits{
		Reply:     {Bytes: 1 << 20, Age: time.Hour},
		Thumbnail: {Bytes: 32 << 20, Age: week},
		State:     {Bytes: 4 << 20},
		Evidence:  {Bytes: 64 << 20, Age: 3 * 24 * time.Hour},
		Metrics:   {Bytes: 1 << 20, Age: time.Hour},
	}
}

const (
	// overhead is about what an item costs beside its payload, in bytes.
	overhead = 200
	// clockFloor is before any box was built. A clock below it was never set.
	clockFloor = 1_735_689_600 // 2025-01-01 UTC
)

// expiry returns when an item expires, by its own wish or the lane's limit.
func (b *Box) expiry(it Item) time.Time {
	age := b.limits[it.Lane].Age
	if it.Lane == Alert || age == 0 || it.Created.Unix() < clockFloor {
		return it.Expires
	}
	if at := it.Created.Add(age); it.Expires.IsZero() || at.Before(it.Expires) {
		return at
	}
	return it.Expires
}

// makeRoom drops the oldest items of a lane that is beyond its limit, and some
// more, so that it is not at its limit again with the next item. What may be on
// its way stays.
func (b *Box) makeRoom(ctx context.Context, tx *sql.Tx, lane Lane, size int64) error {
	limit := b.limits[lane].Bytes
	if lane == Alert || limit == 0 {
		return nil
	}
	b.mu.Lock()
	b.atMost[lane] += size
	full := b.atMost[lane] > limit
	b.mu.Unlock()
	if !full {
		return nil
	}
	have, err := laneBytes(ctx, tx, lane)
	if err != nil {
		return err
	}
	if have > limit {
		if have, err = b.dropOldest(ctx, tx, lane, have, limit-limit/16); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// If the transaction is rolled back there is more than this says, by what it
	// would have dropped, and that is less than one sixteenth and one item.
	b.atMost[lane] = have
	return nil
}

// laneBytes reads an index alone.
func laneBytes(ctx context.Context, db querier, lane Lane) (n int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT coalesce(sum(size), 0) FROM outbox WHERE lane = ?`, lane).Scan(&n)
	return n, err
}

func (b *Box) dropOldest(ctx context.Context, tx *sql.Tx, lane Lane, have, want int64) (int64, error) {
	seqs, sizes, err := b.oldest(ctx, tx, lane, have-want)
	if err != nil {
		return have, err
	}
	var gone int64
	for i, seq := range seqs {
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE seq = ?`, seq); err != nil {
			return have, err
		}
		gone += sizes[i]
	}
	return have - gone, countDropped(ctx, tx, lane, len(seqs), gone)
}

// oldest returns items of a lane from the oldest on that have so many bytes
// together, none of them tried.
func (b *Box) oldest(ctx context.Context, tx *sql.Tx, lane Lane, bytes int64) (seqs, sizes []int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, size FROM outbox WHERE lane = ? AND attempts = 0 ORDER BY seq`, lane)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for bytes > 0 && rows.Next() {
		var seq, size int64
		if err := rows.Scan(&seq, &size); err != nil {
			return nil, nil, err
		}
		b.mu.Lock()
		tried := b.tried[seq] > 0
		b.mu.Unlock()
		if tried {
			continue
		}
		seqs, sizes = append(seqs, seq), append(sizes, size)
		bytes -= size
	}
	return seqs, sizes, rows.Err()
}

// countDropped notes durably what was dropped.
func countDropped(ctx context.Context, db querier, lane Lane, items int, bytes int64) error {
	if items == 0 {
		return nil
	}
	_, err := db.ExecContext(ctx, `INSERT INTO outbox_dropped (lane, items, bytes) VALUES (?, ?, ?)
		ON CONFLICT (lane) DO UPDATE SET items = items + excluded.items, bytes = bytes + excluded.bytes`, lane, items, bytes)
	if err != nil {
		return fmt.Errorf("count what was dropped from the lane %v: %w", lane, err)
	}
	return nil
}
