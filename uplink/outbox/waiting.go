package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// WaitingKeys returns, inside the caller's transaction, the keys of at most n texts
// of a rank of at most rank that wait in a lane, those that go first before the others.
// What clears a topic is no text.
func (b *Box) WaitingKeys(ctx context.Context, tx *sql.Tx, lane Lane, rank, n int) (keys []string, err error) {
	// What stands before a text on its topic is of its rank at least, so that only the heads of topics are searched.
	rows, err := tx.QueryContext(ctx, `SELECT key FROM outbox INDEXED BY outbox_topic WHERE topic IN (SELECT topic FROM outbox INDEXED BY outbox_head WHERE lane = ?1 AND head = 1 AND rank <= ?2)
		AND lane = ?1 AND rank <= ?2 AND key <> '' AND length(payload) > 0
		GROUP BY key ORDER BY min(rank), min(place) LIMIT ?3`, lane, rank, n)
	if err != nil {
		return nil, fmt.Errorf("read what waits in the outbox: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read what waits in the outbox: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// Waits reports, inside the caller's transaction, whether a text with a key waits in a lane.
func (b *Box) Waits(ctx context.Context, tx *sql.Tx, lane Lane, key string) (waits bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE key = ? AND key <> '' AND lane = ? AND length(payload) > 0)`, key, lane).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look for %s in the outbox: %w", key, err)
	}
	return waits, nil
}
