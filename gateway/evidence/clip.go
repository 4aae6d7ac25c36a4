package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"math"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
)

// timescale is the clock of a clip, that of RTP video.
const timescale = 90_000

// ErrNoClip means that access units cannot be made a clip.
var ErrNoClip = errors.New("no clip can be made of it")

// WriteClip writes access units, the first of which is a keyframe, as an MP4 file
// (ISO/IEC 14496-12) whose index comes first, so that it plays while it is still
// arriving. Nothing is encoded anew.
func WriteClip(w io.Writer, units []media.AccessUnit) error {
	if len(units) == 0 || !units[0].Keyframe {
		return fmt.Errorf("%w: it does not begin with a keyframe", ErrNoClip)
	}
	c := clip{track: &pmp4.Track{ID: 1, TimeScale: timescale}}
	if err := c.codec(units[0]); err != nil {
		return fmt.Errorf("%w: %w", ErrNoClip, err)
	}
	for i := range units {
		c.add(&units[i])
	}
	c.durations()
	p := pmp4.Presentation{Tracks: []*pmp4.Track{c.track}}
	if err := p.Marshal(w); err != nil {
		return fmt.Errorf("write a clip: %w", err)
	}
	return nil
}

// clip is one on its way to a file.
type clip struct {
	track *pmp4.Track
	dts   mp4.DecodeTime // nil without reordering
	first time.Duration
	// Of each sample, in ticks of the timescale.
	decode, present []int64
}

func split(data []byte) ([][]byte, error) {
	var nals h264.AnnexB
	if err := nals.Unmarshal(data); err != nil {
		return nil, err
	}
	return nals, nil
}

// codec finds the parameter sets in the first keyframe.
func (c *clip) codec(au media.AccessUnit) error {
	c.first = au.PTS
	if au.Codec == media.MJPEG {
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(au.Data))
		if err != nil {
			return err
		}
		c.track.Codec = &codecs.MJPEG{Width: cfg.Width, Height: cfg.Height}
		return nil
	}
	nals, err := split(au.Data)
	if err != nil {
		return err
	}
	c.track.Codec, c.dts, err = mp4.Describe(au.Codec, nals)
	return err
}

// add appends an access unit. One that cannot be read is left out: it is a
// stranger's, and the rest of the clip is worth having.
func (c *clip) add(au *media.AccessUnit) {
	payload := au.Data
	pts := int64((au.PTS - c.first).Seconds() * timescale)
	dts := pts
	if au.Codec != media.MJPEG {
		nals, err := split(au.Data)
		if err != nil {
			return
		}
		if payload, err = (h264.AVCC)(nals).Marshal(); err != nil {
			return
		}
		if d, err := c.dts(nals, pts); err == nil {
			dts = d
		}
	}
	if n := len(c.decode); n > 0 && dts <= c.decode[n-1] {
		dts = c.decode[n-1] + 1 // decode times only grow
	}
	c.decode, c.present = append(c.decode, dts), append(c.present, pts)
	c.track.Samples = append(c.track.Samples, &pmp4.Sample{
		IsNonSyncSample: !au.Keyframe, PayloadSize: uint32(len(payload)),
		GetPayload: func() ([]byte, error) { return payload, nil },
	})
}

// durations says how long each sample lasts: until the next is decoded, and the
// last so long that the picture shown last is shown as long as one is on average.
func (c *clip) durations() {
	n := len(c.decode)
	if n == 0 {
		return
	}
	frame, first, last := int64(timescale/25), slices.Min(c.present), slices.Max(c.present)
	if n > 1 {
		frame = (last - first) / int64(n-1)
	}
	for i, s := range c.track.Samples {
		next := last + frame
		if i+1 < n {
			next = c.decode[i+1]
		}
		s.Duration = uint32(min(max(next-c.decode[i], 1), math.MaxInt32))
		s.PTSOffset = int32(c.present[i] - c.decode[i])
	}
	// An edit list that begins where the first picture is shown.
	c.track.TimeOffset = int32(c.decode[0] - first)
}
