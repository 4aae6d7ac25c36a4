package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// maxUnsure bounds how many alerts are remembered as perhaps to be corrected.
const maxUnsure = 2000

// Unsure is an alert that was raised while nobody kept the clock right.
type Unsure struct {
	Alert  string
	Boot   string        // of the machine then
	Offset time.Duration // of the wall clock from the time since the start
	Set    bool          // the clock seemed to be set
}

func clockTables() Migration {
	return Migration{Component: "clock", Steps: []string{`
		CREATE TABLE clock_unsure (
			alert  TEXT PRIMARY KEY,
			boot   TEXT NOT NULL,
			shift  INTEGER NOT NULL, -- nanoseconds
			was_set INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE TABLE clock_beats (
			boot  TEXT PRIMARY KEY,
			up    INTEGER NOT NULL, -- nanoseconds since the start
			wall  INTEGER NOT NULL, -- Unix milliseconds
			known INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;`}}
}

// PutUnsure notes an alert inside the transaction that raises it.
func PutUnsure(ctx context.Context, tx *sql.Tx, u Unsure) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO clock_unsure (alert, boot, shift, was_set) VALUES (?, ?, ?, ?)`,
		u.Alert, u.Boot, int64(u.Offset), u.Set)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM clock_unsure WHERE was_set AND alert IN
			(SELECT alert FROM clock_unsure ORDER BY alert DESC LIMIT -1 OFFSET ?)`, maxUnsure)
	}
	if err != nil {
		return fmt.Errorf("note that the clock is unsure: %w", err)
	}
	return nil
}

// DropUnsure forgets one.
func DropUnsure(ctx context.Context, tx *sql.Tx, alert string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM clock_unsure WHERE alert = ?`, alert); err != nil {
		return fmt.Errorf("forget that the clock was unsure: %w", err)
	}
	return nil
}

// Unsures returns them all.
func (s *Store) Unsures(ctx context.Context) (all []Unsure, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT alert, boot, shift, was_set FROM clock_unsure ORDER BY alert`)
	if err != nil {
		return nil, fmt.Errorf("read what the clock is unsure of: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var u Unsure
		if err := rows.Scan(&u.Alert, &u.Boot, &u.Offset, &u.Set); err != nil {
			return nil, fmt.Errorf("read what the clock is unsure of: %w", err)
		}
		all = append(all, u)
	}
	return all, rows.Err()
}

// Beat is the last sign of life of one run of the machine.
type Beat struct {
	Boot  string
	Up    time.Duration
	Wall  time.Time
	Known bool // the wall clock was set
}

// PutBeat notes one, and forgets all but those of the last runs.
func (s *Store) PutBeat(ctx context.Context, b Beat) error {
	return s.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO clock_beats (boot, up, wall, known) VALUES (?, ?, ?, ?)`,
			b.Boot, int64(b.Up), b.Wall.UnixMilli(), b.Known)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM clock_beats WHERE boot <> ?1 AND boot NOT IN (SELECT boot FROM clock_unsure)
				AND wall < (SELECT max(wall) FROM clock_beats WHERE known)`, b.Boot)
		}
		if err == nil && b.Known { // what is later was wrong
			_, err = tx.ExecContext(ctx, `DELETE FROM clock_beats WHERE known AND wall > ?`, b.Wall.UnixMilli())
		}
		if err != nil {
			return fmt.Errorf("note a sign of life: %w", err)
		}
		return nil
	})
}

// BeatOf returns the last sign of life of a run, or false.
func (s *Store) BeatOf(ctx context.Context, boot string) (b Beat, found bool, err error) {
	var wall int64
	err = s.db.QueryRowContext(ctx, `SELECT boot, up, wall, known FROM clock_beats WHERE boot = ?`, boot).Scan(&b.Boot, &b.Up, &wall, &b.Known)
	if errors.Is(err, sql.ErrNoRows) {
		return Beat{}, false, nil
	}
	if err != nil {
		return Beat{}, false, fmt.Errorf("read a sign of life: %w", err)
	}
	b.Wall = time.UnixMilli(wall)
	return b, true, nil
}

// KnownTime returns the latest moment that a clock which was set has seen, zero if
// there is none.
func (s *Store) KnownTime(ctx context.Context) (time.Time, error) {
	var wall sql.NullInt64
	if err := s.db.QueryRowContext(ctx, `SELECT max(wall) FROM clock_beats WHERE known`).Scan(&wall); err != nil {
		return time.Time{}, fmt.Errorf("read the latest time known: %w", err)
	}
	if !wall.Valid {
		return time.Time{}, nil
	}
	return time.UnixMilli(wall.Int64), nil
}

// ShiftSteps moves the times of an alert's revisions.
func ShiftSteps(ctx context.Context, tx *sql.Tx, alert string, by time.Duration) error {
	if _, err := tx.ExecContext(ctx, `UPDATE alert_steps SET at = at + ? WHERE alert = ?`, by.Milliseconds(), alert); err != nil {
		return fmt.Errorf("move the steps of alert %s: %w", alert, err)
	}
	return nil
}
