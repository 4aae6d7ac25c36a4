package update

import (
	"os"
	"path/filepath"
	"testing"
)

// program stands for the one that prints the form of the tables: their first word.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nread -r form rest <\"$2/"+databaseName+"\" && echo \"$form\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func folder(t *testing.T) (d Folder, put func(name, what string), get func(name string) string) {
	t.Helper()
	d = Folder{Path: t.TempDir(), Program: program(t)}
	if os.Geteuid() == 0 { // as the service's user, who may go there
		for at := d.Path; at != "/tmp" && at != "/"; at = filepath.Dir(at) {
			if err := os.Chmod(at, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Dir(d.Program), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(d.Path, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	put = func(name, what string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(d.Path, name), []byte(what), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	get = func(name string) string {
		data, err := os.ReadFile(filepath.Join(d.Path, name))
		if err != nil {
			return "none"
		}
		return string(data)
	}
	return d, put, get
}

// TestFolder: a database comes back only if its tables have changed, and nothing is read
// or written outside of its folder.
func TestFolder(t *testing.T) {
	d, put, get := folder(t)
	kept := filepath.Join(t.TempDir(), "data")
	if schema, err := d.Keep(t.Context(), kept); schema != "" || err != nil {
		t.Fatalf("without a database: %q, %v", schema, err)
	}
	put(databaseName, "v1 alerts\n")
	put(databaseName+"-wal", "newest")
	schema, err := d.Keep(t.Context(), kept)
	if err != nil || schema != "v1" {
		t.Fatalf("%q, %v", schema, err)
	}
	put(databaseName, "v1 more alerts\n")
	if err := d.Return(t.Context(), kept, schema); err != nil || get(databaseName) != "v1 more alerts\n" {
		t.Errorf("alerts of the trial are lost: %s, %v", get(databaseName), err)
	}
	put(databaseName, "v2 more alerts\n")
	for range 2 { // the second time after a cut
		if err := d.Return(t.Context(), kept, schema); err != nil || get(databaseName) != "v1 alerts\n" || get(databaseName+"-wal") != "newest" {
			t.Errorf("%s, %s, %v", get(databaseName), get(databaseName+"-wal"), err)
		}
	}
	if get(asideName+"/"+databaseName) != "v2 more alerts\n" {
		t.Error("what the new version has written is gone")
	}
	// A second version that is taken back, whose log does not fit the first one's database, and a cut in the middle.
	put(databaseName, "v3 alerts\n")
	put(asideName+"/"+databaseName+"-wal", "of v2")
	if err := os.Remove(filepath.Join(d.Path, databaseName+"-wal")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(kept, movedName)); err != nil { // each update has a copy of its own
		t.Fatal(err)
	}
	if err := d.Return(t.Context(), kept, schema); err != nil || get(asideName+"/"+databaseName) != "v3 alerts\n" || get(asideName+"/"+databaseName+"-wal") != "none" {
		t.Errorf("aside is a mixture: %s with %s, %v", get(asideName+"/"+databaseName), get(asideName+"/"+databaseName+"-wal"), err)
	}
	put(asideName+"/"+databaseName+"-wal", "of v3")
	if err := os.Remove(filepath.Join(d.Path, databaseName)); err != nil { // cut when the log was back, and not the database
		t.Fatal(err)
	}
	if err := d.Return(t.Context(), kept, schema); err != nil || get(databaseName) != "v1 alerts\n" || get(asideName+"/"+databaseName+"-wal") != "of v3" {
		t.Errorf("%s, aside %s, %v", get(databaseName), get(asideName+"/"+databaseName+"-wal"), err)
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("v1 secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.Path, databaseName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(d.Path, databaseName)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Keep(t.Context(), kept); err == nil {
		t.Error("a link out of the folder was followed")
	}
}
