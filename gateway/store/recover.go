package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/disk"
)

var (
	// ErrCorrupt means that the database has turned out to be damaged. The next
	// Open sets it aside.
	ErrCorrupt = errors.New("the database is corrupt")
	errUnsound = errors.New("the database does not pass its check")
)

// Recovery is what Open had to do.
type Recovery struct {
	// Reason says what was wrong with the database, empty when it was sound.
	Reason string
	// SetAside is the name under which the damaged database is kept, empty when
	// there was nothing left to keep.
	SetAside string
	// Backup is the name of the backup that took its place, empty for none.
	Backup string
	// Complete says that backup and journal have every alert: none is lost.
	Complete bool
	// Missing are the revisions of alerts that the journal has and the database
	// lacks, in their order. The caller puts them back.
	Missing []Record
}

const (
	dbName     = "sentrybox.db"
	markName   = "corrupt" // the file that says that the database is not to be used again
	asideMark  = ".corrupt-"
	keepAside  = 2
	badBackups = ".bad"
	pageSize   = 4096 // that SQLite gives every new database
)

func (s *Store) path() string { return filepath.Join(s.dir, dbName) }

// openSound opens the database, or what takes its place if it is damaged.
func (s *Store) openSound(ctx context.Context) error {
	reason, err := s.examine(ctx)
	if err != nil || reason == "" {
		return err
	}
	s.recovery.Reason = reason
	if err := s.setAside(); err != nil {
		return err
	}
	backups := numbered(s.dir, backupForm)
	slices.Reverse(backups)
	for _, gen := range backups {
		path := s.backupPath(gen)
		if err := s.restore(ctx, path); err == nil {
			s.recovery.Backup = filepath.Base(path)
			break
		} else if !isCorrupt(err) {
			return fmt.Errorf("restore %s: %w", path, err)
		}
		_ = os.Rename(path, path+badBackups)
	}
	if s.db == nil {
		if s.db, err = openDB(s.path()); err != nil {
			return err
		}
	}
	return disk.SyncDir(s.dir)
}

// examine opens the database if it is sound, and says why if it is not.
func (s *Store) examine(ctx context.Context) (reason string, err error) {
	if _, err := os.Stat(filepath.Join(s.dir, markName)); err == nil {
		return "it had turned out to be corrupt", nil
	}
	info, err := os.Stat(s.path())
	empty := errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
	known := len(numbered(s.dir, backupForm)) > 0 || len(s.journal.generations()) > 0
	if empty && known {
		return "it is gone", nil
	}
	if _, lerr := os.Stat(s.path() + "-wal"); errors.Is(lerr, os.ErrNotExist) && err == nil && info.Size()%pageSize != 0 {
		return "its last page is cut off", nil // SQLite would read zeros there
	}
	if s.db, err = openDB(s.path()); err != nil {
		return "", err
	}
	err = check(ctx, s.db)
	if err == nil && known {
		// Cut down to its first pages, or without the log that has all of it.
		err = hasVersions(ctx, s.db)
	}
	if !isCorrupt(err) {
		return "", err
	}
	cerr := s.db.Close()
	s.db = nil
	return err.Error(), cerr
}

// check holds a database against the form of one (sqlite.org/pragma.html#pragma_quick_check).
func check(ctx context.Context, db *sql.DB) error {
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if result != "ok" {
		return fmt.Errorf("%w: %.200s", errUnsound, result)
	}
	return nil
}

func hasVersions(ctx context.Context, db *sql.DB) error {
	var n int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'`).Scan(&n)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: it has no tables", errUnsound)
	}
	return err
}

// setAside renames the database and its log, and forgets the oldest that were.
func (s *Store) setAside() error {
	name := dbName + asideMark + time.Now().UTC().Format("20060102T150405.000")
	for _, part := range []string{"", "-wal", "-shm"} {
		err := os.Rename(s.path()+part, filepath.Join(s.dir, name+part))
		switch {
		case err == nil && part == "":
			s.recovery.SetAside = name
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("set the damaged database aside: %w", err)
		}
	}
	_ = os.Remove(filepath.Join(s.dir, markName))
	if err := disk.SyncDir(s.dir); err != nil {
		return fmt.Errorf("set the damaged database aside: %w", err)
	}
	all, err := filepath.Glob(filepath.Join(s.dir, dbName+asideMark+"*"))
	if err != nil {
		return fmt.Errorf("look for databases set aside: %w", err)
	}
	slices.Sort(all)
	all = slices.DeleteFunc(all, func(p string) bool { return strings.HasSuffix(p, "-wal") || strings.HasSuffix(p, "-shm") })
	for ; len(all) > keepAside; all = all[1:] {
		for _, part := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(all[0] + part)
		}
	}
	return nil
}

// ForgetAside counts the databases that were set aside since a moment, and removes them if it is asked to.
func (s *Store) ForgetAside(from time.Time, remove bool) (n int, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("look for databases set aside: %w", err)
	}
	for _, e := range entries {
		info, ierr := e.Info()
		if !strings.HasPrefix(e.Name(), dbName+asideMark) || ierr != nil || info.ModTime().Before(from) {
			continue
		}
		if !strings.HasSuffix(e.Name(), "-wal") && !strings.HasSuffix(e.Name(), "-shm") {
			n++
		}
		if remove {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, e.Name())))
		}
	}
	return n, err
}

// restore has a copy of a backup take the database's place. The backup stays.
func (s *Store) restore(ctx context.Context, backup string) error {
	tmp := s.path() + ".tmp"
	if err := copyFile(backup, tmp); err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	db, err := sql.Open("sqlite", tmp)
	if err != nil {
		return err
	}
	err = errors.Join(check(ctx, db), hasVersions(ctx, db), db.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, s.path()); err != nil {
		return err
	}
	s.db, err = openDB(s.path())
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// readJournals finds what the database lacks, and where the journal goes on.
func (s *Store) readJournals(ctx context.Context) error {
	gens := s.journal.generations()
	backups := numbered(s.dir, backupForm)
	if len(backups) > 0 {
		s.journal.gen = backups[len(backups)-1]
	}
	var all []Record
	damaged := false
	for _, gen := range gens {
		j, err := readJournal(s.journal.path(gen))
		if err != nil {
			return err
		}
		all, damaged = append(all, j.records...), damaged || j.damaged
		if gen >= s.journal.gen {
			s.journal.gen, s.journal.size = gen, j.size
			// Of what a kill has torn the database may have the whole.
			s.journal.lacks(j.torn || j.damaged)
		}
	}
	now := time.Now()
	// A sound database that lost its log has all that is older than the last backup.
	s.recovery.Complete = !damaged && (s.recovery.Reason == "" || s.recovery.Backup != "" || len(gens) > 0 && gens[0] == 0)
	revs := map[string]int{}
	return s.Tx(ctx, func(tx *sql.Tx) error {
		if len(gens) == 0 && len(backups) == 0 {
			// Alerts of a program that kept no journal yet are nowhere else.
			var some bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM alerts)`).Scan(&some); err != nil {
				return fmt.Errorf("look for alerts: %w", err)
			}
			s.journal.lacks(some)
		}
		for _, r := range all {
			if !r.Alert.Open && now.Sub(r.Alert.LastEvent) > KeepClosed-24*time.Hour {
				continue // deleted for its age, by now or soon
			}
			have, known := revs[r.Alert.ID]
			if !known {
				a, _, err := AlertByID(ctx, tx, r.Alert.ID)
				if err != nil {
					return err
				}
				have = a.Rev
			}
			if r.Alert.Rev > have {
				s.recovery.Missing = append(s.recovery.Missing, r)
				have = r.Alert.Rev
			}
			revs[r.Alert.ID] = have
		}
		return nil
	})
}

// Recovery returns what Open had to do.
func (s *Store) Recovery() Recovery { return s.recovery }

// Corrupt returns a channel that is closed when the database turns out to be
// damaged. The store is to be closed then, and opened again.
func (s *Store) Corrupt() <-chan struct{} { return s.corrupt }

// Noticed takes an error, or nil, of who uses DB and not Tx into account: the database may be damaged, or the disk.
func (s *Store) Noticed(err error) {
	s.noteCorrupt(err)
	s.disk.Failed(err)
}

// noteCorrupt marks the database, so that the next Open sets it aside.
func (s *Store) noteCorrupt(err error) {
	if !isCorrupt(err) {
		return
	}
	s.corruptOnce.Do(func() {
		if f, err := os.Create(filepath.Join(s.dir, markName)); err == nil {
			_ = f.Close()
			_ = disk.SyncDir(s.dir)
		}
		close(s.corrupt)
	})
}
