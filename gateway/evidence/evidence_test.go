package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/command"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// rig is a gateway's parts on a data folder that outlives them.
type rig struct {
	t      *testing.T
	data   string
	now    time.Time
	bytes  int64
	store  *store.Store
	box    *outbox.Box
	alerts *alert.Service
	keeper *Keeper
	sender *Sender
	local  map[string][]byte
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, data: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), bytes: 1 << 30, local: map[string][]byte{}}
	r.open()
	t.Cleanup(func() { _ = r.store.Close() })
	return r
}

func (r *rig) open() {
	r.t.Helper()
	var err error
	ctx, log := r.t.Context(), slog.New(slog.DiscardHandler)
	now := func() time.Time { return r.now }
	if r.store, err = store.Open(ctx, r.data, store.Migration{Component: "outbox", Steps: outbox.Schema()}, command.Schema(), Schema()); err != nil {
		r.t.Fatal(err)
	}
	if r.box, err = outbox.New(ctx, r.store.DB(), now); err != nil {
		r.t.Fatal(err)
	}
	r.alerts = &alert.Service{Store: r.store, Outbox: r.box, Log: log, Now: now, Gateway: "gw", FirstLevel: alert.Grid}
	f := &Folder{Dir: filepath.Join(r.data, "evidence"), Store: r.store, Bytes: r.bytes, Age: 24 * time.Hour, Now: now, Log: log}
	if err := f.Open(ctx); err != nil {
		r.t.Fatal(err)
	}
	r.keeper = &Keeper{Folder: f, Attach: r.alerts.Attach}
	r.sender = NewSender(f, r.box)
	r.sender.Publish = func(topic string, payload []byte) { r.local[topic] = payload }
	r.sender.Commands = &command.Service{Store: r.store, Outbox: r.box, Now: now, Log: log,
		Handlers: map[string]command.Handler{"evidence": r.sender.Handle}, Local: r.sender.Publish, Done: r.sender.Wake}
}

// restart is a kill and a new start.
func (r *rig) restart() {
	r.t.Helper()
	_ = r.store.Close()
	r.open()
}

func (r *rig) raise(device string) string {
	r.t.Helper()
	a, err := r.alerts.Raise(r.t.Context(), alert.Event{Device: device, Kind: "intrusion", Severity: 3, Start: r.now, Detected: r.now})
	if err != nil {
		r.t.Fatal(err)
	}
	return a.ID
}

func (r *rig) answer(id, action string) {
	r.t.Helper()
	if err := r.alerts.Answer(r.t.Context(), id, alert.Answer{Action: action}); err != nil {
		r.t.Fatal(err)
	}
}

// keep keeps a picture of so many bytes.
func (r *rig) keep(id string, size int) {
	r.keeper.Keep(r.t.Context(), Request{Alert: id, Device: id, Picture: func(context.Context) []byte { return bytes.Repeat([]byte(id[:1]), size) }})
	r.keeper.Wait()
}

func (r *rig) file(id, part string) (File, bool) {
	r.t.Helper()
	var f File
	var ok bool
	err := r.store.Tx(r.t.Context(), func(tx *sql.Tx) (err error) {
		f, ok, err = r.sender.Find(r.t.Context(), tx, id, part)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return f, ok
}

// document returns the newest revision of an alert.
func (r *rig) document(id string) alert.Alert {
	r.t.Helper()
	var a alert.Alert
	err := r.store.Tx(r.t.Context(), func(tx *sql.Tx) error {
		row, _, err := store.AlertByID(r.t.Context(), tx, id)
		return errors.Join(err, json.Unmarshal(row.Doc, &a))
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func TestKeep(t *testing.T) {
	r := newRig(t)
	id := r.raise("gate")
	units := read(t, mp4test.Walker())
	r.keeper.Keep(t.Context(), Request{
		Alert: id, Device: "gate",
		Picture: func(context.Context) []byte { return []byte("a JPEG") },
		Record:  func(context.Context) ([]media.AccessUnit, error) { return units, nil },
		Voice:   func(context.Context) ([]byte, error) { return []byte("a WAV file"), nil },
	})
	r.keeper.Wait()
	if a := r.document(id); len(a.Evidence) != 3 || a.Rev != 4 {
		t.Errorf("the alert names %v in revision %d", a.Evidence, a.Rev)
	}
	for _, part := range []string{Clip, Picture, Voice} {
		f, ok := r.file(id, part)
		data, err := os.ReadFile(filepath.Join(r.data, "evidence", f.Name))
		sum := sha256.Sum256(data)
		if !ok || err != nil || f.SHA256 != hex.EncodeToString(sum[:]) || f.Bytes != int64(len(data)) {
			t.Errorf("%s: %+v, %v, %d bytes", part, f, err, len(data))
		}
	}
}

// TestAfterAKill: what is half done is tidied up, what is whole stays.
func TestAfterAKill(t *testing.T) {
	r := newRig(t)
	whole, lost, cut := r.raise("a"), r.raise("b"), r.raise("c")
	for _, id := range []string{whole, lost, cut} {
		r.keep(id, 100)
	}
	dir := filepath.Join(r.data, "evidence")
	// Renamed and killed before the row; half written; and a row whose file is gone,
	// or cut short.
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, r.raise("d")+".jpg"), []byte("no row"), 0o600), os.WriteFile(filepath.Join(dir, ".new-1"), nil, 0o600),
		os.Remove(filepath.Join(dir, lost+".jpg")), os.Truncate(filepath.Join(dir, cut+".jpg"), 5),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r.restart()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != whole+".jpg" {
		t.Errorf("%v are left, %v", files, err)
	}
	if n, size, err := r.keeper.Used(t.Context()); n != 1 || size != 100 || err != nil {
		t.Errorf("%d files of %d bytes, %v", n, size, err)
	}
	// The same name again is no obstacle.
	r.keep(lost, 50)
	if f, ok := r.file(lost, Picture); !ok || f.Bytes != 50 {
		t.Errorf("%+v, %v", f, ok)
	}
}

// TestAfterADamagedDatabase: what a backup and the journal know nothing of is evidence all the same.
func TestAfterADamagedDatabase(t *testing.T) {
	r := newRig(t)
	old := r.raise("a")
	r.keep(old, 100)
	if err := r.store.Backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := r.raise("b")
	r.keep(late, 70)
	was, _ := r.file(late, Picture)
	dir := filepath.Join(r.data, "evidence")
	for _, name := range []string{".new-1", "x.jpg", late + ".txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = r.store.Close()
	if err := os.WriteFile(filepath.Join(r.data, "sentrybox.db"), bytes.Repeat([]byte("x"), 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if reason := r.store.Recovery().Reason; reason == "" {
		t.Fatal("the damage was not noticed")
	}
	is, ok := r.file(late, Picture)
	was.Created, is.Created = time.Time{}, time.Time{}
	if !ok || is != was {
		t.Errorf("%+v, was %+v", is, was)
	}
	if files, err := os.ReadDir(dir); len(files) != 2 || err != nil {
		t.Errorf("%v are left, %v", files, err)
	}
	if n, size, err := r.keeper.Used(t.Context()); n != 2 || size != 170 || err != nil {
		t.Errorf("%d files of %d bytes, %v", n, size, err)
	}
}

// TestRetention: oldest first, by bytes and days, and never of an open alert.
func TestRetention(t *testing.T) {
	r := newRig(t)
	r.bytes = 1000
	r.restart()
	open := r.raise("open")
	r.keep(open, 400)
	var closed []string
	for i := range 3 {
		r.now = r.now.Add(time.Hour)
		id := r.raise(fmt.Sprint(i))
		r.keep(id, 200)
		r.answer(id, "handled")
		closed = append(closed, id)
	}
	r.now = r.now.Add(time.Hour)
	r.keep(r.raise("newest"), 200) // makes room first
	for i, want := range []bool{false, true, true} {
		if _, ok := r.file(closed[i], Picture); ok != want {
			t.Errorf("the file of closed alert %d is there: %v", i, ok)
		}
	}
	r.now = r.now.Add(30 * 24 * time.Hour)
	for _, leapt := range []bool{true, false} { // a clock that is not believed makes nothing old
		r.keeper.Aged = func() bool { return !leapt }
		if err := r.keeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.file(closed[2], Picture); ok != leapt {
			t.Errorf("the clock has leapt: %v, and the newest file of a closed alert is there: %v", leapt, ok)
		}
	}
	if n, size, err := r.keeper.Used(t.Context()); n != 2 || size != 600 || err != nil {
		t.Errorf("%d files of %d bytes are left, %v; want those of the two open alerts", n, size, err)
	}
	r.keep(r.raise("one more"), 500)
	if err := r.keeper.Room(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("room beside open alerts: %v", err)
	}
	if _, lost := r.keeper.Counts(); lost != 0 {
		t.Errorf("%d lost", lost)
	}
	last := r.raise("last")
	r.keep(last, 10)
	if _, ok := r.file(last, Picture); ok {
		t.Error("more than was allowed is kept")
	}
}

func TestWriteFails(t *testing.T) {
	r := newRig(t)
	id := r.raise("gate")
	errDisk := errors.New("disk full")
	err := r.keeper.Write(id, Picture, func(io.Writer) error { return errDisk }, nil)
	if files, _ := os.ReadDir(r.keeper.Dir); !errors.Is(err, errDisk) || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
	err = r.keeper.Write(id, Picture, func(io.Writer) error { return nil }, func(File) error { return errDisk })
	if files, _ := os.ReadDir(r.keeper.Dir); !errors.Is(err, errDisk) || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}
