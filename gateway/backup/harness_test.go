package backup

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
	"sentrybox/gateway/web/account"
)

func tables() []store.Migration {
	return []store.Migration{account.Schema(), revision.Schema(), evidence.Schema()}
}

// box is a box with a data folder and a folder for its configuration.
func box(t *testing.T) *Site {
	t.Helper()
	dir := t.TempDir()
	s := &Site{
		Config: filepath.Join(dir, "etc", "site.yaml"), Data: filepath.Join(dir, "data"), Version: "test", Tables: tables(),
		Leave: []string{"alert_steps", "alerts", "evidence"}, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, Cost: 10,
	}
	for _, d := range []string{filepath.Dir(s.Config), s.Data} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// exec changes the database of a site.
func exec(t *testing.T, s *Site, statements ...string) {
	t.Helper()
	st, err := store.Open(t.Context(), s.Data, s.Tables...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	err = st.Tx(t.Context(), func(tx *sql.Tx) error {
		for _, one := range statements {
			if _, err := tx.ExecContext(t.Context(), one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, s *Site, query string) (out string) {
	t.Helper()
	st, err := store.Open(t.Context(), s.Data, s.Tables...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.DB().QueryRowContext(t.Context(), `SELECT coalesce(group_concat(x, ','), '') FROM (`+query+`)`).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// site makes a box with everything.
func site(t *testing.T) *Site {
	t.Helper()
	t.Setenv("BACKUP_TEST_PASS", `s3cret "quoted" $x`)
	s := box(t)
	keys := filepath.Join(filepath.Dir(filepath.Dir(s.Config)), "keys", "mqtt.pw")
	write(t, keys, "far away\n")
	write(t, filepath.Join(filepath.Dir(s.Config), "sub", "near.pw"), "near\n")
	write(t, s.Config, `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: `+s.Data+`
web: {listen: "0.0.0.0:8443"}
uplink:
  mqtt:
    - {url: "mqtts://a.example", username: gw-1, password_file: "`+keys+`"}
    - {url: "mqtts://b.example", username: gw-1, password_file: sub/near.pw}
    - {url: "mqtts://c.example", username: gw-1, password: "${BACKUP_TEST_PASS}"}
cameras:
  - {id: 东门, url: "rtsp://admin:in-the-file@10.0.0.1/1"}
`)
	exec(t, s, `INSERT INTO web_users VALUES ('王工', 'technician', 'x', 1)`,
		`INSERT INTO web_sessions VALUES ('t', '王工', 'c', 1, 1, '')`,
		`INSERT INTO web_tokens VALUES ('id', 'n', 'read', 'h', 'm', 1, 0, 0, '')`,
		`INSERT INTO alerts VALUES ('A1', 2, 1, 'd', 'k', 'z', 5, x'7b7d')`, `INSERT INTO alert_steps VALUES ('A1', 1, 5, 'raised', '', '')`,
		`INSERT INTO evidence VALUES ('A1', 'clip', 'A1.mp4', 4, 'x', 5)`)
	write(t, filepath.Join(s.Data, "evidence", "A1.mp4"), "clip")
	write(t, filepath.Join(s.Data, "tls", "authority.crt"), "CERT of gw-1")
	write(t, filepath.Join(s.Data, "tls", "authority.key"), "KEY of gw-1")
	write(t, filepath.Join(s.Data, "counters-6761"), "7")
	return s
}

func save(t *testing.T, s *Site, alerts, clips bool) []byte {
	t.Helper()
	p, err := s.Gather(t.Context(), Options{Passphrase: passphrase, Alerts: alerts, Evidence: clips})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var out bytes.Buffer
	if err := p.Write(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func prepare(t *testing.T, s *Site, file []byte, w Wish) error {
	t.Helper()
	w.Passphrase = passphrase
	return s.Prepare(t.Context(), bytes.NewReader(file), w, account.Actor{Name: "老李", Origin: "10.0.0.7"}, func(int64) {})
}

func finish(t *testing.T, s *Site) {
	t.Helper()
	if done, err := s.Finish(t.Context()); !done || err != nil {
		t.Fatalf("done %v, %v", done, err)
	}
	for _, left := range []string{readyFolder, unpackFolder, doneFolder} {
		if _, err := os.Stat(filepath.Join(s.Data, left)); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}

func load(t *testing.T, s *Site) *config.Config {
	t.Helper()
	c, err := config.Load(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
