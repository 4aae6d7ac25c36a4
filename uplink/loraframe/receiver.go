package loraframe

import "errors"

// window is how far a counter may lie behind the highest.
const window = 64

// Window says of each counter whether it is new (as RFC 4303, 3.4.3). The zero
// value has seen nothing.
type Window struct {
	next uint64 // one more than the highest counter, 0 at first
	seen uint64 // bit i: next-1-i was seen
}

// Accept reports whether n was not accepted before, and accepts it. What is more
// than 63 behind the highest is refused, new or not.
func (w *Window) Accept(n uint32) bool {
	c := uint64(n) + 1
	if c > w.next {
		if shift := c - w.next; shift < window {
			w.seen <<= shift
		} else {
			w.seen = 0
		}
		w.next = c
		w.seen |= 1
		return true
	}
	behind := w.next - c
	if behind >= window || w.seen&(1<<behind) != 0 {
		return false
	}
	w.seen |= 1 << behind
	return true
}

// Receiver takes frames out of what a modem has heard. It is for one goroutine.
type Receiver struct {
	// Key returns the key of a gateway, nil if it is not known.
	Key func(gateway uint16) []byte

	buf     []byte
	skip    bool // to the next zero
	windows map[uint16]*Window
}

// Write takes bytes from the modem and returns the frames that they complete, and
// why other pieces were none. After a restart the windows are empty: who needs
// them to last keeps the ids of the alerts.
func (r *Receiver) Write(p []byte) (got []Frame, errs error) {
	for _, c := range p {
		switch {
		case c != 0 && r.skip:
		case c != 0 && len(r.buf) == LineSize:
			r.buf, r.skip = r.buf[:0], true
			errs = errors.Join(errs, ErrForm)
		case c != 0:
			r.buf = append(r.buf, c)
		default:
			if len(r.buf) > 0 {
				f, err := r.frame(r.buf)
				if err == nil {
					got = append(got, f)
				}
				if errs == nil || err == nil {
					errs = errors.Join(errs, err)
				}
			}
			r.buf, r.skip = r.buf[:0], false
		}
	}
	return got, errs
}

func (r *Receiver) frame(b []byte) (Frame, error) {
	plain, err := unstuff(b)
	if err != nil {
		return Frame{}, err
	}
	f, err := Unmarshal(plain, r.Key)
	if err != nil {
		return Frame{}, err
	}
	if r.windows == nil {
		r.windows = make(map[uint16]*Window)
	}
	w := r.windows[f.Gateway]
	if w == nil {
		w = &Window{}
		r.windows[f.Gateway] = w
	}
	if !w.Accept(f.Counter) {
		return Frame{}, ErrReplay
	}
	return f, nil
}
