//go:build e2e

package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/hack/postgres"
)

// TestTwoConsoles: two consoles on one database hear the same storm at the same time, each in an order of its
// own, with pictures, while people answer at both. Both end with what a model says, neither fails, the
// first answer wins, and who follows the numbers of the changes misses none.
func TestTwoConsoles(t *testing.T) {
	dir, err := os.MkdirTemp("", "sentrybox-ledger-") // t.TempDir is within a folder that is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pg, err := postgres.Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop() })
	two := [2]*clocked{}
	var opening sync.WaitGroup
	for n := range two { // together, so that both want to make the tables
		opening.Go(func() {
			two[n] = &clocked{at: began}
			l, err := Open(context.Background(), pg.DSN, func() time.Time { return two[n].at })
			if err != nil {
				t.Error(err)
				return
			}
			two[n].Ledger = l
		})
	}
	opening.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, l := range two {
		t.Cleanup(func() { _ = l.Close() })
	}
	const alerts = 120
	_, want := storm(rand.New(rand.NewPCG(5, 5)), alerts)
	ends := make(chan struct{})
	var work, watch sync.WaitGroup
	for n, l := range two {
		rng := rand.New(rand.NewPCG(uint64(n), 5))
		all, _ := storm(rand.New(rand.NewPCG(5, 5)), alerts)
		for a := range alerts {
			all = append(all, Message{Gateway: gate, Topic: "thumb/" + id(a), Payload: []byte{0xFF, 0xD8, 0xFF, byte(a)}, At: began})
		}
		swap := func(i, j int) { all[i], all[j] = all[j], all[i] }
		rand.New(rand.NewPCG(6, 5)).Shuffle(len(all), swap)
		for at := 0; at < len(all); at += 12 { // a broker's order is much the same for both
			rng.Shuffle(min(12, len(all)-at), func(i, j int) { swap(at+i, at+j) })
		}
		work.Go(func() {
			for len(all) > 0 {
				k := min(len(all), 1+rng.IntN(20))
				if _, err := l.Hear(context.Background(), all[:k]); err != nil {
					t.Errorf("console %d: %v", n, err)
				}
				all = all[k:]
			}
		})
		work.Go(func() {
			for a := range alerts {
				_, err := l.Say(context.Background(), Answer{Alert: id(a), Action: "handled", Who: fmt.Sprint(n)})
				if err != nil && !errors.Is(err, ErrUnknown) {
					t.Errorf("console %d: %v", n, err)
				}
			}
		})
		watch.Go(func() { follow(t, l, ends, want) })
	}
	work.Wait()
	close(ends)
	watch.Wait()
	for _, l := range two {
		held(t, l.Ledger, want)
	}
	for a := range 3 { // of two that would ask for the same picture one may
		c := &Card{Where: gate}
		c.ID = id(a)
		var may [2]bool
		for n, l := range two {
			work.Go(func() {
				ok, err := l.Claim(context.Background(), c, began.Add(-time.Hour), 2)
				if may[n] = ok; err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if may[0] && may[1] || (may[0] || may[1]) != (a < 2) {
			t.Errorf("picture %d: %v may ask", a, may)
		}
	}
	// The storm's states also go back, after which the same may be said again; two may never wait together.
	var twice int
	err = two[0].row(t.Context(), `SELECT count(*) FROM (SELECT alert FROM answers WHERE status = 'waiting' GROUP BY alert HAVING count(*) > 1) AS t`).Scan(&twice)
	if err != nil || twice > 0 {
		t.Errorf("%d alerts have two answers that wait, %v", twice, err)
	}
}

// follow asks for what has changed since the last number until all is over, and holds what it saw
// against the model.
func follow(t *testing.T, l *clocked, ends <-chan struct{}, want map[string]alert.Alert) {
	seen, last := map[string]Card{}, int64(0)
	for over := false; ; {
		select {
		case <-ends:
			over = true
		default:
		}
		changed, err := l.Since(context.Background(), last)
		if err != nil {
			t.Error(err)
			return
		}
		for _, c := range changed {
			seen[c.ID], last = c, max(last, c.Seq)
		}
		if over {
			break
		}
	}
	for id, w := range want {
		if seen[id].Rev != w.Rev || !seen[id].Picture {
			t.Errorf("%s was seen at revision %d, picture %v, want %d", id, seen[id].Rev, seen[id].Picture, w.Rev)
		}
	}
}
