package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/uplink/outbox"
)

func text(id, payload string) outbox.Item {
	return outbox.Item{Lane: outbox.Alert, Topic: "alert/community/" + id, Key: id, Retain: true, Payload: []byte(payload)}
}

// clearing is the empty retained payload that clears an alert's topic.
func clearing(id string) outbox.Item {
	return outbox.Item{Lane: outbox.Alert, Topic: "alert/community/" + id, Key: id, Retain: true}
}

func thumb(id string) outbox.Item {
	return outbox.Item{Lane: outbox.Thumbnail, Topic: "thumb/" + id, After: id, Payload: []byte("jpeg " + id)}
}

func (h *harness) depth(lane outbox.Lane, want int) {
	h.Helper()
	if n, _, err := h.box.Depth(h.Context(), lane); err != nil || n != want {
		h.Fatalf("%d items wait in the lane %v (%v), want %d", n, lane, err, want)
	}
}

// TestFlappingAlert holds that an alert that is raised again and again while
// there is no line leaves one text, in its old place, and its end after it.
func TestFlappingAlert(t *testing.T) {
	h := fresh(t).quick()
	h.put(text("A", "A1"), text("B", "B1"))
	for i := range 100 {
		h.put(text("A", fmt.Sprint("A", i+2)))
	}
	h.depth(outbox.Alert, 2)
	h.want(h.next(10, outbox.Metrics), "A101", "B1")
	// The last revision goes out before the topic is cleared, and nothing that
	// is added later, in whatever lane, takes the place of either.
	h.put(text("A", "handled"), clearing("A"))
	h.put(clearing("A"))
	h.put(text("A", "noted"))
	h.put(outbox.Item{Lane: outbox.Metrics, Topic: "alert/community/A", Key: "A", Payload: []byte("m")})
	var order []string
	for items := h.next(1, outbox.Metrics); len(items) > 0; items = h.next(1, outbox.Metrics) {
		order = append(order, string(items[0].Payload))
		h.done(items[0].Seq)
	}
	if got := fmt.Sprintf("%q", order); got != `["handled" "B1" "" "" "noted" "m"]` {
		t.Fatalf("sent were %s", got)
	}
}

// TestRevisionOnItsWayStays holds that a text which may have been sent is
// neither taken away nor overtaken by later ones, also after a kill.
func TestRevisionOnItsWayStays(t *testing.T) {
	path := t.TempDir() + "/box.db"
	h := start(t, path)
	sent := h.put(text("A", "1"))[0]
	h.sending(sent)
	for _, p := range []string{"2", "3", "4"} {
		h.put(text("A", p))
	}
	h.depth(outbox.Alert, 2)
	h.want(h.next(10, outbox.Metrics), "1")
	h.want(h.next(10, outbox.Metrics, sent)) // the second waits for the first
	h = h.reopen(path, false)
	h.put(text("A", "5"), text("A", "6")) // after the kill, 4 may have been sent too
	h.depth(outbox.Alert, 3)
	for _, p := range []string{"1", "4", "6"} {
		items := h.next(10, outbox.Metrics)
		h.want(items, p)
		h.done(items[0].Seq)
	}
	h.depth(outbox.Alert, 0)
}

// TestThumbnailOfAFlappingAlert holds that a thumbnail waits for a text of its
// alert however often the text is replaced after it was added, and that texts
// which are added once it was the thumbnail's turn do not hold it up.
func TestThumbnailOfAFlappingAlert(t *testing.T) {
	h := fresh(t).quick()
	h.put(text("A", "A1"), thumb("A"))
	for _, p := range []string{"A2", "A3"} {
		h.put(text("A", p))
		h.want(h.next(10, outbox.Metrics), p)
	}
	first := h.next(1, outbox.Metrics)[0].Seq
	h.want(h.next(10, outbox.Metrics, first)) // on its way is not done
	h.sending(first)
	h.put(text("A", "A4"))
	h.want(h.next(10, outbox.Metrics), "A3")
	h.done(first)
	for i := range 20 {
		h.put(text("A", fmt.Sprint("again", i)))
		h.want(h.next(10, outbox.Metrics), fmt.Sprint("again", i), "jpeg A")
	}
}

// TestReplacementOvertakesNothing holds that what takes over a place does not
// come before others of its topic, for whoever reads the topic last must see
// the newest.
func TestReplacementOvertakesNothing(t *testing.T) {
	h := fresh(t).quick()
	put := func(key, payload string) {
		h.put(outbox.Item{Lane: outbox.Metrics, Topic: "metrics", Key: key, Payload: []byte(payload)})
	}
	put("x", "x1")
	put("y", "y1")
	put("x", "x2")
	put("x", "x3")
	for _, p := range []string{"x1", "y1", "x3"} {
		items := h.next(10, outbox.Metrics)
		h.want(items, p)
		h.done(items[0].Seq)
	}
	h.depth(outbox.Metrics, 0)
}

// quick does without the disk's own pace, for tests in which nothing is killed.
func (h *harness) quick() *harness {
	h.Helper()
	if _, err := h.db.Exec(`PRAGMA synchronous = OFF`); err != nil {
		h.Fatal(err)
	}
	return h
}

// fill adds n rows at once; topic and after are SQL over the row's number i.
func (h *harness) fill(n int, lane outbox.Lane, topic, after string) {
	h.Helper()
	_, err := h.db.Exec(`INSERT INTO outbox (place, lane, head, topic, retain, key, after, created, expires, payload)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1),
		r AS (SELECT i, i + (SELECT coalesce(max(place), 0) FROM outbox) AS place, `+topic+` AS topic, `+after+` AS after FROM n)
		SELECT place, ?2, row_number() OVER (PARTITION BY topic ORDER BY i) = 1, topic, 0, '', after, 0, 0, x'6d' FROM r ORDER BY i`, n, lane)
	if err != nil {
		h.Fatal(err)
	}
	// What follows is put as usual, behind all of it.
	if _, err := h.db.Exec(`UPDATE sqlite_sequence SET seq = (SELECT max(place) FROM outbox) WHERE name = 'outbox'`); err != nil {
		h.Fatal(err)
	}
}

// spent is the processor's time that this process has taken: others do not add to it, as they do to a clock's.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLongBacklogs holds that 50,000 items of a lane hide nothing that may go,
// and that Next costs about the same with them as without.
func TestLongBacklogs(t *testing.T) {
	for _, c := range []struct {
		name         string
		topic, after string
		want         []string
	}{
		{"one topic", `'metrics'`, `''`, []string{"m", "other"}},
		{"a topic each", `'metrics/' || i`, `''`, []string{"m", "m", "m", "m"}},
		{"three topics", `'metrics/' || (i % 3)`, `''`, []string{"m", "m", "m", "other"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := fresh(t).quick()
			h.fill(backlog, outbox.Metrics, c.topic, c.after)
			h.put(text("A", "a"), outbox.Item{Lane: outbox.Metrics, Topic: "other", Payload: []byte("other")})
			h.want(h.next(1+len(c.want), outbox.Metrics), append([]string{"a"}, c.want...)...)
			began := spent(t)
			const rounds = 20
			for range rounds {
				items := h.next(32, outbox.Metrics)
				h.done(items[len(items)-1].Seq)
				h.put(outbox.Item{Lane: outbox.Metrics, Topic: "other", Key: "o", Payload: []byte("other")})
			}
			per := (spent(t) - began) / rounds
			t.Logf("next, done and put take %v of the processor", per)
			if per > 250*time.Millisecond {
				t.Fatalf("next, done and put take %v of the processor with a backlog of %d", per, backlog)
			}
		})
	}
}

// TestWaitingThumbnailsHideNothing holds that thumbnails whose text
// cannot go do not hide one that can.
func TestWaitingThumbnailsHideNothing(t *testing.T) {
	h := fresh(t).quick()
	held := h.put(text("A", "a"))[0]
	h.fill(backlog, outbox.Thumbnail, `'thumb/' || i`, `'A'`)
	h.put(thumb("B"))
	began := time.Now()
	h.want(h.next(10, outbox.Metrics, held), "jpeg B")
	t.Logf("next takes %v", time.Since(began))
}
