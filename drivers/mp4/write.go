package mp4

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"sentrybox/drivers/media"
)

const (
	writeScale = 90_000 // ticks a second
	maxWritten = math.MaxUint32 - 1<<20
)

// Spool keeps the encoded pictures until a file's index can be written before them.
type Spool interface {
	io.Writer
	io.ReaderAt
}

// Writer makes an MP4 file of H.264 pictures that come in order of their
// time, without reordering and with one set of parameters. The file's index comes
// first, so that a browser plays it while it loads. Of each picture some dozen bytes are
// held in memory; its data goes to the spool, from its beginning.
type Writer struct {
	spool    Spool
	sps, pps []byte
	samples  []*pmp4.Sample
	first    int64 // ticks
	last     int64
	size     uint64 // of what is in the spool
}

// NewWriter returns a writer of an empty file.
func NewWriter(spool Spool) *Writer { return &Writer{spool: spool} }

// Len returns the number of pictures added.
func (w *Writer) Len() int { return len(w.samples) }

// Add appends a picture. The first must be a keyframe with its parameter sets, and
// each must be later than the one before, by a tick of 1/90,000 s at least. After an error the file can
// still be finished with the pictures before.
func (w *Writer) Add(au media.AccessUnit) error {
	if au.Codec != media.H264 {
		return fmt.Errorf("mp4: cannot write %v", au.Codec)
	}
	at, err := ticksOf(au.PTS)
	if err != nil {
		return err
	}
	payload, err := w.payload(&au)
	if err != nil {
		return err
	}
	if len(w.samples) == 0 {
		w.first = at
	} else if at <= w.last || at-w.first > math.MaxInt32 {
		return fmt.Errorf("mp4: a picture of %v does not fit after the one before, or is more than 6 h after the first", au.PTS)
	}
	if w.size+uint64(len(payload)) > maxWritten || len(w.samples) == maxSamples {
		return errors.New("mp4: the file would be larger than 4 GiB")
	}
	from := w.size
	if _, err := w.spool.Write(payload); err != nil {
		return fmt.Errorf("mp4: keep a picture: %w", err)
	}
	w.size += uint64(len(payload))
	if n := len(w.samples); n > 0 {
		w.samples[n-1].Duration = uint32(at - w.last)
	}
	w.last = at
	n := len(payload)
	w.samples = append(w.samples, &pmp4.Sample{
		IsNonSyncSample: !au.Keyframe, PayloadSize: uint32(n),
		GetPayload: func() ([]byte, error) {
			b := make([]byte, n)
			_, err := w.spool.ReadAt(b, int64(from))
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return b, err
		},
	})
	return nil
}

// payload returns an access unit as it stands in the file, and takes its
// parameter sets out of it, which stand in the index.
func (w *Writer) payload(au *media.AccessUnit) ([]byte, error) {
	var nalus h264.AnnexB
	if err := nalus.Unmarshal(au.Data); err != nil {
		return nil, fmt.Errorf("mp4: a picture of %v: %w", au.PTS, err)
	}
	kept := make(h264.AVCC, 0, len(nalus))
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch h264.NALUType(n[0] & 0x1f) {
		case h264.NALUTypeSPS:
			w.param(&w.sps, n)
		case h264.NALUTypePPS:
			w.param(&w.pps, n)
		case h264.NALUTypeAccessUnitDelimiter:
		default:
			kept = append(kept, n)
		}
	}
	if w.sps == nil || w.pps == nil || len(w.samples) == 0 && !au.Keyframe {
		return nil, errors.New("mp4: the first picture is no keyframe with its parameter sets")
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("mp4: nothing in the picture of %v", au.PTS)
	}
	return kept.Marshal()
}

func (w *Writer) param(dst *[]byte, n []byte) {
	if *dst == nil {
		*dst = append([]byte(nil), n...)
	}
}

// WriteTo writes the file, whose last picture is shown until end, or for as
// long as the one before it if that is later.
func (w *Writer) WriteTo(out io.Writer, end time.Duration) error {
	if len(w.samples) == 0 {
		return errors.New("mp4: no picture to write")
	}
	last := w.samples[len(w.samples)-1]
	last.Duration = writeScale / 25
	if n := len(w.samples); n > 1 {
		last.Duration = w.samples[n-2].Duration
	}
	if at, err := ticksOf(end); err == nil && at > w.last && at-w.first <= math.MaxInt32 {
		last.Duration = uint32(at - w.last)
	}
	if w.first > math.MaxInt32 || w.first < 0 {
		return fmt.Errorf("mp4: the first picture is at %d s", w.first/writeScale)
	}
	p := pmp4.Presentation{Tracks: []*pmp4.Track{{
		ID: 1, TimeScale: writeScale, TimeOffset: int32(w.first),
		Codec: &codecs.H264{SPS: w.sps, PPS: w.pps}, Samples: w.samples,
	}}}
	if err := p.Marshal(out); err != nil {
		return fmt.Errorf("mp4: write the file: %w", err)
	}
	return nil
}

// ticksOf rounds a time to the file's clock.
func ticksOf(d time.Duration) (int64, error) {
	if d < 0 || d > 24*time.Hour {
		return 0, fmt.Errorf("mp4: a picture at %v", d)
	}
	return int64((d*9 + 50*time.Microsecond) / (100 * time.Microsecond)), nil
}
