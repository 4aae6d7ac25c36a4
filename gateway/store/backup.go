package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sentrybox/gateway/disk"
)

const (
	backupForm = "backup-%08d.db"
	keepBackup = 2
	// A backup is made at most hourly, when the journal is long beside the last
	// backup, so that backups do not wear the flash more than four times what they
	// save, or when something has happened and the last is a day old.
	backupLeast   = time.Hour
	backupMost    = 24 * time.Hour
	backupJournal = 256 << 10
	backupShare   = 4
	backupAgain   = 10 * time.Minute // after one that failed
)

func (s *Store) backupPath(gen uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf(backupForm, gen))
}

// BackupDue says whether a backup is worth its wear.
func (s *Store) BackupDue(now time.Time) bool {
	gen, size, bad := s.journal.status()
	var last time.Time // of what the journal goes on from
	var bytes int64
	if info, err := os.Stat(s.backupPath(gen)); err == nil {
		last, bytes = info.ModTime(), info.Size()
	} else if info, err := os.Stat(s.journal.path(gen)); err == nil && size > 0 {
		last = info.ModTime()
		if s.opened.Before(last) {
			last = s.opened
		}
	}
	s.backupMu.Lock()
	failed := now.Sub(s.failed)
	s.backupMu.Unlock()
	if failed >= 0 && failed < backupAgain {
		return false
	}
	age := now.Sub(last)
	switch {
	case age >= 0 && age < backupLeast:
		return false
	case bad:
		return true
	case size == 0:
		return false
	}
	return size >= max(backupJournal, bytes/backupShare) || age < 0 || age >= backupMost
}

// Backup writes all that is worth it of the database to a file of its own,
// begins a new journal, and removes what is older than the last two backups. Others
// may use the database meanwhile.
func (s *Store) Backup(ctx context.Context) error {
	s.backupMu.Lock()
	defer s.backupMu.Unlock()
	gen, _, bad := s.journal.status()
	gen++
	// From here on every commit is in the new journal, and what was committed
	// before is in the backup: what is in both does no harm.
	if err := s.journal.next(gen); err != nil {
		return fmt.Errorf("begin a new journal: %w", err)
	}
	// A record that the new one lacks may come meanwhile.
	s.journal.lacks(false)
	tmp := s.backupPath(gen) + ".tmp"
	err := s.copyTo(ctx, tmp)
	if err == nil {
		err = os.Rename(tmp, s.backupPath(gen))
	}
	if err == nil {
		err = disk.SyncDir(s.dir)
	}
	if err != nil {
		_ = os.Remove(tmp)
		s.disk.Failed(err)
		s.failed = time.Now()
		if bad {
			s.journal.lacks(true)
		}
		return fmt.Errorf("back up the database: %w", err)
	}
	s.prune()
	// What is older than the backup is then in the database itself, and a log that
	// is lost takes no more with it than the journal has.
	if _, err := s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("move the log into the database: %w", err)
	}
	return nil
}

// prune removes backups that are too many, and the journals that only they need.
func (s *Store) prune() {
	all := numbered(s.dir, backupForm)
	if len(all) < keepBackup {
		return // generation 0 and its journal are the second
	}
	oldest := all[len(all)-keepBackup]
	for _, gen := range all {
		if gen < oldest {
			_ = os.Remove(s.backupPath(gen))
		}
	}
	for _, gen := range s.journal.generations() {
		if gen < oldest {
			_ = os.Remove(s.journal.path(gen))
		}
	}
}

// copyTo makes a database at path from one snapshot of this one, and has it on the
// disk.
func (s *Store) copyTo(ctx context.Context, path string) error {
	_ = os.Remove(path)
	disk.Private(path)
	q := url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)", cache}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	err = s.copyInto(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (s *Store) copyInto(ctx context.Context, db *sql.DB) error {
	source := (&url.URL{Scheme: "file", Path: s.path(), RawQuery: "mode=ro"}).String()
	if _, err := db.ExecContext(ctx, `ATTACH ? AS src`, source); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `PRAGMA src.`+cache); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	tables, rest, err := schemaOf(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := s.copyTable(ctx, tx, t); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	// Of a table with AUTOINCREMENT also what was given and is gone.
	if _, err := tx.ExecContext(ctx, `DELETE FROM main.sqlite_sequence;
		INSERT INTO main.sqlite_sequence SELECT * FROM src.sqlite_sequence`); err != nil && !strings.Contains(err.Error(), "no such table") {
		return err
	}
	for _, o := range rest {
		if _, err := tx.ExecContext(ctx, o.sql); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
	}
	for _, m := range s.components {
		if _, err := tx.ExecContext(ctx, m.Mend); err != nil {
			return fmt.Errorf("mend %s: %w", m.Component, err)
		}
	}
	return tx.Commit()
}

type object struct{ name, sql string }

// schemaOf returns the tables, and what is made once they are filled.
func schemaOf(ctx context.Context, tx *sql.Tx) (tables, rest []object, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT type, name, sql FROM src.sqlite_master
		WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var o object
		if err := rows.Scan(&kind, &o.name, &o.sql); err != nil {
			return nil, nil, err
		}
		if kind == "table" {
			tables = append(tables, o)
		} else {
			rest = append(rest, o)
		}
	}
	return tables, rest, rows.Err()
}

func (s *Store) copyTable(ctx context.Context, tx *sql.Tx, t object) error {
	if _, err := tx.ExecContext(ctx, t.sql); err != nil {
		return err
	}
	where := ""
	for _, m := range s.components {
		if w := m.Keep[t.name]; w != "" {
			where = " WHERE " + w
		}
	}
	name := `"` + strings.ReplaceAll(t.name, `"`, `""`) + `"`
	_, err := tx.ExecContext(ctx, `INSERT INTO main.`+name+` SELECT * FROM src.`+name+where)
	return err
}
