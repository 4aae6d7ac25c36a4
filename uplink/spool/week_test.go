package spool

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"golang.org/x/sys/unix"

	"sentrybox/uplink/outbox"
)

// newBox is an outbox before the fixture's spool.
func (f *fixture) newBox() (*outbox.Box, *sql.DB) {
	f.Helper()
	db, err := sql.Open("sqlite", filepath.Join(f.opt.Dir, "..", "box.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	for _, step := range outbox.Schema() {
		if _, err := db.Exec(step); err != nil {
			f.Fatal(err)
		}
	}
	box, err := outbox.New(f.Context(), db, func() time.Time { return f.now }, outbox.WithMetrics(Lane{f.Spool, "metrics"}))
	if err != nil {
		f.Fatal(err)
	}
	return box, db
}

// alert queues a text of 700 bytes and a thumbnail of 12 KiB.
func (f *fixture) alert(box *outbox.Box, db *sql.DB, n int) {
	f.Helper()
	tx, err := db.BeginTx(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	id := fmt.Sprintf("A%05d", n)
	for _, it := range []outbox.Item{
		{Lane: outbox.Alert, Topic: "alert/community/" + id, Key: id, Retain: true, Payload: make([]byte, 700)},
		{Lane: outbox.Thumbnail, Topic: "thumb/" + id, After: id, Payload: make([]byte, 12<<10)},
	} {
		if _, err := box.Put(f.Context(), tx, it); err != nil {
			f.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		f.Fatal(err)
	}
	box.Wake()
}

// TestAWeekWithoutALine: a million points and 500 alerts wait within the limits,
// and when the line is back the alerts go first, whatever else waits.
func TestAWeekWithoutALine(t *testing.T) {
	f := fresh(t, Options{})
	box, db := f.newBox()
	minutes := weekDays * 24 * 60
	alerts := 0
	for m := range minutes {
		f.minute(100)
		if m*500/minutes >= alerts {
			alerts++
			f.alert(box, db, alerts)
		}
	}
	st, err := box.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := f.Stats()
	points := minutes * 100
	t.Logf("%d points wait as %d samples in %d batches, %d KiB on the disk, %d folded, %d dropped; %d alerts and %d thumbnails of %d KiB",
		points, m.Samples, m.Batches, m.Bytes>>10, m.Folded, m.Dropped, st[outbox.Alert].Depth, st[outbox.Thumbnail].Depth,
		(st[outbox.Alert].Bytes+st[outbox.Thumbnail].Bytes)>>10)
	if m.Bytes > f.Spool.opt.MaxBytes || m.Dropped != 0 || st[outbox.Alert].Depth != alerts || st[outbox.Thumbnail].Dropped != 0 {
		t.Errorf("%+v %+v", m, st)
	}
	order, readingsSent, bytes := f.send(box)
	t.Logf("the metrics are %d KiB on the line", bytes>>10)
	for i, lane := range order {
		if i < alerts && lane != outbox.Alert {
			t.Fatalf("item %d of %d alerts is of the lane %v", i, alerts, lane)
		}
		if i > 0 && lane < order[i-1] {
			t.Fatalf("item %d of the lane %v comes after one of %v", i, lane, order[i-1])
		}
	}
	if int(readingsSent) != points {
		t.Errorf("%d readings were sent, want %d", readingsSent, points)
	}
}

// send takes everything as a sender with a window does, acknowledging the oldest
// first, and returns the lanes in their order, and the readings and bytes of
// metrics.
func (f *fixture) send(box *outbox.Box) (order []outbox.Lane, sent uint64, bytes int) {
	f.Helper()
	var flying []outbox.Item
	skip := map[int64]struct{}{}
	for {
		items, err := box.Next(f.Context(), 16-len(flying), outbox.Metrics, skip)
		if err != nil {
			f.Fatal(err)
		}
		for _, it := range items {
			flying = append(flying, it)
			skip[it.Seq] = struct{}{}
			order = append(order, it.Lane)
			if it.Lane == outbox.Metrics {
				sent += countJSON(f, it.Payload)
				bytes += len(it.Payload)
			}
		}
		if len(flying) == 0 {
			return order, sent, bytes
		}
		n := (len(flying) + 1) / 2
		var seqs []int64
		for _, it := range flying[:n] {
			seqs = append(seqs, it.Seq)
			delete(skip, it.Seq)
		}
		if err := box.Done(f.Context(), seqs...); err != nil {
			f.Fatal(err)
		}
		flying = flying[n:]
	}
}

// spent is the processor's time that this process has taken: others do not add to it, as they and a slow
// disk do to a clock's.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFullSpoolIsFast compares what an alert costs before an empty spool and
// before one with a week in it.
func TestFullSpoolIsFast(t *testing.T) {
	f := fresh(t, Options{})
	box, db := f.newBox()
	const alerts = 60
	cost := func() time.Duration {
		began := spent(t)
		for i := range alerts {
			f.alert(box, db, i)
			for range 2 {
				items, err := box.Next(t.Context(), 1, outbox.Metrics, nil)
				if err != nil || len(items) != 1 || items[0].Lane > outbox.Thumbnail {
					t.Fatal(items, err)
				}
				if err := box.Done(t.Context(), items[0].Seq); err != nil {
					t.Fatal(err)
				}
			}
		}
		return (spent(t) - began) / alerts
	}
	cost() // the first time is slow
	empty := cost()
	for range weekDays * 24 * 12 {
		f.minute(100)
		f.now = f.now.Add(4 * time.Minute)
	}
	full := cost()
	t.Logf("an alert and its thumbnail put, taken and done, of the processor: %v empty, %v full, ratio %.2f", empty, full, float64(full)/float64(empty))
	if full > 50*empty { // no measure of speed: of whether it depends on the backlog
		t.Errorf("%v with a full spool, %v without", full, empty)
	}
}

// countJSON returns how many readings a batch stands for, as its receiver sees it.
func countJSON(t testing.TB, payload []byte) (n uint64) {
	t.Helper()
	var b wireBatch
	if err := json.Unmarshal(payload, &b); err != nil {
		t.Fatal(err)
	}
	for _, s := range b.Series {
		if s.N == nil {
			n += uint64(len(s.V))
		}
		for _, c := range s.N {
			n += uint64(c)
		}
	}
	return n
}
