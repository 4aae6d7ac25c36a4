// Package mp4 reads the pictures of a video file, as a camera would deliver
// them: encoded access units in decoding order, with their time.
//
// It reads MP4 and QuickTime files (ISO/IEC 14496-12, -14, -15), whole or in
// fragments, with H.264, H.265 or MJPEG. Sound and anything else in them is
// passed over. A file is read as it goes: only the table that says where each
// picture lies is held in memory, about 4 to 20 bytes a picture, so a recording
// of a day can be read on a small machine.
//
// Files come from anywhere, so nothing in them is believed: every size and
// place is checked against the file before it is used, and a fault is reported
// with the box that has it.
package mp4

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"sentrybox/drivers/media"
)

// Bounds of what is read. They are far above what any recording needs.
const (
	// MaxAccessUnit is the size of the largest access unit that is read, in bytes.
	MaxAccessUnit = 8 << 20

	maxSamples   = 1 << 23 // pictures a file: 93 hours at 25 a second
	maxFragments = 1 << 20
	maxFragment  = 1 << 18           // pictures a fragment
	maxBoxes     = 1 << 22           // at the top level
	maxTable     = 12*maxSamples + 8 // bytes of one table
	maxSmallBox  = 1 << 16           // bytes of any box that is not a table
	maxEntries   = 64                // sample descriptions
	maxTracks    = 1 << 10
	maxSeconds   = 1 << 32 // 136 years: a time of day since 1970 or 1904 fits
	maxTicks     = 1 << 61 // what sums of ticks stay below, far from overflow
)

// source hands out samples in decoding order, and io.EOF after the last.
type source interface {
	next() (sample, error)
	rewind()
}

// Reader reads the pictures of one video track. It is for one goroutine.
type Reader struct {
	f       *file
	track   *track
	sources []source
	tail    error // instead of io.EOF: the file is cut off
	length  int
	end     time.Duration

	info   media.Info
	at     int // of the source
	number int // of the sample that was read last, from 1
	gap    bool
	entry  int // the sample description in force, -1 for none
	params paramSets
	buf    []byte
}

// SampleError reports a picture that cannot be read. The next call of Next goes
// on with the picture after it.
type SampleError struct {
	Number int // in decoding order, from 1
	Err    error
}

func (e *SampleError) Error() string { return fmt.Sprintf("mp4: picture %d: %v", e.Number, e.Err) }

// Unwrap returns the cause: io.ErrUnexpectedEOF if the file ends before the picture does.
func (e *SampleError) Unwrap() error { return e.Err }

// Open reads the boxes of a file up to its first video track that can be read.
// Its error wraps ErrNotMP4 or ErrUnsupported, or says which box is at fault.
// r is the caller's to close, after the last use of the Reader.
func Open(r io.ReadSeeker) (*Reader, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("mp4: find the file's size: %w", err)
	}
	f := &file{r: r, size: size}
	head, err := f.payload(box{typ: "head", end: min(size, sniffLength)}, sniffLength)
	if err != nil {
		return nil, fmt.Errorf("mp4: read the file's beginning: %w", err)
	}
	if err := sniff(head); err != nil {
		return nil, fmt.Errorf("mp4: %w", err)
	}
	rd := &Reader{f: f}
	if err := rd.open(); err != nil {
		return nil, fmt.Errorf("mp4: %w", err)
	}
	rd.Rewind()
	return rd, nil
}

// open finds the track and its sources, and measures them.
func (r *Reader) open() error {
	top, err := r.f.scan()
	if err != nil {
		return err
	}
	m, err := r.f.readMovie(top.moov)
	if err != nil {
		return err
	}
	r.track = m.track
	c := measure{track: r.track, last: math.MinInt64}
	whole := &stretch{start: cursor{t: r.track.table}}
	c.table(whole)
	if whole.count > 0 {
		r.sources = append(r.sources, whole)
	}
	if len(top.moofs) > 0 && m.trex != nil {
		fs := &fragments{f: r.f, track: r.track.id, trex: m.trex}
		r.tail = top.tail
		if err := c.fragments(fs, top.moofs); err != nil {
			r.tail = err
		}
		if len(fs.list) > 0 {
			r.sources = append(r.sources, fs)
		}
	}
	if c.count == 0 {
		if r.tail != nil {
			return r.tail
		}
		return fmt.Errorf("track %d: it has no pictures", r.track.id)
	}
	r.length = c.count
	r.end, err = r.track.when(c.last)
	return err
}

// Info describes the stream. Size and rate follow the parameter sets that were
// read last; until there are some, the size is what the file says of the track.
func (r *Reader) Info() media.Info { return r.info }

// Duration is the time at which the last picture's time on the screen ends,
// counted like PTS.
func (r *Reader) Duration() time.Duration { return r.end }

// Len is the number of pictures that the file lists. Next returns fewer if
// some of them are empty.
func (r *Reader) Len() int { return r.length }

// Rewind goes back to before the first picture.
func (r *Reader) Rewind() {
	for _, s := range r.sources {
		s.rewind()
	}
	r.at, r.number, r.gap, r.entry = 0, 0, false, -1
	r.use(0)
}

// Next returns the next picture in decoding order. Its PTS is its composition
// time by the edit list: the first picture shown has 0, or the delay that the
// edit list asks for. Pictures before that, which a decoder needs and nobody is
// to see, have a negative PTS. Wall is zero: the file does not know it. Gap says
// that a picture before it was missing or could not be read.
//
// After the last picture the error is io.EOF, or wraps io.ErrUnexpectedEOF if
// the file was cut off there. A *SampleError leaves the pictures after it to be read.
func (r *Reader) Next() (media.AccessUnit, error) {
	for r.at < len(r.sources) {
		s, err := r.sources[r.at].next()
		if errors.Is(err, io.EOF) {
			r.at++
			continue
		}
		if err != nil {
			return media.AccessUnit{}, fmt.Errorf("mp4: %w", err)
		}
		r.number++
		if s.size == 0 {
			r.gap = true
			continue
		}
		au, err := r.read(s)
		if err != nil {
			r.gap = true
			return media.AccessUnit{}, &SampleError{Number: r.number, Err: err}
		}
		au.Gap, r.gap = r.gap, false
		return au, nil
	}
	if r.tail != nil {
		return media.AccessUnit{}, fmt.Errorf("mp4: after picture %d: %w", r.number, r.tail)
	}
	return media.AccessUnit{}, io.EOF
}

// read reads the data of a sample.
func (r *Reader) read(s sample) (media.AccessUnit, error) {
	au := media.AccessUnit{Codec: r.info.Codec}
	var err error
	if au.PTS, err = r.track.when(s.cts); err != nil {
		return au, err
	}
	if s.size > MaxAccessUnit {
		return au, fmt.Errorf("it has %d bytes, at most %d", s.size, MaxAccessUnit)
	}
	if s.offset > r.f.size-int64(s.size) {
		return au, fmt.Errorf("its %d bytes at byte %d lie beyond the end of the file, which has %d: the file was cut off: %w",
			s.size, s.offset, r.f.size, io.ErrUnexpectedEOF)
	}
	if uint64(s.entry) >= uint64(len(r.track.entries)) {
		return au, fmt.Errorf("it names sample description %d of %d", int64(s.entry)+1, len(r.track.entries))
	}
	r.use(int(s.entry))
	e := r.track.entries[r.entry]
	if e.codec != r.info.Codec {
		return au, fmt.Errorf("the codec changes from %s to %s", r.info.Codec, e.codec)
	}
	if _, err := r.f.r.Seek(s.offset, io.SeekStart); err != nil {
		return au, fmt.Errorf("seek to byte %d: %w", s.offset, err)
	}
	if e.codec == media.MJPEG {
		au.Data, au.Keyframe = make([]byte, s.size), true
		if _, err := io.ReadFull(r.f.r, au.Data); err != nil {
			return au, fmt.Errorf("read %d bytes at byte %d: %w", s.size, s.offset, noEOF(err))
		}
		if len(au.Data) < 4 || au.Data[0] != 0xff || au.Data[1] != 0xd8 {
			return au, errors.New("it is not a JPEG picture")
		}
		return au, nil
	}
	if cap(r.buf) < int(s.size) {
		r.buf = make([]byte, s.size+s.size/2)
	}
	b := r.buf[:s.size]
	if _, err := io.ReadFull(r.f.r, b); err != nil {
		return au, fmt.Errorf("read %d bytes at byte %d: %w", s.size, s.offset, noEOF(err))
	}
	var changed bool
	au.Data, au.Keyframe, changed, err = annexB(b, e.nalLength, s.sync, &r.params)
	if changed {
		r.describe()
	}
	return au, err
}

// use takes a sample description into force, with its parameter sets.
func (r *Reader) use(i int) {
	if i == r.entry {
		return
	}
	e := r.track.entries[i]
	if r.entry < 0 {
		r.info = media.Info{Codec: e.codec, Width: e.width, Height: e.height, Transport: "file"}
		r.params = paramSets{codec: e.codec}
	}
	r.entry = i
	if e.codec != r.info.Codec {
		return
	}
	for _, p := range e.params {
		if len(p) > 0 {
			r.params.add(p)
		}
	}
	r.describe()
}

// describe takes size and rate from the newest sequence parameter set.
func (r *Reader) describe() {
	for _, p := range r.params.list {
		var width, height int
		var fps float64
		switch {
		case r.info.Codec == media.H264 && p.typ == byte(h264.NALUTypeSPS):
			var sps h264.SPS
			if sps.Unmarshal(p.nal) != nil {
				continue
			}
			width, height, fps = sps.Width(), sps.Height(), sps.FPS()
		case r.info.Codec == media.H265 && p.typ == byte(h265.NALUType_SPS_NUT):
			var sps h265.SPS
			if sps.Unmarshal(p.nal) != nil {
				continue
			}
			width, height, fps = sps.Width(), sps.Height(), sps.FPS()
		default:
			continue
		}
		if width > 0 && height > 0 {
			r.info.Width, r.info.Height = width, height
		}
		if !math.IsNaN(fps) && fps > 0 && fps < 1000 {
			r.info.FPS = fps
		}
		return
	}
}
