package update

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
)

// box is a box of two programs and a database in a folder. Its packages are the
// version alone, such as "2". A power cut is a panic before the nth step.
type box struct {
	t       *testing.T
	dir     string
	key     minisign.PrivateKey
	broken  string // the version that does not come up
	refused string // the version whose installing fails
	left    int    // steps until the power is cut, 0 for never
	running bool
	stuck   []string // of every version
}

type powerCut struct{}

func (b *box) step(string) {
	if b.left--; b.left == 0 {
		panic(powerCut{})
	}
}

func newBox(t *testing.T) *box {
	t.Helper()
	_, key, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, dir: t.TempDir(), key: key, running: true}
	b.put("gateway", "1")
	b.put("vision", "1")
	b.put("database", "1")
	b.put("data", "alerts of 1")
	return b
}

func (b *box) put(name, what string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(what), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) get(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func (b *box) updater() *Updater {
	within := time.Minute
	if b.broken != "" { // it never comes up
		within = time.Millisecond
	}
	return &Updater{
		Dir: filepath.Join(b.dir, "updates"), Keys: Keys{b.key.Public().(minisign.PublicKey)}, Packages: b, Service: b, Data: data{b},
		Program: filepath.Join(b.dir, "gateway"), Within: within, Poll: time.Millisecond, Log: slog.New(slog.DiscardHandler), cut: b.step,
	}
}

// update signs a package.
func (b *box) update(version, arch string) []byte {
	body := []byte(version + " " + arch)
	return pack(b.t, "s.deb", body, sign(b.key, body, "sentrybox "+version+" "+arch))
}

// sign signs as minisign does.
func sign(key minisign.PrivateKey, body []byte, says string) []byte {
	r := minisign.NewReader(bytes.NewReader(body))
	_, _ = io.Copy(io.Discard, r)
	return r.SignWithComments(key, says, "none")
}

func pack(t testing.TB, name string, body, signature []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range []struct {
		name string
		body []byte
	}{{name + ".minisig", signature}, {name, body}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Typeflag: tar.TypeReg, Size: int64(len(f.body)), Mode: 0o600, Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Installed is for Packages, as are the next four.
func (b *box) Installed(context.Context) (Manifest, error) {
	return Manifest{b.get("gateway"), "amd64"}, nil
}

func (b *box) Inspect(_ context.Context, deb string) (m Manifest, err error) {
	data, err := os.ReadFile(deb)
	m.Version, m.Arch, _ = strings.Cut(string(data), " ")
	return m, err
}

func (b *box) Newer(_ context.Context, a, c string) (bool, error) { return a > c, nil }

func (b *box) Keep(_ context.Context, deb string) error {
	return replace(deb, 0o600, func(f *os.File) error {
		_, err := io.WriteString(f, b.get("gateway")+" amd64")
		return err
	})
}

func (b *box) Install(ctx context.Context, deb string) error {
	if b.running {
		b.t.Error("installed while it runs")
	}
	m, err := b.Inspect(ctx, deb)
	if err != nil {
		return err
	}
	b.put("gateway", m.Version)
	b.step("the second program")
	if m.Version == b.refused {
		return errors.New("the disk is full")
	}
	b.put("vision", m.Version)
	b.step("the package manager's notes")
	return nil
}

// Stop is for Service, as are the next two.
func (b *box) Stop(context.Context) error {
	b.running = false
	return nil
}

func (b *box) Start(context.Context) error {
	b.running = true
	b.boot()
	return nil
}

// boot is what the programs do when they start: a new one has other tables.
func (b *box) boot() {
	if v := b.get("gateway"); v != "1" && b.get("database") != v {
		b.put("database", v)
		b.put("data", "alerts of "+v)
	}
}

func (b *box) Stuck(context.Context) ([]string, error) {
	if !b.running || b.get("gateway") == b.broken {
		return nil, errors.New("no answer")
	}
	return b.stuck, nil
}

// data is box's Data, whose names are taken.
type data struct{ *box }

func (d data) Keep(_ context.Context, dir string) (string, error) {
	d.step("copy the database")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return d.get("database"), os.WriteFile(filepath.Join(dir, "data"), []byte(d.get("data")), 0o600)
}

func (d data) Return(_ context.Context, dir, schema string) error {
	if d.get("database") == schema {
		return nil
	}
	kept, err := os.ReadFile(filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	d.put("data", string(kept))
	d.step("the database's form")
	d.put("database", schema)
	return nil
}

// lose runs something that a power cut may end, and says whether it did.
func lose(fn func()) (lost bool) {
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case powerCut:
			lost = true
		default:
			panic(r)
		}
	}()
	fn()
	return false
}

// whole says which version a box has, all of it.
func (b *box) whole() string {
	b.t.Helper()
	v := b.get("gateway")
	if b.get("vision") != v || b.get("database") != v || b.get("data") != "alerts of "+v {
		b.t.Fatalf("a mixture: gateway %s, vision %s, database %s with %s", v, b.get("vision"), b.get("database"), b.get("data"))
	}
	return v
}
