package store

import (
	"context"
	"database/sql"
	"os"
	"testing"
	"time"
)

// TestDamagedBackup: the backup before it is taken, and the journals of both.
func TestDamagedBackup(t *testing.T) {
	f := fresh(t)
	for range 3 {
		f.put(10)
		if err := f.Backup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.put(10)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	overwrite(t, f.path(), 0, garbage(4096))
	overwrite(t, f.backupPath(3), 4096, garbage(8192))
	f.reopen()
	if r := f.Recovery(); r.Backup != "backup-00000002.db" || len(r.Missing) != 20 {
		t.Errorf("backup %q, %d missing", r.Backup, len(r.Missing))
	}
	f.restore()
	f.want(40)
}

// TestBackup: it is small, sound, and in a form that the program opens, with the
// numbers that were given.
func TestBackup(t *testing.T) {
	f := fresh(t)
	f.put(50)
	if err := f.Backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(f.backupPath(1))
	if err != nil || info.Size() > 200<<10 {
		t.Errorf("the backup has %d bytes, %v: the rows that are not worth it are in it", info.Size(), err)
	}
	db, err := sql.Open("sqlite", f.backupPath(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var rows, alerts, seq, objects int
	err = db.QueryRow(`SELECT (SELECT count(*) FROM queue), (SELECT count(*) FROM alerts),
		(SELECT seq FROM sqlite_sequence WHERE name = 'queue'), (SELECT count(*) FROM sqlite_master WHERE name LIKE 'queue%' OR name = 'alerts_open')`).Scan(&rows, &alerts, &seq, &objects)
	if err != nil || rows != 50 || alerts != 50 || seq != 100 || objects != 3 {
		t.Errorf("%d rows, %d alerts, sequence %d, %d objects, %v", rows, alerts, seq, objects, err)
	}
	for range 4 {
		f.put(1)
		if err := f.Backup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if b, j := numbered(f.dir, backupForm), f.journal.generations(); len(b) != 2 || b[1] != 5 || len(j) > 2 {
		t.Errorf("backups %v, journals %v", b, j)
	}
}

func TestBackupDue(t *testing.T) {
	f := fresh(t)
	now := time.Now()
	if f.BackupDue(now.Add(48 * time.Hour)) {
		t.Error("a backup of nothing")
	}
	f.put(1)
	for after, want := range map[time.Duration]bool{time.Minute: false, 2 * time.Hour: false, 25 * time.Hour: true} {
		if f.BackupDue(now.Add(after)) != want {
			t.Errorf("after %v it is due: %v", after, !want)
		}
	}
	f.put(400)
	if f.BackupDue(now.Add(59*time.Minute)) || !f.BackupDue(now.Add(2*time.Hour)) {
		t.Error("a long journal is not due after an hour")
	}
	if err := f.Backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.BackupDue(now.Add(48 * time.Hour)) {
		t.Error("a backup though nothing has happened since")
	}
}

// TestBackupAfterAKill: the database may have what the journal has not come to, and is soon worth a backup.
func TestBackupAfterAKill(t *testing.T) {
	f := fresh(t)
	f.put(3)
	killed := copyFolder(t, f.dir)
	soon := time.Now().Add(2 * time.Hour)
	if f.BackupDue(soon) {
		t.Error("a backup is due of what the journal has")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	if f.BackupDue(soon) {
		t.Error("a backup is due after a stop in order")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.dir = killed
	f.reopen()
	if !f.BackupDue(soon) {
		t.Error("no backup is due after a kill")
	}
}

// TestBackupMeanwhile makes backups while alerts are written, and restores each:
// it and the journals have everything.
func TestBackupMeanwhile(t *testing.T) {
	f := fresh(t)
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
				if err := f.Backup(context.Background()); err != nil {
					done <- err
					return
				}
			}
		}
	}()
	f.put(150)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	overwrite(t, f.path(), 0, garbage(8192))
	f.reopen()
	f.restore()
	f.want(150)
}
