package outbox

import (
	"fmt"
	"math"
	"slices"
)

const (
	// volatileBase is below the number of every item of a tail.
	volatileBase = math.MinInt64 / 2
	// maxVolatile bounds what is sent from memory.
	maxVolatile = 1024
)

// Volatile queues alerts in memory alone, before all others and by rank: for a time in which
// nothing can be written. They are gone when the process ends. When there are too
// many, it takes no more and says so.
func (b *Box) Volatile(items ...Item) error {
	for _, it := range items {
		if err := it.check(); err != nil {
			return err
		}
	}
	b.mu.Lock()
	if len(b.volatile)+len(items) > maxVolatile {
		b.mu.Unlock()
		return fmt.Errorf("%d items are in memory already", maxVolatile)
	}
	for _, it := range items {
		b.volatileSeq++
		it.Seq = volatileBase - b.volatileSeq
		if it.Created.IsZero() {
			it.Created = b.now()
		}
		for i := range b.volatile {
			if before := &b.volatile[i]; before.Topic == it.Topic {
				before.Rank = min(before.Rank, it.Rank)
			}
		}
		b.volatile = append(b.volatile, it)
	}
	slices.SortStableFunc(b.volatile, func(x, y Item) int { return x.Rank - y.Rank })
	b.mu.Unlock()
	b.Wake()
	return nil
}

// nextVolatile appends items from memory, one of a topic at a time.
func (b *Box) nextVolatile(n int, skip map[int64]struct{}, items []Item) []Item {
	b.mu.Lock()
	defer b.mu.Unlock()
	busy := map[string]bool{}
	for _, it := range b.volatile {
		if len(items) == n {
			break
		}
		if busy[it.Topic] {
			continue
		}
		busy[it.Topic] = true
		if _, ok := skip[it.Seq]; ok {
			continue
		}
		it.Attempts = b.tried[it.Seq]
		items = append(items, it)
	}
	return items
}

// doneVolatile removes items from memory and returns the other numbers.
func (b *Box) doneVolatile(seqs []int64) []int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(seqs), func(seq int64) bool {
		if seq > volatileBase {
			return false
		}
		delete(b.tried, seq)
		b.volatile = slices.DeleteFunc(b.volatile, func(it Item) bool { return it.Seq == seq })
		return true
	})
}
