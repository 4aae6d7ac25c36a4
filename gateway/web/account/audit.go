package account

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Actor is who does something, and from where.
type Actor struct {
	Name   string
	Origin string // an IP address
}

// Entry is a line of the audit log.
type Entry struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Origin string    `json:"origin"`
	Action string    `json:"action"` // such as user.add; the catalogue has audit.user.add
	Detail string    `json:"detail"` // without secrets
}

// keepAudit is how many entries are kept.
const keepAudit = 20_000

// change runs fn and notes it, in one transaction.
func (a *Accounts) change(ctx context.Context, by Actor, action, detail string, fn func(*sql.Tx) error) error {
	return a.Store.Tx(ctx, func(tx *sql.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return a.note(ctx, tx, by, action, detail)
	})
}

// Note notes a change, within its transaction.
func (a *Accounts) note(ctx context.Context, tx *sql.Tx, by Actor, action, detail string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO web_audit (at, who, origin, action, detail) VALUES (?, ?, ?, ?, ?)`,
		a.Now().UnixMilli(), by.Name, by.Origin, action, detail)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM web_audit WHERE id <= (SELECT max(id) FROM web_audit) - ?`, keepAudit)
	}
	if err != nil {
		return fmt.Errorf("note %s in the audit log: %w", action, err)
	}
	return nil
}

// Audit notes what has been done. That it cannot be noted is logged: the disk may
// be the very thing that is being mended.
func (a *Accounts) Audit(ctx context.Context, by Actor, action, detail string) {
	a.Log.Info("page", "action", action, "detail", detail, "by", by.Name, "from", by.Origin)
	err := a.Store.Tx(ctx, func(tx *sql.Tx) error { return a.note(ctx, tx, by, action, detail) })
	if err != nil {
		a.Log.Error("the audit log lacks a change", "action", action, "error", err)
	}
}

// Asked says which entries of the audit log are asked for.
type Asked struct {
	Before int64  // the entry of this ID; 0 for the newest
	Who    string // empty for anybody
	Action string // how it begins
}

// Entries returns up to n entries that are asked for, newest first.
func (a *Accounts) Entries(ctx context.Context, q Asked, n int) (all []Entry, err error) {
	rows, err := a.Store.DB().QueryContext(ctx, `SELECT id, at, who, origin, action, detail FROM web_audit
		WHERE (id < ?1 OR ?1 = 0) AND (who = ?2 OR ?2 = '') AND substr(action, 1, length(?3)) = ?3 ORDER BY id DESC LIMIT ?4`, q.Before, q.Who, q.Action, n)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Who, &e.Origin, &e.Action, &e.Detail); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		e.At = time.UnixMilli(at)
		all = append(all, e)
	}
	return all, rows.Err()
}

// Restored notes, within a transaction, that a backup has taken the place of what was.
func Restored(ctx context.Context, tx *sql.Tx, at time.Time, by Actor, detail string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO web_audit (at, who, origin, action, detail) VALUES (?, ?, ?, 'restore', ?)`,
		at.UnixMilli(), by.Name, by.Origin, detail)
	if err != nil {
		return fmt.Errorf("note the restored backup: %w", err)
	}
	return nil
}
