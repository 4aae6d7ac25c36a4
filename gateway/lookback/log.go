package lookback

import (
	"encoding/binary"
	"slices"
	"time"

	"sentrybox/drivers/media"
)

// A record of a stream is its length, media time, wall clock, codec and flags, and the data.
const (
	head   = 4 + 8 + 8 + 1 + 1
	maxOne = 8 << 20 // bytes of one access unit
)

// Log is what is kept of one camera. It is safe for use by several goroutines.
type Log struct {
	store *Store

	// All that follows is guarded by Store.mu.
	chunks []*chunk // full ones, the oldest first
	tail   []byte   // what is not full yet
	start  int64    // of tail, in the stream
	groups []group
	newest time.Time
	broken bool // something was left out: the next is behind a gap
	short  bool // something was given up to make room
}

// group is a keyframe and what depends on it.
type group struct {
	pos  int64
	wall time.Time
	came time.Time
}

// Log returns a new camera's part.
func (s *Store) Log() *Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &Log{store: s, broken: true}
	s.logs = append(s.logs, l)
	return l
}

// Close forgets the camera.
func (l *Log) Close() {
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	l.forget()
	s.logs = slices.DeleteFunc(s.logs, func(o *Log) bool { return o == l })
}

// Break says that what comes next is another session's.
func (l *Log) Break() {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.broken = true
}

// forget frees everything. It is called with mu held, as is drop.
func (l *Log) forget() {
	for len(l.chunks) > 0 {
		l.drop()
	}
	l.start += int64(len(l.tail))
	l.tail, l.groups, l.broken, l.short = nil, nil, true, false
}

// drop frees the oldest chunk.
func (l *Log) drop() {
	c := l.chunks[0]
	l.chunks[0] = nil
	l.chunks = l.chunks[1:]
	if c.dropped = true; c.data == nil {
		l.store.free = append(l.store.free, c.slot)
	} // otherwise it is free once it is written
	l.trim()
}

// trim forgets groups whose beginning is gone.
func (l *Log) trim() {
	from := l.start
	if len(l.chunks) > 0 {
		from = l.chunks[0].start
	}
	n := 0
	for n < len(l.groups) && l.groups[n].pos < from {
		n++
	}
	l.groups = slices.Delete(l.groups, 0, n)
}

// Add keeps the newest access unit. It waits for no disk.
func (l *Log) Add(au media.AccessUnit) {
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return
	}
	if len(au.Data) > maxOne || len(l.groups) == 0 && !au.Keyframe {
		l.broken = true
		return
	}
	now := s.now()
	if au.Keyframe {
		l.age(now)
		l.groups = append(l.groups, group{l.start + int64(len(l.tail)), au.Wall, now})
	}
	l.newest = au.Wall
	var b [head]byte
	if gap := l.broken; !l.write(record(b[:0], &au, gap), now) || !l.write(au.Data, now) {
		l.forget()
		return
	}
	l.broken = false
}

// write appends to the stream, a slot at a time, so that no buffer is larger than one. It returns false if the
// disk cannot follow.
func (l *Log) write(data []byte, now time.Time) bool {
	s := l.store
	for len(data) > 0 {
		if l.tail == nil {
			l.tail = s.buffer()
		}
		n := min(len(data), int(s.slot)-len(l.tail))
		l.tail, data = append(l.tail, data[:n]...), data[n:]
		if int64(len(l.tail)) == s.slot && !l.full(now) {
			return false
		}
	}
	return true
}

// age frees what is older than is to be kept.
func (l *Log) age(now time.Time) {
	for len(l.chunks) > 0 && l.chunks[0].data == nil && now.Sub(l.chunks[0].at) > l.store.opts.Age {
		l.drop()
	}
}

// full hands a slot's worth over to be written. It returns false if the disk cannot follow.
func (l *Log) full(now time.Time) bool {
	s := l.store
	if s.pending >= mostPending {
		return false
	}
	slot, ok := s.take()
	if !ok {
		return false
	}
	c := &chunk{log: l, slot: slot, start: l.start, size: int(s.slot), at: now, data: l.tail}
	l.tail = nil
	l.start += s.slot
	l.chunks = append(l.chunks, c)
	s.pending++
	s.writes <- c // has room for all that are pending
	return true
}

// buffer returns an empty one. It is called with mu held.
func (s *Store) buffer() []byte {
	if n := len(s.spare); n > 0 {
		b := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return b[:0]
	}
	return make([]byte, 0, s.slot)
}

// record appends what precedes the data.
func record(b []byte, au *media.AccessUnit, gap bool) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(au.Data))) // at most maxOne
	b = binary.LittleEndian.AppendUint64(b, uint64(au.PTS))
	b = binary.LittleEndian.AppendUint64(b, uint64(au.Wall.UnixNano()))
	var flags byte
	if au.Keyframe {
		flags |= 1
	}
	if au.Gap || gap {
		flags |= 2
	}
	return append(b, byte(au.Codec), flags)
}

// Short says whether more would be kept if there were more room.
func (l *Log) Short() bool {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	return l.short || l.store.file == nil
}

// Span returns from when to when something is kept, by the wall clock of the pictures. Both are zero
// if nothing is.
func (l *Log) Span() (from, to time.Time) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if len(l.groups) == 0 {
		return time.Time{}, time.Time{}
	}
	return l.groups[0].wall, l.newest
}
