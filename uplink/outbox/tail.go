package outbox

// Tail is a queue of its own behind the lanes of the database, for what is too
// much to go through it: metrics. Its items are of the lane Metrics.
type Tail interface {
	// Next returns at most n items that are not in skip. Their Seq is above 0 and
	// the Tail's own.
	Next(n int, skip map[int64]struct{}) ([]Item, error)
	// Done removes acknowledged items. Removing one twice is no error.
	Done(seqs ...int64)
	// Notify has wake called whenever there is something new.
	Notify(wake func())
	Stats() LaneStats
}

// nextOfTail appends items of the tail until there are n. Their sequence
// numbers are negative here, so that none is taken for a row's.
func (b *Box) nextOfTail(n int, skip map[int64]struct{}, items []Item) ([]Item, error) {
	if b.tail == nil || len(items) >= n {
		return items, nil
	}
	own := map[int64]struct{}{}
	for seq := range skip {
		if seq < 0 {
			own[-seq] = struct{}{}
		}
	}
	more, err := b.tail.Next(n-len(items), own)
	if err != nil {
		return items, err
	}
	for _, it := range more {
		it.Seq = -it.Seq
		it.Attempts = b.attempts(it.Seq)
		items = append(items, it)
	}
	return items, nil
}

// doneInTail removes the tail's items and returns the others.
func (b *Box) doneInTail(seqs []int64) []int64 {
	var rows, own []int64
	for _, seq := range seqs {
		if seq < 0 {
			own = append(own, -seq)
		} else {
			rows = append(rows, seq)
		}
	}
	if len(own) == 0 || b.tail == nil {
		return rows
	}
	b.tail.Done(own...)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, seq := range own {
		delete(b.tried, -seq)
	}
	return rows
}
