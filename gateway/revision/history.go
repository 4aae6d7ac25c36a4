package revision

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"sentrybox/gateway/config"
)

const columns = `id, at, who, note, sum, state, deadline`

func scan(row interface{ Scan(...any) error }, more ...any) (Revision, error) {
	var r Revision
	var at, deadline int64
	err := row.Scan(append([]any{&r.ID, &at, &r.Who, &r.Note, &r.Sum, &r.State, &deadline}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrUnknown
	}
	if err != nil {
		return r, fmt.Errorf("read a revision: %w", err)
	}
	r.At = time.UnixMilli(at)
	if deadline != 0 {
		r.Deadline = time.UnixMilli(deadline)
	}
	return r, nil
}

func newest(ctx context.Context, tx *sql.Tx) (Revision, error) {
	return scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM revisions ORDER BY id DESC LIMIT 1`))
}

func insert(ctx context.Context, tx *sql.Tx, r Revision, body []byte) (int64, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO revisions (at, who, note, sum, state, deadline, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		r.At.UnixMilli(), r.Who, r.Note, r.Sum, r.State, milli(r.Deadline), body)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM revisions WHERE id <= (SELECT max(id) FROM revisions) - ?`, keepRevisions)
	}
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

func setState(ctx context.Context, tx *sql.Tx, id int64, state string, deadline time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE revisions SET state = ?, deadline = ? WHERE id = ?`, state, milli(deadline), id)
	return err
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// List returns the revisions, the newest first.
func (k *Keeper) List(ctx context.Context) (all []Revision, err error) {
	rows, err := k.Store.DB().QueryContext(ctx, `SELECT `+columns+` FROM revisions ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("read the revisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Body returns what a revision says.
func (k *Keeper) Body(ctx context.Context, id int64) (r Revision, body []byte, err error) {
	r, err = scan(k.Store.DB().QueryRowContext(ctx, `SELECT `+columns+`, body FROM revisions WHERE id = ?`, id), &body)
	return r, body, err
}

// Trial returns the revision that is on trial, or ErrNoTrial.
func (k *Keeper) Trial(ctx context.Context) (Revision, error) {
	r, err := scan(k.Store.DB().QueryRowContext(ctx, `SELECT `+columns+` FROM revisions ORDER BY id DESC LIMIT 1`))
	if err == nil && r.State == Trial {
		return r, nil
	}
	return Revision{}, errors.Join(ErrNoTrial, err)
}

// Confirm says that the revision on trial does what it should.
func (k *Keeper) Confirm(ctx context.Context, id int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.Trial(ctx)
	if err != nil || r.ID != id {
		return ErrNoTrial
	}
	k.signal()
	return k.Store.Tx(ctx, func(tx *sql.Tx) error { return setState(ctx, tx, id, Kept, time.Time{}) })
}

// Run brings back the last good configuration when a trial is not confirmed in
// time, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		wait := time.Duration(-1)
		r, err := k.Trial(ctx)
		switch {
		case err == nil:
			// A clock that is set must not make a trial last for years.
			wait = min(max(r.Deadline.Sub(k.Now()), 0), trialOther)
		case !errors.Is(err, ErrNoTrial) && ctx.Err() == nil:
			k.Log.Error("it is not known whether a configuration is on trial", "error", err)
			wait = time.Minute
		}
		var due <-chan time.Time
		if wait >= 0 {
			due = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.wake:
		case <-due:
			if err != nil {
				continue
			}
			if err := k.Return(ctx, r.ID); err != nil && ctx.Err() == nil {
				k.Log.Error("the last good configuration does not come back", "error", err)
				if sleep(ctx, 10*time.Second) != nil {
					return ctx.Err()
				}
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Return ends the trial of the revision id, and brings back the one before.
func (k *Keeper) Return(ctx context.Context, id int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, err := k.Trial(ctx); err != nil || r.ID != id {
		return nil // confirmed, or changed further
	}
	bad, err := os.ReadFile(k.Path)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	var before []byte
	r, err := scan(k.Store.DB().QueryRowContext(ctx, `SELECT `+columns+`, body FROM revisions
		WHERE id < ? AND state = ? ORDER BY id DESC LIMIT 1`, id, Kept), &before)
	if err != nil {
		return err
	}
	if _, on, err := k.Body(ctx, id); err != nil || !bytes.Equal(on, bad) {
		return errors.Join(err, k.exec(ctx, `UPDATE revisions SET state = ? WHERE id = ?`, Kept, id)) // changed by hand: left alone
	}
	c, err := config.Parse(k.Path, before, config.Environment(k.Path))
	if err != nil {
		return fmt.Errorf("revision %d: %w", r.ID, err)
	}
	if err := k.exec(ctx, `UPDATE revisions SET state = ?, deadline = 0 WHERE id = ?`, Returned, id); err != nil {
		return err
	}
	k.Log.Warn("nobody has confirmed the configuration: the last one comes back", "revision", id, "back", r.ID)
	_, err = k.save(ctx, Revision{Note: fmt.Sprintf("↩ %d", r.ID)}, c, bad, before, 0)
	return err
}

// Restored notes, within a transaction, that body is the configuration from now on, and
// where it is from.
func Restored(ctx context.Context, tx *sql.Tx, at time.Time, who, note string, body []byte) error {
	if _, err := insert(ctx, tx, Revision{At: at, Who: who, Note: note, Sum: sum(body), State: Kept}, body); err != nil {
		return fmt.Errorf("note the restored configuration: %w", err)
	}
	return nil
}
