package uart

import (
	"bytes"
	"encoding/hex"
	"strconv"
)

// Frame is a frame that was found.
type Frame struct {
	// Raw is the frame as it was on the line, Data what is to be handed on, and
	// Device its address, empty without Framing.Address. The caller owns them.
	Raw, Data []byte
	Device    string
}

// Splitter finds frames in a stream of bytes.
type Splitter struct {
	f   Framing
	buf []byte
	// Noise counts bytes that belonged to no frame, and Rejected what looked like
	// a frame and was none.
	Noise, Rejected uint64
	// blind is whether the line may be in the middle of a frame that would not be
	// known as a piece of one. It ends with a delimiter, or with silence.
	blind bool
}

// NewSplitter returns a splitter of a framing that Check has nothing against.
// It supposes that it begins in the middle of a frame: Reset and Idle say that it does not.
func NewSplitter(f Framing) *Splitter {
	f = f.withDefaults()
	return &Splitter{f: f, blind: f.shapeless()}
}

// shapeless is a framing in which a piece of a frame passes for a frame.
func (f *Framing) shapeless() bool {
	return len(f.Start) == 0 && f.Checksum.Kind == None && f.Length == nil && (f.Fixed == 0 || f.endsBySilence())
}

// Reset forgets what was read: the next byte is a frame's first.
func (s *Splitter) Reset() {
	s.shed(len(s.buf))
	s.blind = false
}

// Pending returns how many bytes wait for the rest of a frame.
func (s *Splitter) Pending() int { return len(s.buf) }

// Push takes bytes from the line, and returns the frames that they complete.
func (s *Splitter) Push(b []byte) []Frame {
	var frames []Frame
	for len(b) > 0 {
		// No more than two frames are held, whatever is pushed.
		n := min(len(b), 2*s.f.longest()-len(s.buf))
		s.buf = append(s.buf, b[:n]...)
		b = b[n:]
		if s.f.endsBySilence() {
			if len(s.buf) > s.f.Max {
				s.blind = true // until the silence after it
				s.shed(len(s.buf))
			}
		} else {
			frames = s.scan(frames, false)
		}
	}
	return frames
}

// Idle says that the line has been silent for Framing.Gap: what is missing
// comes no more. It returns the frames that this sets free.
func (s *Splitter) Idle() []Frame {
	if !s.f.endsBySilence() {
		frames := s.scan(nil, true)
		s.shed(len(s.buf))
		s.blind = false
		return frames
	}
	blind := s.blind
	s.blind = false
	if len(s.buf) == 0 {
		return nil
	}
	if frame, ok := s.f.open(s.buf); ok && !blind {
		s.drop(len(s.buf))
		return []Frame{frame}
	}
	s.Rejected++
	s.shed(len(s.buf))
	return nil
}

// endsBySilence is a framing in which nothing but silence tells where a frame ends.
func (f *Framing) endsBySilence() bool {
	return len(f.End) == 0 && f.Length == nil && (f.Fixed == 0 || len(f.Start) == 0 && f.Checksum.Kind == None)
}

// scan takes frames from the buffer. With final, a frame that is not whole is
// none.
func (s *Splitter) scan(frames []Frame, final bool) []Frame {
	for len(s.buf) > 0 {
		if s.blind {
			if s.skip(); s.blind {
				break
			}
			continue
		}
		if !s.seek(final) {
			return frames
		}
		n, plain, verdict := s.f.take(s.buf)
		switch {
		case verdict == more && !final && len(s.buf) < s.f.longest():
			return frames
		case verdict != whole:
			s.reject()
			continue
		}
		frame, ok := s.f.open(plain)
		if !ok {
			s.reject()
			continue
		}
		if s.f.Escape != nil {
			frame.Raw = bytes.Clone(s.buf[:n])
		}
		frames = append(frames, frame)
		s.drop(n)
	}
	return frames
}

// skip drops what is up to the next delimiter.
func (s *Splitter) skip() {
	at := bytes.Index(s.buf, s.f.End)
	if at >= 0 {
		s.shed(at + len(s.f.End))
		s.blind = false
		return
	}
	s.shed(len(s.buf) - beginning(s.buf, s.f.End))
}

// beginning returns how many bytes at the end of b, and not all, could be the beginning of what.
func beginning(b, what []byte) int {
	n := min(len(what)-1, len(b))
	for ; n > 0 && !bytes.HasPrefix(what, b[len(b)-n:]); n-- {
	}
	return max(n, 0)
}

// seek drops what is before the next Start, and tells whether there is one. The
// beginning of one at the end of the buffer is kept.
func (s *Splitter) seek(final bool) bool {
	if len(s.f.Start) == 0 {
		return true
	}
	at := bytes.Index(s.buf, s.f.Start)
	if at < 0 {
		keep := 0
		if !final {
			keep = beginning(s.buf, s.f.Start)
		}
		s.shed(len(s.buf) - keep)
		return false
	}
	s.shed(at)
	return true
}

// reject goes on one byte after a beginning that led to no frame. A line of text without a Start is
// given up as a whole, as its end alone would pass for a line.
func (s *Splitter) reject() {
	s.Rejected++
	if s.f.shapeless() {
		s.blind = true
		return
	}
	s.shed(1)
}

// shed drops bytes that belong to no frame.
func (s *Splitter) shed(n int) {
	if n > 0 {
		s.Noise += uint64(n)
		s.drop(n)
	}
}

func (s *Splitter) drop(n int) { s.buf = s.buf[:copy(s.buf, s.buf[n:])] }

type verdict int

const (
	whole verdict = iota
	more          // bytes are missing
	none          // whatever comes, this is no frame
)

// measure tells how long the frame is that b begins with.
func (f *Framing) measure(b []byte) (int, verdict) {
	n, v := f.length(b)
	if v != whole || len(b) < n {
		return 0, max(v, more)
	}
	return n, whole
}

// length tells how long the frame is that b begins with, even if not all of it is there.
func (f *Framing) length(b []byte) (int, verdict) {
	switch {
	case f.Length != nil:
		return f.field(b)
	case f.Fixed != 0:
		return f.Fixed, whole
	}
	at := bytes.Index(b[len(f.Start):], f.End)
	if at < 0 {
		return 0, more
	}
	n := len(f.Start) + at + len(f.End)
	if n > f.Max {
		return 0, none
	}
	return n, whole
}

// field is length by the field in the frame.
func (f *Framing) field(b []byte) (int, verdict) {
	l := f.Length
	if len(b) < l.Offset+l.Size {
		return 0, more
	}
	v := int(b[l.Offset])
	if l.Size == 2 {
		lo := int(b[l.Offset+1])
		if l.Little {
			v, lo = lo, v
		}
		v = v<<8 | lo
	}
	n := v + l.Add
	if n < f.least() || n < l.Offset+l.Size || n > f.Max {
		return 0, none
	}
	return n, whole
}

// open checks a frame and takes it apart.
func (f *Framing) open(raw []byte) (Frame, bool) {
	if len(raw) < f.least() || len(raw) > f.Max || f.Fixed != 0 && len(raw) != f.Fixed ||
		!bytes.HasPrefix(raw, f.Start) || !bytes.HasSuffix(raw, f.End) {
		return Frame{}, false
	}
	body := raw[:len(raw)-len(f.End)]
	if !f.Checksum.valid(body) {
		return Frame{}, false
	}
	data := body[len(f.Start) : len(body)-f.Checksum.width()-f.Checksum.Before]
	if f.Text {
		if len(f.Start) == 0 {
			data = bytes.TrimLeftFunc(data, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
		}
		data = bytes.TrimRight(data, "\r")
		if bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || len(data) == 0 {
			return Frame{}, false
		}
	}
	frame := Frame{Raw: bytes.Clone(raw)}
	switch {
	case f.Whole:
		frame.Data = bytes.Clone(raw)
	case f.Hex:
		decoded := make([]byte, hex.DecodedLen(len(data)))
		if _, err := hex.Decode(decoded, data); err != nil {
			return Frame{}, false
		}
		frame.Data = decoded
	default:
		frame.Data = append([]byte{}, data...)
	}
	if a := f.Address; a != nil {
		if a.Offset+a.Size > len(body)-f.Checksum.width() {
			return Frame{}, false
		}
		frame.Device = a.of(raw)
	}
	return frame, true
}

func (a *Address) of(raw []byte) string {
	field := raw[a.Offset : a.Offset+a.Size]
	if a.Size > 2 {
		return hex.EncodeToString(field)
	}
	v := 0
	for _, b := range field {
		v = v<<8 | int(b)
	}
	return strconv.Itoa(v)
}
