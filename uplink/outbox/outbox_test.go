package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"sentrybox/uplink/outbox"
)

// open opens a database as the gateway does, and makes the tables if they are
// not there.
func open(t testing.TB, path string) *sql.DB {
	t.Helper()
	q := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	var have int
	if err := db.QueryRow(`PRAGMA user_version`).Scan(&have); err != nil {
		t.Fatal(err)
	}
	for i, step := range outbox.Schema()[have:] {
		if _, err := db.Exec(fmt.Sprintf(`BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT`, step, have+i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

type harness struct {
	testing.TB
	db  *sql.DB
	box *outbox.Box
	now time.Time
}

func start(t testing.TB, path string) *harness {
	t.Helper()
	h := &harness{TB: t, db: open(t, path), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	var err error
	if h.box, err = outbox.New(t.Context(), h.db, func() time.Time { return h.now }); err != nil {
		t.Fatal(err)
	}
	return h
}

func fresh(t testing.TB) *harness {
	t.Helper()
	return start(t, filepath.Join(t.TempDir(), "box.db"))
}

func (h *harness) put(items ...outbox.Item) (seqs []int64) {
	h.Helper()
	tx, err := h.db.BeginTx(h.Context(), nil)
	if err != nil {
		h.Fatal(err)
	}
	for _, it := range items {
		seq, err := h.box.Put(h.Context(), tx, it)
		if err != nil {
			h.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	if err := tx.Commit(); err != nil {
		h.Fatal(err)
	}
	h.box.Wake()
	return seqs
}

func (h *harness) next(n int, lowest outbox.Lane, skip ...int64) []outbox.Item {
	h.Helper()
	set := map[int64]struct{}{}
	for _, s := range skip {
		set[s] = struct{}{}
	}
	items, err := h.box.Next(h.Context(), n, lowest, set)
	if err != nil {
		h.Fatal(err)
	}
	return items
}

func (h *harness) done(seqs ...int64) {
	h.Helper()
	if err := h.box.Done(h.Context(), seqs...); err != nil {
		h.Fatal(err)
	}
}

func (h *harness) sending(seqs ...int64) {
	h.Helper()
	if err := h.box.Sending(h.Context(), seqs...); err != nil {
		h.Fatal(err)
	}
}

// want checks the payloads that may be sent now.
func (h *harness) want(items []outbox.Item, payloads ...string) {
	h.Helper()
	var got []string
	for _, it := range items {
		got = append(got, string(it.Payload))
	}
	if !slices.Equal(got, payloads) {
		h.Fatalf("next gives %q, want %q", got, payloads)
	}
}

func item(lane outbox.Lane, topic, payload string) outbox.Item {
	return outbox.Item{Lane: lane, Topic: topic, Payload: []byte(payload)}
}

func TestEverythingOfAnItemIsKept(t *testing.T) {
	h := fresh(t)
	in := outbox.Item{Lane: outbox.Thumbnail, Topic: "thumb/A", Retain: true, Key: "k", After: "a", Payload: []byte{0, 255, 7},
		Created: h.now.Add(-time.Hour), Expires: h.now.Add(time.Hour)}
	seq := h.put(in)[0]
	got := h.next(1, outbox.Metrics)[0]
	if got.Seq != seq || got.Lane != in.Lane || got.Topic != in.Topic || !got.Retain || got.Key != "k" || got.After != "a" ||
		string(got.Payload) != string(in.Payload) || !got.Created.Equal(in.Created) || !got.Expires.Equal(in.Expires) || got.Attempts != 0 {
		t.Fatalf("got %+v", got)
	}
}

func TestPriorityThenAge(t *testing.T) {
	h := fresh(t)
	h.put(item(outbox.Metrics, "m1", "m1"), item(outbox.State, "s1", "s1"), item(outbox.Alert, "a1", "a1"),
		item(outbox.Thumbnail, "t1", "t1"), item(outbox.Evidence, "e1", "e1"), item(outbox.Reply, "r1", "r1"), item(outbox.Alert, "a2", "a2"))
	h.want(h.next(10, outbox.Metrics), "a1", "a2", "r1", "t1", "s1", "e1", "m1")
	h.want(h.next(3, outbox.Metrics), "a1", "a2", "r1")
	h.want(h.next(10, outbox.Reply), "a1", "a2", "r1")
	h.want(h.next(10, outbox.Metrics, h.next(1, outbox.Alert)[0].Seq), "a2", "r1", "t1", "s1", "e1", "m1")
}

// TestRankGoesBeforeAge: the gravest alert does not wait for a backlog, a revision takes its own
// rank along, and the order of a topic holds whatever the ranks.
func TestRankGoesBeforeAge(t *testing.T) {
	h := fresh(t)
	of := func(rank int, it outbox.Item) outbox.Item {
		it.Rank = rank
		return it
	}
	h.put(of(4, text("A", "a")), of(2, text("B", "b")), of(4, text("C", "c1")), of(1, text("D", "d")), of(2, text("E", "e")))
	h.put(of(1, text("C", "c2")), of(1, clearing("A")))
	h.want(h.next(2, outbox.Alert), "c2", "d")
	items := h.next(10, outbox.Alert)
	h.want(items, "c2", "d", "b", "e", "a")
	h.done(items[4].Seq)
	h.want(h.next(10, outbox.Alert), "c2", "d", "", "b", "e")
}

// TestNothingBeforeAnAlertHoldsItUp: a new revision takes away what is published again, and what may be on its way before
// it becomes as urgent as it is, in whatever lane and of whatever rank it was.
func TestNothingBeforeAnAlertHoldsItUp(t *testing.T) {
	h := fresh(t)
	again := text("A", "again")
	again.Lane, again.Key = outbox.State, "again/A"
	tried := text("B", "tried")
	tried.Lane, tried.Key = outbox.State, "again/B"
	mild := text("C", "mild")
	mild.Rank = 4
	seqs := h.put(again, tried, mild, text("D", "other"))
	h.sending(seqs[1], seqs[2])
	for _, id := range []string{"A", "B", "C"} {
		grave := text(id, "grave "+id)
		grave.Rank = 1
		h.put(grave)
	}
	h.depth(outbox.State, 0)
	h.done(seqs[3])
	items := h.next(10, outbox.Reply)
	h.want(items, "tried", "mild", "grave A")
	if items[0].Attempts != 1 {
		t.Errorf("%+v", items[0])
	}
	h.done(seqs[1], seqs[2])
	h.want(h.next(10, outbox.Reply), "grave A", "grave B", "grave C")
}

// TestWhatWaitsByRank: the gravest are told first, and any number of others hides none of them.
func TestWhatWaitsByRank(t *testing.T) {
	h := fresh(t).quick()
	for i := range 20 {
		mild := text(fmt.Sprint("M", i), "m")
		mild.Rank = 3
		h.put(mild)
	}
	again := text("one", "again")
	again.Lane, again.Key = outbox.State, "again/one"
	h.sending(h.put(again)...) // stands before its text
	for i, id := range []string{"two", "one"} {
		grave := text(id, "g")
		grave.Rank = 2 - i
		h.put(grave, clearing("gone"))
	}
	tx, err := h.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if keys, err := h.box.WaitingKeys(t.Context(), tx, outbox.Alert, 2, 5); err != nil || !slices.Equal(keys, []string{"again/one", "one", "two"}) {
		t.Errorf("%q, %v", keys, err)
	}
	for key, want := range map[string]bool{"M7": true, "gone": false, "": false, "X": false} {
		if waits, err := h.box.Waits(t.Context(), tx, outbox.Alert, key); err != nil || waits != want {
			t.Errorf("%q waits: %v, %v", key, waits, err)
		}
	}
}

func TestOneItemOfATopicAtATime(t *testing.T) {
	h := fresh(t)
	text := item(outbox.Alert, "alert/community/A", "raised")
	clear := outbox.Item{Lane: outbox.Alert, Topic: "alert/community/A", Retain: true} // the empty payload that clears the topic
	seqs := h.put(text, clear, item(outbox.Alert, "alert/community/B", "other"))
	h.want(h.next(10, outbox.Metrics), "raised", "other")
	// On its way is not done: the clearing still waits.
	h.sending(seqs[0])
	h.want(h.next(10, outbox.Metrics, seqs[0]), "other")
	// The connection was lost: it is the text's turn again, not the clearing's.
	h.want(h.next(10, outbox.Metrics), "raised", "other")
	h.done(seqs[0])
	got := h.next(10, outbox.Metrics)
	h.want(got, "", "other")
	if !got[0].Retain || len(got[0].Payload) != 0 {
		t.Fatalf("the clearing is %+v", got[0])
	}
}

func TestTopicOrderHoldsAcrossLanes(t *testing.T) {
	h := fresh(t)
	seqs := h.put(item(outbox.Metrics, "x", "first"), item(outbox.Alert, "x", "second"))
	h.want(h.next(10, outbox.Metrics), "first")
	h.done(seqs[0])
	h.want(h.next(10, outbox.Metrics), "second")
}

func TestThumbnailWaitsForItsText(t *testing.T) {
	h := fresh(t)
	seqs := h.put(
		outbox.Item{Lane: outbox.Alert, Topic: "alert/grid/A", Key: "A", Payload: []byte("grid")},
		outbox.Item{Lane: outbox.Alert, Topic: "alert/community/A", Key: "A", Payload: []byte("community")},
		outbox.Item{Lane: outbox.Thumbnail, Topic: "thumb/A", After: "A", Payload: []byte("jpeg")},
		outbox.Item{Lane: outbox.Thumbnail, Topic: "thumb/B", After: "B", Payload: []byte("free")},
	)
	h.sending(seqs[:2]...)
	h.want(h.next(10, outbox.Metrics, seqs[0], seqs[1]), "free")
	h.done(seqs[0])
	h.want(h.next(10, outbox.Metrics, seqs[1]), "free")
	// A later revision does not hold it back again.
	h.put(outbox.Item{Lane: outbox.Alert, Topic: "alert/community/A", Key: "A", Payload: []byte("rev2")})
	h.done(seqs[1])
	h.want(h.next(10, outbox.Metrics), "rev2", "jpeg", "free")
}

func TestNewerStateReplacesUnsent(t *testing.T) {
	h := fresh(t)
	state := func(p string) outbox.Item {
		return outbox.Item{Lane: outbox.State, Topic: "device/cam", Key: "cam", Retain: true, Payload: []byte(p)}
	}
	h.put(state("1"), outbox.Item{Lane: outbox.State, Topic: "device/other", Key: "other", Payload: []byte("o")})
	h.put(state("2"))
	h.put(state("3"))
	h.want(h.next(10, outbox.Metrics), "3", "o")
	// What may be on its way stays, and goes first.
	sent := h.next(10, outbox.Metrics)[0].Seq
	h.sending(sent)
	h.put(state("4"))
	h.put(state("5"))
	h.want(h.next(10, outbox.Metrics), "3", "o")
	h.done(sent)
	h.want(h.next(10, outbox.Metrics), "o", "5")
	// The same key in another lane, or on another topic, replaces nothing.
	h.put(outbox.Item{Lane: outbox.Alert, Topic: "alert/x", Key: "cam", Payload: []byte("a")},
		outbox.Item{Lane: outbox.Alert, Topic: "alert/x", Key: "cam", Retain: true},
		outbox.Item{Lane: outbox.State, Topic: "device/cam2", Key: "cam", Payload: []byte("c2")})
	if n, _, err := h.box.Depth(t.Context(), outbox.Alert); err != nil || n != 2 {
		t.Fatalf("%d alerts wait (%v), want 2", n, err)
	}
	if n, _, err := h.box.Depth(t.Context(), outbox.State); err != nil || n != 3 {
		t.Fatalf("%d states wait (%v), want 3", n, err)
	}
}

// TestAlertWaitsSinceItsFirstRevision: a later one does not begin to count anew, but what follows a
// revision that may have been sent has waited for as long as itself.
func TestAlertWaitsSinceItsFirstRevision(t *testing.T) {
	h := fresh(t)
	begun := time.UnixMilli(1_800_000_000_000)
	text := func(after time.Duration) outbox.Item {
		return outbox.Item{Lane: outbox.Alert, Topic: "alert/community/A", Key: "A", Retain: true, Payload: []byte(after.String()), Created: begun.Add(after)}
	}
	since := func(payload string, want time.Duration) {
		t.Helper()
		it := h.next(1, outbox.Metrics)[0]
		if string(it.Payload) != payload || !it.Created.Equal(begun.Add(want)) {
			t.Errorf("%s waits since %v, want %s since %v", it.Payload, it.Created.Sub(begun), payload, want)
		}
	}
	other := text(time.Second)
	other.Topic, other.Key = "alert/community/B", "B"
	h.put(text(0), other)
	h.put(text(40 * time.Second))
	h.put(text(76 * time.Second))
	since("1m16s", 0)
	if n, oldest, err := h.box.Depth(t.Context(), outbox.Alert); err != nil || n != 2 || !oldest.Equal(begun) {
		t.Errorf("%d wait, the oldest since %v, %v", n, oldest.Sub(begun), err)
	}
	seq := h.next(1, outbox.Metrics)[0].Seq
	h.sending(seq)
	h.put(text(80 * time.Second))
	h.put(text(90 * time.Second))
	h.done(seq)
	h.done(h.next(1, outbox.Metrics)[0].Seq) // the other alert, whose place is before
	since("1m30s", 80*time.Second)
}

func TestRolledBackReplacementKeepsTheOlder(t *testing.T) {
	h := fresh(t)
	h.put(outbox.Item{Lane: outbox.State, Topic: "device/cam", Key: "cam", Payload: []byte("old")})
	tx, err := h.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.box.Put(t.Context(), tx, outbox.Item{Lane: outbox.State, Topic: "device/cam", Key: "cam", Payload: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	h.want(h.next(10, outbox.Metrics), "old")
}

func TestDoneIsByAbsoluteSequence(t *testing.T) {
	h := fresh(t)
	var items []outbox.Item
	for i := range 6 {
		items = append(items, item(outbox.Alert, fmt.Sprint("t", i), fmt.Sprint(i)))
	}
	seqs := h.put(items...)
	// Of a batch of six, 0, 1 and 5 were accepted.
	h.done(seqs[0], seqs[1], seqs[5])
	h.want(h.next(10, outbox.Metrics), "2", "3", "4")
	h.done(seqs[0], seqs[1], seqs[5], 1<<40)
	h.done()
	h.want(h.next(10, outbox.Metrics), "2", "3", "4")
	// The numbers of removed items are not given again, so a late
	// acknowledgement cannot remove what came after.
	h.done(seqs...)
	again := h.put(item(outbox.Alert, "t", "new"))
	if again[0] <= seqs[5] {
		t.Fatalf("sequence %d was given again", again[0])
	}
	h.done(seqs...)
	h.want(h.next(10, outbox.Metrics), "new")
}

func TestExpiredItemsGoUnlessOnTheirWay(t *testing.T) {
	h := fresh(t)
	result := func(p string, d time.Duration) outbox.Item {
		return outbox.Item{Lane: outbox.Reply, Topic: "cmd/1/result", Payload: []byte(p), Expires: h.now.Add(d)}
	}
	seqs := h.put(result("a", time.Minute), result("b", time.Minute), result("c", time.Hour))
	h.now = h.now.Add(2 * time.Minute)
	if got := h.next(10, outbox.Metrics, seqs[0]); len(got) != 0 {
		t.Fatalf("%q overtook an item that is on its way", got[0].Payload)
	}
	h.want(h.next(10, outbox.Metrics), "c")
	if n := h.stats()[outbox.Reply].Dropped; n != 2 {
		t.Fatalf("%d dropped, want 2", n)
	}
}

func TestInvalidItemsAreRefused(t *testing.T) {
	h := fresh(t)
	bad := []outbox.Item{
		{Lane: -1, Topic: "x"}, {Lane: outbox.Metrics + 1, Topic: "x"}, {Lane: outbox.Alert},
		{Topic: "a/+/b"}, {Topic: "a/#"}, {Topic: "a\x00b"}, {Topic: "/a"}, {Topic: "\xff"}, {Topic: strings.Repeat("x", 2000)},
		{Topic: "x", Payload: make([]byte, outbox.MaxPayload+1)}, {Lane: outbox.Alert, Topic: "x", Expires: h.now},
	}
	tx, err := h.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, it := range bad {
		if _, err := h.box.Put(t.Context(), tx, it); !errors.Is(err, outbox.ErrInvalid) {
			t.Errorf("topic %.20q lane %d: %v, want ErrInvalid", it.Topic, it.Lane, err)
		}
	}
}

func TestWakeReachesAWaiterThatAskedBefore(t *testing.T) {
	h := fresh(t)
	ch := h.box.Changed()
	select {
	case <-ch:
		t.Fatal("woken by nothing")
	default:
	}
	h.put(item(outbox.Alert, "a", "a"))
	select {
	case <-ch:
	default:
		t.Fatal("not woken")
	}
}

func TestDepth(t *testing.T) {
	h := fresh(t)
	first := h.now
	h.put(item(outbox.Alert, "a", "a"))
	h.now = h.now.Add(time.Minute)
	seq := h.put(item(outbox.Alert, "b", "b"), item(outbox.Metrics, "m", "m"))
	n, oldest, err := h.box.Depth(t.Context(), outbox.Alert)
	if err != nil || n != 2 || !oldest.Equal(first) {
		t.Fatalf("depth %d, oldest %v, %v", n, oldest, err)
	}
	h.done(seq[1])
	if n, oldest, err := h.box.Depth(t.Context(), outbox.Metrics); err != nil || n != 0 || !oldest.IsZero() {
		t.Fatalf("depth %d, oldest %v, %v", n, oldest, err)
	}
}

func TestNextAfterTheContextEnds(t *testing.T) {
	h := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.box.Next(ctx, 1, outbox.Metrics, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want the context's error", err)
	}
}
