package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
)

func TestOpenIsExclusive(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrInUse) {
		t.Errorf("second open: %v, want %v", err, ErrInUse)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(t.Context(), dir)
	if err != nil {
		t.Fatalf("after close: %v", err)
	}
	defer s.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
}

// TestOthersCannotRead: not even in a folder that they may look into.
func TestOthersCannotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, dbName)
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, nil, 0o644), os.Chmod(path, 0o644)); err != nil { // as older versions made it
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dir, Migration{Component: "x", Steps: []string{`CREATE TABLE x (a INTEGER) STRICT`}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || !info.IsDir() && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}

func TestMigration(t *testing.T) {
	dir := t.TempDir()
	open := func(steps ...string) (*Store, error) {
		return Open(t.Context(), dir, Migration{Component: "x", Steps: steps})
	}
	one := `CREATE TABLE x (a INTEGER) STRICT`
	two := `ALTER TABLE x ADD COLUMN b TEXT`
	for _, steps := range [][]string{{one}, {one, two}, {one, two}} {
		s, err := open(steps...)
		if err != nil {
			t.Fatalf("%d steps: %v", len(steps), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open(one); err == nil || !strings.Contains(err.Error(), "newer sentrybox") {
		t.Errorf("an older program on newer tables: %v", err)
	}
	s, err := open(one, two)
	if err != nil {
		t.Fatalf("after a refused open: %v", err)
	}
	defer s.Close()
	if _, err := s.db.Exec(`INSERT INTO x (a, b) VALUES (1, 'z')`); err != nil {
		t.Error(err)
	}
}

func TestAlertRows(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.UnixMilli(1_700_000_000_123)
	put := func(a Alert, action string) error {
		return s.Tx(t.Context(), func(tx *sql.Tx) error {
			return s.PutAlert(t.Context(), tx, a, Step{At: at, Action: action, By: "duty"})
		})
	}
	a := Alert{ID: "A", Rev: 1, Open: true, Device: "cam", Kind: "intrusion", Zone: "gate", LastEvent: at, Doc: []byte("1")}
	if err := put(a, "raised"); err != nil {
		t.Fatal(err)
	}
	if err := put(a, "again"); err == nil {
		t.Error("one revision was written twice")
	}
	got := open(t, s)
	if got.ID != "A" || got.Rev != 1 || !got.LastEvent.Equal(at) || string(got.Doc) != "1" {
		t.Errorf("open alert: %+v", got)
	}
	a.Rev, a.Open, a.Doc = 2, false, []byte("2")
	if err := put(a, "handled"); err != nil {
		t.Fatal(err)
	}
	if got := open(t, s); got.ID != "" {
		t.Errorf("a closed alert is open: %+v", got)
	}
	steps, err := s.Steps(t.Context(), "A")
	if err != nil || len(steps) != 2 || steps[1].Action != "handled" || steps[1].By != "duty" || !steps[1].At.Equal(at) {
		t.Errorf("steps: %+v, %v", steps, err)
	}
	if n, err := s.OpenCount(t.Context()); n != 0 || err != nil {
		t.Errorf("open count %d, %v", n, err)
	}
}

func open(t *testing.T, s *Store) (a Alert) {
	t.Helper()
	err := s.Tx(t.Context(), func(tx *sql.Tx) (err error) {
		a, _, err = OpenAlert(context.Background(), tx, "cam", "intrusion", "gate", time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestOpenAlertsWithoutTheClosed: the alerts of three months are not read to find those that are open.
func TestOpenAlertsWithoutTheClosed(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 20 {
		a := Alert{ID: fmt.Sprintf("A%02d", i), Rev: 1, Open: i%2 == 0, Device: string(rune('z' - i)), Doc: []byte("x")}
		if err := s.Tx(t.Context(), func(tx *sql.Tx) error { return s.PutAlert(t.Context(), tx, a, Step{}) }); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err = s.Tx(t.Context(), func(tx *sql.Tx) error {
		all, err := OpenAlerts(t.Context(), tx, 3)
		for _, a := range all {
			got = append(got, a.ID)
		}
		return err
	})
	if err != nil || !slices.Equal(got, []string{"A18", "A16", "A14"}) {
		t.Errorf("%q, %v", got, err)
	}
	rows, err := s.db.Query(`EXPLAIN QUERY PLAN `+openAlerts, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, none int
		var detail string
		if err := rows.Scan(&id, &parent, &none, &detail); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "alerts_open") {
			t.Errorf("the plan has %s", detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

func TestTrim(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	raised := func(ago time.Duration) string {
		return ulid.MustNew(ulid.Timestamp(now.Add(-ago)), rand.Reader).String()
	}
	old, open, late := raised(48*time.Hour), raised(48*time.Hour), raised(48*time.Hour)
	for id, a := range map[string]Alert{
		old: {LastEvent: now.Add(-48 * time.Hour)}, late: {LastEvent: now}, open: {LastEvent: now.Add(-48 * time.Hour), Open: true}, raised(0): {LastEvent: now},
	} {
		a.ID, a.Rev, a.Doc = id, 1, []byte("x")
		if err := s.Tx(t.Context(), func(tx *sql.Tx) error { return s.PutAlert(t.Context(), tx, a, Step{At: now}) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int64{1, 0} {
		if n, err := s.Trim(t.Context(), now.Add(-24*time.Hour)); n != want || err != nil {
			t.Errorf("trimmed %d, %v; want %d", n, err, want)
		}
	}
	var left int
	if err := s.db.QueryRow(`SELECT count(*) FROM alerts JOIN alert_steps ON alert = id WHERE id <> ?`, old).Scan(&left); left != 3 || err != nil {
		t.Errorf("%d alerts left, %v", left, err)
	}
}

func TestTxRollsBack(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fail := errors.New("no")
	err = s.Tx(t.Context(), func(tx *sql.Tx) error {
		a := Alert{ID: "A", Rev: 1, Open: true, Doc: []byte("1")}
		return errors.Join(s.PutAlert(t.Context(), tx, a, Step{}), fail)
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
	if n, err := s.OpenCount(t.Context()); n != 0 || err != nil {
		t.Errorf("open count %d, %v after a failed transaction", n, err)
	}
}
