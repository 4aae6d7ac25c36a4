package outbox

import (
	"context"
	"database/sql"
	"fmt"
)

// Pending reports, inside the caller's transaction, whether anything waits for
// a topic.
func (b *Box) Pending(ctx context.Context, tx *sql.Tx, topic string) (bool, error) {
	var waits bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE topic = ?)`, topic).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look for %s in the outbox: %w", topic, err)
	}
	return waits, nil
}

// Waiting returns, inside the caller's transaction, how many items wait for topics
// that begin with prefix.
func (b *Box) Waiting(ctx context.Context, tx *sql.Tx, prefix string) (int, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM outbox WHERE topic >= ?1 AND topic < ?1 || char(1114111)`, prefix).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what waits for %s in the outbox: %w", prefix, err)
	}
	return n, nil
}
