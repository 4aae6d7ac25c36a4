package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"sentrybox/gateway/password"
)

const (
	idleAfter = 12 * time.Hour     // a session that nobody uses ends
	endAfter  = 7 * 24 * time.Hour // every session ends
	// seenEvery is how often it is written that a session is in use: the flash wears.
	seenEvery   = time.Hour
	maxSessions = 500
)

// session is in memory, and in the database so that it outlives the process. If
// the disk takes nothing it is in memory alone.
type session struct {
	user, csrf    string
	origin        string // where it began
	role          Role
	created, seen time.Time
	written       time.Time // as seen is in the database
}

// Session is somebody who is signed in.
type Session struct {
	User string
	Role Role
	CSRF string // must come with every change
}

// Fits says whether a token against cross-site requests is the session's.
func (s *Session) Fits(csrf string) bool {
	return subtle.ConstantTimeCompare([]byte(csrf), []byte(s.CSRF)) == 1
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// SignIn checks a password and begins a session. It returns ErrWrong, or a
// *brake.Locked when there were too many failures.
func (a *Accounts) SignIn(ctx context.Context, name, secret, origin string) (token string, err error) {
	if err := a.brake.Take(a.Now(), name, origin); err != nil {
		return "", err
	}
	role, err := a.check(ctx, name, secret)
	if errors.Is(err, ErrWrong) {
		a.Audit(ctx, Actor{Name: shorten(name), Origin: origin}, "signin.failed", "")
	}
	if err != nil {
		return "", err
	}
	a.brake.Fine(name, origin)
	a.Audit(ctx, Actor{Name: name, Origin: origin}, "signin", "")
	return a.begin(ctx, name, role, origin), nil
}

// Check reports whether the password is the user's: ErrWrong or a *brake.Locked if not.
func (a *Accounts) Check(ctx context.Context, name, secret, origin string) error {
	if err := a.brake.Take(a.Now(), name, origin); err != nil {
		return err
	}
	_, err := a.check(ctx, name, secret)
	if err == nil {
		a.brake.Fine(name, origin)
	}
	return err
}

func shorten(s string) string {
	if r := []rune(s); len(r) > maxName {
		return string(r[:maxName]) + "…"
	}
	return s
}

func (a *Accounts) check(ctx context.Context, name, secret string) (role Role, err error) {
	if len(secret) > 4*password.Most {
		return "", ErrWrong
	}
	var hash string
	err = a.Store.DB().QueryRowContext(ctx, `SELECT role, hash FROM web_users WHERE name = ?`, name).Scan(&role, &hash)
	h := a.nobody
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read a user: %w", err)
	}
	if known {
		if h, err = password.Parse(hash); err != nil {
			return "", err
		}
	}
	select {
	case a.hashing <- struct{}{}:
		defer func() { <-a.hashing }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if !h.Fits(secret) || !known {
		return "", ErrWrong
	}
	return role, nil
}

// begin makes a session with a token that nobody has seen before.
func (a *Accounts) begin(ctx context.Context, name string, role Role, origin string) (token string) {
	token = rand.Text() + rand.Text()
	now := a.Now()
	s := &session{user: name, origin: origin, role: role, csrf: rand.Text(), created: now, seen: now, written: now}
	a.mu.Lock()
	a.expire(now)
	a.sessions[digest(token)] = s
	a.mu.Unlock()
	a.keep(ctx, digest(token), s)
	return token
}

// keep writes a new session, and takes those out that have ended.
func (a *Accounts) keep(ctx context.Context, key string, s *session) {
	now := a.Now()
	err := a.Store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM web_sessions WHERE seen < ? OR created < ?`,
			now.Add(-idleAfter-seenEvery).UnixMilli(), now.Add(-endAfter).UnixMilli())
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO web_sessions (token, user, csrf, created, seen, origin) VALUES (?, ?, ?, ?, ?, ?)`,
				key, s.user, s.csrf, s.created.UnixMilli(), now.UnixMilli(), s.origin)
		}
		return err
	})
	if err != nil {
		a.Log.Error("a session is in memory alone", "error", err)
	}
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.seen) > idleAfter || now.Sub(s.created) > endAfter
}

// expire is called with mu held.
func (a *Accounts) expire(now time.Time) {
	oldest := ""
	for key, s := range a.sessions {
		if s.over(now) {
			delete(a.sessions, key)
		} else if oldest == "" || s.seen.Before(a.sessions[oldest].seen) {
			oldest = key
		}
	}
	if len(a.sessions) >= maxSessions {
		delete(a.sessions, oldest)
	}
}

// Session returns who has the token, or false.
func (a *Accounts) Session(ctx context.Context, token string) (Session, bool) {
	key, now := digest(token), a.Now()
	a.mu.Lock()
	s := a.sessions[key]
	if s == nil || token == "" || s.over(now) {
		delete(a.sessions, key)
		a.mu.Unlock()
		return Session{}, false
	}
	s.seen = now
	write := now.Sub(s.written) > seenEvery
	if write {
		s.written = now
	}
	found := Session{User: s.user, Role: s.role, CSRF: s.csrf}
	a.mu.Unlock()
	if write {
		a.exec(ctx, `UPDATE web_sessions SET seen = ? WHERE token = ?`, now.UnixMilli(), key)
	}
	return found, true
}

// SignOut ends a session.
func (a *Accounts) SignOut(ctx context.Context, token string) {
	key := digest(token)
	a.mu.Lock()
	delete(a.sessions, key)
	a.mu.Unlock()
	a.exec(ctx, `DELETE FROM web_sessions WHERE token = ?`, key)
}

// forget ends the sessions of a user, but for the one with the token keep.
func (a *Accounts) forget(ctx context.Context, name, keep string) {
	a.mu.Lock()
	for key, s := range a.sessions {
		if s.user == name && key != digest(keep) {
			delete(a.sessions, key)
		}
	}
	a.mu.Unlock()
	a.exec(ctx, `DELETE FROM web_sessions WHERE user = ? AND token <> ?`, name, digest(keep))
}

func (a *Accounts) exec(ctx context.Context, query string, args ...any) {
	err := a.Store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		a.Log.Error("a change of a session is in memory alone", "error", err)
	}
}

// loadSessions takes the sessions of an earlier start.
func (a *Accounts) loadSessions(ctx context.Context) error {
	rows, err := a.Store.DB().QueryContext(ctx, `SELECT token, user, role, csrf, s.created, seen, origin
		FROM web_sessions s JOIN web_users u ON u.name = s.user`)
	if err != nil {
		return fmt.Errorf("read the sessions: %w", err)
	}
	defer rows.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for rows.Next() {
		var key string
		var s session
		var created, seen int64
		if err := rows.Scan(&key, &s.user, &s.role, &s.csrf, &created, &seen, &s.origin); err != nil {
			return fmt.Errorf("read the sessions: %w", err)
		}
		s.created, s.seen = time.UnixMilli(created), time.UnixMilli(seen)
		s.written = s.seen
		a.sessions[key] = &s
	}
	return rows.Err()
}
