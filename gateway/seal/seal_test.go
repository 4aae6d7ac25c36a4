package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSeal(t *testing.T) {
	dir := t.TempDir()
	none := func(string) string { return "" }
	paths := Paths(filepath.Join(dir, "config.yaml"), none)
	if _, err := Find(paths); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	made, err := Create(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(paths[0]); err == nil {
		t.Error("a key is replaced")
	}
	k, err := Find(paths)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"p@ss:w/rd%41?", "口令", strings.Repeat("x", 1000)} {
		text, err := made.Seal(secret)
		if err != nil || strings.Contains(text, secret) {
			t.Fatalf("%q, %v", text, err)
		}
		other, _ := made.Seal(secret)
		if other == text {
			t.Error("the same secret is sealed to the same text")
		}
		sealed := strings.TrimSuffix(strings.TrimPrefix(text, "${"+Prefix), "}")
		if got, err := k.Open(sealed); err != nil || got != secret {
			t.Errorf("%q, %v", got, err)
		}
		for i := range sealed {
			b := []byte(sealed)
			b[i] ^= 1 << 1
			if got, err := k.Open(string(b)); err == nil && got != secret {
				t.Errorf("changed at %d it opens as %q", i, got)
			}
		}
	}
	stranger, err := Create(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := stranger.Seal("x")
	if _, err := k.Open(text[len("${"+Prefix) : len(text)-1]); !errors.Is(err, ErrOpen) {
		t.Errorf("another's: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, KeyFile)
	for text, want := range map[string]string{"": "want 64", "00": "want 64", strings.Repeat("0g", 32): "want 64", strings.Repeat("00", 40): "want 64"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("0a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrMode) {
		t.Errorf("readable by others: %v", err)
	}
	creds := t.TempDir()
	if _, err := Create(filepath.Join(creds, KeyFile)); err != nil {
		t.Fatal(err)
	}
	env := func(string) string { return creds }
	if _, err := Find(Paths(filepath.Join(dir, "config.yaml"), env)); err != nil {
		t.Errorf("systemd's credential goes first: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	k, err := newKey(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	text, _ := k.Seal("secret")
	for _, s := range []string{"", "AQ", text[len("${"+Prefix) : len(text)-1], "not base64!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := k.Open(s); err != nil && got != "" {
			t.Errorf("%q: %q and %v", s, got, err)
		}
	})
}
