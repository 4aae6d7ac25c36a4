package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/web/account"
)

const passphrase = "备份的口令，要十个字以上"

// vault gives the rig a real site to back up.
func (r *rig) vault() *backup.Site {
	s := &backup.Site{
		Config: r.path, Data: r.running.Data, Version: "test", Now: time.Now, Cost: 10,
		Tables: []store.Migration{account.Schema(), revision.Schema(), survey.Schema(), evidence.Schema()}, Leave: []string{"alert_steps", "alerts", "evidence"},
	}
	r.server.Vault = &Vault{Site: s, Dir: r.running.Data, Replace: func() { r.replaced++ }}
	r.server.Support = func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "PK")
		return err
	}
	return s
}

func (v *visitor) backup(path string) []byte {
	v.t.Helper()
	status, file, h := v.form(path, url.Values{"csrf": {v.csrf}, "passphrase": {passphrase}, "alerts": {"1"}})
	if status != http.StatusOK || !strings.Contains(h.Get("Content-Disposition"), ".sentrybox") || !strings.HasPrefix(file, "age-encryption.org/v1\n") {
		v.t.Fatalf("%d %v %.80q", status, h, file)
	}
	return []byte(file)
}

func TestBackupAndRestore(t *testing.T) {
	r := newRig(t)
	s := r.vault()
	v := r.claim()
	file := v.backup("/backup")
	if status, _, _ := v.form("/backup", url.Values{"csrf": {v.csrf}, "passphrase": {"short"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("a short passphrase: %d", status)
	}
	if status, _, _ := v.do("POST", "/api/v1/restore/look", "application/json", `{"passphrase":"`+passphrase+`"}`); status != http.StatusConflict {
		t.Errorf("before there is a file: %d", status)
	}
	if status, body, _ := v.do("PUT", "/api/v1/restore/file", "application/octet-stream", string(file)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := v.json("POST", "/api/v1/restore/look", `{"passphrase":"a wrong one, surely"}`); status != http.StatusUnprocessableEntity || !strings.Contains(body, "backup.error.passphrase") {
		t.Errorf("%d %s", status, body)
	}
	var found struct {
		Text      []string      `json:"text"`
		Problems  []problemView `json:"problems"`
		Addresses []string      `json:"addresses"`
	}
	v.ask("POST", "/api/v1/restore/look", backup.Wish{Passphrase: passphrase}, http.StatusOK, &found)
	if len(found.Problems) > 0 || !strings.Contains(found.Text[0], "gw-1") || strings.Join(found.Addresses, " ") != "http://127.0.0.1:8080/" {
		t.Errorf("%+v", found)
	}
	copied := backup.Wish{Passphrase: passphrase, Copy: true, Gateway: backup.Identity{ID: "a/b", Street: "s", Community: "c"}}
	v.ask("POST", "/api/v1/restore/look", copied, http.StatusOK, &found)
	if len(found.Problems) == 0 {
		t.Error("a name that cannot be is no problem")
	}
	if status, body := v.json("POST", "/api/v1/restore", `{"passphrase":"`+passphrase+`","copy":true,"gateway":{"id":"a/b","street":"s","community":"c"}}`); status != http.StatusUnprocessableEntity || r.replaced > 0 {
		t.Errorf("%d %s", status, body)
	}
	v.ask("POST", "/api/v1/restore", backup.Wish{Passphrase: passphrase}, http.StatusOK, &found)
	if r.replaced != 1 || !backup.Pending(s.Data) {
		t.Errorf("the site is not replaced: %d", r.replaced)
	}
	if left, err := filepath.Glob(filepath.Join(s.Data, backup.UploadName+"*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	entries, err := r.server.Accounts.Entries(t.Context(), account.Asked{}, 10)
	got := ""
	for _, e := range entries {
		got += e.Action + " "
	}
	if err != nil || !strings.HasPrefix(got, "restore backup ") {
		t.Errorf("audit %s, %v", got, err)
	}
}

// TestUndoRestore: one press brings the site from before back, while it is kept, for a technician.
func TestUndoRestore(t *testing.T) {
	r := newRig(t)
	s := r.vault()
	v := r.claim()
	viewer := r.user("viewer", account.Viewer)
	var now restoring
	if v.ask("GET", "/api/v1/restore", nil, http.StatusOK, &now); now.Old != nil {
		t.Errorf("%+v", now.Old)
	}
	v.ask("POST", "/api/v1/restore/undo", nil, http.StatusUnprocessableEntity, nil)
	file := v.backup("/backup")
	if err := s.Prepare(t.Context(), bytes.NewReader(file), backup.Wish{Passphrase: passphrase}, account.Actor{Name: "x"}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if err := r.server.Accounts.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Finish(t.Context()); !done || err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), s.Data, s.Tables...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r.server.Accounts.Store = st
	if v.ask("GET", "/api/v1/restore?lang=en", nil, http.StatusOK, &now); now.Old == nil || now.Old.Gateway.ID != "gw-1" || !strings.Contains(now.Old.Text, "gw-1") {
		t.Fatalf("%+v", now.Old)
	}
	if status, body := viewer.json("POST", "/api/v1/restore/undo", "{}"); status == http.StatusOK || r.replaced > 0 {
		t.Errorf("a viewer: %d %s", status, body)
	}
	r.server.vaultMu.Lock()
	v.ask("POST", "/api/v1/restore/undo", nil, http.StatusUnprocessableEntity, nil)
	r.server.vaultMu.Unlock()
	var back undoView
	v.ask("POST", "/api/v1/restore/undo", nil, http.StatusOK, &back)
	if r.replaced != 1 || !backup.Pending(s.Data) || strings.Join(back.Addresses, " ") != "http://127.0.0.1:8080/" {
		t.Errorf("%d, %+v", r.replaced, back)
	}
}

// TestRestoreAtSetup: an empty box takes a backup in place of a first technician, from
// who has the one-time code and nobody else.
func TestRestoreAtSetup(t *testing.T) {
	from := newRig(t)
	from.vault()
	file := from.claim().backup("/backup")
	r := newRig(t)
	s := r.vault()
	// As a box is that nobody has told anything yet.
	if err := os.WriteFile(s.Config, []byte("# new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Listen = ":9443"
	code, err := os.ReadFile(filepath.Join(r.server.Accounts.Dir, account.CodeFile))
	if err != nil {
		t.Fatal(err)
	}
	v := r.visitor()
	put := func(code string) (int, string) {
		status, body, _ := v.do("PUT", "/setup/restore/file", "application/octet-stream", string(file), headerCode, code)
		return status, body
	}
	for _, wrong := range []string{"", "AAAA-BBBB-CCCC"} {
		if status, body := put(wrong); status != http.StatusForbidden {
			t.Errorf("with %q: %d %s", wrong, status, body)
		}
	}
	if status, body := put(strings.TrimSpace(string(code))); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	status, body, _ := v.do("POST", "/setup/restore", "application/json", `{"passphrase":"`+passphrase+`"}`, headerCode, strings.TrimSpace(string(code)))
	if status != http.StatusOK || r.replaced != 1 {
		t.Fatalf("%d %s", status, body)
	}
	if err := r.server.Accounts.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Finish(t.Context()); !done || err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), s.Data, s.Tables...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	again := &account.Accounts{Store: st, Dir: s.Data, Log: r.server.Log, Now: time.Now}
	if err := again.Open(t.Context()); err != nil || !again.Claimed() {
		t.Fatalf("claimed %v, %v", again.Claimed(), err)
	}
	if _, err := again.SignIn(t.Context(), "王工", secret, "10.0.0.1"); err != nil {
		t.Errorf("the technician of the backup: %v", err)
	}
	if c, err := config.Load(s.Config); err != nil || len(c.Cameras) != 1 || c.Web.Listen != ":9443" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestSupportBundle(t *testing.T) {
	r := newRig(t)
	r.vault()
	v := r.claim()
	status, body, h := v.form("/support", url.Values{"csrf": {v.csrf}})
	if status != http.StatusOK || body != "PK" || h.Get("Content-Type") != "application/zip" || !bytes.Contains([]byte(h.Get("Content-Disposition")), []byte("support")) {
		t.Errorf("%d %q %v", status, body, h)
	}
}
