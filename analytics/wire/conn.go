package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrTooLong means that a message is longer than its limit. The stream cannot
// be read on.
var ErrTooLong = errors.New("message too long")

// A Writer frames messages. It is safe for use by several goroutines; each
// message is one Write.
type Writer struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte // reused between messages, guarded by mu
	max int
	// spare is where the buffer is between messages; nil if it stays.
	spare *Buffers
}

// Buffers are shared by Writers that seldom write at once. The zero value is ready.
type Buffers struct{ pool sync.Pool }

// Get returns an empty buffer, nil if there is none.
func (b *Buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return nil
}

// Put gives back a buffer that is not used any more.
func (b *Buffers) Put(buf []byte) {
	if cap(buf) > 0 && cap(buf) <= keptBetween {
		buf = buf[:0]
		b.pool.Put(&buf)
	}
}

// Share has the Writer keep nothing between messages. It is called before the first.
func (w *Writer) Share(b *Buffers) { w.spare = b }

// NewWriter returns a Writer that refuses messages longer than limit bytes.
func NewWriter(w io.Writer, limit int) *Writer { return &Writer{w: w, max: limit} }

// What a Writer and a Reader keep between messages.
const (
	keptToWrite = 128 << 10
	keptToRead  = 512 << 10
	keptBetween = 512 << 10 // by Writers together, each
)

func (w *Writer) send(t Type, fill func([]byte) []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
	if err := w.add(t, fill); err != nil {
		return err
	}
	return w.flush()
}

// begin begins with an empty buffer. It is called with mu held, as are add and flush.
func (w *Writer) begin() {
	if w.buf = w.buf[:0]; w.spare != nil && cap(w.buf) == 0 {
		w.buf = w.spare.Get()
	}
}

// add appends a message to buf.
func (w *Writer) add(t Type, fill func([]byte) []byte) error {
	start := len(w.buf)
	w.buf = fill(append(w.buf, 0, 0, 0, 0, byte(t)))
	n := len(w.buf) - start - 4
	if n > w.max {
		w.buf = w.buf[:start]
		return fmt.Errorf("write %d bytes of message type %d: %w", n, t, ErrTooLong)
	}
	binary.LittleEndian.PutUint32(w.buf[start:], uint32(n))
	return nil
}

func (w *Writer) flush() error {
	_, err := w.w.Write(w.buf)
	if w.spare != nil {
		w.spare.Put(w.buf)
		w.buf = nil
	}
	if cap(w.buf) > keptToWrite {
		w.buf = nil
	}
	return err
}

// JSON sends v as the payload of a message.
func (w *Writer) JSON(t Type, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode message type %d: %w", t, err)
	}
	return w.send(t, func(buf []byte) []byte { return append(buf, b...) })
}

// End sends the message that asks a vision process to finish.
func (w *Writer) End() error {
	return w.send(TypeEnd, func(buf []byte) []byte { return buf })
}

// Ping sends the message that asks a vision process how far it is.
func (w *Writer) Ping() error {
	return w.send(TypePing, func(buf []byte) []byte { return buf })
}

// Revised sends the answer to a Revision.
func (w *Writer) Revised() error {
	return w.send(TypeRevised, func(buf []byte) []byte { return buf })
}

// AccessUnit sends one encoded picture.
func (w *Writer) AccessUnit(a *AccessUnit) error {
	return w.send(TypeAccessUnit, a.append)
}

// AccessUnits sends encoded pictures with one Write, so that the other side is
// woken once. Those that are too long are left out, and the error says so.
func (w *Writer) AccessUnits(list []AccessUnit) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
	var refused error
	for i := range list {
		if err := w.add(TypeAccessUnit, list[i].append); err != nil {
			refused = err
		}
	}
	return errors.Join(w.flush(), refused)
}

func (a *AccessUnit) append(buf []byte) []byte {
	buf = binary.LittleEndian.AppendUint64(buf, a.Seq)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(a.PTS))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(a.Wall.UnixNano()))
	var flags byte
	for i, f := range []bool{a.Keyframe, a.Gap, a.CatchUp, a.More} {
		if f {
			flags |= 1 << i
		}
	}
	return append(append(buf, a.Codec, flags), a.Data...)
}

// Detection sends a detection and its thumbnail.
func (w *Writer) Detection(d *Detection) error {
	b, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode detection: %w", err)
	}
	return w.send(TypeDetection, func(buf []byte) []byte {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(b)))
		return append(append(buf, b...), d.JPEG...)
	})
}

// Video sends one picture of the annotated video.
func (w *Writer) Video(v *Video) error {
	return w.send(TypeVideo, func(buf []byte) []byte {
		buf = binary.LittleEndian.AppendUint64(buf, uint64(v.PTS))
		var key byte
		if v.Keyframe {
			key = 1
		}
		return append(append(buf, key), v.Data...)
	})
}

// Picture sends the picture of a detection.
func (w *Writer) Picture(p *Picture) error {
	return w.send(TypePicture, func(buf []byte) []byte {
		var wall int64
		if !p.Wall.IsZero() {
			wall = p.Wall.UnixMilli()
		}
		buf = binary.LittleEndian.AppendUint64(buf, p.Detection)
		return append(binary.LittleEndian.AppendUint64(buf, uint64(wall)), p.JPEG...)
	})
}

// A Reader takes messages off a stream.
type Reader struct {
	r    io.Reader
	head [5]byte
	buf  []byte
	max  int
}

// NewReader returns a Reader that refuses messages longer than limit bytes. It reads
// ahead.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, readAhead), max: limit}
}

// readAhead is how much is asked of a pipe at once.
const readAhead = 16 << 10

// Next returns the next message. The payload is valid until the next call. It
// returns io.EOF at the end of a whole message, io.ErrUnexpectedEOF within one.
func (r *Reader) Next() (Type, []byte, error) {
	head := &r.head
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[:4])) - 1
	if n < 0 {
		return 0, nil, errors.New("message of no type")
	}
	if n > int64(r.max) {
		return 0, nil, fmt.Errorf("read %d bytes of message type %d: %w", n, head[4], ErrTooLong)
	}
	if int64(cap(r.buf)) < n || cap(r.buf) > keptToRead && n <= keptToRead/2 {
		r.buf = make([]byte, n, n+n/4)
	}
	r.buf = r.buf[:n]
	if _, err := io.ReadFull(r.r, r.buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return Type(head[4]), r.buf, nil
}

// Decode reads a JSON payload into v and refuses what v does not know.
func Decode(payload []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// DecodeAccessUnit reads an access unit. Its data aliases payload.
func DecodeAccessUnit(payload []byte, a *AccessUnit) error {
	if len(payload) < accessUnitHead {
		return fmt.Errorf("access unit of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	}
	flags := payload[25]
	*a = AccessUnit{
		Seq:      binary.LittleEndian.Uint64(payload),
		PTS:      time.Duration(binary.LittleEndian.Uint64(payload[8:])),
		Wall:     time.Unix(0, int64(binary.LittleEndian.Uint64(payload[16:]))),
		Codec:    payload[24],
		Keyframe: flags&1 != 0,
		Gap:      flags&2 != 0,
		CatchUp:  flags&4 != 0,
		More:     flags&8 != 0,
		Data:     payload[accessUnitHead:],
	}
	return nil
}

// DecodeDetection reads a detection. Its thumbnail is a copy.
func DecodeDetection(payload []byte, d *Detection) error {
	if len(payload) < 4 {
		return fmt.Errorf("detection of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	}
	n := binary.LittleEndian.Uint32(payload)
	rest := payload[4:]
	if uint64(n) > uint64(len(rest)) {
		return fmt.Errorf("detection says %d bytes of %d: %w", n, len(rest), io.ErrUnexpectedEOF)
	}
	if err := Decode(rest[:n], d); err != nil {
		return err
	}
	d.JPEG = bytes.Clone(rest[n:])
	return nil
}

// DecodeVideo reads a picture of the annotated video. Its data aliases payload.
func DecodeVideo(payload []byte, v *Video) error {
	if len(payload) <= videoHead {
		return fmt.Errorf("video of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	}
	*v = Video{
		PTS:      time.Duration(binary.LittleEndian.Uint64(payload)),
		Keyframe: payload[8] != 0,
		Data:     payload[videoHead:],
	}
	return nil
}

// pictureHead is what stands before a picture: id and wall clock.
const pictureHead = 16

// DecodePicture reads a picture, as a copy.
func DecodePicture(payload []byte, p *Picture) error {
	if len(payload) < pictureHead {
		return fmt.Errorf("picture of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	}
	if n := len(payload) - pictureHead; n > MaxPicture {
		return fmt.Errorf("picture of %d bytes, at most %d: %w", n, MaxPicture, ErrTooLong)
	}
	p.Detection = binary.LittleEndian.Uint64(payload)
	p.Wall = time.Time{}
	if wall := int64(binary.LittleEndian.Uint64(payload[8:])); wall != 0 {
		p.Wall = time.UnixMilli(wall).UTC()
	}
	p.JPEG = bytes.Clone(payload[pictureHead:])
	return nil
}
