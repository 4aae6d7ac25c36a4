package rtsptest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

const clockRate = 90000 // of all three payload formats: RFC 6184 8.2.1, RFC 7798 7.1, RFC 2435 3

// packetiser turns access units into RTP packets.
type packetiser struct {
	codec  media.Codec
	format format.Format
	encode func(au []byte) ([]*rtp.Packet, error)
}

// newPacketiser describes a stream whose first keyframe is au.
func newPacketiser(au media.AccessUnit) (*packetiser, error) {
	p := &packetiser{codec: au.Codec}
	switch au.Codec {
	case media.H264:
		f := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
		e, err := f.CreateEncoder()
		if err != nil {
			return nil, err
		}
		p.format, p.encode = f, p.nalUnits(e.Encode)
	case media.H265:
		f := &format.H265{PayloadTyp: 96}
		e, err := f.CreateEncoder()
		if err != nil {
			return nil, err
		}
		p.format, p.encode = f, p.nalUnits(e.Encode)
	case media.MJPEG:
		f := &format.MJPEG{}
		e, err := f.CreateEncoder()
		if err != nil {
			return nil, err
		}
		p.format, p.encode = f, func(au []byte) ([]*rtp.Packet, error) { return e.Encode(twoTables(au)) }
	default:
		return nil, fmt.Errorf("%s cannot be sent", au.Codec)
	}
	p.describe(au.Data)
	return p, nil
}

// nalUnits takes an encoder of NAL units for Annex B.
func (p *packetiser) nalUnits(encode func([][]byte) ([]*rtp.Packet, error)) func([]byte) ([]*rtp.Packet, error) {
	return func(au []byte) ([]*rtp.Packet, error) {
		nals := splitAnnexB(au, p.header())
		if len(nals) == 0 {
			return nil, errors.New("no NAL unit in it")
		}
		return encode(nals)
	}
}

// header is the length of a NAL unit's header, in bytes.
func (p *packetiser) header() int {
	if p.codec == media.H265 {
		return 2
	}
	return 1
}

// packets turns an access unit, which may be mangled, into packets.
func (p *packetiser) packets(au []byte) (list []*rtp.Packet, err error) {
	defer func() { // the JPEG packetiser reads past the end of a cut off picture
		if r := recover(); r != nil {
			list, err = nil, fmt.Errorf("packetise: %v", r)
		}
	}()
	return p.encode(au)
}

// describe takes the parameter sets of a keyframe into the session description.
func (p *packetiser) describe(au []byte) {
	var vps, sps, pps []byte
	for _, n := range splitAnnexB(au, p.header()) {
		switch {
		case p.codec == media.H264 && n[0]&0x1f == byte(h264.NALUTypeSPS), p.codec == media.H265 && n[0]>>1&0x3f == byte(h265.NALUType_SPS_NUT):
			sps = n
		case p.codec == media.H264 && n[0]&0x1f == byte(h264.NALUTypePPS), p.codec == media.H265 && n[0]>>1&0x3f == byte(h265.NALUType_PPS_NUT):
			pps = n
		case p.codec == media.H265 && n[0]>>1&0x3f == byte(h265.NALUType_VPS_NUT):
			vps = n
		}
	}
	switch f := p.format.(type) {
	case *format.H264:
		f.SafeSetParams(sps, pps)
	case *format.H265:
		f.SafeSetParams(vps, sps, pps)
	}
}

func (p *packetiser) session(title string) *description.Session {
	return &description.Session{
		Title:  title,
		Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{p.format}}},
	}
}

// splitAnnexB returns the NAL units of a byte stream (H.264 Annex B) that are
// longer than their header. What comes before a start code is one too, so
// that mangled bytes are sent and not lost.
func splitAnnexB(b []byte, header int) [][]byte {
	var list [][]byte
	for len(b) > 0 {
		var n []byte
		if i := bytes.Index(b, []byte{0, 0, 1}); i >= 0 {
			n, b = bytes.TrimRight(b[:i], "\x00"), b[i+3:]
		} else {
			n, b = b, nil
		}
		if len(n) > header {
			list = append(list, n)
		}
	}
	return list
}
