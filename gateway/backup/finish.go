package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sentrybox/gateway/config"
	"sentrybox/gateway/disk"
	"sentrybox/gateway/store"
)

const (
	movedName = "moved" // says that the old site is out of the way
	keepOld   = 7       // days that the old site is kept
)

// Pending says whether a backup is about to take the site's place.
func Pending(data string) bool {
	_, err := os.Stat(filepath.Join(data, readyFolder, planName))
	return err == nil
}

// Finish has a backup that was prepared take the site's place, and reports whether
// there was one. It must run before the database is opened, and does what is left when
// it was interrupted: each step can be done again. The site that was is kept in
// before-restore for a week.
func (s *Site) Finish(ctx context.Context) (done bool, err error) {
	dir := filepath.Join(s.Data, readyFolder)
	if !Pending(s.Data) {
		return false, nil
	}
	unlock, err := s.lock(true) // another process may be at it
	if err != nil {
		return false, err
	}
	defer unlock()
	var p plan
	err = readPlan(filepath.Join(dir, planName), &p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what is to be restored: %w", err)
	}
	for _, step := range []func(context.Context, string, *plan) error{s.moveOld, s.merge, s.moveNew, s.settle, s.writeNew} {
		if err := step(ctx, dir, &p); err != nil {
			return false, fmt.Errorf("restore the site: %w", err)
		}
	}
	if err := s.rename(dir, filepath.Join(s.Data, doneFolder)); err != nil {
		return false, err
	}
	return true, errors.Join(disk.SyncDir(s.Data), os.RemoveAll(filepath.Join(s.Data, doneFolder)))
}

// moveOld puts what the new site takes the place of out of the way.
func (s *Site) moveOld(_ context.Context, dir string, p *plan) error {
	if _, err := os.Stat(filepath.Join(dir, movedName)); err == nil {
		return nil
	}
	old := filepath.Join(s.Data, oldFolder)
	if err := os.MkdirAll(old, 0o700); err != nil {
		return err
	}
	var names []string
	if _, err := os.Stat(filepath.Join(dir, "tls")); err == nil { // without one the box keeps its own
		names = append(names, "tls")
	}
	if !p.Merge {
		names = append(names, "metrics", "corrupt")
		for _, form := range []string{databaseName + "*", "journal-*", "backup-*.db*"} {
			found, err := filepath.Glob(filepath.Join(s.Data, form))
			if err != nil {
				return err
			}
			for _, path := range found {
				names = append(names, filepath.Base(path))
			}
		}
	}
	if !p.KeepEvidence {
		names = append(names, "evidence")
	}
	for _, name := range names {
		err := s.rename(filepath.Join(s.Data, name), filepath.Join(old, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := s.keepFiles(old, p); err != nil {
		return err
	}
	if err := errors.Join(disk.SyncDir(old), disk.SyncDir(s.Data)); err != nil {
		return err
	}
	return s.write(filepath.Join(dir, movedName), nil)
}

// merge adds what the backup has to this box's database, in one transaction.
func (s *Site) merge(ctx context.Context, dir string, p *plan) error {
	if !p.Merge {
		return nil
	}
	db, err := store.Open(ctx, s.Data, s.Tables...)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := s.keepPeople(ctx, db); err != nil {
		return err
	}
	from := filepath.Join(dir, "db", databaseName)
	if p.Undo {
		from = filepath.Join(dir, peopleName)
	}
	if err := attach(ctx, db, from); err != nil {
		return err
	}
	return db.Tx(ctx, func(tx *sql.Tx) error {
		statements := []string{
			`DELETE FROM web_sessions`,
			`DELETE FROM web_users`, `INSERT INTO web_users SELECT * FROM new.web_users`,
			`DELETE FROM web_tokens`, `INSERT INTO web_tokens SELECT * FROM new.web_tokens`,
		}
		if !p.Undo {
			statements = append(statements,
				`INSERT OR IGNORE INTO alerts SELECT * FROM new.alerts`,
				`INSERT OR IGNORE INTO alert_steps SELECT * FROM new.alert_steps`,
				`INSERT OR IGNORE INTO evidence SELECT * FROM new.evidence`)
		}
		return p.carryOut(ctx, tx, statements...)
	})
}

// attach has another database under the name of new.
func attach(ctx context.Context, db *store.Store, path string) error {
	conn, err := db.DB().Conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `ATTACH ? AS new`, path)
	return errors.Join(err, conn.Close()) // there is one connection
}

// carryOut changes the database, and marks once that it was.
func (p *plan) carryOut(ctx context.Context, tx *sql.Tx, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	var marked int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM web_audit WHERE action = 'restore' AND at = ?`, p.At.UnixMilli()).Scan(&marked)
	if err != nil || marked > 0 {
		return err
	}
	return p.mark(ctx, tx)
}

// moveNew puts the new site's part of the data folder in place.
func (s *Site) moveNew(_ context.Context, dir string, p *plan) error {
	if p.Undo {
		return s.moveBack(dir)
	}
	names := map[string]string{"tls": "tls", "evidence": "evidence"}
	if !p.Merge {
		names[filepath.Join("db", databaseName)] = databaseName
	}
	if p.KeepEvidence {
		delete(names, "evidence") // none, or beside what is there
		if err := s.addEvidence(filepath.Join(dir, "evidence")); err != nil {
			return err
		}
	}
	counters, err := filepath.Glob(filepath.Join(dir, "counters-*"))
	if err != nil {
		return err
	}
	for _, path := range counters {
		// What this box has heard itself is newer.
		if _, err := os.Stat(filepath.Join(s.Data, filepath.Base(path))); errors.Is(err, fs.ErrNotExist) {
			names[filepath.Base(path)] = filepath.Base(path)
		}
	}
	for from, to := range names {
		err := s.rename(filepath.Join(dir, from), filepath.Join(s.Data, to))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return disk.SyncDir(s.Data)
}

func (s *Site) addEvidence(from string) error {
	all, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	to := filepath.Join(s.Data, "evidence")
	if err = errors.Join(err, os.MkdirAll(to, 0o700)); err != nil {
		return err
	}
	for _, e := range all {
		if _, err := os.Stat(filepath.Join(to, e.Name())); err == nil {
			continue
		}
		if err := s.rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return disk.SyncDir(to)
}

// writeNew puts the configuration and what it names in place.
func (s *Site) writeNew(_ context.Context, dir string, p *plan) error {
	beside := filepath.Dir(p.Config)
	for _, rel := range p.Files {
		data, err := os.ReadFile(filepath.Join(dir, siteFolder, filepath.FromSlash(rel)))
		if err != nil {
			return err
		}
		to := filepath.Join(beside, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := s.write(to, data); err != nil {
			return err
		}
	}
	if len(p.Environment) > 0 {
		if err := s.write(config.EnvironmentFile(p.Config), p.Environment); err != nil {
			return err
		}
	}
	s.mayStop()
	// Parse looks at files that are there by now. It was valid when it was prepared.
	return config.Save(p.Config, p.Body)
}

func (s *Site) mayStop() {
	if s.step != nil {
		s.step()
	}
}

func (s *Site) rename(from, to string) error {
	s.mayStop()
	return os.Rename(from, to)
}

func (s *Site) write(path string, data []byte) error {
	s.mayStop()
	return disk.WriteFile(path, data, 0o600)
}
