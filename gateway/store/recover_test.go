package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// queueTable is a component with rows that no backup takes.
func queueTable() Migration {
	return Migration{Component: "queue", Steps: []string{`CREATE TABLE queue (seq INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
		CREATE INDEX queue_lane ON queue (lane)`}, Keep: map[string]string{"queue": "lane = 0"}, Mend: `UPDATE queue SET lane = 0`}
}

type fixture struct {
	testing.TB
	*Store
	dir string
	n   int
}

func fresh(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, dir: memoryDir(t)}
	f.reopen()
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (f *fixture) reopen() {
	f.Helper()
	var err error
	if f.Store, err = Open(context.Background(), f.dir, queueTable()); err != nil {
		f.Fatal(err)
	}
}

// memoryDir is a folder in memory where there is one: here it is not the disk
// that is tested, and its fsync would take minutes.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sentrybox-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// put writes n alerts of some size, each with a row in the queue.
func (f *fixture) put(n int) {
	f.Helper()
	for range n {
		f.n++
		a := Alert{ID: fmt.Sprintf("A%05d", f.n), Rev: 1, Open: true, Device: "cam", Kind: "motion", Zone: "all", LastEvent: time.Now(), Doc: make([]byte, 700)}
		err := f.Tx(context.Background(), func(tx *sql.Tx) error {
			_, err := tx.Exec(`INSERT INTO queue (lane, payload) VALUES (0, x'61'), (3, zeroblob(5000))`)
			return errors.Join(err, f.PutAlert(context.Background(), tx, a, Step{At: time.Now(), Action: "raised", By: "cam"}))
		})
		if err != nil {
			f.Fatal(err)
		}
	}
}

// restore puts back what is missing, as the gateway does.
func (f *fixture) restore() {
	f.Helper()
	err := f.Tx(context.Background(), func(tx *sql.Tx) error {
		for _, r := range f.Recovery().Missing {
			if err := f.PutAlert(context.Background(), tx, r.Alert, r.Step); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) want(n int) {
	f.Helper()
	var have, steps int
	if err := f.db.QueryRow(`SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM alert_steps)`).Scan(&have, &steps); err != nil || have != n || steps != n {
		f.Errorf("%d alerts and %d steps, %v; want %d", have, steps, err, n)
	}
	if err := check(context.Background(), f.db); err != nil {
		f.Error(err)
	}
}

func overwrite(t testing.TB, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if at < 0 {
		at, err = f.Seek(at, io.SeekEnd)
	}
	if _, werr := f.WriteAt(b, at); err != nil || werr != nil {
		t.Fatal(err, werr)
	}
}

func garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + 3)
	}
	return b
}

// TestDamagedDatabase damages what a kill has left in many ways: no alert that
// was durable is lost in any of them, with and without a backup.
func TestDamagedDatabase(t *testing.T) {
	size := func(t testing.TB, path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for name, c := range map[string]struct {
		log    bool // as a kill leaves it, with its log; else after a stop in order
		damage func(t testing.TB, db string)
	}{
		"truncated":       {false, func(t testing.TB, db string) { _ = os.Truncate(db, size(t, db)/2) }},
		"cut in a page":   {false, func(t testing.TB, db string) { _ = os.Truncate(db, size(t, db)-1000) }},
		"empty":           {false, func(_ testing.TB, db string) { _ = os.Truncate(db, 0) }},
		"gone":            {false, func(_ testing.TB, db string) { _ = os.Remove(db) }},
		"garbage header":  {false, func(t testing.TB, db string) { overwrite(t, db, 0, garbage(100)) }},
		"garbage page":    {false, func(t testing.TB, db string) { overwrite(t, db, 2*4096, garbage(4096)) }},
		"all garbage":     {false, func(t testing.TB, db string) { overwrite(t, db, 0, garbage(int(size(t, db)))) }},
		"zeros":           {false, func(t testing.TB, db string) { overwrite(t, db, 0, make([]byte, size(t, db))) }},
		"marked":          {false, func(_ testing.TB, db string) { _ = os.WriteFile(filepath.Join(filepath.Dir(db), markName), nil, 0o600) }},
		"nothing":         {false, func(testing.TB, string) {}},
		"nothing, killed": {true, func(testing.TB, string) {}},
		"a torn record": {true, func(t testing.TB, db string) {
			overwrite(t, journalOf(db), size(t, journalOf(db)), []byte{9, 0, 0, 0, 1})
		}},
		"all gone":      {true, func(_ testing.TB, db string) { _, _ = os.Remove(db), os.Remove(db+"-wal") }},
		"no log":        {true, func(_ testing.TB, db string) { _ = os.Remove(db + "-wal") }},
		"garbage log":   {true, func(t testing.TB, db string) { overwrite(t, db+"-wal", 32, garbage(int(size(t, db+"-wal"))-32)) }},
		"truncated log": {true, func(t testing.TB, db string) { _ = os.Truncate(db+"-wal", size(t, db+"-wal")/3) }},
		"header, no log": {true, func(t testing.TB, db string) {
			overwrite(t, db, 20, garbage(60))
			_ = os.Remove(db + "-wal")
		}},
	} {
		for _, backup := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, backup %v", name, backup), func(t *testing.T) {
				f := fresh(t)
				f.put(20)
				if backup {
					if err := f.Backup(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				f.put(20)
				killed := copyFolder(t, f.dir)
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				if c.log {
					f.dir = killed
				}
				c.damage(t, filepath.Join(f.dir, dbName))
				f.reopen()
				r := f.Recovery()
				t.Logf("%q, set aside %q, backup %q, %d missing", r.Reason, r.SetAside, r.Backup, len(r.Missing))
				if sound := strings.HasPrefix(name, "nothing") || name == "a torn record"; sound != (r.Reason == "" && len(r.Missing) == 0) {
					t.Errorf("found %q, %d missing", r.Reason, len(r.Missing))
				}
				if r.Reason != "" && backup != (r.Backup != "") {
					t.Errorf("the backup %q was opened", r.Backup)
				}
				if r.SetAside != "" {
					if _, err := os.Stat(filepath.Join(f.dir, r.SetAside)); err != nil {
						t.Error(err)
					}
				}
				f.restore()
				f.want(40)
				f.n = 100
				f.put(5)
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				f.reopen()
				if r := f.Recovery(); r.Reason != "" || len(r.Missing) != 0 {
					t.Errorf("the next time: %+v", r)
				}
				f.want(45)
			})
		}
	}
}

func journalOf(db string) string {
	dir := filepath.Dir(db)
	j := &journal{dir: dir}
	gens := j.generations()
	return j.path(gens[len(gens)-1])
}

func copyFolder(t testing.TB, dir string) string {
	t.Helper()
	to := memoryDir(t)
	if err := os.CopyFS(filepath.Join(to, "data"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "data")
}

// TestNewerSchemaIsNoDamage: what a newer program wrote is left as it is.
func TestNewerSchemaIsNoDamage(t *testing.T) {
	f := fresh(t)
	f.put(3)
	if _, err := f.db.Exec(`UPDATE schema_version SET version = 99 WHERE component = 'alerts'`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), f.dir, queueTable()); err == nil || !strings.Contains(err.Error(), "newer sentrybox") {
		t.Errorf("opened with %v", err)
	}
	if aside, _ := filepath.Glob(filepath.Join(f.dir, "*"+asideMark+"*")); len(aside) != 0 {
		t.Errorf("set aside: %v", aside)
	}
}

// TestDamageWhileRunning: it is noticed, and the next Open does not trust the file.
func TestDamageWhileRunning(t *testing.T) {
	f := fresh(t)
	f.put(30)
	if _, err := f.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = 0; PRAGMA shrink_memory`); err != nil {
		t.Fatal(err)
	}
	overwrite(t, f.path(), 4096, garbage(4096*3))
	err := f.Tx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM alert_steps; DELETE FROM alerts`)
		return err
	})
	if err == nil {
		t.Fatal("the damage was not noticed")
	}
	select {
	case <-f.Corrupt():
	default:
		t.Fatalf("nobody is told of %v", err)
	}
	if err := f.Close(); err != nil {
		t.Log(err)
	}
	f.reopen()
	if f.Recovery().SetAside == "" {
		t.Errorf("%+v", f.Recovery())
	}
	f.restore()
	f.want(30)
}

// TestAlertsWithoutAJournal: those of an older program get a backup soon.
func TestAlertsWithoutAJournal(t *testing.T) {
	f := fresh(t)
	f.put(3)
	if err := errors.Join(f.Close(), os.Remove(f.journal.path(0))); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	if !f.BackupDue(time.Now()) {
		t.Error("no backup is due")
	}
	if err := f.Backup(t.Context()); err != nil || f.BackupDue(time.Now()) {
		t.Error("it is due still", err)
	}
}

// TestDamagedJournal: a record that a worn flash has damaged hides none behind it, it is known that one is missing, and
// a backup takes the place of the journal soon.
func TestDamagedJournal(t *testing.T) {
	record := func(path string) (at []int64) { // where each begins
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(data); i += 8 + int(binary.LittleEndian.Uint32(data[i:])) {
			at = append(at, int64(i))
		}
		return at
	}
	for name, c := range map[string]struct {
		missing  int
		complete bool
		damage   func(t *testing.T, path string)
	}{
		"in the middle": {9, false, func(t *testing.T, path string) { overwrite(t, path, record(path)[4]+50, []byte("xyz")) }},
		"its length":    {4, false, func(t *testing.T, path string) { overwrite(t, path, record(path)[4]+2, []byte{255}) }},
		"at the end":    {9, true, func(t *testing.T, path string) { overwrite(t, path, -20, make([]byte, 20)) }},
		"torn": {9, true, func(t *testing.T, path string) {
			if err := os.Truncate(path, record(path)[9]+100); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := fresh(t)
			f.put(10)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			c.damage(t, f.journal.path(0))
			sound := f.dir
			f.dir = copyFolder(t, f.dir)
			if err := os.Remove(filepath.Join(f.dir, dbName)); err != nil {
				t.Fatal(err)
			}
			f.reopen()
			if r := f.Recovery(); len(r.Missing) != c.missing || r.Complete != c.complete {
				t.Errorf("%d missing, complete %v", len(r.Missing), r.Complete)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			// With its database.
			f.dir = sound
			f.reopen()
			if r := f.Recovery(); len(r.Missing) != 0 || !f.BackupDue(time.Now().Add(2*time.Hour)) {
				t.Errorf("%d missing, or no backup is due", len(r.Missing))
			}
			f.put(1)
			if j, err := readJournal(f.journal.path(0)); err != nil || j.records[len(j.records)-1].Alert.ID != "A00011" {
				t.Errorf("the journal does not go on: %v", err)
			}
		})
	}
}

func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	j := &journal{dir: dir, disk: &Disk{Dir: dir}}
	if err := j.append([]Record{{Alert: Alert{ID: "A", Rev: 1}}, {Alert: Alert{ID: "B", Rev: 2, Doc: []byte("x")}}}); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(j.path(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if j, err := readJournal(path); err != nil || j.size > int64(len(data)) {
			t.Fatalf("%d of %d bytes, %v", j.size, len(data), err)
		}
	})
}
