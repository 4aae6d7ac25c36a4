package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	amp4 "github.com/abema/go-mp4"
)

// file is what the boxes are read from. Every position is checked against its
// size before anything is read or allocated.
type file struct {
	r    io.ReadSeeker
	size int64
}

// box is one box (ISO/IEC 14496-12 4.2), its positions in bytes from the start of the file.
type box struct {
	typ              string
	start, body, end int64
}

func (b box) String() string { return fmt.Sprintf("box %q at byte %d", b.typ, b.start) }

// errCut says that a box reaches beyond what contains it.
var errCut = errors.New("it reaches beyond the end of what contains it")

// readBox reads the header of the box at a position; limit is the end of what
// contains it. With errCut the box is returned all the same.
func (f *file) readBox(at, limit int64) (box, error) {
	if _, err := f.r.Seek(at, io.SeekStart); err != nil {
		return box{}, fmt.Errorf("seek to byte %d: %w", at, err)
	}
	bi, err := amp4.ReadBoxInfo(f.r)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return box{}, fmt.Errorf("box header at byte %d: %w", at, err)
	}
	b := box{typ: string(bi.Type[:]), start: at, body: at + int64(bi.HeaderSize)}
	switch {
	case bi.ExtendToEOF:
		b.end = limit
	case bi.Size < bi.HeaderSize:
		return b, fmt.Errorf("%s: its size %d is less than its header", b, bi.Size)
	case bi.Size > uint64(limit-at):
		b.end = limit
		return b, fmt.Errorf("%s: %w: size %d, %d left", b, errCut, bi.Size, limit-at)
	default:
		b.end = at + int64(bi.Size)
	}
	return b, nil
}

// children calls visit for each box that begins at from or later within parent.
// A rest of less than a header is padding, as QuickTime has it.
func (f *file) children(parent box, from int64, visit func(box) error) error {
	for at := from; parent.end-at >= amp4.SmallHeaderSize; {
		b, err := f.readBox(at, parent.end)
		if err != nil {
			return fmt.Errorf("in %s: %w", parent, err)
		}
		if err := visit(b); err != nil {
			return err
		}
		at = b.end
	}
	return nil
}

// kids returns the first child of each type.
func (f *file) kids(parent box) (map[string]box, error) {
	m := make(map[string]box)
	err := f.children(parent, parent.body, func(b box) error {
		if _, ok := m[b.typ]; !ok {
			m[b.typ] = b
		}
		return nil
	})
	return m, err
}

// payload reads the whole of a box, which must not be larger than limit bytes.
func (f *file) payload(b box, limit int64) ([]byte, error) {
	n := b.end - b.body
	if n > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", b, n, limit)
	}
	if b.end > f.size {
		return nil, fmt.Errorf("%s: %w", b, errCut)
	}
	if _, err := f.r.Seek(b.body, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%s: seek: %w", b, err)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(f.r, p); err != nil {
		return nil, fmt.Errorf("%s: read: %w", b, noEOF(err))
	}
	return p, nil
}

// decode reads a small box of a known layout into dst.
func (f *file) decode(b box, dst amp4.IBox) error {
	p, err := f.payload(b, maxSmallBox)
	if err != nil {
		return err
	}
	return unmarshal(b, p, dst)
}

func unmarshal(b box, p []byte, dst amp4.IBox) error {
	if _, err := amp4.Unmarshal(bytes.NewReader(p), uint64(len(p)), dst, amp4.Context{}); err != nil {
		return fmt.Errorf("%s: %w", b, noEOF(err))
	}
	return nil
}

// noEOF keeps an end in the middle of something from looking like the end of the file.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
