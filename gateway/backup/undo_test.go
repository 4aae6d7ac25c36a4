package backup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/web/account"
)

func undo(t *testing.T, s *Site) Kept {
	t.Helper()
	k, err := s.Undo(account.Actor{Name: "王工", Origin: "10.0.0.7"})
	if err != nil {
		t.Fatal(err)
	}
	finish(t, s)
	return k
}

// TestUndo: the same gateway goes back to the configuration, the users and the files of before, with all
// alerts, and forth again.
func TestUndo(t *testing.T) {
	s := site(t)
	s.Now = time.Now
	if _, err := s.Undo(account.Actor{}); !errors.Is(err, ErrNoOld) {
		t.Errorf("without a restore: %v", err)
	}
	file := save(t, s, true, false)
	near := filepath.Join(filepath.Dir(s.Config), "sub", "near.pw")
	write(t, near, "newer\n")
	write(t, s.Config, strings.ReplaceAll(content(t, s.Config), "东门", "西门"))
	exec(t, s, `DELETE FROM web_users`, `INSERT INTO web_users VALUES ('新人', 'technician', 'x', 1)`)
	if err := prepare(t, s, file, Wish{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(account.Actor{}); !errors.Is(err, ErrBusy) {
		t.Errorf("while a backup is about to take its place: %v", err)
	}
	finish(t, s)
	exec(t, s, `INSERT INTO alerts VALUES ('A2', 1, 1, 'd', 'k', 'z', 6, x'7b7d')`)
	state := func() string {
		return load(t, s).Cameras[0].ID + " " + strings.TrimSpace(content(t, near)) + " " + ask(t, s, `SELECT name x FROM web_users`) + " " + ask(t, s, `SELECT id x FROM alerts ORDER BY id`)
	}
	if got := state(); got != "东门 near 王工 A1,A2" {
		t.Fatal(got)
	}
	old, err := s.Old()
	if err != nil || !old.Merge || old.Gateway.ID != "gw-1" || time.Until(old.Until) < 6*24*time.Hour {
		t.Errorf("%+v, %v", old, err)
	}
	undo(t, s)
	if got := state(); got != "西门 newer 新人 A1,A2" {
		t.Errorf("undone: %s", got)
	}
	if got := ask(t, s, `SELECT who x FROM web_audit WHERE action = 'restore' ORDER BY id`); got != "老李,王工" {
		t.Errorf("audit %s", got)
	}
	undo(t, s)
	if got := state(); got != "东门 near 王工 A1,A2" {
		t.Errorf("undone twice: %s", got)
	}
	if err := Sweep(s.Data, time.Now().Add(8*24*time.Hour), true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(account.Actor{}); !errors.Is(err, ErrNoOld) {
		t.Errorf("after a week: %v", err)
	}
}

// TestNothingBefore: a box that had no site cannot go back to one.
func TestNothingBefore(t *testing.T) {
	file, to := save(t, site(t), false, false), box(t)
	if err := prepare(t, to, file, Wish{}); err != nil {
		t.Fatal(err)
	}
	finish(t, to)
	if _, err := to.Undo(account.Actor{}); !errors.Is(err, ErrNoOld) || Pending(to.Data) {
		t.Errorf("%v", err)
	}
}

// TestOneRestore: two programs do not restore at the same time, and one that was killed holds nobody up.
func TestOneRestore(t *testing.T) {
	s := site(t)
	file := save(t, s, false, false)
	unlock, err := s.lock(false)
	if err != nil {
		t.Fatal(err)
	}
	other := *s
	if err := prepare(t, &other, file, Wish{}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	if _, err := other.Undo(account.Actor{}); !errors.Is(err, ErrBusy) {
		t.Errorf("undone meanwhile: %v", err)
	}
	unlock()
	if err := prepare(t, &other, file, Wish{}); err != nil {
		t.Errorf("after it: %v", err)
	}
	if err := prepare(t, s, file, Wish{}); !errors.Is(err, ErrBusy) {
		t.Errorf("before it is in place: %v", err)
	}
	finish(t, s)
	if _, err := os.Stat(filepath.Join(s.Data, oldFolder, undoName)); err != nil {
		t.Error(err)
	}
}
