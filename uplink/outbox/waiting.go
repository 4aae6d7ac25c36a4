package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// WaitingKeys returns, inside the caller's transaction, the keys of at most n texts
// that wait in a lane, the oldest first. What clears a topic is no text.
func (b *Box) WaitingKeys(ctx context.Context, tx *sql.Tx, lane Lane, n int) (keys []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT key FROM outbox WHERE lane = ? AND key <> '' AND length(payload) > 0
		GROUP BY key ORDER BY min(seq) LIMIT ?`, lane, n)
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
