package web

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"sentrybox/gateway/update"
	"sentrybox/gateway/web/account"
)

// version1 is a box with version 1 of the package.
type version1 struct{ update.Packages }

func (version1) Installed(context.Context) (update.Manifest, error) {
	return update.Manifest{Version: "1", Arch: "amd64"}, nil
}

func (version1) Newer(_ context.Context, a, b string) (bool, error) { return a > b, nil }

// updates gives the rig an inbox, and returns a maker of updates and of those by a stranger.
func (r *rig) updates() (sign func(version string, own bool) string) {
	r.t.Helper()
	var keys [2]minisign.PrivateKey
	for i := range keys {
		var err error
		if _, keys[i], err = minisign.GenerateKey(nil); err != nil {
			r.t.Fatal(err)
		}
	}
	public, err := keys[0].Public().(minisign.PublicKey).MarshalText()
	if err != nil {
		r.t.Fatal(err)
	}
	dir := r.t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(path("update.pub"), public, 0o600), os.WriteFile(path("unit"), nil, 0o600)); err != nil {
		r.t.Fatal(err)
	}
	r.server.Update = &update.Inbox{Data: r.running.Data, Dir: path("root"), Keys: path("update.pub"), Owner: os.Getuid(), Unit: path("unit"), Packages: version1{}}
	return func(version string, own bool) string {
		key := keys[1]
		if own {
			key = keys[0]
		}
		body := []byte("a package of " + version)
		message := minisign.NewReader(bytes.NewReader(body))
		_, _ = io.Copy(io.Discard, message)
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, f := range []struct {
			name string
			body []byte
		}{{"s.deb.minisig", message.SignWithComments(key, "sentrybox "+version+" amd64", "x")}, {"s.deb", body}} {
			err = errors.Join(err, w.WriteHeader(&tar.Header{Name: f.name, Typeflag: tar.TypeReg, Size: int64(len(f.body)), Format: tar.FormatUSTAR}))
			_, wrote := w.Write(f.body)
			err = errors.Join(err, wrote)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			r.t.Fatal(err)
		}
		return out.String()
	}
}

func TestUpdateIsUploaded(t *testing.T) {
	r := newRig(t)
	sign := r.updates()
	v := r.claim()
	spec := validator(t)
	handed := filepath.Join(r.running.Data, "update", "inbox.update")
	try := func(method, path, body string, want int) string {
		t.Helper()
		status, got, h := v.do(method, path, "application/json", body)
		if status != want {
			t.Errorf("%s %s: %d %s", method, path, status, got)
		}
		h.Set("Content-Type", "application/json")
		validate(t, spec, method, path, status, h, got)
		return got
	}
	put := func(file string, want int) string {
		t.Helper()
		return try("PUT", "/api/v1/update/file", file, want)
	}
	if got := try("GET", "/api/v1/update", "", http.StatusOK); !strings.Contains(got, `"ready":true`) {
		t.Error(got)
	}
	try("POST", "/api/v1/update", `{"version":"2"}`, http.StatusUnprocessableEntity)
	for file, want := range map[string]string{sign("2", false): "update.error.signature", sign("1", true): "update.error.older", "{}": "update.error.none"} {
		if got := put(file, http.StatusUnprocessableEntity); !strings.Contains(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
	if got := put(sign("2", true), http.StatusOK); !strings.Contains(got, `"offer":{"version":"2","from":"1"}`) {
		t.Error(got)
	}
	try("POST", "/api/v1/update", `{"version":"3"}`, http.StatusUnprocessableEntity)
	if _, err := os.Stat(handed); err == nil {
		t.Error("handed over before it was confirmed")
	}
	if got := try("POST", "/api/v1/update", `{"version":"2"}`, http.StatusOK); !strings.Contains(got, `"waiting":true`) {
		t.Error(got)
	}
	if got, err := os.ReadFile(handed); err != nil || string(got) != sign("2", true) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	entries, err := r.server.Accounts.Entries(t.Context(), account.Asked{}, 10)
	if err != nil || len(entries) < 2 || entries[0].Action != "update" || entries[0].Detail != "1 to 2" || entries[1].Action != "update.upload" {
		t.Errorf("audit %+v, %v", entries, err)
	}
	if err := update.Refuse(r.server.Update.Dir, update.ErrSignature); err != nil {
		t.Fatal(err)
	}
	if got := try("GET", "/api/v1/update", "", http.StatusOK); !strings.Contains(got, "升级文件的签名不对") {
		t.Error(got)
	}
	r.server.Update.Unit = ""
	if got := try("GET", "/api/v1/update", "", http.StatusOK); !strings.Contains(got, `"ready":false,"why":"`) {
		t.Error(got)
	}
}

// TestUpdateTooLarge: no more is read than an update may have.
func TestUpdateTooLarge(t *testing.T) {
	r := newRig(t)
	r.updates()
	for _, rt := range routes() {
		if rt.path == "/api/v1/update/file" && bodyLimit(&rt) != update.MaxFile {
			t.Errorf("%d bytes", bodyLimit(&rt))
		}
	}
	w := httptest.NewRecorder()
	body := http.MaxBytesReader(w, io.NopCloser(strings.NewReader(strings.Repeat("x", 1000))), 100)
	_, err := r.server.Update.Put(t.Context(), body, 1<<20)
	req := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
	if f := r.server.failureOf(req, err); f.status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %v", f.status, err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.running.Data, "update", "*")); len(left) > 0 { // the pattern is good
		t.Errorf("left %v", left)
	}
}
