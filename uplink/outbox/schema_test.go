package outbox_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"sentrybox/uplink/outbox"
)

// TestMigration opens an outbox as the first version left it, with items of
// every lane, some tried and some of topics in Chinese.
func TestMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(outbox.Schema()[0] + `; PRAGMA user_version = 1; UPDATE outbox_sender SET sending = 1;
		INSERT INTO outbox (place, lane, head, topic, retain, key, after, created, expires, attempts, payload) VALUES
		(1, 0, 1, 'alert/community/梅', 1, 'A', '', 1700000000000, 0, 2, x'6161'),
		(2, 2, 1, 'thumb/A', 0, '', 'A', 1700000000000, 0, 0, x'62'),
		(3, 5, 1, 'metrics', 0, 'metrics', '', 1700000000000, 1, 0, x'63');`); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	h := start(t, path)
	items := h.next(10, outbox.Metrics) // the metrics of old have expired
	h.want(items, "aa")
	if items[0].Attempts != 3 || items[0].Topic != "alert/community/梅" || !items[0].Retain {
		t.Errorf("the alert is %+v", items[0])
	}
	s := h.stats()
	if got := fmt.Sprint(s[outbox.Alert].Bytes, s[outbox.Thumbnail].Bytes, s[outbox.Metrics].Dropped); got != "221 208 1" {
		t.Errorf("sizes and drops are %s", got)
	}
	seqs := h.put(text("B", "b"))
	if seqs[0] != 4 {
		t.Errorf("the next number is %d", seqs[0])
	}
	h.done(items[0].Seq)
	h.want(h.next(10, outbox.Metrics), "b", "b")
}
