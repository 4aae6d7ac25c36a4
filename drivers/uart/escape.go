package uart

import "bytes"

// Escape is how bytes that would pass for Start or End are written in a frame.
// All other offsets and lengths are of the frame as it was before.
type Escape struct {
	// Byte announces an escaped byte.
	Byte byte
	// XOR is what the byte after it is combined with.
	XOR byte
	// Pairs is, instead of XOR, the byte after it and what both stand for. Other
	// bytes make the frame none.
	Pairs map[byte]byte
}

func (e *Escape) of(b byte) (byte, bool) {
	if e.Pairs == nil {
		return b ^ e.XOR, true
	}
	v, ok := e.Pairs[b]
	return v, ok
}

// take measures the frame that b begins with, and returns it without escapes.
func (f *Framing) take(b []byte) (n int, plain []byte, v verdict) {
	if f.Escape == nil {
		n, v = f.measure(b)
		return n, b[:n], v
	}
	plain = make([]byte, 0, min(len(b), f.Max))
	known := 0 // the frame's length
	for i := 0; ; {
		switch {
		case f.Length != nil || f.Fixed != 0:
			if known == 0 {
				if known, v = f.length(plain); v == none {
					return 0, nil, none
				}
			}
			if known != 0 && len(plain) >= known {
				return i, plain, whole
			}
		case i >= len(f.Start) && bytes.HasPrefix(b[i:], f.End):
			return i + len(f.End), append(plain, f.End...), whole
		}
		switch {
		case len(plain) >= f.Max:
			return 0, nil, none
		case i >= len(b), b[i] == f.Escape.Byte && i >= len(f.Start) && i+1 >= len(b):
			return 0, nil, more
		}
		c := b[i]
		i++
		if c == f.Escape.Byte && i > len(f.Start) {
			var ok bool
			if c, ok = f.Escape.of(b[i]); !ok {
				return 0, nil, none
			}
			i++
		}
		plain = append(plain, c)
	}
}

// longest is the most bytes that a frame can take on the line.
func (f *Framing) longest() int {
	if f.Escape != nil {
		return 2 * f.Max
	}
	return f.Max
}
