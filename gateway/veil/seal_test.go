package veil

import (
	"context"
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
