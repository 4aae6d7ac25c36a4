package rtsp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

var (
	errMore  = errors.New("need more packets")
	errStray = errors.New("fragment without its beginning")
	errLost  = errors.New("fragment whose beginning was lost")
)

// depacketizer takes RTP payloads apart.
type depacketizer interface {
	// decode returns the units that a packet completes. It returns errMore while a fragmented unit is
	// open, and errStray for the rest of one whose beginning it never saw.
	decode(p *rtp.Packet) ([][]byte, error)
	// end says that the units that were returned are not needed any more.
	end()
}

// newDepacketizer returns one for RFC 6184, RFC 7798 or RFC 2435.
//
// The library's decoders also group NAL units into access units, by marker
// alone for H.265, and cannot be told of a lost packet. Grouping is the
// receiver's work here, so they are shown every packet as if it were the last
// of its picture, and return each NAL unit as soon as it is whole.
func newDepacketizer(codec media.Codec, spare *buffers) depacketizer {
	switch codec {
	case media.H265:
		return &nalDepacketizer{codec: codec, spare: spare, whole: &rtph265.Decoder{}}
	case media.MJPEG:
		return &jpegDepacketizer{}
	default:
		return &nalDepacketizer{codec: codec, spare: spare, whole: &rtph264.Decoder{PacketizationMode: 1}}
	}
}

type jpegDepacketizer struct{ d rtpmjpeg.Decoder }

func (j *jpegDepacketizer) end() {}

func (j *jpegDepacketizer) decode(p *rtp.Packet) ([][]byte, error) {
	jpeg, err := j.d.Decode(p)
	if err != nil {
		return nil, translate(err, rtpmjpeg.ErrMorePacketsNeeded, rtpmjpeg.ErrNonStartingPacketAndNoPrevious)
	}
	return [][]byte{jpeg}, nil
}

func translate(err, more, stray error) error {
	switch {
	case errors.Is(err, more):
		return errMore
	case errors.Is(err, stray):
		return errStray
	}
	return err
}

// codecOf returns the codec of a format that we can read. Some cameras use
// payload types that the library does not connect with a codec, so the encoding
// name of the rtpmap decides (RFC 6184 8.2.1, RFC 7798 7.2.1, RFC 3555).
func codecOf(f format.Format) (media.Codec, bool) {
	if f.ClockRate() <= 0 {
		return 0, false
	}
	name, _, _ := strings.Cut(f.RTPMap(), "/")
	switch strings.ToUpper(name) {
	case "H264":
		// 8.2.1: mode 2 interleaves NAL units of several pictures.
		return media.H264, f.FMTP()["packetization-mode"] != "2"
	case "H265", "HEVC":
		d := f.FMTP()["sprop-max-don-diff"]
		return media.H265, d == "" || d == "0"
	case "JPEG":
		return media.MJPEG, true
	}
	return 0, false
}

// formatName describes a format to people.
func formatName(f format.Format) string {
	if c, ok := codecOf(f); ok {
		return c.String()
	}
	name := f.RTPMap()
	if name == "" {
		return fmt.Sprintf("payload type %d", f.PayloadType())
	}
	return shorten(printable(name), 60)
}
