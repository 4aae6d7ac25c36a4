package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// pack makes what is in a backup, by hand.
func pack(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, h := range entries {
		body := h.Linkname
		if h.Typeflag == 0 {
			h.Typeflag, h.Linkname = tar.TypeReg, ""
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name, body string) tar.Header { return tar.Header{Name: name, Linkname: body, Mode: 0o600} }

func good() []tar.Header {
	m, _ := json.Marshal(Manifest{Format: format})
	return []tar.Header{file(manifestName, string(m)), file(configName, "{}"), file(databaseName, "x")}
}

func TestHostile(t *testing.T) {
	ok := pack(t, good()...)
	if _, err := readPlain(bytes.NewReader(ok), 1<<20, into(t.TempDir(), func(int64) {})); err != nil {
		t.Fatal(err)
	}
	with := func(h tar.Header) []byte { return pack(t, append(good(), h)...) }
	for name, data := range map[string][]byte{
		"out of the folder":  with(file("site/../../evil", "x")),
		"absolute":           with(file("/etc/passwd", "x")),
		"hidden":             with(file("site/.ssh/authorized_keys", "x")),
		"unknown":            with(file("lock", "x")),
		"link":               with(tar.Header{Name: "site/x", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}),
		"hard link":          with(tar.Header{Name: "site/x", Linkname: "config.yaml", Typeflag: tar.TypeLink}),
		"device":             with(tar.Header{Name: "site/x", Typeflag: tar.TypeChar}),
		"folder":             with(tar.Header{Name: "site/x/", Typeflag: tar.TypeDir}),
		"twice":              with(file(configName, "x")),
		"evidence elsewhere": with(file("evidence/../x.mp4", "x")),
		"too large":          with(file("tls/authority.key", strings.Repeat("x", maxSmall+1))),
		"no manifest":        pack(t, good()[1:]...),
		"manifest late":      pack(t, good()[1], good()[0], good()[2]),
		"manifest nonsense":  pack(t, file(manifestName, "x")),
		"other format":       pack(t, file(manifestName, `{"format":"zip"}`)),
		"newer":              pack(t, file(manifestName, `{"format":"sentrybox-backup/2"}`)),
		"no database":        pack(t, good()[:2]...),
		"nothing":            {},
		"no gzip":            []byte("hello"),
		"cut off":            ok[:len(ok)-9],
		"more behind it":     append(bytes.Clone(ok), bytes.Repeat([]byte{1}, maxSmall)...),
		"bomb":               with(file("site/zeros", strings.Repeat("\x00", 2<<20))), // beyond the room that there is
	} {
		dir := t.TempDir()
		_, err := readPlain(bytes.NewReader(data), 2<<20, into(filepath.Join(dir, "in"), func(int64) {}))
		if !errors.Is(err, ErrNoBackup) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Errorf("%s: %v", name, err)
		}
		if all, err := os.ReadDir(dir); err != nil || len(all) > 1 {
			t.Errorf("%s: beside the folder: %v, %v", name, all, err)
		}
	}
}

// TestMemoryOfKey: a file cannot ask for more memory than we write files for.
func TestMemoryOfKey(t *testing.T) {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(maxWorkFactor + 1)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := decrypt(&out, passphrase); !errors.Is(err, ErrNoBackup) {
		t.Errorf("%v", err)
	}
}

// TestHostileSite: who knows the passphrase of a backup makes one that would harm the box.
func TestHostileSite(t *testing.T) {
	s := site(t)
	p, err := s.Gather(t.Context(), Options{Passphrase: passphrase, Alerts: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rebuilt := func(change func(*Prepared)) []byte {
		q := *p
		q.entries = append([]entry{}, p.entries...)
		change(&q)
		var out bytes.Buffer
		if err := q.Write(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	data := filepath.Join(t.TempDir(), "evil.db")
	copyFile(t, filepath.Join(p.temp, databaseName), data)
	db, err := sql.Open("sqlite", data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `CREATE TRIGGER evil AFTER INSERT ON web_audit BEGIN DELETE FROM alerts; END`); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	info, _ := os.Stat(data)
	for name, change := range map[string]func(*Prepared){
		"a trigger": func(q *Prepared) {
			q.entries[len(q.entries)-1] = entry{name: databaseName, path: data, size: info.Size()}
		},
		"no database": func(q *Prepared) {
			q.entries[len(q.entries)-1] = entry{name: databaseName, data: []byte("SQLite format 3\x00"), size: 16}
		},
		"over the configuration": func(q *Prepared) { q.add("site/site.yaml", []byte("x")) },
		"over its copy":          func(q *Prepared) { q.add("site/site.yaml.env", []byte("x")) },
	} {
		to := box(t)
		if err := prepare(t, to, rebuilt(change), Wish{}); !errors.Is(err, ErrNoBackup) || Pending(to.Data) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A box whose configuration stands in its data folder.
	to := box(t)
	to.Config = filepath.Join(to.Data, "site.yaml")
	if err := prepare(t, to, rebuilt(func(q *Prepared) { q.add("site/lock", []byte("x")) }), Wish{}); !errors.Is(err, ErrNoBackup) {
		t.Errorf("into the data folder: %v", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzRead: whatever is inside a file of which the passphrase is known, nothing is
// written outside the folder, and not more than there is room for.
func FuzzRead(f *testing.F) {
	f.Add(pack(f, good()...))
	f.Add(pack(f, append(good(), file("site/a/b.pem", "x"), file("evidence/A1.mp4", "x"), file("counters-00", "1"))...))
	f.Add(pack(f, append(good(), file("site/../x", "x"))...))
	f.Add(pack(f, append(good(), tar.Header{Name: "site/x", Linkname: "/", Typeflag: tar.TypeSymlink})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		const room = 1 << 16
		dir, total := t.TempDir(), int64(0)
		_, err := readPlain(bytes.NewReader(data), room, into(filepath.Join(dir, "in"), func(n int64) { total += n }))
		if total > room {
			t.Errorf("%d bytes are written", total)
		}
		if all, rerr := os.ReadDir(dir); rerr != nil || len(all) > 1 {
			t.Errorf("%v, %v", all, rerr)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, ErrNoBackup) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) && !os.IsExist(err) &&
			!strings.Contains(err.Error(), "unpack") {
			t.Errorf("an error without a kind: %v", err)
		}
	})
}
