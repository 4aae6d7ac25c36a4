package revision

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"sentrybox/gateway/strict"
)

// Bodies hands what all revisions in a database say to each, the newest first.
func Bodies(ctx context.Context, db *sql.DB, each func(body []byte)) error {
	rows, err := db.QueryContext(ctx, `SELECT body FROM revisions ORDER BY id DESC`)
	if err != nil {
		return fmt.Errorf("read the revisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("read the revisions: %w", err)
		}
		each(body)
	}
	return rows.Err()
}

// Rewrite has every revision of a database that is nobody's yet say what change makes of it.
func Rewrite(ctx context.Context, tx *sql.Tx, change func(body []byte) ([]byte, error)) error {
	ids, err := list(ctx, tx, `SELECT id FROM revisions WHERE length(body) <= ?`, strict.MaxFile)
	if err != nil {
		return err
	}
	for _, id := range ids {
		var was []byte
		if err := tx.QueryRowContext(ctx, `SELECT body FROM revisions WHERE id = ?`, id).Scan(&was); err != nil {
			return fmt.Errorf("read revision %d: %w", id, err)
		}
		body, err := change(was)
		if err == nil && !bytes.Equal(body, was) {
			_, err = tx.ExecContext(ctx, `UPDATE revisions SET body = ?, sum = ? WHERE id = ?`, body, sum(body), id)
		}
		if err != nil {
			return fmt.Errorf("rewrite revision %d: %w", id, err)
		}
	}
	return nil
}

func list(ctx context.Context, tx *sql.Tx, query string, args ...any) (ids []int64, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the revisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read the revisions: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Unsealed returns the revisions that may have passwords in the clear, the newest first: neither the last one, which
// the file is held against, nor what is on trial.
func (k *Keeper) Unsealed(ctx context.Context) (ids []int64, err error) {
	err = k.Store.Tx(ctx, func(tx *sql.Tx) error {
		ids, err = list(ctx, tx, `SELECT id FROM revisions WHERE sealed = 0 AND state IN (?, ?)
			AND id < (SELECT max(id) FROM revisions) ORDER BY id DESC`, Kept, Returned)
		return err
	})
	return ids, err
}

// PutSealed has a revision that is not the last say the same with its passwords sealed. It does nothing if that has changed or gone meanwhile.
func (k *Keeper) PutSealed(ctx context.Context, r Revision, body []byte) error {
	return k.exec(ctx, `UPDATE revisions SET body = ?, sum = ?, sealed = 1 WHERE id = ? AND sum = ? AND id < (SELECT max(id) FROM revisions)`,
		body, sum(body), r.ID, r.Sum)
}
