package spool

import (
	"sentrybox/uplink/outbox"
)

// Lane shows a spool to an outbox as its lane Metrics.
type Lane struct {
	Spool *Spool
	Topic string // that the batches are published on, as JSON
}

// Next returns at most n batches as items.
func (l Lane) Next(n int, skip map[int64]struct{}) ([]outbox.Item, error) {
	batches, err := l.Spool.Next(n, skip)
	if err != nil {
		return nil, err
	}
	items := make([]outbox.Item, 0, len(batches))
	for _, b := range batches {
		payload, err := b.JSON()
		if err != nil {
			return nil, err
		}
		_, newest := span(b.Series)
		items = append(items, outbox.Item{Seq: b.Seq, Lane: outbox.Metrics, Topic: l.Topic, Payload: payload, Created: newest})
	}
	return items, nil
}

// Done removes acknowledged batches.
func (l Lane) Done(seqs ...int64) { l.Spool.Done(seqs...) }

// Notify has wake called when there is something new.
func (l Lane) Notify(wake func()) {
	l.Spool.mu.Lock()
	defer l.Spool.mu.Unlock()
	l.Spool.notify = wake
}

// Stats returns what waits, in the terms of an outbox.
func (l Lane) Stats() outbox.LaneStats {
	st := l.Spool.Stats()
	return outbox.LaneStats{
		Depth: st.Batches, Bytes: st.Bytes, Oldest: st.Oldest, Dropped: st.Dropped + st.Refused, Folded: st.Folded,
	}
}
