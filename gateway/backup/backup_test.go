package backup

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/gateway/config"
	"sentrybox/gateway/web/account"
)

const passphrase = "correct horse 电池"

// TestAnotherBox: the broken box is replaced by an empty one, which has neither the
// variables of the environment nor the files.
func TestAnotherBox(t *testing.T) {
	from := site(t)
	file := save(t, from, true, true)
	for _, secret := range []string{"s3cret", "in-the-file", "KEY of gw-1", "far away", "王工"} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("%s can be read", secret)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(from.Data, "backup-new-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := os.Unsetenv("BACKUP_TEST_PASS"); err != nil {
		t.Fatal(err)
	}
	to := box(t)
	write(t, to.Config, "gateway: {id: new, street: s, community: c}\ndata: "+to.Data+"\nweb: {listen: \"127.0.0.1:8080\"}\nuplink: {mqtt: [{url: \"mqtt://x\"}]}\n")
	write(t, filepath.Join(to.Data, "setup-code"), "AAAA-BBBB-CCCC")
	f, err := to.Look(t.Context(), bytes.NewReader(file), Wish{Passphrase: passphrase})
	m := f.Manifest
	if err != nil || f.Problems != nil || f.Merge || f.Listen != "127.0.0.1:8080" || m.Gateway.ID != "gw-1" ||
		m.Counts != (Counts{Cameras: 1, Users: 1, Revisions: 0, Alerts: 1, OpenAlerts: 1, Evidence: 1}) || strings.Join(m.Variables, ",") != "BACKUP_TEST_PASS" {
		t.Fatalf("%+v, %v", f, err)
	}
	if got := load(t, to).Gateway.ID; got != "new" {
		t.Errorf("looking has changed the site to %s", got)
	}
	if err := prepare(t, to, file, Wish{}); err != nil {
		t.Fatal(err)
	}
	if got := load(t, to).Gateway.ID; got != "new" || !Pending(to.Data) {
		t.Errorf("preparing has changed the site to %s", got)
	}
	finish(t, to)
	c := load(t, to)
	if c.Gateway.ID != "gw-1" || c.Data != to.Data || c.Web.Listen != "127.0.0.1:8080" || len(c.Cameras) != 1 ||
		c.Cameras[0].URL.Reveal() != "rtsp://admin:in-the-file@10.0.0.1/1" {
		t.Errorf("%+v", c)
	}
	for i, want := range []string{"far away", "near", `s3cret "quoted" $x`} {
		u := c.Uplink.MQTT[i]
		got := u.Password.Reveal()
		if u.PasswordFile != "" {
			got = strings.TrimSpace(content(t, u.PasswordFile))
		}
		if got != want {
			t.Errorf("uplink %d: %q", i, got)
		}
	}
	for path, want := range map[string]string{"evidence/A1.mp4": "clip", "tls/authority.key": "KEY of gw-1", "counters-6761": "7"} {
		if got := content(t, filepath.Join(to.Data, path)); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	for query, want := range map[string]string{
		`SELECT name x FROM web_users`: "王工", `SELECT token x FROM web_sessions`: "", `SELECT id x FROM web_tokens`: "id", `SELECT id x FROM alerts`: "A1",
		`SELECT who x FROM web_audit WHERE action = 'restore'`: "老李", `SELECT who x FROM revisions`: "老李",
	} {
		if got := ask(t, to, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if again, err := to.Finish(t.Context()); again || err != nil {
		t.Errorf("again: %v, %v", again, err)
	}
	if got := content(t, filepath.Join(to.Data, oldFolder, configName)); !strings.Contains(got, "id: new") {
		t.Errorf("the old site is not kept: %s", got)
	}
}

// TestCopy: a copy is a site of its own.
func TestCopy(t *testing.T) {
	file := save(t, site(t), true, true)
	to := box(t)
	write(t, filepath.Join(to.Data, "tls", "authority.key"), "KEY of the new box")
	if err := prepare(t, to, file, Wish{Copy: true, Gateway: Identity{"gw-2", "donghu", "taoyuan"}, Page: true}); err != nil {
		t.Fatal(err)
	}
	finish(t, to)
	c := load(t, to)
	if c.Gateway.ID != "gw-2" || c.Gateway.Community != "taoyuan" || c.Web.Listen != "0.0.0.0:8443" || len(c.Cameras) != 1 {
		t.Errorf("%+v", c.Gateway)
	}
	for query, want := range map[string]string{
		`SELECT id x FROM alerts`: "", `SELECT id x FROM web_tokens`: "", `SELECT name x FROM evidence`: "", `SELECT name x FROM web_users`: "王工",
	} {
		if got := ask(t, to, query); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := content(t, filepath.Join(to.Data, "tls", "authority.key")); got != "KEY of the new box" {
		t.Errorf("the authority is %q", got)
	}
	for _, gone := range []string{"evidence", "counters-6761"} {
		if _, err := os.Stat(filepath.Join(to.Data, gone)); err == nil {
			t.Errorf("%s has come along", gone)
		}
	}
	bad := box(t)
	var problems *config.Problems
	if err := prepare(t, bad, file, Wish{Copy: true, Gateway: Identity{"a/b", "donghu", "x"}}); !errors.As(err, &problems) || Pending(bad.Data) {
		t.Errorf("a name that cannot be: %v", err)
	}
}

// TestSameBox: what has happened on the box since the backup stays.
func TestSameBox(t *testing.T) {
	s := site(t)
	file := save(t, s, true, false)
	exec(t, s, `UPDATE alerts SET rev = 3, open = 0`, `INSERT INTO alerts VALUES ('A2', 1, 1, 'd', 'k', 'z', 6, x'7b7d')`,
		`DELETE FROM web_users`, `INSERT INTO web_users VALUES ('mallory', 'technician', 'x', 1)`)
	write(t, filepath.Join(s.Data, "evidence", "A2.jpg"), "new")
	write(t, s.Config, strings.ReplaceAll(content(t, s.Config), "东门", "西门"))
	f, err := s.Look(t.Context(), bytes.NewReader(file), Wish{Passphrase: passphrase})
	if err != nil || !f.Merge || f.HereAlerts != 2 || f.Here.ID != "gw-1" {
		t.Errorf("%+v, %v", f, err)
	}
	if err := prepare(t, s, file, Wish{}); err != nil {
		t.Fatal(err)
	}
	finish(t, s)
	for query, want := range map[string]string{
		`SELECT id||rev x FROM alerts ORDER BY id`: "A13,A21", `SELECT name x FROM web_users`: "王工",
		`SELECT count(*) x FROM web_audit WHERE action = 'restore'`: "1",
	} {
		if got := ask(t, s, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := load(t, s).Cameras[0].ID; got != "东门" {
		t.Errorf("camera %s", got)
	}
	for _, name := range []string{"A1.mp4", "A2.jpg"} {
		if content(t, filepath.Join(s.Data, "evidence", name)) == "" {
			t.Errorf("%s is gone", name)
		}
	}
	if _, err := os.Stat(config.EnvironmentFile(s.Config)); err == nil {
		t.Error("what the environment has is written to the disk as well")
	}
}

// TestPowerCut cuts the power before each step of putting a site in place, and once
// more at the next start. What runs afterwards is always the new one, whole.
func TestPowerCut(t *testing.T) {
	file := save(t, site(t), true, true)
	fresh := func() *Site {
		to := box(t)
		write(t, to.Config, "gateway: {id: new, street: s, community: c}\ndata: "+to.Data+"\nuplink: {mqtt: [{url: \"mqtt://x\"}]}\n")
		exec(t, to, `INSERT INTO web_users VALUES ('old', 'technician', 'x', 1)`, `INSERT INTO alerts VALUES ('B1', 1, 1, 'd', 'k', 'z', 5, x'7b7d')`)
		write(t, filepath.Join(to.Data, "evidence", "B1.jpg"), "old")
		write(t, filepath.Join(to.Data, "tls", "authority.key"), "KEY of the old box")
		if err := prepare(t, to, file, Wish{}); err != nil {
			t.Fatal(err)
		}
		return to
	}
	cutAt(t, 10, fresh(), func(to *Site, at int) {
		if c := load(t, to); c.Gateway.ID != "gw-1" {
			t.Errorf("step %d: the configuration of %s", at, c.Gateway.ID)
		}
		if got := ask(t, to, `SELECT name x FROM web_users`) + ask(t, to, `SELECT id x FROM alerts`); got != "王工A1" {
			t.Errorf("step %d: %s", at, got)
		}
		if content(t, filepath.Join(to.Data, "tls", "authority.key")) != "KEY of gw-1" || content(t, filepath.Join(to.Data, "evidence", "A1.mp4")) != "clip" ||
			content(t, filepath.Join(to.Data, oldFolder, "evidence", "B1.jpg")) != "old" {
			t.Errorf("step %d: a mixture", at)
		}
	})
	restored := func() *Site {
		to := fresh()
		finish(t, to)
		if _, err := to.Undo(account.Actor{Name: "老李"}); err != nil {
			t.Fatal(err)
		}
		return to
	}
	cutAt(t, 10, restored(), func(to *Site, at int) {
		if c := load(t, to); c.Gateway.ID != "new" {
			t.Errorf("undone, step %d: the configuration of %s", at, c.Gateway.ID)
		}
		if got := ask(t, to, `SELECT name x FROM web_users`) + ask(t, to, `SELECT id x FROM alerts`); got != "oldB1" {
			t.Errorf("undone, step %d: %s", at, got)
		}
		if content(t, filepath.Join(to.Data, "tls", "authority.key")) != "KEY of the old box" || content(t, filepath.Join(to.Data, "evidence", "B1.jpg")) != "old" ||
			content(t, filepath.Join(to.Data, oldFolder, "evidence", "A1.mp4")) != "clip" {
			t.Errorf("undone, step %d: a mixture", at)
		}
	})
}

// cutAt cuts the power before each step of what is prepared on a box, twice, and checks what is there after
// the third start.
func cutAt(t *testing.T, least int, to *Site, check func(to *Site, at int)) {
	t.Helper()
	cut := errors.New("cut")
	steps, root, saved := 0, filepath.Dir(to.Data), filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	for at := 1; ; at++ {
		if err := errors.Join(os.RemoveAll(root), os.CopyFS(root, os.DirFS(saved))); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			n := 0
			to.step = func() {
				if n++; n == at {
					panic(cut)
				}
			}
			func() {
				defer func() {
					if r := recover(); r != nil && r != any(cut) {
						panic(r)
					}
				}()
				_, _ = to.Finish(t.Context())
			}()
			steps = max(steps, n)
		}
		to.step = nil
		if _, err := to.Finish(t.Context()); err != nil {
			t.Fatalf("step %d: %v", at, err)
		}
		check(to, at)
		if steps < at {
			break
		}
	}
	if steps < least {
		t.Errorf("only %d steps were cut", steps)
	}
}

func TestPassphrase(t *testing.T) {
	s := site(t)
	if _, err := s.Gather(t.Context(), Options{Passphrase: "short"}); !errors.Is(err, ErrWeak) {
		t.Errorf("short: %v", err)
	}
	file := save(t, s, false, false)
	for _, wrong := range []string{"", "another one"} {
		if _, err := s.Look(t.Context(), bytes.NewReader(file), Wish{Passphrase: wrong}); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	f, err := s.Look(t.Context(), bytes.NewReader(file), Wish{Passphrase: passphrase})
	if err != nil || f.Manifest.Counts.Alerts != 0 || f.Manifest.Evidence {
		t.Errorf("%+v, %v", f.Manifest, err)
	}
	for _, n := range []int{0, 10, 150, len(file) / 2, len(file) - 1} {
		if _, err := s.Look(t.Context(), bytes.NewReader(file[:n]), Wish{Passphrase: passphrase}); !errors.Is(err, ErrNoBackup) && !errors.Is(err, ErrDamaged) {
			t.Errorf("cut off after %d: %v", n, err)
		}
	}
	changed := bytes.Clone(file)
	changed[len(changed)-30] ^= 1
	if _, err := s.Look(t.Context(), bytes.NewReader(changed), Wish{Passphrase: passphrase}); !errors.Is(err, ErrDamaged) {
		t.Errorf("changed: %v", err)
	}
}
