package outbox

import (
	"context"
	"database/sql"
	"fmt"
)

// Below counts the items whose topic is, or is below, a topic, and removes them if it is asked to, in
// the transaction. One that is just being sent may still arrive.
func (b *Box) Below(ctx context.Context, tx *sql.Tx, topic string, remove bool) (n int, err error) {
	const which = ` FROM outbox WHERE topic = ?1 OR topic >= ?1 || '/' AND topic < ?1 || '0'` // 0 follows / in every order of bytes
	if err := tx.QueryRowContext(ctx, `SELECT count(*)`+which, topic).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for %s in the outbox: %w", topic, err)
	}
	if n == 0 || !remove {
		return n, nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE`+which, topic); err != nil {
		return 0, fmt.Errorf("remove %s from the outbox: %w", topic, err)
	}
	return n, nil
}
