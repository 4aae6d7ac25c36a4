//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/chromedp/chromedp"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/store"
	"sentrybox/gateway/update"
	"sentrybox/gateway/web"
	"sentrybox/gateway/web/account"
)

// fakeBox stands in for the package manager, the service and the database of a box; hack/test-package has
// the real ones. Its packages are their version and architecture.
type fakeBox struct {
	dir string
	mu  sync.Mutex
	now string // guarded by mu: the version that is installed
}

func (b *fakeBox) Installed(context.Context) (update.Manifest, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return update.Manifest{Version: b.now, Arch: "amd64"}, nil
}

func (b *fakeBox) Inspect(_ context.Context, deb string) (m update.Manifest, err error) {
	data, err := os.ReadFile(deb)
	m.Version, m.Arch, _ = strings.Cut(string(data), " ")
	return m, err
}

func (b *fakeBox) Newer(_ context.Context, a, c string) (bool, error) { return a > c, nil }

func (b *fakeBox) Keep(ctx context.Context, deb string) error {
	m, err := b.Installed(ctx)
	return errors.Join(err, os.WriteFile(deb, []byte(m.Version+" amd64"), 0o600))
}

func (b *fakeBox) Install(ctx context.Context, deb string) error {
	m, err := b.Inspect(ctx, deb)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = m.Version
	return err
}

func (b *fakeBox) Stop(context.Context) error              { return nil }
func (b *fakeBox) Start(context.Context) error             { return nil }
func (b *fakeBox) Stuck(context.Context) ([]string, error) { return nil, nil }

// noData is a box without a database.
type noData struct{}

func (noData) Keep(context.Context, string) (string, error) { return "", nil }
func (noData) Return(context.Context, string, string) error { return nil }

// quietGateway has nothing to show.
type quietGateway struct{}

func (quietGateway) State(context.Context) (web.State, error) {
	return web.State{At: time.Now(), Gateway: "gw-1", Started: time.Now(), ClockSet: true}, nil
}
func (quietGateway) Answer(context.Context, string, alert.Answer) error { return nil }
func (quietGateway) Picture(context.Context, string) ([]byte, error)    { return nil, nil }

// signedUpdate is an update to a version, signed as hack/sign does.
func signedUpdate(t *testing.T, key minisign.PrivateKey, version string) string {
	t.Helper()
	body := []byte(version + " amd64")
	message := minisign.NewReader(bytes.NewReader(body))
	_, err := io.Copy(io.Discard, message)
	path := filepath.Join(t.TempDir(), version+".update")
	f, made := os.Create(path)
	if err = errors.Join(err, made); err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	for _, part := range []struct {
		name string
		body []byte
	}{{"s.deb.minisig", message.SignWithComments(key, "sentrybox "+version+" amd64", "x")}, {"s.deb", body}} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: part.name, Typeflag: tar.TypeReg, Size: int64(len(part.body)), Format: tar.FormatUSTAR}))
		_, wrote := w.Write(part.body)
		err = errors.Join(err, wrote)
	}
	if err = errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInstall uploads an update in a browser and presses Install. Root's part verifies it and carries it out, over
// a package manager that is a stand-in.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	public, key, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalText()
	if err = errors.Join(err, os.WriteFile(path("update.pub"), text, 0o600), os.WriteFile(path("unit"), nil, 0o600), os.WriteFile(path("program"), nil, 0o700)); err != nil {
		t.Fatal(err)
	}
	box, log := &fakeBox{dir: dir, now: "1"}, slog.New(slog.DiscardHandler)
	data := path("data")
	st, err := store.Open(t.Context(), data, account.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	accounts := &account.Accounts{Store: st, Dir: data, Log: log, Now: time.Now}
	if err := accounts.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	listens := make(chan net.Addr, 1)
	s := &web.Server{
		Listen: "127.0.0.1:0", Accounts: accounts, Gateway: quietGateway{}, Running: func() *config.Config { return &config.Config{} }, Version: "1", Log: log, Now: time.Now,
		Update:    &update.Inbox{Data: data, Dir: path("root"), Keys: path("update.pub"), Owner: os.Getuid(), Unit: path("unit"), Packages: box},
		Listening: func(a net.Addr) { listens <- a },
	}
	ctx, cancel := context.WithCancel(t.Context())
	var both sync.WaitGroup
	defer both.Wait()
	defer cancel()
	both.Go(func() { _ = s.Run(ctx) })
	u := &update.Updater{
		Dir: path("root"), Keys: update.Keys{public}, Packages: box, Service: box, Data: noData{}, Program: path("program"),
		Within: time.Minute, Poll: time.Millisecond, Log: log,
	}
	both.Go(func() { // the unit that waits for an update
		for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			f, err := update.Take(filepath.Join(data, "update", "inbox.update"))
			if err != nil {
				continue
			}
			if _, err := u.Apply(ctx, f, false); err != nil {
				t.Errorf("install: %v", err)
			}
			_ = f.Close()
		}
	})
	b := startBrowser(t, "http://"+(<-listens).String())
	code, err := os.ReadFile(filepath.Join(data, account.CodeFile))
	if err != nil {
		t.Fatal(err)
	}
	b.claim(strings.TrimSpace(string(code)))
	b.open("/care")
	b.until("the form", `!uform.hidden`)
	b.do(chromedp.SetUploadFiles("#uform [name=file]", []string{signedUpdate(t, key, "2")}, chromedp.ByQuery))
	b.press("#ucheck")
	b.says("#usaid", "2")
	if m, err := box.Installed(ctx); err != nil || m.Version != "1" {
		t.Errorf("installed before it was asked for: %+v, %v", m, err)
	}
	b.press("#uinstall")
	b.until("its result", `ulast.className.includes("good")`)
	b.shot("update")
	if m, err := box.Installed(ctx); err != nil || m.Version != "2" {
		t.Errorf("%+v, %v", m, err)
	}
}
