// Package replay keeps apart messages that are new and messages that were heard
// before, by the counters that devices put into them, over restarts too.
//
// A Window is what is known of one device. A Guard holds the windows of many and
// keeps them in a Store. Devices that only ever say more (a new frame has a
// higher counter) need both: the window takes frames that come late, and the
// Store takes care that nothing heard before a restart is new after it.
package replay

import (
	"encoding/binary"
	"errors"
)

// Size is how far a counter may lie behind the highest and still be told apart.
const Size = 64

// Window says of each counter whether it is new (as RFC 4303, 3.4.3). The zero
// value has seen nothing.
type Window struct {
	next uint64 // one more than the highest counter, 0 at first
	seen uint64 // bit i: next-1-i was seen
}

// Highest returns the highest counter that was accepted; false if there is none.
func (w *Window) Highest() (uint32, bool) { return uint32(w.next - 1), w.next > 0 }

// Fresh reports whether n was not accepted before. What is Size or more behind
// the highest is not fresh, seen or not.
func (w *Window) Fresh(n uint32) bool {
	c := uint64(n) + 1
	if c > w.next {
		return true
	}
	behind := w.next - c
	return behind < Size && w.seen&(1<<behind) == 0
}

// Accept is Fresh, and n is not fresh any more.
func (w *Window) Accept(n uint32) bool {
	if !w.Fresh(n) {
		return false
	}
	c := uint64(n) + 1
	if c <= w.next {
		w.seen |= 1 << (w.next - c)
		return true
	}
	if shift := c - w.next; shift < Size {
		w.seen <<= shift
	} else {
		w.seen = 0
	}
	w.next = c
	w.seen |= 1
	return true
}

const encodedSize = 16

var errEncoding = errors.New("not a replay window")

// MarshalBinary returns the window in 16 bytes.
func (w *Window) MarshalBinary() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, encodedSize), w.next)
	return binary.BigEndian.AppendUint64(b, w.seen), nil
}

// UnmarshalBinary reads what MarshalBinary returned.
func (w *Window) UnmarshalBinary(b []byte) error {
	if len(b) != encodedSize {
		return errEncoding
	}
	next, seen := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if next > 1<<32 || (next == 0) != (seen == 0) || next > 0 && seen&1 == 0 || next < Size && seen>>next != 0 {
		return errEncoding
	}
	w.next, w.seen = next, seen
	return nil
}
