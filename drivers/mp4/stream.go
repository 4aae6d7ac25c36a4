package mp4

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"sentrybox/drivers/media"
)

// DecodeTime finds the decode time of an access unit from its NAL units and its presentation time, both in ticks.
// It is asked for the access units of a stream in their order.
type DecodeTime func(nals [][]byte, pts int64) (int64, error)

var errNoParameters = errors.New("no parameter sets")

// Describe returns how MP4 describes the H.264 or H.265 stream that begins with the NAL units of a keyframe, by
// the parameter sets among them, and what finds its decode times.
func Describe(codec media.Codec, nals [][]byte) (codecs.Codec, DecodeTime, error) {
	switch codec {
	case media.H264:
		return describe264(nals)
	case media.H265:
		return describe265(nals)
	}
	return nil, nil, fmt.Errorf("codec %v", codec)
}

func describe264(nals [][]byte) (codecs.Codec, DecodeTime, error) {
	k := &codecs.H264{}
	for _, n := range nals {
		switch h264.NALUType(n[0] & 0x1f) {
		case h264.NALUTypeSPS:
			k.SPS = n
		case h264.NALUTypePPS:
			k.PPS = n
		}
	}
	if k.SPS == nil || k.PPS == nil {
		return nil, nil, errNoParameters
	}
	var sps h264.SPS
	if err := sps.Unmarshal(k.SPS); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errNoParameters, err)
	}
	x := &h264.DTSExtractor{}
	x.Initialize()
	return k, x.Extract, nil
}

func describe265(nals [][]byte) (codecs.Codec, DecodeTime, error) {
	k := &codecs.H265{}
	for _, n := range nals {
		switch h265.NALUType((n[0] >> 1) & 0x3f) {
		case h265.NALUType_VPS_NUT:
			k.VPS = n
		case h265.NALUType_SPS_NUT:
			k.SPS = n
		case h265.NALUType_PPS_NUT:
			k.PPS = n
		}
	}
	if k.VPS == nil || k.SPS == nil || k.PPS == nil {
		return nil, nil, errNoParameters
	}
	var sps h265.SPS
	if err := sps.Unmarshal(k.SPS); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errNoParameters, err)
	}
	x := &h265.DTSExtractor{}
	x.Initialize()
	return k, x.Extract, nil
}
