package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Alert is the row of one alert. Doc is its newest revision, in the form that
// gateway/alert gives it.
type Alert struct {
	ID     string
	Rev    int
	Open   bool
	Device string
	Kind   string
	Zone   string
	// LastEvent is when the newest event was folded into it.
	LastEvent time.Time
	Doc       []byte
}

// Step is one revision of an alert: who did what to it.
type Step struct {
	Alert  string
	Rev    int
	At     time.Time
	Action string // "raised", "event", "agitated", "ack", "dispatch", "handled", "false", "note"
	By     string
	Note   string
}

func alertTables() Migration {
	return Migration{Component: "alerts", Steps: []string{`
		CREATE TABLE alerts (
			id         TEXT PRIMARY KEY,
			rev        INTEGER NOT NULL,
			open       INTEGER NOT NULL,
			device     TEXT NOT NULL,
			kind       TEXT NOT NULL,
			zone       TEXT NOT NULL,
			last_event INTEGER NOT NULL, -- Unix milliseconds
			doc        BLOB NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE INDEX alerts_open ON alerts (device, kind, zone, last_event) WHERE open;
		CREATE TABLE alert_steps (
			alert  TEXT NOT NULL REFERENCES alerts (id),
			rev    INTEGER NOT NULL,
			at     INTEGER NOT NULL, -- Unix milliseconds
			action TEXT NOT NULL,
			actor  TEXT NOT NULL,
			note   TEXT NOT NULL,
			PRIMARY KEY (alert, rev)
		) STRICT, WITHOUT ROWID;`}}
}

const alertColumns = `id, rev, open, device, kind, zone, last_event, doc`

// AlertByID returns the alert, or false if there is none.
func AlertByID(ctx context.Context, tx *sql.Tx, id string) (Alert, bool, error) {
	return scanAlert(tx.QueryRowContext(ctx, `SELECT `+alertColumns+` FROM alerts WHERE id = ?`, id))
}

// OpenAlert returns the newest open alert of a device, kind and zone, or false
// if there is none. What a clock that was set back left in the future of now is
// passed over.
func OpenAlert(ctx context.Context, tx *sql.Tx, device, kind, zone string, now time.Time) (Alert, bool, error) {
	return scanAlert(tx.QueryRowContext(ctx, `SELECT `+alertColumns+` FROM alerts
		WHERE open AND device = ? AND kind = ? AND zone = ? AND last_event <= ?
		ORDER BY last_event DESC LIMIT 1`, device, kind, zone, now.UnixMilli()))
}

// openAlerts has a hint without which it would read all alerts of three months to find them in their order.
const openAlerts = `SELECT ` + alertColumns + ` FROM alerts
	WHERE id IN (SELECT id FROM alerts INDEXED BY alerts_open WHERE open ORDER BY id DESC LIMIT ?) ORDER BY id DESC`

// OpenAlerts returns the open alerts, the newest first, at most n.
func OpenAlerts(ctx context.Context, tx *sql.Tx, n int) (all []Alert, err error) {
	rows, err := tx.QueryContext(ctx, openAlerts, n)
	if err != nil {
		return nil, fmt.Errorf("read the open alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		a, _, err := scanAlert(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// HasStep reports whether an alert has a step of the same action, actor and note.
func HasStep(ctx context.Context, tx *sql.Tx, id string, s Step) (bool, error) {
	var has bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM alert_steps WHERE alert = ? AND action = ? AND actor = ? AND note = ?)`,
		id, s.Action, s.By, s.Note).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("read the steps of alert %s: %w", id, err)
	}
	return has, nil
}

// KeepClosed is how long closed alerts stay in the database.
const KeepClosed = 90 * 24 * time.Hour

// trimMost bounds one Trim, so that nobody waits long for the database.
const trimMost = 500

// Trim deletes alerts that are closed and whose last event is older than before,
// with their steps, and returns how many: some hundreds at a time.
func (s *Store) Trim(ctx context.Context, before time.Time) (int64, error) {
	least, err := Least(before)
	if err != nil {
		return 0, fmt.Errorf("delete old alerts: %w", err)
	}
	var n int64
	err = s.Tx(ctx, func(tx *sql.Tx) error {
		// What was raised since need not be read.
		const old = `SELECT id FROM alerts WHERE id < ? AND NOT open AND last_event < ? ORDER BY id LIMIT ?`
		if _, err := tx.ExecContext(ctx, `DELETE FROM alert_steps WHERE alert IN (`+old+`)`, least, before.UnixMilli(), trimMost); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM alerts WHERE id IN (`+old+`)`, least, before.UnixMilli(), trimMost)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete old alerts: %w", err)
	}
	return n, nil
}

func scanAlert(row interface{ Scan(...any) error }) (Alert, bool, error) {
	var a Alert
	var last int64
	err := row.Scan(&a.ID, &a.Rev, &a.Open, &a.Device, &a.Kind, &a.Zone, &last, &a.Doc)
	if errors.Is(err, sql.ErrNoRows) {
		return Alert{}, false, nil
	}
	if err != nil {
		return Alert{}, false, fmt.Errorf("read an alert: %w", err)
	}
	a.LastEvent = time.UnixMilli(last)
	return a, true, nil
}

// PutAlert writes a new revision of an alert and the step that led to it, in a
// transaction of Tx.
func (s *Store) PutAlert(ctx context.Context, tx *sql.Tx, a Alert, step Step) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO alerts (`+alertColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, open = excluded.open,
			last_event = excluded.last_event, doc = excluded.doc`,
		a.ID, a.Rev, a.Open, a.Device, a.Kind, a.Zone, a.LastEvent.UnixMilli(), a.Doc)
	if err != nil {
		return fmt.Errorf("write alert %s: %w", a.ID, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO alert_steps (alert, rev, at, action, actor, note) VALUES (?, ?, ?, ?, ?, ?)`,
		a.ID, a.Rev, step.At.UnixMilli(), step.Action, step.By, step.Note)
	if err != nil {
		return fmt.Errorf("write step %d of alert %s: %w", a.Rev, a.ID, err)
	}
	step.Alert, step.Rev = a.ID, a.Rev
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[tx] = append(s.pending[tx], Record{Alert: a, Step: step})
	return nil
}

// Steps returns the revisions of an alert, oldest first.
func (s *Store) Steps(ctx context.Context, id string) ([]Step, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT alert, rev, at, action, actor, note FROM alert_steps WHERE alert = ? ORDER BY rev`, id)
	if err != nil {
		return nil, fmt.Errorf("read the steps of alert %s: %w", id, err)
	}
	defer rows.Close()
	var out []Step
	for rows.Next() {
		var st Step
		var at int64
		if err := rows.Scan(&st.Alert, &st.Rev, &at, &st.Action, &st.By, &st.Note); err != nil {
			return nil, fmt.Errorf("read the steps of alert %s: %w", id, err)
		}
		st.At = time.UnixMilli(at)
		out = append(out, st)
	}
	return out, rows.Err()
}

// OpenCount returns how many alerts are open.
func (s *Store) OpenCount(ctx context.Context) (int, error) {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM alerts WHERE open`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count open alerts: %w", err)
	}
	return n, nil
}
