package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func minimal(id string) string {
	return "gateway: {id: " + id + ", street: donghu, community: meiyuan}\ndata: data\n" +
		"uplink: {mqtt: [{url: \"mqtt://broker\"}]}\n"
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "site.yaml")
	for _, id := range []string{"one", "two", "three"} {
		if err := Save(path, []byte(minimal(id))); err != nil {
			t.Fatal(err)
		}
	}
	if content(t, path) != minimal("three") || content(t, path+".bak") != minimal("two") {
		t.Errorf("got %q and %q", content(t, path), content(t, path+".bak"))
	}
	for _, name := range []string{path, path + ".bak"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}

	err := Save(path, []byte("gateway: {id: four}\n"))
	var problems *Problems
	if !errors.As(err, &problems) || len(problems.List) != 4 {
		t.Errorf("a config with mistakes: %v", err)
	}
	if content(t, path) != minimal("three") {
		t.Error("a config with mistakes was saved")
	}
	if got := list(t, dir); !slices.Equal(got, []string{"site.yaml", "site.yaml.bak"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestSaveThroughLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "link.yaml")
	if err := os.WriteFile(target, []byte(minimal("one")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.yaml", link); err != nil {
		t.Fatal(err)
	}
	if err := Save(link, []byte(minimal("two"))); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if content(t, target) != minimal("two") {
		t.Errorf("got %q", content(t, target))
	}
}

// failing is a disk on which the n-th call fails, before or after it has done
// its work: a crash is as if everything later had not been.
type failing struct {
	disk
	n     int
	after bool
	calls []string
}

var errCrash = errors.New("crash")

func (f *failing) step(call string, do func() error) error {
	f.calls = append(f.calls, call)
	if len(f.calls) != f.n {
		return do()
	}
	if f.after {
		_ = do()
	}
	return errCrash
}

func (f *failing) write(path string, data []byte) (name string, err error) {
	err = f.step("write", func() (err error) {
		name, err = f.disk.write(path, data)
		return err
	})
	return name, err
}

func (f *failing) rename(from, to string) error {
	return f.step("rename "+filepath.Ext(to), func() error { return f.disk.rename(from, to) })
}

func (f *failing) syncDir(dir string) error {
	return f.step("sync", func() error { return f.disk.syncDir(dir) })
}

func TestSaveCrash(t *testing.T) {
	want := []string{"write", "rename .bak", "write", "rename .yaml", "sync"}
	for n := range len(want) + 1 {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d,%v", n, after), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "site.yaml")
				if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				f := &failing{n: n, after: after}
				err := replace(f, path, []byte("new"))
				if (n > 0) != errors.Is(err, errCrash) {
					t.Fatalf("got %v", err)
				}
				if n == 0 && !slices.Equal(f.calls, want) {
					t.Errorf("order: %v", f.calls)
				}
				renamed := n == 0 || n == 5 || n == 4 && after
				if got := content(t, path); got == "new" != renamed || got == "old" == renamed {
					t.Errorf("step %d: %q", n, got)
				}
				if b, err := os.ReadFile(path + ".bak"); err == nil && string(b) != "old" {
					t.Errorf("backup: %q", b)
				}
			})
		}
	}
}

func TestSaveNowhere(t *testing.T) {
	err := Save(filepath.Join(t.TempDir(), "no", "site.yaml"), []byte(minimal("one")))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
