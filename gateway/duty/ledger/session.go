package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

const (
	// A console's screen stays on for days. A session that nobody's browser uses ends.
	idleAfter = 24 * time.Hour
	endAfter  = 30 * 24 * time.Hour
	seenEvery = 10 * time.Minute
)

// Session is a browser that is signed in.
type Session struct {
	Token   string // its hash
	Account string
	CSRF    string // must come with every change
	Person  string // who is on duty, "" until that is chosen
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Begin makes a session and returns its token, which the ledger does not keep.
func (l *Ledger) Begin(ctx context.Context, account, origin string) (token string, err error) {
	token = rand.Text() + rand.Text()
	now := l.now()
	err = l.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM sessions WHERE seen < ? OR created < ?`, millis(now.Add(-idleAfter)), millis(now.Add(-endAfter))); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO sessions (token, account, csrf, person, created, seen) VALUES (?, ?, ?, '', ?, ?)`,
			digest(token), account, rand.Text(), millis(now), millis(now))
		if err != nil {
			return err
		}
		return t.audit(now, account, "signin", "", origin)
	})
	if err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	return token, nil
}

// Session returns the session of a token, or false.
func (l *Ledger) Session(ctx context.Context, token string) (s Session, ok bool, err error) {
	if token == "" {
		return s, false, nil
	}
	var created, seen int64
	s.Token = digest(token)
	err = l.row(ctx, `SELECT account, csrf, person, created, seen FROM sessions WHERE token = ?`, s.Token).
		Scan(&s.Account, &s.CSRF, &s.Person, &created, &seen)
	now := l.now()
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Session{}, false, nil
	case err != nil:
		return Session{}, false, fmt.Errorf("read a session: %w", err)
	case now.Sub(moment(seen)) > idleAfter || now.Sub(moment(created)) > endAfter:
		return Session{}, false, nil
	}
	if now.Sub(moment(seen)) > seenEvery {
		err = l.tx(ctx, func(t *tx) error {
			_, err := t.exec(`UPDATE sessions SET seen = ? WHERE token = ?`, millis(now), s.Token)
			return err
		})
		if err != nil {
			return Session{}, false, fmt.Errorf("note that a session is in use: %w", err)
		}
	}
	return s, true, nil
}

// Shift says who is on duty at a screen.
func (l *Ledger) Shift(ctx context.Context, s Session, person string) error {
	err := l.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`UPDATE sessions SET person = ? WHERE token = ?`, person, s.Token); err != nil {
			return err
		}
		return t.audit(l.now(), s.Account, "shift", "", person)
	})
	if err != nil {
		return fmt.Errorf("begin a shift: %w", err)
	}
	return nil
}

// End ends a session.
func (l *Ledger) End(ctx context.Context, s Session) error {
	err := l.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM sessions WHERE token = ?`, s.Token); err != nil {
			return err
		}
		return t.audit(l.now(), s.Account, "signout", "", s.Person)
	})
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// Entry is a line of the audit log.
type Entry struct {
	At     time.Time
	Who    string
	What   string
	Alert  string
	Detail string
}

// Log returns lines of the audit log, the newest first, at most n.
func (l *Ledger) Log(ctx context.Context, n int) (all []Entry, err error) {
	err = l.query(ctx, func(r *sql.Rows) error {
		var e Entry
		var at int64
		if err := r.Scan(&at, &e.Who, &e.What, &e.Alert, &e.Detail); err != nil {
			return err
		}
		e.At = moment(at)
		all = append(all, e)
		return nil
	}, `SELECT at, who, what, alert, detail FROM audit ORDER BY id DESC LIMIT ?`, n)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return all, nil
}
