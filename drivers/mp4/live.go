package mp4

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"sentrybox/drivers/media"
)

// ErrNotLive means that a stream cannot be shown as it is.
var ErrNotLive = errors.New("mp4: not a stream that a browser takes")

// maxStep bounds how long one picture is said to last.
const maxStep = 2 * time.Second

// Live makes a fragmented MP4 stream (ISO/IEC 14496-12, 8.8) of H.264 or H.265 access
// units as they come, a fragment each, for a browser's Media Source Extensions.
// Nothing is encoded anew.
type Live struct {
	// Head is what the stream begins with, and MIME its type with the codec (RFC 6381).
	Head []byte
	MIME string

	dts   DecodeTime
	first time.Duration // PTS of the first access unit
	last  int64         // decode time of the newest, in ticks
	step  int64         // between the two newest
	seq   uint32
}

// NewLive begins a stream with a keyframe, whose parameter sets it takes. It returns
// ErrNotLive for what no browser plays.
func NewLive(au *media.AccessUnit) (*Live, error) {
	var nals h264.AnnexB
	if err := nals.Unmarshal(au.Data); err != nil || !au.Keyframe {
		return nil, fmt.Errorf("%w: no keyframe to begin with", ErrNotLive)
	}
	l := &Live{first: au.PTS, last: -1, step: writeScale / 25}
	codec, dts, err := Describe(au.Codec, nals)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotLive, err)
	}
	l.dts = dts
	if l.MIME, err = mime(codec); err != nil {
		return nil, err
	}
	var buf seekablebuffer.Buffer
	head := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: writeScale, Codec: codec}}}
	if err := head.Marshal(&buf); err != nil {
		return nil, fmt.Errorf("mp4: begin a stream: %w", err)
	}
	l.Head = buf.Bytes()
	return l, nil
}

// mime names a codec as RFC 6381 has it.
func mime(codec codecs.Codec) (string, error) {
	switch k := codec.(type) {
	case *codecs.H264:
		return fmt.Sprintf(`video/mp4; codecs="avc1.%02x%02x%02x"`, k.SPS[1], k.SPS[2], k.SPS[3]), nil
	case *codecs.H265:
		var sps h265.SPS
		if err := sps.Unmarshal(k.SPS); err != nil {
			return "", fmt.Errorf("%w: %w", ErrNotLive, err)
		}
		// Whether a browser has a decoder at all is what matters: Main profile, as cameras send it.
		return fmt.Sprintf(`video/mp4; codecs="hvc1.1.6.L%d.B0"`, sps.ProfileTierLevel.GeneralLevelIdc), nil
	}
	return "", ErrNotLive
}

// Add returns the fragment of the next access unit. One that cannot be read is an
// error, and the stream goes on without it.
func (l *Live) Add(au *media.AccessUnit) ([]byte, error) {
	var nals h264.AnnexB
	if err := nals.Unmarshal(au.Data); err != nil {
		return nil, fmt.Errorf("mp4: a picture of %v: %w", au.PTS, err)
	}
	payload, err := h264.AVCC(nals).Marshal()
	if err != nil {
		return nil, fmt.Errorf("mp4: a picture of %v: %w", au.PTS, err)
	}
	pts := int64((au.PTS - l.first).Seconds() * writeScale)
	dts, err := l.dts(nals, pts)
	if err != nil {
		dts = pts
	}
	if l.last < 0 {
		dts = max(dts, 0)
	} else {
		dts = max(dts, l.last+1) // decode times only grow
		l.step = min(dts-l.last, int64(maxStep.Seconds()*writeScale))
	}
	l.last = dts
	l.seq++
	part := fmp4.Part{SequenceNumber: l.seq, Tracks: []*fmp4.PartTrack{{ID: 1, BaseTime: uint64(dts), Samples: []*fmp4.Sample{{
		Duration: uint32(l.step), PTSOffset: int32(max(pts-dts, 0)), IsNonSyncSample: !au.Keyframe, Payload: payload, // bounded above
	}}}}}
	var buf seekablebuffer.Buffer
	if err := part.Marshal(&buf); err != nil {
		return nil, fmt.Errorf("mp4: a picture of %v: %w", au.PTS, err)
	}
	return buf.Bytes(), nil
}
