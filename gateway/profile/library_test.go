package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sentrybox/gateway/text"
)

// TestProfiles holds every profile that comes with Sentrybox against its own
// examples.
func TestProfiles(t *testing.T) {
	ids, err := Library{}.IDs()
	if err != nil || len(ids) < 12 {
		t.Fatalf("%d profiles, %v", len(ids), err)
	}
	transports := map[string]bool{}
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			p, err := Library{}.Get(id)
			if err != nil {
				t.Fatal(err)
			}
			if p.ID != id {
				t.Errorf("%s.yaml has the id %s", id, p.ID)
			}
			transports[p.Transport()] = true
			for i, o := range p.Test() {
				for _, w := range o.Wrong {
					t.Errorf("example %d, %s: %s", i+1, o.Example.Name, w.Text(text.English))
				}
			}
			for _, f := range p.Fields() {
				if f.Title(text.Chinese) == f.Name {
					t.Errorf("%s has no Chinese words", f.Name)
				}
			}
		})
	}
	if len(transports) != 6 {
		t.Errorf("transports %v", transports)
	}
}

func TestLibraryFolder(t *testing.T) {
	dir := t.TempDir()
	source := []byte(head + "gpio: {}\nmessages: [{fields: [{name: a, type: u8}]}]\nexamples: [{bytes: '01', values: {a: 1}}]\n")
	for _, name := range []string{"a.yaml", "xy-md02.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), source, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := Library{Folder: dir}
	if ids, err := l.IDs(); err != nil || !slices.Contains(ids, "a") || !slices.Contains(ids, "rdm6300") {
		t.Errorf("IDs %v, %v", ids, err)
	}
	if p, err := l.Get("xy-md02"); err != nil || p.Transport() != "gpio" {
		t.Errorf("the folder does not go first: %v, %v", p, err)
	}
	for _, id := range []string{"none", "../a", ""} {
		if _, err := l.Get(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestForeign holds profiles against their examples that were written from the
// manual of this format alone, for devices of which it knew nothing.
func TestForeign(t *testing.T) {
	for _, name := range foreign(t) {
		p, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, o := range p.Test() {
			for _, w := range o.Wrong {
				t.Errorf("%s, example %d: %s", name, i+1, w.Text(text.English))
			}
		}
	}
}
