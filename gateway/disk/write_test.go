package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWriteFile(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	path := filepath.Join(t.TempDir(), "file")
	for _, c := range []struct {
		data string
		perm fs.FileMode
	}{{"one", 0o600}, {"two", 0o644}, {"", 0o600}} {
		if err := WriteFile(path, []byte(c.data), c.perm); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		info, err2 := os.Stat(path)
		if err = errors.Join(err, err2); err != nil || string(got) != c.data || info.Mode() != c.perm {
			t.Errorf("%q, %v, %v; want %q, %v", got, info.Mode(), err, c.data, c.perm)
		}
	}
	if err := WriteFile(filepath.Join(path, "none"), nil, 0o600); err == nil {
		t.Error("a file was made in a file")
	}
	taken := filepath.Join(filepath.Dir(path), "folder")
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(taken, []byte("three"), 0o600); err == nil {
		t.Error("a file took a folder's place")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestSyncDir(t *testing.T) {
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	made, there := filepath.Join(dir, "made"), filepath.Join(dir, "there")
	if err := errors.Join(os.WriteFile(there, []byte("kept"), 0o644), os.Chmod(there, 0o644)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{made: "", there: "kept"} {
		Private(path)
		got, err := os.ReadFile(path)
		if info, err2 := os.Stat(path); err != nil || err2 != nil || string(got) != want || info.Mode() != 0o600 {
			t.Errorf("%s: %q, %v, %v", path, got, err, err2)
		}
	}
	Private(filepath.Join(dir, "nowhere", "file")) // whoever opens it next says so
}
