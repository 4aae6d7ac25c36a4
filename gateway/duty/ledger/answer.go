package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
)

// Answer is what somebody in the duty room has said of an alert.
type Answer struct {
	ID     string // ULID
	Alert  string
	Action string // ack, dispatch, handled, false or note
	Who    string
	Note   string
	At     time.Time
	Tries  int    // how often it was sent
	Status string // waiting, done, late or undone
	// Gateway is whom it is for.
	Gateway Gateway
}

// How it stands with an answer.
const (
	waiting = "waiting" // for the gateway
	done    = "done"    // the gateway has taken it
	late    = "late"    // somebody else had gone further by then
	undone  = "undone"
)

const (
	// UndoWithin is how long an answer that closes an alert waits, so that it can
	// be taken back.
	UndoWithin = 10 * time.Second
	againFirst = 5 * time.Second
	againMost  = time.Minute
	// noteTries is how often a note is sent, which no revision shows.
	noteTries = 3
)

// rank orders states; an action leads to the state of its rank.
func rank(s alert.State) int {
	return map[alert.State]int{alert.Raised: 0, alert.Acknowledged: 1, alert.Dispatched: 2, alert.Handled: 3, alert.False: 3}[s]
}

func target(action string) alert.State {
	return map[string]alert.State{"ack": alert.Acknowledged, "dispatch": alert.Dispatched, "handled": alert.Handled, "false": alert.False}[action]
}

// Say takes an answer down, to be sent, with its line in the audit log. It fails with ErrUnknown, or
// if the alert is closed or the same was said before, which is no error and gives "".
func (l *Ledger) Say(ctx context.Context, a Answer) (id string, err error) {
	now := l.now()
	err = l.tx(ctx, func(t *tx) error {
		id = ""
		seq, err := t.next() // first, so that two who say the same come one after the other
		if err != nil {
			return err
		}
		var state string
		switch err := t.row(`SELECT state FROM alerts WHERE id = ?`, a.Alert).Scan(&state); {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("%s: %w", a.Alert, ErrUnknown)
		case err != nil:
			return err
		}
		stale, err := t.said(a, alert.State(state))
		if err != nil {
			return err
		}
		if stale {
			return nil
		}
		id = ulid.MustNew(ulid.Timestamp(now), rand.Reader).String()
		due := now
		if a.Action == "handled" || a.Action == "false" {
			due = now.Add(UndoWithin)
		}
		_, err = t.exec(`INSERT INTO answers (id, alert, action, who, note, at, due, tries, status) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)`,
			id, a.Alert, a.Action, a.Who, a.Note, millis(now), millis(due), waiting)
		if err == nil {
			_, err = t.exec(`UPDATE alerts SET seq = ? WHERE id = ?`, seq, a.Alert)
		}
		if err == nil {
			err = t.audit(now, a.Who, a.Action, a.Alert, a.Note)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("take down an answer: %w", err)
	}
	return id, nil
}

// said says whether an answer would change nothing any more.
func (t *tx) said(a Answer, state alert.State) (bool, error) {
	if rank(state) >= 3 {
		return true, nil
	}
	if a.Action == "note" {
		return false, nil
	}
	if rank(target(a.Action)) <= rank(state) {
		return true, nil
	}
	rows, err := t.QueryContext(t.ctx, t.l.dialect(`SELECT action FROM answers WHERE alert = ? AND status = ?`), a.Alert, waiting)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	stale := false
	for rows.Next() {
		var action string
		if err := rows.Scan(&action); err != nil {
			return false, err
		}
		stale = stale || action != "note" && rank(target(action)) >= rank(target(a.Action))
	}
	return stale, rows.Err()
}

// Undo takes an answer back that has not been sent yet, and says whether it could.
func (l *Ledger) Undo(ctx context.Context, id, who string) (ok bool, err error) {
	err = l.tx(ctx, func(t *tx) error {
		ok = false
		seq, err := t.next()
		if err != nil {
			return err
		}
		res, err := t.exec(`UPDATE answers SET status = ? WHERE id = ? AND status = ? AND tries = 0`, undone, id, waiting)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		ok = true
		var about, action string
		if err := t.row(`SELECT alert, action FROM answers WHERE id = ?`, id).Scan(&about, &action); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE alerts SET seq = ? WHERE id = ?`, seq, about); err != nil {
			return err
		}
		return t.audit(l.now(), who, "undo", about, action)
	})
	if err != nil {
		return false, fmt.Errorf("take back an answer: %w", err)
	}
	return ok, nil
}

// Due returns the answers that are to be sent now, the oldest first, at most n.
func (l *Ledger) Due(ctx context.Context, n int) (all []Answer, err error) {
	err = l.query(ctx, func(r *sql.Rows) error {
		var a Answer
		var at int64
		if err := r.Scan(&a.ID, &a.Alert, &a.Action, &a.Who, &a.Note, &at, &a.Tries, &a.Gateway); err != nil {
			return err
		}
		a.At, a.Status = moment(at), waiting
		all = append(all, a)
		return nil
	}, `SELECT answers.id, alert, action, who, note, at, tries, gateway FROM answers JOIN alerts ON alerts.id = alert
		WHERE status = ? AND due <= ? ORDER BY answers.id LIMIT ?`, waiting, millis(l.now()), n)
	if err != nil {
		return nil, fmt.Errorf("look for answers to send: %w", err)
	}
	return all, nil
}

// Sent notes that a broker has taken an answer. Until the gateway shows that it has heard it, it is sent again.
func (l *Ledger) Sent(ctx context.Context, a Answer) error {
	again := min(againFirst<<min(a.Tries, 10), againMost)
	status := waiting
	if a.Action == "note" && a.Tries+1 >= noteTries {
		status = done
	}
	err := l.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE answers SET tries = tries + 1, due = ?, status = ? WHERE id = ? AND status = ?`,
			millis(l.now().Add(again)), status, a.ID, waiting)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that an answer was sent: %w", err)
	}
	return nil
}

// settle ends the answers that an alert's new state has overtaken.
func (t *tx) settle(id string, state alert.State) error {
	for _, action := range []string{"ack", "dispatch", "handled", "false"} {
		if rank(target(action)) > rank(state) {
			continue
		}
		status := done
		if rank(state) == 3 && target(action) != state && rank(target(action)) == 3 {
			status = late
		}
		if _, err := t.exec(`UPDATE answers SET status = ? WHERE alert = ? AND action = ? AND status = ?`, status, id, action, waiting); err != nil {
			return err
		}
	}
	if rank(state) < 3 {
		return nil
	}
	_, err := t.exec(`UPDATE answers SET status = ? WHERE alert = ? AND status = ?`, done, id, waiting)
	return err
}

// Audit writes a line into the audit log.
func (l *Ledger) Audit(ctx context.Context, who, what, alert, detail string) error {
	return l.tx(ctx, func(t *tx) error { return t.audit(l.now(), who, what, alert, detail) })
}

func (t *tx) audit(at time.Time, who, what, alert, detail string) error {
	id := ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
	_, err := t.exec(`INSERT INTO audit (id, at, who, what, alert, detail) VALUES (?, ?, ?, ?, ?, ?)`, id, millis(at), who, what, alert, detail)
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}
