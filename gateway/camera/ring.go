package camera

import (
	"context"
	"slices"
	"sync"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
)

// ring keeps the newest access units of a camera, whole groups of pictures at a
// time, so that a reader can start at a keyframe. The newest data win: what does
// not fit any more is dropped from the old end.
type ring struct {
	maxBytes int
	maxAge   time.Duration // media time
	memory   *Memory       // that is shared with other rings; nil for none

	mu    sync.Mutex
	units []unit   // guarded by mu, as is all that follows
	data  stream   // of units
	first uint64   // sequence number of units[0]
	keys  []uint64 // sequence numbers of the keyframes
	bytes int
	last  time.Time     // when the newest came
	owed  uint64        // the sequence number of what the vision process is handed next; 0 while there is none
	grown chan struct{} // closed and replaced when there is something for readers
}

func newRing(maxBytes int, maxAge time.Duration) *ring {
	return &ring{maxBytes: maxBytes, maxAge: maxAge, first: 1, grown: make(chan struct{})}
}

// unit is an access unit whose data are in the ring's stream.
type unit struct {
	media.AccessUnit // without Data
	at               int64
	size             int
}

// push adds the newest access unit, of whose data it takes a copy. Readers that wait hear of it at the next flush.
func (r *ring) push(au media.AccessUnit) {
	grown := r.add(au)
	if r.memory != nil {
		r.memory.grow(grown)
	}
}

// flush wakes the readers.
func (r *ring) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.grown)
	r.grown = make(chan struct{})
}

func (r *ring) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes
}

// add returns by how many bytes the ring has grown, which may be below 0.
func (r *ring) add(au media.AccessUnit) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.bytes
	r.last = time.Now()
	if au.Keyframe {
		r.keys = append(r.keys, r.first+uint64(len(r.units)))
	}
	u := unit{au, r.data.end, len(au.Data)}
	u.Data = nil
	r.data.add(au.Data)
	r.units = append(r.units, u)
	r.bytes += u.cost()
	for r.full() {
		r.dropGroup()
	}
	return r.bytes - before
}

// unitOverhead is about what an access unit takes up besides its data, so that
// millions of tiny ones are bounded too.
const unitOverhead = 128

func (u *unit) cost() int { return u.size + unitOverhead }

func (r *ring) full() bool {
	n := len(r.units)
	if n == 0 {
		return false
	}
	// The age is counted to the second group, so that one whole group of
	// pictures is kept however long it is.
	return r.bytes > r.maxBytes || r.second() < n && r.units[n-1].PTS-r.units[r.second()].PTS > r.maxAge
}

// second returns the index of the second group of pictures, or len(units).
func (r *ring) second() int {
	for _, key := range r.keys[:min(2, len(r.keys))] {
		if key > r.first {
			return int(key - r.first)
		}
	}
	return len(r.units)
}

func (r *ring) dropGroup() {
	n := r.second()
	for i := range r.units[:n] {
		r.bytes -= r.units[i].cost()
	}
	if r.units = r.units[n:]; len(r.units) > 0 {
		r.data.drop(r.units[0].at)
	} else {
		r.data.drop(r.data.end)
	}
	r.first += uint64(n)
	for len(r.keys) > 0 && r.keys[0] < r.first {
		r.keys = r.keys[1:]
	}
}

// lastKeyframe returns the sequence number of the newest keyframe, or of the
// next access unit to come if there is none.
func (r *ring) lastKeyframe() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.newestKeyframe(); i >= 0 {
		return r.first + uint64(i)
	}
	return r.first + uint64(len(r.units))
}

// ago returns how long ago the picture of a wall clock came, which may be that of the
// camera: 0 if nothing has come.
func (r *ring) ago(wall time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.units)
	if n == 0 {
		return 0
	}
	return max(r.units[n-1].Wall.Sub(wall), 0) + time.Since(r.last)
}

// next is the sequence number of the next access unit to come.
func (r *ring) next() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first + uint64(len(r.units))
}

func (r *ring) newestKeyframe() int {
	if len(r.keys) == 0 {
		return -1
	}
	return int(r.keys[len(r.keys)-1] - r.first)
}

// read returns the access unit seq, or a later one if that is gone or lies more
// than maxLag of media time behind the newest: then the newest keyframe, so that
// a slow reader catches up. It waits for it until ctx ends.
func (r *ring) read(ctx context.Context, seq uint64, maxLag time.Duration) (media.AccessUnit, uint64, error) {
	var b batch
	seq, _, err := r.readSome(ctx, seq, 1, func() time.Duration { return maxLag }, nil, &b)
	if err != nil {
		return media.AccessUnit{}, seq, err
	}
	return b.units[0], seq, nil
}

// batch is what readSome has read. Its data are good until it is read into again.
type batch struct {
	units []media.AccessUnit
	data  []byte
	spare *wire.Buffers // where data is from; nil for the heap
}

// release gives back the data.
func (b *batch) release() {
	if clear(b.units); b.spare != nil {
		b.spare.Put(b.data)
		b.data = nil
	}
}

// readSome is read for several access units: as many as there are, up to the one with
// which they are most bytes or more. hold, if not nil, says of the access units that
// there are whether to wait for more. more says that it has left some.
func (r *ring) readSome(ctx context.Context, seq uint64, most int, maxLag func() time.Duration, hold func([]unit) bool, into *batch) (from uint64, more bool, err error) {
	for {
		r.mu.Lock()
		seq = r.position(seq, maxLag())
		if i := seq - r.first; i < uint64(len(r.units)) && (hold == nil || !hold(r.units[i:])) {
			there := r.units[i:]
			some := upTo(there, most)
			r.copy(some, into)
			r.mu.Unlock()
			return seq, len(some) < len(there), nil
		}
		grown := r.grown
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return seq, false, ctx.Err()
		case <-grown:
		}
	}
}

// copy copies access units, with their data. It is called with mu held.
func (r *ring) copy(units []unit, into *batch) {
	size := 0
	for i := range units {
		size += units[i].size
	}
	if into.spare != nil && into.data == nil {
		into.data = into.spare.Get()
	}
	into.units, into.data = slices.Grow(into.units[:0], len(units)), slices.Grow(into.data[:0], size)
	for i := range units {
		au, from := units[i].AccessUnit, len(into.data)
		into.data = r.data.append(into.data, units[i].at, units[i].size)
		au.Data = into.data[from:len(into.data):len(into.data)]
		into.units = append(into.units, au)
	}
}

// upTo returns the first of units, at least one, and more as long as the data before them are
// less than most bytes.
func upTo(units []unit, most int) []unit {
	n, size := 1, units[0].size
	for n < len(units) && size < most {
		size += units[n].size
		n++
	}
	return units[:n]
}

func (r *ring) position(seq uint64, maxLag time.Duration) uint64 {
	n := len(r.units)
	if n == 0 {
		return max(seq, r.first)
	}
	key := r.newestKeyframe()
	switch {
	case seq < r.first && key >= 0:
		return r.first + uint64(key)
	case seq < r.first:
		return r.first + uint64(n)
	case key >= 0 && seq < r.first+uint64(key) && r.units[n-1].PTS-r.units[seq-r.first].PTS > maxLag:
		return r.first + uint64(key)
	}
	return seq
}
