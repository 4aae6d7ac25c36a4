package store

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func exported(t *testing.T, leave ...string) string {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	path := filepath.Join(t.TempDir(), "export.db")
	if err := Export(t.Context(), dir, path, leave); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestExamine: a database from elsewhere may have nothing in it that would run.
func TestExamine(t *testing.T) {
	if err := Examine(t.Context(), exported(t)); err != nil {
		t.Fatal(err)
	}
	for name, statement := range map[string]string{
		"trigger":     `CREATE TRIGGER evil AFTER INSERT ON alerts BEGIN DELETE FROM alerts; END`,
		"view":        `CREATE VIEW web_users AS SELECT 1`,
		"virtual":     `CREATE VIRTUAL TABLE v USING fts5(x)`,
		"newer":       `UPDATE schema_version SET version = 99`,
		"unknown":     `INSERT INTO schema_version VALUES ('else', 1)`,
		"unversioned": `DROP TABLE schema_version`,
	} {
		path := exported(t)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = db.Close()
		if err := Examine(t.Context(), path); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := exported(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 200; i < len(whole); i += 101 {
		whole[i] ^= 0x55
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Examine(t.Context(), path); err == nil {
		t.Error("a damaged database passes")
	}
}
