package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/disk"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
	"sentrybox/gateway/strict"
	"sentrybox/gateway/web/account"
)

// The folders in the data folder.
const (
	unpackFolder = "restore-unpack" // a backup on its way
	readyFolder  = "restore"        // one that takes the site's place, whatever happens
	doneFolder   = "restore-done"   // what is left of it
	oldFolder    = "before-restore" // the site that was
	planName     = "plan.json"
)

// plan is what Finish carries out.
type plan struct {
	Config string `json:"config"` // absolute path
	Body   []byte `json:"body"`
	// Environment takes the place of the file with variables; empty for none.
	Environment []byte   `json:"environment"`
	Files       []string `json:"files"` // beside the configuration, with slashes
	// Merge adds the backup's users and alerts to this box's database, which belongs to
	// the same gateway, so that no alert is lost that came after the backup.
	Merge        bool          `json:"merge"`
	KeepEvidence bool          `json:"keep_evidence"`
	Note         string        `json:"note"`
	By           account.Actor `json:"by"`
	At           time.Time     `json:"at"`
	// Undo brings back the site that a restore has put aside, which is all in one folder.
	Undo bool `json:"undo,omitempty"`
}

// Found is what a backup would do on this box.
type Found struct {
	Manifest Manifest `json:"manifest"`
	// Listen is where the page is afterwards.
	Listen string `json:"listen"`
	Secure bool   `json:"secure"` // over TLS
	// Here is which site this box has now, with its alerts.
	Here       Identity `json:"here"`
	HereAlerts int      `json:"here_alerts"`
	Merge      bool     `json:"merge"` // this box's alerts stay
	Site       bool     `json:"-"`     // this box has a configuration, or alerts, which move out of the way
	Problems   error    `json:"-"`     // a *config.Problems that speaks against it; nil for none
}

// Look reads a backup to its end and says what it would do on this box.
func (s *Site) Look(ctx context.Context, r io.Reader, w Wish) (f Found, err error) {
	dir, err := os.MkdirTemp(s.Data, "restore-look-")
	if err != nil {
		return f, fmt.Errorf("make a folder to unpack to: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := &parcel{dir: dir}
	small := p.sink(func(int64) {})
	p.Manifest, err = read(contextReader{ctx, r}, w.Passphrase, s.room(), func(name string, size int64, r io.Reader) error {
		if name == databaseName || strings.HasPrefix(name, evidenceFolder) {
			if _, err := io.Copy(io.Discard, r); err != nil {
				return fmt.Errorf("%w: %w", ErrDamaged, err)
			}
			return nil
		}
		return small(name, size, r)
	})
	if f.Manifest = p.Manifest; err != nil {
		return f, err
	}
	if f.Here, f.HereAlerts, err = s.here(ctx); err != nil {
		return f, err
	}
	blank, err := config.Blank(s.Config)
	f.Site = !blank || err != nil || f.HereAlerts > 0
	f.Merge = s.merges(&f.Manifest, w, f.Here, f.HereAlerts)
	_, c, err := s.adapt(p, w)
	var problems *config.Problems
	if errors.As(err, &problems) {
		f.Problems, err = err, nil
	}
	if c != nil {
		f.Listen, f.Secure = c.Web.Listen, c.Web.Secure()
	}
	return f, err
}

func (s *Site) merges(m *Manifest, w Wish, here Identity, alerts int) bool {
	return !w.Copy && alerts > 0 && here == m.Gateway
}

// here returns which site this box has now; none on an empty one.
func (s *Site) here(ctx context.Context) (id Identity, alerts int, err error) {
	if body, err := strict.ReadFile(s.Config); err == nil {
		if c, err := config.Parse(s.Config, body, config.Environment(s.Config)); err == nil {
			id = Identity{c.Gateway.ID, c.Gateway.Street, c.Gateway.Community}
		}
	}
	path := filepath.Join(s.Data, databaseName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return id, 0, nil
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}).String())
	if err != nil {
		return id, 0, err
	}
	defer func() { _ = db.Close() }()
	if err = db.QueryRowContext(ctx, `SELECT count(*) FROM alerts`).Scan(&alerts); err != nil {
		err = fmt.Errorf("look into this box's database: %w", err)
	}
	return id, alerts, err
}

func (s *Site) room() int64 { return Room(s.Data) }

// Room returns how many bytes a backup may have in a data folder: half of what is free.
func Room(data string) int64 {
	space, err := disk.Of(data)
	if err != nil {
		return 0
	}
	return space.Free / 2
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read ends with the context.
func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// Prepare unpacks a backup, checks all of it, and then, with one renaming of a folder,
// has it take the place of the site at the next [Finish], which a power cut only
// delays. Until that renaming nothing has changed, but that the box may have a key for
// sealed secrets from just before it on, which changes nothing: with it is sealed what
// the other box's key has sealed. unpacked hears how many bytes are unpacked.
func (s *Site) Prepare(ctx context.Context, r io.Reader, w Wish, by account.Actor, unpacked func(int64)) error {
	unlock, err := s.lock(false)
	if err != nil {
		return err
	}
	defer unlock()
	for _, left := range []string{unpackFolder, doneFolder} {
		if err := os.RemoveAll(filepath.Join(s.Data, left)); err != nil {
			return fmt.Errorf("tidy up: %w", err)
		}
	}
	dir := filepath.Join(s.Data, unpackFolder)
	if err := os.MkdirAll(filepath.Join(dir, siteFolder), 0o700); err != nil {
		return fmt.Errorf("make a folder to unpack to: %w", err)
	}
	z, err := s.prepare(ctx, dir, r, w, by, unpacked)
	if err == nil {
		err = syncTree(dir)
	}
	if err == nil {
		err = z.keep()
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(s.Data, oldFolder))
	}
	if err == nil {
		err = errors.Join(os.Rename(dir, filepath.Join(s.Data, readyFolder)), disk.SyncDir(s.Data))
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return err
}

func (s *Site) prepare(ctx context.Context, dir string, r io.Reader, w Wish, by account.Actor, unpacked func(int64)) (z *sealer, err error) {
	if _, err := os.Stat(filepath.Join(s.Data, readyFolder)); err == nil {
		return nil, ErrBusy
	}
	from := &parcel{dir: dir}
	if from.Manifest, err = read(contextReader{ctx, r}, w.Passphrase, s.room(), from.sink(unpacked)); err != nil {
		return nil, err
	}
	body, c, err := s.adapt(from, w)
	if err != nil {
		return nil, err
	}
	if z, err = s.sealer(from.variables); err != nil {
		return nil, err
	}
	if body, err = s.sealAnew(z, from, body, c); err != nil {
		return nil, err
	}
	p := plan{Body: body, By: by, At: s.Now(), Note: fmt.Sprintf("⤓ %s %s", from.Gateway.ID, from.Created.UTC().Format(time.RFC3339))}
	if env := from.plain(); len(env) > 0 {
		p.Environment = config.FormatEnvironment(env)
	}
	here, alerts, err := s.here(ctx)
	if err != nil {
		return nil, err
	}
	p.Merge = s.merges(&from.Manifest, w, here, alerts)
	p.KeepEvidence = p.Merge || from.Alerts && !from.Evidence && !w.Copy
	if w.Copy {
		err = strip(dir)
	}
	if err == nil {
		err = s.prepareDatabase(ctx, dir, w, &p, z)
	}
	if err == nil {
		err = s.writePlan(dir, &p)
	}
	return z, err
}

// strip takes out what is not for a copy: it has other sensors, another certificate authority, and no alerts.
func strip(dir string) error {
	counters, err := filepath.Glob(filepath.Join(dir, "counters-*"))
	if err != nil {
		return err
	}
	for _, path := range append(counters, filepath.Join(dir, "tls"), filepath.Join(dir, "evidence")) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// writePlan writes what Finish is to do beside what it does it with.
func (s *Site) writePlan(dir string, p *plan) (err error) {
	if p.Config, err = filepath.Abs(s.Config); err != nil {
		return err
	}
	if p.Files, err = s.siteFiles(dir); err != nil {
		return err
	}
	if err := writable(filepath.Dir(p.Config)); err != nil {
		return fmt.Errorf("the configuration's folder: %w", err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return disk.WriteFile(filepath.Join(dir, planName), data, 0o600)
}

// siteFiles lists the files that go beside the configuration. None may go where the
// data folder is.
func (s *Site) siteFiles(dir string) (all []string, err error) {
	root := filepath.Join(dir, siteFolder)
	data, err := filepath.Abs(s.Data)
	if err != nil {
		return nil, err
	}
	beside, err := filepath.Abs(filepath.Dir(s.Config))
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		if in, err := filepath.Rel(data, filepath.Join(beside, rel)); err == nil && filepath.IsLocal(in) && !strings.HasPrefix(rel, "site-files/") ||
			strings.HasPrefix(rel, filepath.Base(s.Config)) {
			return fmt.Errorf("%w: the entry %.80q", ErrNoBackup, rel)
		}
		all = append(all, filepath.ToSlash(rel))
		return nil
	})
	return all, err
}

// prepareDatabase makes the backup's database one of this program and of this site.
func (s *Site) prepareDatabase(ctx context.Context, dir string, w Wish, p *plan, z *sealer) error {
	if err := store.Examine(ctx, filepath.Join(dir, databaseName), s.Tables...); err != nil {
		return fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	folder := filepath.Join(dir, "db")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, databaseName), filepath.Join(folder, databaseName)); err != nil {
		return err
	}
	db, err := store.Open(ctx, folder, s.Tables...)
	if err != nil {
		return err
	}
	err = db.Tx(ctx, func(tx *sql.Tx) error {
		drop := []string{"web_sessions"}
		if w.Copy {
			drop = append(drop, s.Leave...)
			drop = append(drop, "web_tokens", "web_audit")
		}
		for _, table := range drop {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return fmt.Errorf("take %s out: %w", table, err)
			}
		}
		if err := revision.Rewrite(ctx, tx, z.anew); err != nil {
			return err
		}
		return p.mark(ctx, tx)
	})
	return errors.Join(err, db.Close())
}

// mark notes the restoring in the history and in the audit log.
func (p *plan) mark(ctx context.Context, tx *sql.Tx) error {
	return errors.Join(revision.Restored(ctx, tx, p.At, p.By.Name, p.Note, p.Body), account.Restored(ctx, tx, p.At, p.By, p.Note))
}
