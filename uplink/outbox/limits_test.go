package outbox_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sentrybox/uplink/outbox"
)

func (h *harness) stats() [outbox.Lanes]outbox.LaneStats {
	h.Helper()
	s, err := h.box.Stats(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return s
}

// limited opens a box with limits of its own.
func limited(t testing.TB, path string, options ...outbox.Option) *harness {
	t.Helper()
	h := &harness{TB: t, db: open(t, path), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	var err error
	if h.box, err = outbox.New(t.Context(), h.db, func() time.Time { return h.now }, options...); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestFullLanes holds that a full lane loses its oldest and no other lane loses
// anything, that alerts know no limit, and that the count of it outlives the
// process.
func TestFullLanes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	var limits outbox.Limits
	for l := range limits {
		limits[l] = outbox.Limit{Bytes: 100_000}
	}
	h := limited(t, path, outbox.WithLimits(limits)).quick()
	const n = 300
	for i := range n {
		for l := range outbox.Lane(outbox.Lanes) {
			payload := slices.Concat(fmt.Append(nil, i), make([]byte, 800))
			h.put(outbox.Item{Lane: l, Topic: fmt.Sprint("t/", int(l), "/", i), Payload: payload})
		}
	}
	h = h.reopen(path, false)
	for l, s := range h.stats() {
		lane := outbox.Lane(l)
		if lane == outbox.Alert {
			if s.Depth != n || s.Dropped != 0 {
				t.Errorf("%d alerts wait, %d were dropped", s.Depth, s.Dropped)
			}
			continue
		}
		if s.Bytes > 100_000 || s.Bytes < 90_000 || s.Depth+int(s.Dropped) != n {
			t.Errorf("%v: %d bytes, %d wait, %d dropped of %d", lane, s.Bytes, s.Depth, s.Dropped, n)
		}
	}
	// The newest are those that are left.
	items := h.next(4*n, outbox.Metrics)
	last := items[len(items)-1]
	if want := fmt.Sprint("t/", int(outbox.Metrics), "/", n-1); last.Topic != want {
		t.Errorf("the last is %s, want %s", last.Topic, want)
	}
}

// TestFullLaneKeepsWhatIsOnItsWay: dropping what is on its way would let the
// next of its topic go out beside it.
func TestFullLaneKeepsWhatIsOnItsWay(t *testing.T) {
	var limits outbox.Limits
	limits[outbox.Evidence].Bytes = 10_000
	h := limited(t, filepath.Join(t.TempDir(), "box.db"), outbox.WithLimits(limits))
	piece := func(p string) outbox.Item {
		return outbox.Item{Lane: outbox.Evidence, Topic: "evidence/A/clip", Payload: append([]byte(p), make([]byte, 2000)...)}
	}
	first := h.put(piece("0"))[0]
	h.sending(first)
	for i := range 20 {
		h.put(piece(fmt.Sprint(i + 1)))
	}
	if got := h.next(10, outbox.Metrics, first); len(got) != 0 {
		t.Fatalf("%s overtook", got[0].Topic)
	}
	h.done(first)
	if got := h.next(10, outbox.Metrics); len(got) != 1 || got[0].Payload[0] == '1' && got[0].Payload[1] == 0 {
		t.Fatalf("%d items", len(got))
	}
}

// TestRolledBackDrop: what a transaction drops that does not commit is there.
func TestRolledBackDrop(t *testing.T) {
	var limits outbox.Limits
	limits[outbox.Thumbnail].Bytes = 1500
	h := limited(t, filepath.Join(t.TempDir(), "box.db"), outbox.WithLimits(limits))
	h.put(item(outbox.Thumbnail, "t/1", string(make([]byte, 1000))))
	tx, err := h.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.box.Put(t.Context(), tx, item(outbox.Thumbnail, "t/2", string(make([]byte, 1000)))); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if s := h.stats()[outbox.Thumbnail]; s.Depth != 1 || s.Dropped != 0 {
		t.Fatalf("after a roll-back: %+v", s)
	}
	h.put(item(outbox.Thumbnail, "t/3", string(make([]byte, 1000))))
	if s := h.stats()[outbox.Thumbnail]; s.Depth != 1 || s.Dropped != 1 {
		t.Fatalf("after another: %+v", s)
	}
}

func TestAgeLimit(t *testing.T) {
	var limits outbox.Limits
	limits[outbox.Thumbnail].Age = time.Hour
	limits[outbox.Alert].Age = time.Hour // which nobody looks at
	h := limited(t, filepath.Join(t.TempDir(), "box.db"), outbox.WithLimits(limits))
	unset := item(outbox.Thumbnail, "t/unset", "unset")
	unset.Created = time.Unix(1000, 0)
	h.put(text("A", "a"), thumb("B"), unset)
	h.now = h.now.Add(61 * time.Minute)
	if err := h.box.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := h.stats(); s[outbox.Thumbnail].Depth != 1 || s[outbox.Thumbnail].Dropped != 1 || s[outbox.Alert].Depth != 1 {
		t.Fatalf("%+v", s)
	}
	h.want(h.next(10, outbox.Metrics), "a", "unset")
}

// TestNoRoom: on a nearly full disk only what is urgent is taken, and the rest
// TestClockAhead: pictures stay while the clock may have leapt ahead; what is worth nothing late goes.
func TestClockAhead(t *testing.T) {
	aged := false
	h := limited(t, t.TempDir()+"/box.db", outbox.WithAged(func() bool { return aged }))
	h.put(item(outbox.Reply, "r", "reply"), item(outbox.Thumbnail, "thumb/A", "picture"), item(outbox.Evidence, "e", "clip"))
	h.now = h.now.Add(10 * 365 * 24 * time.Hour)
	h.want(h.next(10, outbox.Metrics), "picture", "clip")
	aged = true
	h.want(h.next(10, outbox.Metrics))
}

// counted, durably once it can be.
func TestNoRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	room := false
	h := limited(t, path, outbox.WithRoom(func() bool { return room }))
	h.put(text("A", "a"), thumb("A"), item(outbox.Reply, "r", "r"), item(outbox.State, "device/x", "s"), item(outbox.Evidence, "e", "e"))
	h.want(h.next(10, outbox.Metrics), "a", "r")
	if err := h.box.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h = h.reopen(path, false)
	s := h.stats()
	for _, l := range []outbox.Lane{outbox.Thumbnail, outbox.State, outbox.Evidence} {
		if s[l].Dropped != 1 || s[l].Depth != 0 {
			t.Errorf("%v: %+v", l, s[l])
		}
	}
}

// tail is a queue of metrics in memory.
type tail struct {
	items []outbox.Item
	err   error
	wake  func()
}

func (q *tail) Next(n int, skip map[int64]struct{}) (out []outbox.Item, err error) {
	for _, it := range q.items {
		if _, ok := skip[it.Seq]; !ok && len(out) < n {
			out = append(out, it)
		}
	}
	return out, q.err
}

func (q *tail) Done(seqs ...int64) {
	q.items = slices.DeleteFunc(q.items, func(it outbox.Item) bool { return slices.Contains(seqs, it.Seq) })
}

func (q *tail) Notify(wake func()) { q.wake = wake }

func (q *tail) Stats() outbox.LaneStats { return outbox.LaneStats{Depth: len(q.items), Folded: 7} }

// TestTail: it comes behind all lanes, and its numbers are nobody else's.
func TestTail(t *testing.T) {
	q := &tail{}
	for i := range 5 {
		it := item(outbox.Metrics, "metrics", fmt.Sprint("m", i))
		it.Seq = int64(i + 1)
		q.items = append(q.items, it)
	}
	h := limited(t, filepath.Join(t.TempDir(), "box.db"), outbox.WithMetrics(q))
	changed := h.box.Changed()
	q.wake()
	<-changed
	seq := h.put(text("A", "a"))[0]
	got := h.next(3, outbox.Metrics)
	h.want(got, "a", "m0", "m1")
	h.want(h.next(10, outbox.Evidence), "a")
	h.sending(got[0].Seq, got[1].Seq)
	if again := h.next(3, outbox.Metrics); again[1].Attempts != 1 || again[2].Attempts != 0 {
		t.Errorf("attempts are %d and %d", again[1].Attempts, again[2].Attempts)
	}
	h.done(got[1].Seq) // and not the alert, whose number is the same but for the sign
	h.want(h.next(10, outbox.Metrics, seq), "m1", "m2", "m3", "m4")
	if s := h.stats()[outbox.Metrics]; s.Depth != 4 || s.Folded != 7 {
		t.Errorf("%+v", s)
	}
	q.err = errors.New("broken")
	if _, err := h.box.Next(t.Context(), 10, outbox.Metrics, nil); !errors.Is(err, q.err) {
		t.Errorf("%v, want the tail's error", err)
	}
}
