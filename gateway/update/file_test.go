package update

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"aead.dev/minisign"
)

func TestHostileFiles(t *testing.T) {
	b := newBox(t)
	keys := Keys{b.key.Public().(minisign.PublicKey)}
	body := []byte("2 amd64")
	by := func(says string) []byte { return sign(b.key, body, says) }
	good := pack(t, "s.deb", body, by("sentrybox 2 amd64"))
	if m, err := keys.Read(bytes.NewReader(good), io.Discard); err != nil || m != (Manifest{"2", "amd64"}) {
		t.Fatalf("%+v, %v", m, err)
	}
	link := tarOf(t, &tar.Header{Name: "s.deb.minisig", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"})
	huge := tarOf(t, &tar.Header{Name: "s.deb.minisig", Typeflag: tar.TypeReg, Size: 1 << 40})
	for name, file := range map[string][]byte{
		"empty": nil, "cut": good[:1100], "cut in the package": good[:1538], "a link": link, "huge": huge,
		"another body":            pack(t, "s.deb", []byte("3 amd64"), by("sentrybox 2 amd64")),
		"another comment":         pack(t, "s.deb", body, bytes.Replace(by("sentrybox 2 amd64"), []byte("box 2"), []byte("box 3"), 1)),
		"no version":              pack(t, "s.deb", body, by("timestamp:1")),
		"a path for a version":    pack(t, "s.deb", body, by("sentrybox 2/../../x amd64")),
		"no signature":            pack(t, "s.deb", body, nil),
		"more after it":           append(bytes.TrimRight(good, "\x00"), tarOf(t, &tar.Header{Name: "x", Typeflag: tar.TypeReg})...),
		"no .deb":                 pack(t, "s.exe", body, by("sentrybox 2 amd64")),
		"not prehashed":           pack(t, "s.deb", body, minisign.SignWithComments(b.key, body, "sentrybox 2 amd64", "x")),
		"a signature of 5 KiB":    pack(t, "s.deb", body, append(by("sentrybox 2 amd64"), make([]byte, 5<<10)...)),
		"a signature with a tail": pack(t, "s.deb", body, append(by("sentrybox 2 amd64"), "x"...)),
	} {
		if m, err := keys.Read(bytes.NewReader(file), io.Discard); err == nil || m != (Manifest{}) || !errors.Is(err, ErrNoUpdate) && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	// A path as a name harms nothing: nothing is written by it.
	if _, err := keys.Read(bytes.NewReader(pack(t, "../../etc/s.deb", body, by("sentrybox 2 amd64"))), io.Discard); err != nil {
		t.Error(err)
	}
	if _, err := (Keys{}).Read(bytes.NewReader(good), io.Discard); !errors.Is(err, ErrSignature) {
		t.Errorf("without keys: %v", err)
	}
}

func tarOf(t testing.TB, h *tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := tar.NewWriter(&out).WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadKeys(t *testing.T) {
	b := newBox(t)
	text, err := b.key.Public().(minisign.PublicKey).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "update.pub")
	if _, err := ReadKeys(path, os.Getuid()); !errors.Is(err, ErrNoKey) {
		t.Errorf("none: %v", err)
	}
	write := func(data []byte, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write(append(append(bytes.Clone(text), '\n'), text...), 0o644)
	if keys, err := ReadKeys(path, os.Getuid()); err != nil || len(keys) != 2 || keys[1].ID() != b.key.ID() {
		t.Errorf("two: %v, %v", keys, err)
	}
	if _, err := ReadKeys(path, os.Getuid()+1); !errors.Is(err, ErrKey) {
		t.Errorf("another's: %v", err)
	}
	write(text, 0o664)
	if _, err := ReadKeys(path, os.Getuid()); !errors.Is(err, ErrKey) {
		t.Errorf("that others may write: %v", err)
	}
	for data, want := range map[string]error{"": ErrNoKey, "RWQ": ErrKey, "untrusted comment: x\n": ErrNoKey} {
		write([]byte(data), 0o644)
		if _, err := ReadKeys(path, os.Getuid()); !errors.Is(err, want) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// FuzzRead: no file but those that the key has signed is believed.
func FuzzRead(f *testing.F) {
	_, key, err := minisign.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	body := []byte("2 amd64")
	good := pack(f, "s.deb", body, sign(key, body, "sentrybox 2 amd64"))
	f.Add(good)
	f.Add(good[:700])
	f.Add(tarOf(f, &tar.Header{Name: "../s.deb.minisig", Typeflag: tar.TypeReg, Size: 1 << 40}))
	keys := Keys{key.Public().(minisign.PublicKey)}
	f.Fuzz(func(t *testing.T, file []byte) {
		var got bytes.Buffer
		if m, err := keys.Read(bytes.NewReader(file), &got); err == nil && (m != Manifest{"2", "amd64"} || !bytes.Equal(got.Bytes(), body)) {
			t.Errorf("believed %+v with %q", m, got.Bytes())
		}
	})
}
