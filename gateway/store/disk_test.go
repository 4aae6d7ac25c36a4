package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReserve: a full database gives up the reserve and tries again, and the
// reserve is back once there is room.
func TestReserve(t *testing.T) {
	disk := &Disk{Dir: memoryDir(t), Reserve: 1 << 20}
	s, err := OpenDisk(t.Context(), disk)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := os.Stat(disk.reserve()); err != nil || info.Size() != 1<<20 {
		t.Fatalf("no reserve: %v", err)
	}
	// As SQLite says of a full disk.
	if _, err := s.db.Exec(`CREATE TABLE t (b BLOB); PRAGMA max_page_count = 20`); err != nil {
		t.Fatal(err)
	}
	fill := func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO t VALUES (zeroblob(100000))`)
		return err
	}
	if err := s.Tx(t.Context(), fill); !isFull(err) || !Unwritable(err) {
		t.Fatalf("%v is not taken for a full disk", err)
	}
	if disk.Room() {
		t.Error("there is room")
	}
	runs := 0
	err = s.Urgent(t.Context(), func(tx *sql.Tx) error {
		if runs++; runs == 2 { // the room that the reserve has made
			if _, err := tx.Exec(`PRAGMA max_page_count = 1000`); err != nil {
				return err
			}
		}
		return fill(tx)
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
	if state := disk.Check(); state != DiskGood || !disk.Room() {
		t.Errorf("a disk with room is %q", state)
	}
	if _, err := os.Stat(disk.reserve()); err != nil {
		t.Error(err)
	}
}

func TestFloor(t *testing.T) {
	disk := &Disk{Dir: t.TempDir(), Floor: 1 << 60, Reserve: 4096}
	if state := disk.Check(); state != DiskFull || disk.Room() {
		t.Errorf("below the floor, without a reserve: %q", state)
	}
	if err := os.WriteFile(disk.reserve(), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if state := disk.Check(); state != DiskLow || disk.Room() {
		t.Errorf("below the floor: %q", state)
	}
	if !disk.Release() || disk.Release() {
		t.Error("there is one reserve")
	}
}

func TestFailedWrites(t *testing.T) {
	disk := &Disk{Dir: t.TempDir()}
	for err, want := range map[error]DiskState{unix.EROFS: DiskReadOnly, unix.EIO: DiskReadOnly, unix.ENOSPC: DiskFull} {
		disk.Failed(err)
		if disk.Room() || disk.state != want {
			t.Errorf("%v: %q", err, disk.state)
		}
		if state := disk.Check(); state != DiskGood { // it takes writes again
			t.Errorf("after %v: %q", err, state)
		}
	}
	disk.Failed(errors.New("something else"))
	if !disk.Room() {
		t.Error("any error is taken for one of the disk")
	}
	if err := os.RemoveAll(disk.Dir); err != nil {
		t.Fatal(err)
	}
	if state := disk.Check(); state != DiskReadOnly {
		t.Errorf("a folder that is gone: %q", state)
	}
}

// TestFailedCommitLeavesNothingOpen: the next transaction is one of its own.
func TestFailedCommitLeavesNothingOpen(t *testing.T) {
	f := fresh(t)
	if _, err := f.db.Exec(`CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (p INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`); err != nil {
		t.Fatal(err)
	}
	// A commit that a deferred constraint stops leaves the transaction open.
	err := f.Tx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO child VALUES (1)`)
		return err
	})
	if err == nil {
		t.Fatal("the commit went through")
	}
	f.put(1)
	f.want(1)
	ctx, cancel := context.WithCancel(t.Context())
	err = f.Tx(ctx, func(*sql.Tx) error { cancel(); return nil })
	if err == nil {
		t.Error("a commit without a context")
	}
	f.put(1)
	f.want(2)
}
