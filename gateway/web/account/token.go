package account

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Scope is what a program with a token may do. A greater one may do all that a lesser
// may.
type Scope string

// The scopes, from the least.
const (
	Read      Scope = "read"      // what a viewer sees
	Operate   Scope = "operate"   // also answers alerts, as duty does
	Configure Scope = "configure" // also changes cameras, rules, lines and the like
	Admin     Scope = "admin"     // everything: users, tokens, backups, the audit log
)

// Scopes lists the scopes, from the least.
func Scopes() []Scope { return []Scope{Read, Operate, Configure, Admin} }

func (s Scope) rank() int {
	for i, known := range Scopes() {
		if s == known {
			return i + 1
		}
	}
	return 0
}

// May says whether a token of the scope may do what needs least.
func (s Scope) May(least Scope) bool {
	return s.rank() > 0 && least.rank() > 0 && s.rank() >= least.rank()
}

// Role is the role of a user who may as much.
func (s Scope) Role() Role {
	switch s {
	case Read:
		return Viewer
	case Operate:
		return Duty
	case Configure, Admin:
		return Technician
	}
	return ""
}

// Errors of tokens.
var (
	ErrScope   = errors.New("no such scope")
	ErrToken   = errors.New("no such token")
	ErrTooMany = errors.New("there are too many tokens")
)

// TokenMark is how every token begins, so that it is known where one is found by chance.
const TokenMark = "sbx_"

const tokenActor = "token: "

const (
	maxTokens   = 100
	maxTokenAge = 10 * 366 * 24 * time.Hour
	// perMinute is how many requests a token has in any minute.
	perMinute = 600
)

// Token is what is known of a token. The token itself is shown once, when it is made.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scope   Scope     `json:"scope"`
	Maker   string    `json:"maker"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Used    time.Time `json:"used,omitzero"`    // zero: never
	Origin  string    `json:"origin"`           // of the last use
}

// held is a token in memory.
type held struct {
	Token
	written time.Time // as Used is in the database
	minute  time.Time // when the present minute began
	count   int       // of requests in it
}

// NewToken makes a token and returns it, which nobody can do again. A life of 0 is
// without an end.
func (a *Accounts) NewToken(ctx context.Context, by Actor, name string, scope Scope, life time.Duration) (secret string, t Token, err error) {
	if err := checkUser(name, Viewer); err != nil {
		return "", t, err
	}
	if scope.rank() == 0 || life < 0 || life > maxTokenAge {
		return "", t, ErrScope
	}
	now := a.Now()
	secret = TokenMark + rand.Text()
	t = Token{ID: strings.ToLower(rand.Text()[:12]), Name: name, Scope: scope, Maker: by.Name, Created: now.UTC()}
	if life > 0 {
		t.Expires = now.Add(life).UTC()
	}
	err = a.change(ctx, by, "token.add", name+" "+string(scope), func(tx *sql.Tx) error {
		var n, same int
		err := tx.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = ?) FROM web_tokens`, name).Scan(&n, &same)
		switch {
		case err != nil:
			return err
		case same > 0:
			return ErrTaken
		case n >= maxTokens:
			return ErrTooMany
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO web_tokens (id, name, scope, hash, maker, created, expires, used, origin)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, '')`, t.ID, t.Name, t.Scope, digest(secret), t.Maker, now.UnixMilli(), unixMilli(t.Expires))
		return err
	})
	if err != nil {
		return "", t, err
	}
	a.mu.Lock()
	a.tokens[digest(secret)] = &held{Token: t}
	a.mu.Unlock()
	return secret, t, nil
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Tokens lists the tokens by name.
func (a *Accounts) Tokens(ctx context.Context) (all []Token, err error) {
	all = []Token{}
	rows, err := a.Store.DB().QueryContext(ctx, `SELECT hash FROM web_tokens ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	defer rows.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return nil, fmt.Errorf("read the tokens: %w", err)
		}
		if h := a.tokens[hash]; h != nil {
			all = append(all, h.Token)
		}
	}
	return all, rows.Err()
}

// Revoke ends a token. It returns ErrToken if there is none with the ID.
func (a *Accounts) Revoke(ctx context.Context, by Actor, id string) error {
	a.mu.Lock()
	key, name := "", ""
	for k, h := range a.tokens {
		if h.ID == id {
			key, name = k, h.Name
		}
	}
	a.mu.Unlock()
	if key == "" {
		return ErrToken
	}
	err := a.change(ctx, by, "token.revoke", name, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM web_tokens WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	delete(a.tokens, key)
	a.mu.Unlock()
	return nil
}

// Limited says that a token has asked too often, and when it may ask again.
type Limited struct{ Wait time.Duration }

// Error says so in English.
func (l *Limited) Error() string { return "too many requests" }

// TokenOf returns what is known of a token that somebody has come with. It returns
// ErrToken or a *brake.Locked for one that is none, and a *Limited for one that is
// used too often.
func (a *Accounts) TokenOf(ctx context.Context, secret, origin string) (Token, error) {
	now := a.Now()
	a.mu.Lock()
	h := a.tokens[digest(secret)]
	if h == nil || !h.Expires.IsZero() && now.After(h.Expires) {
		a.mu.Unlock()
		if err := a.brake.Take(now, "", origin); err != nil {
			return Token{}, err
		}
		return Token{}, ErrToken
	}
	if since := now.Sub(h.minute); since < 0 || since >= time.Minute {
		h.minute, h.count = now, 0
	}
	if h.count++; h.count > perMinute {
		wait := time.Minute - now.Sub(h.minute)
		a.mu.Unlock()
		return Token{}, &Limited{Wait: wait}
	}
	first := h.Used.IsZero() || h.Origin != origin
	h.Used, h.Origin = now.UTC(), origin
	write := first || now.Sub(h.written) > seenEvery
	if write {
		h.written = now
	}
	t := h.Token
	a.mu.Unlock()
	if first {
		a.Audit(ctx, Actor{Name: t.Actor(), Origin: origin}, "token.use", string(t.Scope))
	}
	if write {
		a.exec(ctx, `UPDATE web_tokens SET used = ?, origin = ? WHERE id = ?`, now.UnixMilli(), origin, t.ID)
	}
	return t, nil
}

// Lives says whether a session or a program's token is still good.
func (a *Accounts) Lives(ctx context.Context, token string) bool {
	if !strings.HasPrefix(token, TokenMark) {
		_, ok := a.Session(ctx, token)
		return ok
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.tokens[digest(token)]
	return h != nil && (h.Expires.IsZero() || a.Now().Before(h.Expires))
}

// Actor is how a token stands in the audit log: no user may be called so.
func (t Token) Actor() string { return tokenActor + t.Name }

// loadTokens takes the tokens of an earlier start.
func (a *Accounts) loadTokens(ctx context.Context) error {
	rows, err := a.Store.DB().QueryContext(ctx, `SELECT id, name, scope, hash, maker, created, expires, used, origin FROM web_tokens`)
	if err != nil {
		return fmt.Errorf("read the tokens: %w", err)
	}
	defer rows.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for rows.Next() {
		var h held
		var hash string
		var created, expires, used int64
		if err := rows.Scan(&h.ID, &h.Name, &h.Scope, &hash, &h.Maker, &created, &expires, &used, &h.Origin); err != nil {
			return fmt.Errorf("read the tokens: %w", err)
		}
		h.Created, h.Expires, h.Used = milliTime(created), milliTime(expires), milliTime(used)
		h.written = h.Used
		if h.Scope.rank() > 0 {
			a.tokens[hash] = &h
		}
	}
	return rows.Err()
}

func milliTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
