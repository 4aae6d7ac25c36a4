// Package store keeps what the gateway may not lose in one SQLite database.
//
// The database runs in WAL mode with synchronous=FULL: a transaction that has
// committed has been through fsync, and is there after a power cut. There is
// one connection, so transactions are short and queue for each other.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver "sqlite": pure Go, so the gateway stays one static file
)

// ErrInUse means that another process has the data folder open.
var ErrInUse = errors.New("the data folder is in use by another sentrybox")

// Migration brings one component's tables up to its version. It runs inside a
// transaction and may be run again on tables of an older version.
type Migration struct {
	Component string
	Steps     []string // Steps[i] leads from version i to i+1
}

// Store is an open database.
type Store struct {
	db   *sql.DB
	lock *os.File
}

// Open opens the database in the folder dir, makes both if they are missing,
// and brings every component's tables up to date. It returns ErrInUse while
// another process has it open.
func Open(ctx context.Context, dir string, more ...Migration) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := takeLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock}
	if s.db, err = openDB(filepath.Join(dir, "sentrybox.db")); err == nil {
		err = s.migrate(ctx, append([]Migration{alertTables()}, more...))
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openDB(path string) (*sql.DB, error) {
	q := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", filepath.Dir(path), ErrInUse)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

func (s *Store) migrate(ctx context.Context, all []Migration) error {
	return s.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx,
			`CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`); err != nil {
			return fmt.Errorf("make the table of versions: %w", err)
		}
		for _, m := range all {
			if err := m.run(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m Migration) run(ctx context.Context, tx *sql.Tx) error {
	var have int
	err := tx.QueryRowContext(ctx, `SELECT version FROM schema_version WHERE component = ?`, m.Component).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the version of %s: %w", m.Component, err)
	}
	if have > len(m.Steps) {
		return fmt.Errorf("the data folder was written by a newer sentrybox (%s at version %d, this one knows %d): install the newer program", m.Component, have, len(m.Steps))
	}
	for i, step := range m.Steps[have:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("bring %s to version %d: %w", m.Component, have+i+1, err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (component, version) VALUES (?, ?)
		ON CONFLICT (component) DO UPDATE SET version = excluded.version`, m.Component, len(m.Steps))
	if err != nil {
		return fmt.Errorf("note the version of %s: %w", m.Component, err)
	}
	return nil
}

// DB returns the database, for a component that keeps its own tables in it.
func (s *Store) DB() *sql.DB { return s.db }

// Tx runs fn in a transaction: all of it is durable when Tx returns nil, and
// nothing of it is there when it returns an error.
func (s *Store) Tx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// ignoreDone drops the error of rolling back what a cancelled context has
// rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Close closes the database and lets go of the data folder.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	return errors.Join(err, s.lock.Close())
}
