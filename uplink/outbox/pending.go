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
