// Package account knows who may use the technicians' page: users with a role,
// their sessions, a brake on guessing, and an audit log of every change.
//
// A new box has no user. Until somebody has set the first password with the
// one-time code, which is on the console and in a file of the data folder, there
// is nothing that can be signed in to; from then on the code is worthless.
package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"sentrybox/gateway/brake"
	"sentrybox/gateway/password"
	"sentrybox/gateway/store"
)

// Role is what a user may do. A greater one may do all that a lesser may.
type Role string

// The roles, from the least.
const (
	Viewer     Role = "viewer"     // looks
	Duty       Role = "duty"       // also answers alerts
	Technician Role = "technician" // everything
)

// Roles lists the roles, from the least.
func Roles() []Role { return []Role{Viewer, Duty, Technician} }

// May says whether a user of the role may do what needs least.
func (r Role) May(least Role) bool { return r.rank() >= least.rank() && r.rank() > 0 }

func (r Role) rank() int {
	for i, known := range Roles() {
		if r == known {
			return i + 1
		}
	}
	return 0
}

// Errors that a person can do something about.
var (
	ErrName     = errors.New("a name has 1 to 32 visible characters, without spaces at its ends")
	ErrPassword = password.ErrWeak
	ErrRole     = errors.New("no such role")
	ErrTaken    = errors.New("the name is taken")
	ErrUnknown  = errors.New("no such user")
	ErrLast     = errors.New("the last technician cannot be removed")
	ErrWrong    = errors.New("wrong name or password")
	ErrCode     = errors.New("wrong code")
	ErrDone     = errors.New("the first password is set already")
)

const (
	maxName  = 32
	maxUsers = 100
)

// Schema returns the steps that make the tables; see store.Migration.
func Schema() store.Migration {
	return store.Migration{Component: "web_accounts", Steps: []string{`
		CREATE TABLE web_users (
			name    TEXT PRIMARY KEY,
			role    TEXT NOT NULL,
			hash    TEXT NOT NULL, -- argon2id, PHC form
			created INTEGER NOT NULL -- Unix milliseconds, as are all times here
		) STRICT, WITHOUT ROWID;
		CREATE TABLE web_sessions (
			token   TEXT PRIMARY KEY, -- SHA-256 of it, in hexadecimal
			user    TEXT NOT NULL,
			csrf    TEXT NOT NULL,
			created INTEGER NOT NULL,
			seen    INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE TABLE web_audit (
			id     INTEGER PRIMARY KEY,
			at     INTEGER NOT NULL,
			who    TEXT NOT NULL,
			origin TEXT NOT NULL,
			action TEXT NOT NULL,
			detail TEXT NOT NULL
		) STRICT;`, `
		ALTER TABLE web_sessions ADD COLUMN origin TEXT NOT NULL DEFAULT ''; -- an IP address
		CREATE TABLE web_tokens (
			id      TEXT PRIMARY KEY,
			name    TEXT NOT NULL,
			scope   TEXT NOT NULL,
			hash    TEXT NOT NULL UNIQUE, -- SHA-256 of it, in hexadecimal
			maker   TEXT NOT NULL,
			created INTEGER NOT NULL,
			expires INTEGER NOT NULL, -- 0 for never
			used    INTEGER NOT NULL, -- 0 for never
			origin  TEXT NOT NULL     -- of the last use
		) STRICT, WITHOUT ROWID;`}}
}

// User is somebody who may sign in.
type User struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
}

// Accounts is who may use the page. Set the fields, then Open.
type Accounts struct {
	Store *store.Store
	Dir   string // the data folder, where the one-time code is
	Log   *slog.Logger
	Now   func() time.Time
	// Label is the set-up code that is printed on the box, as good as the one on the
	// console; empty for none.
	Label string

	brake   brake.Brake
	hashing chan struct{} // holds a token for each hash under way, which takes its memory
	nobody  password.Hash // stands in for users that are not there, so that they take as long

	mu       sync.Mutex
	claimed  bool                // guarded by mu: there is a user
	code     string              // guarded by mu: the one-time code, empty when claimed
	sessions map[string]*session // guarded by mu: by the token's hash
	tokens   map[string]*held    // guarded by mu: by the token's hash
}

// hashesAtOnce bounds the memory that guessing takes: 19 MiB each.
const hashesAtOnce = 2

// Open reads who is there. On a box without users it makes the one-time code, or
// takes that of an earlier start.
func (a *Accounts) Open(ctx context.Context) error {
	a.hashing = make(chan struct{}, hashesAtOnce)
	a.sessions, a.tokens = map[string]*session{}, map[string]*held{}
	var err error
	if a.nobody, err = password.Parse(password.New("")); err != nil {
		return err
	}
	users, err := a.Users(ctx)
	if err != nil {
		return err
	}
	a.claimed = len(users) > 0
	if a.claimed {
		_ = os.Remove(filepath.Join(a.Dir, CodeFile)) // of a box that has been restored
		return errors.Join(a.loadSessions(ctx), a.loadTokens(ctx))
	}
	a.code, err = setupCode(a.Dir)
	return err
}

// SayCode says the one-time code on the log while nobody can sign in. It is for when the page is there to take it.
func (a *Accounts) SayCode() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.claimed {
		a.Log.Warn("nobody can sign in yet: set the first password on the page with this one-time code", "code", a.code)
	}
}

// Claimed says whether the first password is set.
func (a *Accounts) Claimed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.claimed
}

// Users lists the users by name.
func (a *Accounts) Users(ctx context.Context) (all []User, err error) {
	rows, err := a.Store.DB().QueryContext(ctx, `SELECT name, role, created FROM web_users ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var u User
		var created int64
		if err := rows.Scan(&u.Name, &u.Role, &created); err != nil {
			return nil, fmt.Errorf("read the users: %w", err)
		}
		u.Created = time.UnixMilli(created)
		all = append(all, u)
	}
	return all, rows.Err()
}

// checkUser checks a name and a role; password.Check a password for it.
func checkUser(name string, role Role) error {
	switch {
	case name == "" || strings.TrimSpace(name) != name || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name),
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }), strings.HasPrefix(name, tokenActor):
		return ErrName
	case role.rank() == 0:
		return ErrRole
	}
	return nil
}

// Add makes a user.
func (a *Accounts) Add(ctx context.Context, by Actor, name string, role Role, secret string) error {
	if err := errors.Join(checkUser(name, role), password.Check(name, secret)); err != nil {
		return err
	}
	hash, err := a.hash(ctx, secret)
	if err != nil {
		return err
	}
	return a.change(ctx, by, "user.add", name+" "+string(role), func(tx *sql.Tx) error {
		var n, same int
		err := tx.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = ?) FROM web_users`, name).Scan(&n, &same)
		switch {
		case err != nil:
			return err
		case same > 0:
			return ErrTaken
		case n >= maxUsers:
			return fmt.Errorf("there are %d users already", n)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO web_users (name, role, hash, created) VALUES (?, ?, ?, ?)`, name, role, hash, a.Now().UnixMilli())
		return err
	})
}

// SetRole changes what a user may do.
func (a *Accounts) SetRole(ctx context.Context, by Actor, name string, role Role) error {
	if role.rank() == 0 {
		return ErrRole
	}
	err := a.change(ctx, by, "user.role", name+" "+string(role), func(tx *sql.Tx) error {
		return affectsUser(tx.ExecContext(ctx, `UPDATE web_users SET role = ? WHERE name = ?`, role, name))(ctx, tx)
	})
	if err == nil {
		a.forget(ctx, name, "") // a session has the role that it began with
	}
	return err
}

// SetPassword gives a user a new password and ends their sessions, but for the one
// with the token keep.
func (a *Accounts) SetPassword(ctx context.Context, by Actor, name, secret, keep string) error {
	if err := password.Check(name, secret); err != nil {
		return err
	}
	hash, err := a.hash(ctx, secret)
	if err != nil {
		return err
	}
	err = a.change(ctx, by, "user.password", name, func(tx *sql.Tx) error {
		return affectsUser(tx.ExecContext(ctx, `UPDATE web_users SET hash = ? WHERE name = ?`, hash, name))(ctx, tx)
	})
	if err == nil {
		a.forget(ctx, name, keep)
	}
	return err
}

// Remove removes a user and ends their sessions.
func (a *Accounts) Remove(ctx context.Context, by Actor, name string) error {
	err := a.change(ctx, by, "user.remove", name, func(tx *sql.Tx) error {
		return affectsUser(tx.ExecContext(ctx, `DELETE FROM web_users WHERE name = ?`, name))(ctx, tx)
	})
	if err == nil {
		a.forget(ctx, name, "")
	}
	return err
}

// affectsUser checks that a change has met a user and left a technician.
func affectsUser(res sql.Result, err error) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrUnknown, err)
		}
		var left int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM web_users WHERE role = ?`, Technician).Scan(&left); err != nil {
			return err
		}
		if left == 0 {
			return ErrLast
		}
		return nil
	}
}

// hash is password.New, so many at once.
func (a *Accounts) hash(ctx context.Context, secret string) (string, error) {
	select {
	case a.hashing <- struct{}{}:
		defer func() { <-a.hashing }()
		return password.New(secret), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
