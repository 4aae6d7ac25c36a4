package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	_ "modernc.org/sqlite"

	"sentrybox/uplink/outbox"
)

// TestAgainstModel puts, sends and acknowledges at random, and compares with
// the rules as package docs state them, written the slow way.
func TestAgainstModel(t *testing.T) {
	h := fresh(t).quick()
	rng := rand.New(rand.NewPCG(1, 2))
	var all []outbox.Item // in the order of the queue
	tried := map[int64]bool{}
	var replaced [outbox.Lanes]int
	for range 600 {
		switch rng.IntN(5) {
		case 0, 1:
			lane := rng.IntN(outbox.Lanes)
			it := outbox.Item{Lane: outbox.Lane(lane), Topic: fmt.Sprint("t", lane/2, rng.IntN(3)), Payload: fmt.Append(nil, rng.Int())}
			if rng.IntN(3) == 0 {
				it.Topic = "all"
			}
			if rng.IntN(4) > 0 {
				it.Key = fmt.Sprint("k", rng.IntN(2))
			}
			if rng.IntN(4) == 0 {
				it.After = fmt.Sprint("k", rng.IntN(3))
			}
			if rng.IntN(4) == 0 {
				it.Payload = nil
			}
			it.Seq = h.put(it)[0]
			n := len(all)
			all = modelPut(all, it, tried)
			replaced[it.Lane] += n + 1 - len(all)
		case 2, 3:
			skip := map[int64]struct{}{}
			for _, it := range all {
				if rng.IntN(6) == 0 {
					skip[it.Seq] = struct{}{}
				}
			}
			n, lowest := 1+rng.IntN(10), outbox.Lane(rng.IntN(outbox.Lanes))
			got, err := h.box.Next(t.Context(), n, lowest, skip)
			if err != nil {
				t.Fatal(err)
			}
			want := modelNext(all, n, lowest, skip)
			if len(got) != len(want) {
				t.Fatalf("%d items, want %d", len(got), len(want))
			}
			for i := range got {
				if got[i].Seq != want[i].Seq || string(got[i].Payload) != string(want[i].Payload) {
					t.Fatalf("item %d is %d, want %d", i, got[i].Seq, want[i].Seq)
				}
				if rng.IntN(4) == 0 {
					h.sending(got[i].Seq)
					tried[got[i].Seq] = true
				}
			}
		case 4:
			if len(all) == 0 {
				continue
			}
			i := rng.IntN(len(all))
			h.done(all[i].Seq)
			all = slices.Delete(all, i, i+1)
		}
	}
	for lane, n := range replaced {
		l := outbox.Lane(lane)
		if conflated := l == outbox.Alert || l == outbox.State || l == outbox.Metrics; conflated != (n > 0) {
			t.Errorf("%d items of the lane %v were replaced", n, l)
		}
	}
}

// modelPut adds it at the end, or in the place of the earliest of those that it
// replaces: from the end of its topic back to the first that stays. An alert's text also takes away states, whose place it
// does not take, and makes alerts of those that stay before it.
func modelPut(all []outbox.Item, it outbox.Item, tried map[int64]bool) []outbox.Item {
	at := len(all)
	if it.Key != "" && (it.Lane == outbox.State || it.Lane == outbox.Metrics || it.Lane == outbox.Alert && len(it.Payload) > 0) {
		for i := len(all) - 1; i >= 0; i-- {
			o := all[i]
			if o.Topic != it.Topic {
				continue
			}
			if it.Lane == outbox.Alert && o.Lane == outbox.State && !tried[o.Seq] {
				all, at = slices.Delete(all, i, i+1), at-1
				continue
			}
			if o.Lane != it.Lane || o.Key != it.Key || tried[o.Seq] || o.Lane == outbox.Alert && len(o.Payload) == 0 {
				break
			}
			all, at = slices.Delete(all, i, i+1), i
		}
		at = min(at, len(all))
	}
	for i := range all {
		if it.Lane == outbox.Alert && len(it.Payload) > 0 && all[i].Topic == it.Topic {
			all[i].Lane = outbox.Alert
		}
	}
	return slices.Insert(all, at, it)
}

func modelNext(all []outbox.Item, n int, lowest outbox.Lane, skip map[int64]struct{}) (want []outbox.Item) {
	for i, it := range all {
		_, skipped := skip[it.Seq]
		held := slices.ContainsFunc(all[:i], func(o outbox.Item) bool {
			return o.Topic == it.Topic || it.After != "" && o.Key == it.After
		})
		if !skipped && !held && it.Lane <= lowest {
			want = append(want, it)
		}
	}
	slices.SortStableFunc(want, func(a, b outbox.Item) int { return int(a.Lane - b.Lane) })
	return want[:min(n, len(want))]
}
