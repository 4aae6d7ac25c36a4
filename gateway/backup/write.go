package backup

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/store"
	"sentrybox/gateway/strict"
)

// Site is where a site is on this box.
type Site struct {
	Config  string // path of the configuration; it need not exist yet
	Data    string // the data folder
	Version string // of this program
	// Cost is scrypt's work factor as a power of 2, at most 16; 16 when 0, which is 64 MiB.
	Cost int
	// Listen is where the page of the running gateway is, for a new box whose configuration
	// says nothing yet.
	Listen string
	// Tables are what a database of this program has besides the store's own.
	Tables []store.Migration
	// Leave are the tables with alerts and what follows from them.
	Leave []string
	Now   func() time.Time

	step func() // a test cuts the power here; nil for no test
}

// Options are what a backup holds besides configuration, history and users.
type Options struct {
	Passphrase string `json:"passphrase"`
	Alerts     bool   `json:"alerts"`
	Evidence   bool   `json:"evidence"` // with the alerts alone
}

// entry is something to write: data, or a file.
type entry struct {
	name string
	data []byte
	path string
	size int64
}

// Prepared is a backup that is ready to be written.
type Prepared struct {
	Manifest Manifest

	passphrase string
	cost       int
	entries    []entry
	temp       string                      // folder of the database's copy
	used       map[string]string           // variables, and sealed texts
	lookup     func(string) (string, bool) // on this box
}

// Close removes what Gather has made.
func (p *Prepared) Close() { _ = os.RemoveAll(p.temp) }

// Gather looks at everything that a backup holds and copies the database, so that
// WriteTo has little that can go wrong. The gateway may run meanwhile.
func (s *Site) Gather(ctx context.Context, o Options) (*Prepared, error) {
	if len([]rune(o.Passphrase)) < MinPassphrase {
		return nil, ErrWeak
	}
	temp, err := os.MkdirTemp(s.Data, "backup-new-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the copy of the database: %w", err)
	}
	p := &Prepared{passphrase: o.Passphrase, cost: cmp.Or(s.Cost, workFactor), temp: temp}
	p.Manifest = Manifest{
		Format: format, Version: s.Version, Created: s.Now().UTC().Truncate(time.Second), Alerts: o.Alerts, Evidence: o.Alerts && o.Evidence,
		Variables: []string{}, LeftOut: []string{}, Moved: map[string]string{},
	}
	if err = s.gatherConfig(p); err == nil {
		err = s.gatherDatabase(ctx, p)
	}
	if err == nil {
		err = p.gatherSecrets(ctx)
	}
	if err == nil {
		err = s.gatherRest(p)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	for _, e := range p.entries {
		p.Manifest.Bytes += e.size
	}
	return p, nil
}

func (p *Prepared) add(name string, data []byte) {
	p.entries = append(p.entries, entry{name: name, data: data, size: int64(len(data))})
}

// gatherConfig takes the configuration, the variables that it uses and the files that
// it names. Files outside its folder get a place in it, and Moved says which.
func (s *Site) gatherConfig(p *Prepared) error {
	body, err := strict.ReadFile(s.Config)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	p.used, p.lookup = map[string]string{}, config.Environment(s.Config)
	c, named, err := config.Named(s.Config, body, func(name string) (string, bool) {
		v, ok := p.lookup(name)
		if ok {
			p.used[name] = v
		}
		return v, ok
	})
	if err != nil {
		return err
	}
	p.Manifest.Gateway = Identity{c.Gateway.ID, c.Gateway.Street, c.Gateway.Community}
	p.Manifest.Counts.Cameras, p.Manifest.Counts.Sensors = len(c.Cameras), len(c.Sensors)
	p.Manifest.Variables = append([]string{}, slices.DeleteFunc(slices.Sorted(maps.Keys(p.used)), isSealed)...)
	p.add(configName, body)
	dir, err := filepath.Abs(filepath.Dir(s.Config))
	if err != nil {
		return err
	}
	p.Manifest.Folder = dir
	for i, path := range named {
		rel, err := filepath.Rel(dir, path)
		if inData, err := filepath.Rel(s.Data, path); err == nil && filepath.IsLocal(inData) {
			rel = "" // the data folder has an order of its own
		}
		if err != nil || rel == "" || !validSitePath(filepath.ToSlash(rel)) {
			rel = fmt.Sprintf("site-files/%d-%s", i+1, plainName(filepath.Base(path)))
		}
		p.Manifest.Moved[filepath.ToSlash(rel)] = path
		if err := s.gatherFile(p, path, filepath.ToSlash(rel)); err != nil {
			return err
		}
	}
	return nil
}

func plainName(name string) string {
	name = regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(name, "_")
	return strings.TrimLeft(name[max(0, len(name)-80):], ".")
}

// gatherFile takes a file, or those of a folder with profiles.
func (s *Site) gatherFile(p *Prepared, path, rel string) error {
	return filepath.WalkDir(path, func(at string, _ fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read what the configuration names: %w", err)
		}
		below, err := filepath.Rel(path, at)
		if err != nil {
			return err
		}
		name := rel
		if below != "." {
			name += "/" + filepath.ToSlash(below)
		}
		info, err := os.Stat(at) // also of a link
		switch {
		case err != nil:
			return fmt.Errorf("read what the configuration names: %w", err)
		case info.IsDir():
			return nil
		case !info.Mode().IsRegular() || info.Size() > maxSiteFile || len(p.entries) > maxSiteFiles || !validSitePath(name):
			p.Manifest.LeftOut = append(p.Manifest.LeftOut, at)
			return nil
		}
		p.entries = append(p.entries, entry{name: siteFolder + name, path: at, size: info.Size()})
		return nil
	})
}

func (s *Site) gatherDatabase(ctx context.Context, p *Prepared) error {
	leave := []string{"web_sessions"}
	if !p.Manifest.Alerts {
		leave = append(leave, s.Leave...)
	}
	path := filepath.Join(p.temp, databaseName)
	if err := store.Export(ctx, s.Data, path, leave, s.Tables...); err != nil {
		return err
	}
	if err := count(ctx, path, &p.Manifest.Counts); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	for _, name := range []string{authorityCert, authorityKey} {
		data, err := os.ReadFile(filepath.Join(s.Data, name))
		if errors.Is(err, fs.ErrNotExist) {
			break // it has not listened on the network yet
		}
		if err != nil {
			return fmt.Errorf("read the box's certificate authority: %w", err)
		}
		p.add(name, data)
	}
	p.entries = append(p.entries, entry{name: databaseName, path: path, size: info.Size()})
	return nil
}

// count looks into a copy of the database.
func count(ctx context.Context, path string, into *Counts) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	err = db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM web_users), (SELECT count(*) FROM revisions),
		(SELECT count(*) FROM alerts), (SELECT count(*) FROM alerts WHERE open)`).Scan(&into.Users, &into.Revisions, &into.Alerts, &into.OpenAlerts)
	if err != nil {
		return fmt.Errorf("count what is in the database: %w", err)
	}
	return nil
}

// gatherRest takes the sensors' counters and the evidence. Files that go or come meanwhile do no harm: the
// gateway holds files and rows against each other when it starts.
func (s *Site) gatherRest(p *Prepared) error {
	counters, err := filepath.Glob(filepath.Join(s.Data, "counters-*"))
	if err != nil {
		return err
	}
	for _, path := range counters {
		data, err := strict.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the counters of sensors: %w", err)
		}
		if name := filepath.Base(path); counterPath.MatchString(name) {
			p.add(name, data)
		}
	}
	if !p.Manifest.Evidence {
		return nil
	}
	all, err := os.ReadDir(filepath.Join(s.Data, evidenceFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the folder of evidence: %w", err)
	}
	for _, e := range all {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxEvidence || !evidencePath.MatchString(e.Name()) {
			continue
		}
		p.entries = append(p.entries, entry{name: evidenceFolder + e.Name(), path: filepath.Join(s.Data, evidenceFolder, e.Name()), size: info.Size()})
		p.Manifest.Counts.Evidence++
	}
	return nil
}

// Write writes the backup. When it returns an error what has been written is no
// whole file, and is refused as such.
func (p *Prepared) Write(ctx context.Context, w io.Writer) error {
	sealed, err := encrypt(w, p.passphrase, p.cost)
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(sealed, gzip.BestSpeed)
	if err != nil {
		return err
	}
	out := tar.NewWriter(packed)
	about, err := json.MarshalIndent(p.Manifest, "", "  ")
	if err != nil {
		return err
	}
	entries := slices.Insert(p.entries, 0, entry{name: manifestName, data: about, size: int64(len(about))})
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.write(out, p.Manifest.Created); err != nil {
			return fmt.Errorf("write %s into the backup: %w", e.name, err)
		}
	}
	for _, c := range []io.Closer{out, packed, sealed} {
		if err := c.Close(); err != nil {
			return fmt.Errorf("end the backup: %w", err)
		}
	}
	return nil
}

func (e entry) write(out *tar.Writer, at time.Time) error {
	var from io.Reader = strings.NewReader(string(e.data))
	if e.path != "" {
		f, err := os.Open(e.path)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(e.name, evidenceFolder) {
			return nil // its time had come
		}
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: e.size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	// A file that has grown since it was looked at ends where it did then.
	n, err := io.Copy(out, io.LimitReader(from, e.size))
	if err == nil && n < e.size {
		err = io.ErrUnexpectedEOF
	}
	return err
}
