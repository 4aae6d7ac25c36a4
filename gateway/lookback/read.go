package lookback

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"time"

	"sentrybox/drivers/media"
)

// Reader reads what is kept of a camera, in the order in which it came.
type Reader struct {
	log *Log
	end int64  // of what is read, in the stream
	at  int64  // of buf, in the stream
	buf []byte // of what was read ahead
	gap bool   // something was overwritten meanwhile
}

// Read begins at the last keyframe at or before a moment, or at the oldest there is, and
// ends where the log ended when it was called.
func (l *Log) Read(from time.Time) *Reader {
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &Reader{log: l, end: l.start + int64(len(l.tail))}
	r.at = r.end
	if len(l.groups) > 0 {
		i := sort.Search(len(l.groups), func(i int) bool { return l.groups[i].wall.After(from) })
		r.at = l.groups[max(i-1, 0)].pos
	}
	return r
}

// Next returns the next access unit, io.EOF behind the last. What is overwritten while it is read is
// passed over: the next one is behind a gap.
func (r *Reader) Next() (media.AccessUnit, error) {
	for {
		if r.at >= r.end {
			return media.AccessUnit{}, io.EOF
		}
		if ok, err := r.need(head); err != nil {
			return media.AccessUnit{}, err
		} else if !ok {
			continue
		}
		n := int(binary.LittleEndian.Uint32(r.buf))
		if n > maxOne {
			return media.AccessUnit{}, fmt.Errorf("a picture of %d bytes: %w", n, ErrGone)
		}
		if ok, err := r.need(head + n); err != nil {
			return media.AccessUnit{}, err
		} else if !ok {
			continue
		}
		b := r.buf[:head+n]
		au := media.AccessUnit{
			PTS: time.Duration(binary.LittleEndian.Uint64(b[4:])), Wall: time.Unix(0, int64(binary.LittleEndian.Uint64(b[12:]))),
			Codec: media.Codec(b[20]), Keyframe: b[21]&1 != 0, Gap: b[21]&2 != 0 || r.gap, Data: bytes.Clone(b[head:]),
		}
		r.gap = false
		r.buf, r.at = r.buf[head+n:], r.at+int64(head+n)
		return au, nil
	}
}

// need has n bytes in buf. It returns false if they are gone, and goes to the oldest group there is.
func (r *Reader) need(n int) (bool, error) {
	for len(r.buf) < n {
		more, err := r.log.piece(r.at + int64(len(r.buf)))
		if err != nil {
			return false, err
		}
		if more == nil {
			r.skip()
			return false, nil
		}
		r.buf = append(r.buf, more...)
	}
	return true, nil
}

// skip goes to the oldest group that is left, or to the end.
func (r *Reader) skip() {
	l := r.log
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	r.buf, r.gap = nil, true
	at := r.end
	for _, g := range l.groups {
		if g.pos > r.at {
			at = g.pos
			break
		}
	}
	r.at = min(at, r.end)
}

// piece returns the stream from a position on, as much as lies together; nil if it is gone.
func (l *Log) piece(at int64) ([]byte, error) {
	s := l.store
	s.mu.Lock()
	if at >= l.start {
		defer s.mu.Unlock()
		if at >= l.start+int64(len(l.tail)) {
			return nil, nil
		}
		return bytes.Clone(l.tail[at-l.start:]), nil
	}
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].start > at }) - 1
	if i < 0 {
		s.mu.Unlock()
		return nil, nil
	}
	c, f, offset := l.chunks[i], s.file, int(at-l.chunks[i].start)
	data, where := c.data, c.slot*s.slot
	if data != nil {
		data = bytes.Clone(data[offset:])
	}
	s.mu.Unlock()
	if data != nil {
		return data, nil
	}
	data = make([]byte, c.size-offset)
	if err := readAt(f, data, where+int64(offset)); err != nil {
		return nil, err
	}
	// What was overwritten meanwhile is no longer among the chunks.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != f || !slices.Contains(l.chunks, c) {
		return nil, nil
	}
	return data, nil
}

func readAt(f *os.File, b []byte, at int64) error {
	if _, err := f.ReadAt(b, at); err != nil {
		return fmt.Errorf("read what was kept: %w: %w", ErrGone, err)
	}
	return nil
}
