package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/seal"
)

// Errors of this box's key for sealed secrets.
var (
	ErrKey      = errors.New("the key for sealed secrets of this box cannot be used")
	errResealed = errors.New("sealed anew, the configuration would mean something else")
)

// gatherSecrets takes the variables, and what is sealed in the configuration and its history, which opens on this box
// alone. Should it be too much, the oldest of the history is left out.
func (p *Prepared) gatherSecrets(ctx context.Context) error {
	db, err := sql.Open("sqlite", filepath.Join(p.temp, databaseName))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	left := maxSmall
	for name, v := range p.used {
		left -= lineLength(name, v)
	}
	err = revision.Bodies(ctx, db, func(body []byte) {
		for _, sealed := range seal.Texts(body) {
			name := seal.Prefix + sealed
			if _, has := p.used[name]; has {
				continue
			}
			if v, ok := p.lookup(name); ok && lineLength(name, v) <= left {
				p.used[name] = v
				left -= lineLength(name, v)
			}
		}
	})
	if err != nil {
		return err
	}
	data := config.FormatEnvironment(p.used)
	at := slices.IndexFunc(p.entries, func(e entry) bool { return e.name == configName })
	p.entries = slices.Insert(p.entries, at+1, entry{name: environmentName, data: data, size: int64(len(data))})
	return nil
}

// lineLength is how long the line of a variable may be, in bytes.
func lineLength(name, value string) int { return len(name) + len(strconv.Quote(value)) + len("=\n") }

// isSealed says whether what a backup brings as a variable is a sealed text, by what stands in it.
func isSealed(name string) bool { return strings.HasPrefix(name, seal.Prefix) }

// A parcel is a backup of which the small entries, or all, are in a folder.
type parcel struct {
	dir string
	Manifest
	variables map[string]string // never on the disk: passwords that were sealed are among them
}

// sink writes entries below the folder, but for the variables.
func (p *parcel) sink(unpacked func(int64)) sink {
	files := into(p.dir, unpacked)
	return func(name string, size int64, r io.Reader) error {
		if name != environmentName {
			return files(name, size, r)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		p.variables = config.ParseEnvironment(data)
		unpacked(size)
		return nil
	}
}

// plain returns the variables that the backup brings and the process lacks, and that were sealed nowhere.
func (p *parcel) plain() map[string]string {
	all := map[string]string{}
	for name, v := range p.variables {
		if has, ok := os.LookupEnv(name); (!ok || has != v) && !isSealed(name) {
			all[name] = v
		}
	}
	return all
}

// A sealer seals with this box's key what a backup brings that another's has sealed.
type sealer struct {
	brought map[string]string // by the name of a variable
	here    []*seal.Key       // that this box has
	with    *seal.Key
	path    string // where with is to be, if it is a new one
	done    map[string]string
	err     error
}

// sealer returns what seals for this box. It changes nothing; see keep.
func (s *Site) sealer(brought map[string]string) (*sealer, error) {
	paths := seal.Paths(s.Config, os.Getenv)
	z := &sealer{brought: brought, here: seal.All(paths), done: map[string]string{}}
	var err error
	if z.with, err = seal.Find(paths); errors.Is(err, seal.ErrNoKey) {
		z.path = paths[len(paths)-1]
		z.with, err = seal.New()
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrKey, err)
	}
	return z, err
}

// text returns a text of this box in the place of another's; the same for the same. What opens here stays, and what
// does not open anywhere.
func (z *sealer) text(sealed string) (string, bool) {
	if text, ok := z.done[sealed]; ok {
		return text, text != ""
	}
	secret, ok := z.brought[seal.Prefix+sealed]
	if !ok || slices.ContainsFunc(z.here, func(k *seal.Key) bool { _, err := k.Open(sealed); return err == nil }) {
		z.done[sealed] = ""
		return "", false
	}
	text, err := z.with.Seal(secret)
	if err != nil {
		z.err = err
		return "", false
	}
	z.done[sealed] = text
	return text, true
}

// anew returns a configuration with its secrets sealed for this box.
func (z *sealer) anew(body []byte) ([]byte, error) {
	body = seal.Replace(body, z.text)
	return body, z.err
}

// lookup looks up what is sealed for this box, and other variables with rest.
func (z *sealer) lookup(rest func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if sealed, ok := strings.CutPrefix(name, seal.Prefix); ok {
			for _, k := range append([]*seal.Key{z.with}, z.here...) {
				if v, err := k.Open(sealed); err == nil {
					return v, true
				}
			}
			return "", false
		}
		return rest(name)
	}
}

// keep puts a new key in its place, if something is sealed with it.
func (z *sealer) keep() error {
	used := false
	for _, text := range z.done {
		used = used || text != ""
	}
	if z.path == "" || !used {
		return nil
	}
	err := z.with.Write(z.path)
	if errors.Is(err, fs.ErrExist) { // the page has made one meanwhile
		return ErrBusy
	}
	return err
}

// sealAnew seals the configuration for this box, which opens without the backup then, and means what want does.
func (s *Site) sealAnew(z *sealer, p *parcel, body []byte, want *config.Config) ([]byte, error) {
	body, err := z.anew(body)
	if err != nil {
		return nil, err
	}
	got, err := config.Parse(s.nameIn(p.dir), body, z.lookup(s.lookup(p.variables)))
	if err == nil && !reflect.DeepEqual(got, want) {
		err = errResealed
	}
	return body, err
}
