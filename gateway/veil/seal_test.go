package veil

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
)

const typedFile = `gateway: {id: a, street: b, community: c}
data: data
uplink: {mqtt: [{url: 'mqtts://u:canary%2d1!@h'}, {url: "mqtts://h2", username: u, password: canary-2}]} # canary: the key's name
cameras:
  - {id: gate, url: "rtsp://admin:canary-3@10.0.0.1/1", detect_url: 'rtsp://10.0.0.1/user=admin&password=canary-3&channel=1'}
  - id: yard
    url: rtsp://admin:canary-3@10.0.0.2/1
buses:
  - {id: net, lorawan: "127.0.0.1:0"}
sensors:
  - {id: th-1, profile: dragino-lds02, bus: net, dev_addr: 01020304, app_skey: "ca000000000000000000000000000001", nwk_skey: ca000000000000000000000000000002}
`

// keeper is a Keeper of a configuration in a folder of its own.
func keeper(t *testing.T, body string) *Keeper {
	t.Helper()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	dir := t.TempDir()
	st, err := store.Open(t.Context(), filepath.Join(dir, "data"), revision.Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	running, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &revision.Keeper{
		Path: path, Store: st, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Running: func() *config.Config { return running }, Apply: func(_ context.Context, c *config.Config) { running = c },
	}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	k, err := New(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const emptySite = "gateway: {id: a, street: b, community: c}\ndata: data\nuplink: {mqtt: []}\n"

func save(t *testing.T, k *Keeper, body string) string {
	t.Helper()
	now, _, err := k.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Save(t.Context(), "who", "", []byte(body), now.Sum); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(k.Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSavedSecretsAreSealed: a password that is typed is in no file in the clear, and works.
func TestSavedSecretsAreSealed(t *testing.T) {
	k := keeper(t, emptySite)
	saved := save(t, k, typedFile)
	if strings.Count(saved, "${enc:") != 7 || !strings.HasSuffix(strings.Split(saved, "\n")[2], "# canary: the key's name") {
		t.Errorf("%s", saved)
	}
	if err := filepath.WalkDir(filepath.Dir(k.Path), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, s := range []string{"canary%", "canary-", "ca0000000000"} {
			if strings.Contains(string(b), s) {
				t.Errorf("%s has %s", path, s)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(k.Path)
	if err != nil {
		t.Fatal(err)
	}
	_, password := c.Uplink.MQTT[0].Credentials()
	got := []string{
		password.Reveal(), c.Uplink.MQTT[1].Password.Reveal(), c.Cameras[0].URL.Reveal(), c.Cameras[0].DetectURL.Reveal(),
		c.Cameras[1].URL.Reveal(), c.Sensors[0].AppSKey.Reveal(), c.Sensors[0].NwkSKey.Reveal(),
	}
	for i, want := range []string{
		"canary-1!", "canary-2", "rtsp://admin:canary-3@10.0.0.1/1", "rtsp://10.0.0.1/user=admin&password=canary-3&channel=1",
		"rtsp://admin:canary-3@10.0.0.2/1", "ca000000000000000000000000000001", "ca000000000000000000000000000002",
	} {
		if got[i] != want {
			t.Errorf("%q, want %q", got[i], want)
		}
	}
	// Saved once more with its markers, what is sealed stays.
	_, shown, err := k.Current(t.Context())
	if err != nil || strings.Contains(string(shown), "${enc:") {
		t.Fatalf("%v: %s", err, shown)
	}
	again := save(t, k, strings.Replace(string(shown), "street: b", "street: d", 1))
	if want := strings.Replace(saved, "street: b", "street: d", 1); again != want {
		t.Errorf("%s\nwant %s", again, want)
	}
}

// TestWhatCannotBeSealedStays: with a key that others may read nothing is sealed, and the site works.
func TestWhatCannotBeSealedStays(t *testing.T) {
	k := keeper(t, emptySite)
	if err := os.WriteFile(filepath.Join(filepath.Dir(k.Path), "secret.key"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if saved := save(t, k, typedFile); saved != typedFile {
		t.Errorf("%s", saved)
	}
}

// TestHistoryIsSealed: passwords that configurations of before have in the clear are in no file of the database any more,
// and those of the present file stay as they are.
func TestHistoryIsSealed(t *testing.T) {
	k, ctx := keeper(t, typedFile), t.Context()
	missing := strings.Replace(typedFile, "canary-2}", "canary-2, ca: gone.pem}", 1)
	for i, body := range []string{strings.Replace(typedFile, "canary-2}", "\"${VEIL_TEST_GONE}\"}", 1), missing, "no: [yaml", typedFile + "log: {level: warn}\n"} {
		if err := os.WriteFile(k.Path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := k.Open(ctx); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if err := k.SealHistory(ctx); err != nil {
		t.Fatal(err)
	}
	bodies := map[int64]string{}
	all, err := k.Keeper.List(ctx)
	if err != nil || len(all) != 5 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, r := range all {
		got, body, err := k.Keeper.Body(ctx, r.ID)
		if err != nil || got.Sum != fmt.Sprintf("%x", sha256.Sum256(body)) {
			t.Errorf("revision %d has the sum of another: %v", r.ID, err)
		}
		bodies[r.ID] = string(body)
	}
	for id, n := range map[int64]int{1: 7, 2: 6, 3: 0, 4: 0, 5: 0} {
		if got := strings.Count(bodies[id], "${enc:"); got != n {
			t.Errorf("revision %d has %d sealed texts, want %d:\n%s", id, got, n, bodies[id])
		}
	}
	was, err := config.Parse(k.Path, []byte(bodies[1]), config.Environment(k.Path))
	if err != nil || was.Cameras[0].URL.Reveal() != "rtsp://admin:canary-3@10.0.0.1/1" {
		t.Errorf("%v", err)
	}
	if b, err := os.ReadFile(k.Path); err != nil || string(b) != typedFile+"log: {level: warn}\n" {
		t.Errorf("the file is %s, %v", b, err)
	}
	if left, err := k.Unsealed(ctx); err != nil || len(left) != 1 || left[0] != 3 {
		t.Errorf("left %v, %v", left, err)
	}
	if now, _, err := k.Keeper.Current(ctx); err != nil || now.ID != 5 {
		t.Errorf("in use is %+v, %v", now, err)
	}
}

// TestShredded: what was sealed is not left in the free space of the database, nor in its log.
func TestShredded(t *testing.T) {
	filler := "# " + strings.Repeat("x", 20_000) + "\n"
	k, ctx := keeper(t, emptySite), t.Context()
	for _, body := range []string{filler + strings.ReplaceAll(typedFile, "canary-3", "old-one"), typedFile} {
		if err := os.WriteFile(k.Path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := k.Open(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.SealHistory(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sentrybox.db", "sentrybox.db-wal"} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(k.Path), "data", name))
		if err != nil || strings.Contains(string(b), "old-one") {
			t.Errorf("%s has the password still: %v", name, err)
		}
	}
	// The same password is the same text in the whole history, and in the file once it is saved.
	saved := save(t, k, typedFile+"log: {level: warn}\n")
	if err := k.SealHistory(ctx); err != nil {
		t.Fatal(err)
	}
	_, body, err := k.Keeper.Body(ctx, 3)
	if want := strings.TrimSuffix(saved, "log: {level: warn}\n"); err != nil || string(body) != want {
		t.Errorf("%s\nwant\n%s%v", body, want, err)
	}
}
