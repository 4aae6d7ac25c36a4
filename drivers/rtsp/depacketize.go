package rtsp

import (
	"errors"
	"fmt"
	"slices"
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

// depacketizer takes RTP payloads apart. It returns errMore while a fragmented
// unit is open, and errStray for the rest of one whose beginning it never saw.
type depacketizer func(*rtp.Packet) ([][]byte, error)

// newDepacketizer returns one for RFC 6184, RFC 7798 or RFC 2435.
//
// The library's decoders also group NAL units into access units, by marker
// alone for H.265, and cannot be told of a lost packet. Grouping is the
// receiver's work here, so they are shown every packet as if it were the last
// of its picture, and return each NAL unit as soon as it is whole.
func newDepacketizer(codec media.Codec) depacketizer {
	switch codec {
	case media.H265:
		return renewing(func() nalDecoder { return &rtph265.Decoder{} }, rtph265.ErrMorePacketsNeeded, rtph265.ErrNonStartingPacketAndNoPrevious)
	case media.MJPEG:
		d := &rtpmjpeg.Decoder{}
		return func(p *rtp.Packet) ([][]byte, error) {
			jpeg, err := d.Decode(p)
			if err != nil {
				return nil, translate(err, rtpmjpeg.ErrMorePacketsNeeded, rtpmjpeg.ErrNonStartingPacketAndNoPrevious)
			}
			return [][]byte{jpeg}, nil
		}
	default:
		return renewing(func() nalDecoder { return &rtph264.Decoder{PacketizationMode: 1} }, rtph264.ErrMorePacketsNeeded, rtph264.ErrNonStartingPacketAndNoPrevious)
	}
}

type nalDecoder interface {
	Decode(*rtp.Packet) ([][]byte, error)
}

// longUnit is from how many bytes on a unit is that of a keyframe, about.
const longUnit = 32 << 10

// renewing begins with another decoder after a long unit: the library's holds on to the packets of
// one until another of as many has come, which is a keyframe's size for each camera.
func renewing(next func() nalDecoder, more, stray error) depacketizer {
	d, renewed := next(), false
	return func(p *rtp.Packet) ([][]byte, error) {
		nals, err := d.Decode(marked(p))
		if err == nil && slices.ContainsFunc(nals, func(n []byte) bool { return len(n) >= longUnit }) {
			d, renewed = next(), true
		}
		if err = translate(err, more, stray); renewed && errors.Is(err, errStray) {
			err = errLost // to the decoder this is the beginning, to the stream it is not
		}
		return nals, err
	}
}

func marked(p *rtp.Packet) *rtp.Packet {
	q := *p
	q.Marker = true
	return &q
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
