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
	if err := r.keeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
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

// ask sends a command, and returns its result.
func (r *rig) ask(id, body string, local bool) map[string]any {
	r.t.Helper()
	if err := r.sender.Commands.Take(r.t.Context(), "cmd/"+id, []byte(body), local); err != nil {
		r.t.Fatal(err)
	}
	var result map[string]any
	if err := json.Unmarshal(r.local[command.Topic(id)], &result); err != nil {
		r.t.Fatalf("result of %s: %v", id, err)
	}
	return result
}

// receiver puts pieces together, in whatever order and however often they come.
type receiver struct {
	data []byte
	have map[int64]bool
	head Header
	sent int
}

func (rc *receiver) take(t *testing.T, payload []byte) {
	t.Helper()
	line, rest, _ := bytes.Cut(payload, []byte("\n"))
	if err := json.Unmarshal(line, &rc.head); err != nil || len(rest) != rc.head.Length {
		t.Fatalf("piece %s with %d bytes: %v", line, len(rest), err)
	}
	if rc.data == nil {
		rc.data, rc.have = make([]byte, rc.head.Total), map[int64]bool{}
	}
	copy(rc.data[rc.head.Offset:], rest)
	rc.have[rc.head.Offset] = true
	rc.sent++
}

func (rc *receiver) whole() bool {
	sum := sha256.Sum256(rc.data)
	return hex.EncodeToString(sum[:]) == rc.head.SHA256
}

// deliver is an uplink: it sends at most n pieces, and says how many there were.
func (r *rig) deliver(rc *receiver, n int) (sent int) {
	r.t.Helper()
	items, err := r.box.Next(r.t.Context(), n, outbox.Evidence, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, it := range items {
		if it.Lane == outbox.Evidence {
			payload, err := r.sender.Render(r.t.Context(), it.Payload)
			if err != nil {
				r.t.Fatal(err)
			}
			if len(it.Payload) > 200 || len(payload) > Piece+400 {
				r.t.Errorf("%d bytes wait in the outbox for a piece of %d", len(it.Payload), len(payload))
			}
			rc.take(r.t, payload)
			sent++
		}
		if err := r.box.Done(r.t.Context(), it.Seq); err != nil {
			r.t.Fatal(err)
		}
	}
	return sent
}

func (r *rig) step() int {
	r.t.Helper()
	n, err := r.sender.step(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// TestTransfer: a file arrives whole across a restart in the middle, from the
// first byte or any other, and asking again with the same id begins nothing anew.
func TestTransfer(t *testing.T) {
	r := newRig(t)
	id := r.raise("gate")
	r.keep(id, 100*Piece+17)
	body := `{"type":"evidence","alert":"` + id + `","part":"picture","from":0}`
	if got := r.ask("c-1", body, false); got["state"] != "accepted" || got["total"] != float64(100*Piece+17) {
		t.Fatalf("%v", got)
	}
	var rc receiver
	r.step()
	for r.deliver(&rc, 20) > 0 && rc.sent < 30 {
	}
	r.restart()
	r.ask("c-1", body, false)
	for range 1000 {
		n := r.step()
		if r.deliver(&rc, 20) == 0 && n == 0 {
			break
		}
	}
	if !rc.whole() || rc.sent != 101 {
		t.Errorf("whole: %v after %d pieces", rc.whole(), rc.sent)
	}
	var last map[string]any
	if err := json.Unmarshal(r.local[command.Topic("c-1")], &last); err != nil || last["state"] != "done" {
		t.Errorf("at last %v, %v", last, err)
	}
	// From the middle: the rest alone.
	rest := receiver{data: make([]byte, 100*Piece+17), have: map[int64]bool{}}
	copy(rest.data, rc.data[:90*Piece+100])
	r.ask("c-2", `{"type":"evidence","alert":"`+id+`","part":"picture","from":`+fmt.Sprint(90*Piece+100)+`}`, false)
	for range 1000 {
		n := r.step()
		if r.deliver(&rest, 20) == 0 && n == 0 {
			break
		}
	}
	if !rest.whole() || rest.sent != 10 {
		t.Errorf("whole: %v after %d pieces", rest.whole(), rest.sent)
	}
}

// TestLocalTransfer: who asks at the local broker gets it there, and nothing of it
// goes out by the uplink.
func TestLocalTransfer(t *testing.T) {
	r := newRig(t)
	id := r.raise("gate")
	r.keep(id, 5*Piece)
	r.ask("c-1", `{"type":"evidence","alert":"`+id+`","part":"picture"}`, true)
	for r.step() > 0 {
	}
	var rc, out receiver
	for i := range 5 {
		rc.take(t, r.local[Topic(id, Picture, int64(i*Piece))])
	}
	if !rc.whole() || r.deliver(&out, 100) != 0 {
		t.Errorf("whole: %v; %d pieces went out", rc.whole(), out.sent)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	id, none := r.raise("gate"), r.raise("yard")
	r.keep(id, 100)
	for name, tc := range map[string]struct{ body, want string }{
		"no JSON": {`{`, "invalid"}, "type": {`{"type":"dance"}`, "type"}, "alert": {`{"type":"evidence","alert":"x"}`, "invalid"},
		"part":    {`{"type":"evidence","alert":"` + id + `","part":"../../etc/passwd"}`, "invalid"},
		"from":    {`{"type":"evidence","alert":"` + id + `","part":"picture","from":100}`, "range"},
		"neg":     {`{"type":"evidence","alert":"` + id + `","part":"picture","from":-1}`, "range"},
		"gone":    {`{"type":"evidence","alert":"` + none + `","part":"picture"}`, "gone"},
		"unknown": {`{"type":"evidence","alert":"01JQZZZZZZZZZZZZZZZZZZZZZZ","part":"picture"}`, "unknown"},
		"expired": {`{"type":"evidence","alert":"` + id + `","part":"picture","expires":"2026-02-28T00:00:00Z"}`, "expired"},
	} {
		if got := r.ask("c-"+string(name[0])+fmt.Sprint(len(tc.body)), tc.body, true); got["state"] != "refused" || got["error"] != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	r.ask("late", `{"type":"evidence","alert":"`+id+`","part":"picture","expires":"2026-03-01T12:00:10Z"}`, false)
	r.now = r.now.Add(time.Minute)
	r.step()
	var got map[string]any
	if err := json.Unmarshal(r.local[command.Topic("late")], &got); err != nil || got["state"] != "expired" || r.step() != 0 {
		t.Errorf("%v, %v", got, err)
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
