package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/gateway/config"
	"sentrybox/gateway/disk"
	"sentrybox/gateway/store"
	"sentrybox/gateway/web/account"
)

// ErrNoOld means that no site is kept that could come back.
var ErrNoOld = errors.New("no site from before a restore is kept")

// What is in before-restore besides the site's own files.
const (
	undoName   = "undo.json" // a plan
	peopleName = "people.db" // users and tokens, where the database stayed
	lockName   = "restore.lock"
)

// Kept is the site that a restore has put aside.
type Kept struct {
	Gateway Identity  `json:"gateway"`
	Since   time.Time `json:"since"` // when it was put aside
	Until   time.Time `json:"until"` // when it is removed
	// Merge says that this box's alerts stay when it comes back: it is the same gateway.
	Merge  bool   `json:"merge"`
	Listen string `json:"-"` // where its page is
	Secure bool   `json:"-"`
}

// lock keeps other processes from restoring. It waits for them, or returns ErrBusy. It lasts until
// unlock or the process ends.
func (s *Site) lock(wait bool) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.Data, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the site: %w", err)
	}
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(f.Fd()), how)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrBusy
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func readPlan(path string, p *plan) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, p)
}

// Old returns the site that is kept from before a restore, or ErrNoOld.
func (s *Site) Old() (k Kept, err error) {
	_, k, err = s.old()
	return k, err
}

func (s *Site) old() (p plan, k Kept, err error) {
	dir := filepath.Join(s.Data, oldFolder)
	err = readPlan(filepath.Join(dir, undoName), &p)
	info, statErr := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(statErr, fs.ErrNotExist) {
		return p, k, ErrNoOld
	}
	if err = errors.Join(err, statErr); err != nil {
		return p, k, fmt.Errorf("look at the site before: %w", err)
	}
	if p.Body, err = os.ReadFile(filepath.Join(dir, configName)); errors.Is(err, fs.ErrNotExist) || config.Empty(p.Body) {
		return p, k, ErrNoOld // a new box: there is nothing to go back to
	}
	if p.Environment, err = os.ReadFile(filepath.Join(dir, environmentName)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return p, k, err
	}
	env, here := config.ParseEnvironment(p.Environment), config.Environment(s.Config)
	c, err := config.Parse(s.Config, p.Body, func(name string) (string, bool) {
		if v, ok := os.LookupEnv(name); ok {
			return v, true
		}
		if v, ok := env[name]; ok {
			return v, true
		}
		return here(name)
	})
	if err != nil {
		return p, k, err
	}
	return p, Kept{
		Gateway: Identity{c.Gateway.ID, c.Gateway.Street, c.Gateway.Community}, Since: p.At, Until: info.ModTime().Add(keepOld * 24 * time.Hour),
		Merge: p.Merge, Listen: c.Web.Listen, Secure: c.Web.Secure(),
	}, nil
}

// Undo has the site that was before a restore come back at the next [Finish], by one renaming of a
// folder. What is there now is put aside in its place, so that this too can be undone.
func (s *Site) Undo(by account.Actor) (Kept, error) {
	unlock, err := s.lock(false)
	if err != nil {
		return Kept{}, err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(s.Data, readyFolder)); err == nil {
		return Kept{}, ErrBusy
	}
	p, k, err := s.old()
	if err != nil {
		return k, err
	}
	if p.Merge {
		if err := s.fits(); err != nil {
			return k, err
		}
	}
	if p.Config, err = filepath.Abs(s.Config); err != nil {
		return k, err
	}
	p.Undo, p.By, p.At = true, by, s.Now()
	p.Note = fmt.Sprintf("↶ %s %s", k.Gateway.ID, k.Since.UTC().Format(time.RFC3339))
	data, err := json.Marshal(p)
	if err != nil {
		return k, err
	}
	dir := filepath.Join(s.Data, oldFolder)
	if err := disk.WriteFile(filepath.Join(dir, planName), data, 0o600); err != nil {
		return k, err
	}
	return k, errors.Join(os.Rename(dir, filepath.Join(s.Data, readyFolder)), disk.SyncDir(s.Data))
}

// fits checks that the users who were kept fit into the database of now: an update may lie between.
func (s *Site) fits() error {
	var columns [2]string
	for i, path := range []string{filepath.Join(s.Data, oldFolder, peopleName), filepath.Join(s.Data, databaseName)} {
		db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}).String())
		if err != nil {
			return err
		}
		err = db.QueryRow(`SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info('web_users') UNION ALL SELECT name FROM pragma_table_info('web_tokens'))`).Scan(&columns[i])
		if err = errors.Join(err, db.Close()); err != nil {
			return fmt.Errorf("%w: %w", ErrNoOld, err)
		}
	}
	if columns[0] != columns[1] {
		return ErrNoOld
	}
	return nil
}

// keepFiles keeps the configuration and the files that will be written over, and how all of it
// comes back.
func (s *Site) keepFiles(old string, p *plan) error {
	keep := map[string]string{p.Config: configName, config.EnvironmentFile(p.Config): environmentName}
	for _, rel := range p.Files {
		keep[filepath.Join(filepath.Dir(p.Config), filepath.FromSlash(rel))] = filepath.Join(siteFolder, filepath.FromSlash(rel))
	}
	back := plan{Merge: p.Merge, KeepEvidence: p.KeepEvidence, At: p.At}
	for from, name := range keep {
		data, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		to := filepath.Join(old, name)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o700)); err == nil {
			err = s.write(to, data)
		}
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(siteFolder, name); err == nil && filepath.IsLocal(rel) {
			back.Files = append(back.Files, filepath.ToSlash(rel))
		}
	}
	data, err := json.Marshal(back)
	if err != nil {
		return err
	}
	return s.write(filepath.Join(old, undoName), data)
}

// keepPeople keeps the users and tokens of a database that stays.
func (s *Site) keepPeople(ctx context.Context, db *store.Store) error {
	path := filepath.Join(s.Data, oldFolder, peopleName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	temp := path + ".new"
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	if err := attach(ctx, db, temp); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"web_users", "web_tokens"} {
			if _, err := tx.ExecContext(ctx, `CREATE TABLE new.`+table+` AS SELECT * FROM main.`+table); err != nil {
				return fmt.Errorf("keep %s: %w", table, err)
			}
		}
		return nil
	})
	if err == nil {
		_, err = db.DB().ExecContext(ctx, `DETACH new`)
	}
	if err != nil {
		return err
	}
	return errors.Join(s.rename(temp, path), disk.SyncDir(filepath.Dir(path)))
}

// moveBack puts everything in place that was put aside.
func (s *Site) moveBack(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		if slices.Contains([]string{planName, undoName, movedName, configName, environmentName, filepath.Clean(siteFolder), peopleName}, e.Name()) {
			continue
		}
		if err := s.rename(filepath.Join(dir, e.Name()), filepath.Join(s.Data, e.Name())); err != nil {
			return err
		}
	}
	return disk.SyncDir(s.Data)
}

// settle notes in a database that is back that it is.
func (s *Site) settle(ctx context.Context, _ string, p *plan) error {
	if !p.Undo || p.Merge {
		return nil
	}
	db, err := store.Open(ctx, s.Data, s.Tables...)
	if err != nil {
		return err
	}
	err = db.Tx(ctx, func(tx *sql.Tx) error { return p.carryOut(ctx, tx, `DELETE FROM web_sessions`) })
	return errors.Join(err, db.Close())
}
