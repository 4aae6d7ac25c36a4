package annexb

import (
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"sentrybox/drivers/media"
)

// nalKind is what a NAL unit means to the assembly of access units.
type nalKind uint8

const (
	nalSkip nalKind = iota // delimiters, filler, other layers, and what cannot be
	nalVPS                 // the kinds of parameter sets are in the order they are sent in
	nalSPS
	nalPPS
	nalOther // SEI and the like
	nalSlice // a coded slice
	nalIRAP  // a coded slice of a picture that decoding can start at
)

func (k nalKind) isSlice() bool        { return k == nalSlice || k == nalIRAP }
func (k nalKind) isParameterSet() bool { return k >= nalVPS && k <= nalPPS }

// kindOf classifies a NAL unit by ITU-T H.264 table 7-1 or H.265 table 7-1.
func kindOf(codec media.Codec, nal []byte) nalKind {
	if codec == media.H265 {
		return kindOfH265(nal)
	}
	if len(nal) < 2 || nal[0]&0x80 != 0 { // forbidden_zero_bit
		return nalSkip
	}
	switch h264.NALUType(nal[0] & 0x1f) {
	case h264.NALUTypeIDR:
		return nalIRAP
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
		return nalSlice
	case h264.NALUTypeSPS:
		return nalSPS
	case h264.NALUTypePPS:
		return nalPPS
	case h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC, h264.NALUTypeSEI, h264.NALUTypeSPSExtension:
		return nalOther
	}
	return nalSkip
}

func kindOfH265(nal []byte) nalKind {
	// nuh_layer_id other than 0 belongs to scalable and multiview extensions.
	if len(nal) < 3 || nal[0]&0x81 != 0 || nal[1]>>3 != 0 {
		return nalSkip
	}
	switch t := h265.NALUType(nal[0] >> 1 & 0x3f); {
	case t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_CRA_NUT:
		return nalIRAP
	case t <= h265.NALUType_RASL_R:
		return nalSlice
	case t == h265.NALUType_VPS_NUT:
		return nalVPS
	case t == h265.NALUType_SPS_NUT:
		return nalSPS
	case t == h265.NALUType_PPS_NUT:
		return nalPPS
	case t == h265.NALUType_PREFIX_SEI_NUT, t == h265.NALUType_SUFFIX_SEI_NUT:
		return nalOther
	}
	return nalSkip
}

// beginsPicture says whether a slice is the first of its picture: first_mb_in_slice
// is 0 (H.264 7.3.3), or first_slice_segment_in_pic_flag is set (H.265 7.3.6.1).
func beginsPicture(codec media.Codec, nal []byte) bool {
	if codec == media.H265 {
		return nal[2]&0x80 != 0
	}
	return nal[1]&0x80 != 0
}

// isIntra says whether an H.264 slice is an I slice (7.4.3, table 7-6).
func isIntra(nal []byte) bool {
	b, pos := nal[1:min(len(nal), 16)], 0
	if _, err := bits.ReadGolombUnsigned(b, &pos); err != nil {
		return false
	}
	typ, err := bits.ReadGolombUnsigned(b, &pos)
	return err == nil && (typ == 2 || typ == 7)
}

// isRecoveryPoint says whether a NAL unit is an SEI message with a recovery
// point (H.264 D.1.8, H.265 D.2.8): decoding can start here, and pictures are
// right after at most the number of pictures it tells.
func isRecoveryPoint(codec media.Codec, nal []byte) bool {
	const recoveryPoint = 6
	switch {
	case codec == media.H264 && h264.NALUType(nal[0]&0x1f) == h264.NALUTypeSEI:
		nal = nal[1:]
	case codec == media.H265 && h265.NALUType(nal[0]>>1&0x3f) == h265.NALUType_PREFIX_SEI_NUT:
		nal = nal[2:]
	default:
		return false
	}
	r := rbsp{data: nal}
	for {
		typ, ok := r.seiNumber()
		if !ok {
			return false
		}
		size, ok := r.seiNumber()
		if !ok {
			return false
		}
		if size > len(r.data)-r.pos {
			return false
		}
		if typ == recoveryPoint && size > 0 {
			return true
		}
		for range size {
			if _, ok := r.next(); !ok {
				return false
			}
		}
		if r.pos >= len(r.data)-1 { // the rest is rbsp_trailing_bits
			return false
		}
	}
}

// rbsp reads a NAL unit's payload without its emulation prevention bytes.
type rbsp struct {
	data  []byte
	pos   int
	zeros int
}

func (r *rbsp) next() (byte, bool) {
	if r.pos < len(r.data) && r.zeros >= 2 && r.data[r.pos] == 3 {
		r.pos++
		r.zeros = 0
	}
	if r.pos >= len(r.data) {
		return 0, false
	}
	b := r.data[r.pos]
	r.pos++
	if b == 0 {
		r.zeros++
	} else {
		r.zeros = 0
	}
	return b, true
}

// seiNumber reads a payload type or size (H.264 7.3.2.3.1).
func (r *rbsp) seiNumber() (int, bool) {
	n := 0
	for {
		b, ok := r.next()
		if !ok {
			return 0, false
		}
		n += int(b)
		if b != 0xff {
			return n, true
		}
	}
}

// Sequence is what a sequence parameter set says of the stream; 0 is not known.
type Sequence struct {
	Width, Height int     // pixels
	FPS           float64 // pictures a second
}

// parseSPS reads an SPS, and returns its identifier too. What the parser does
// not understand is left 0: the stream may be fine all the same.
func parseSPS(codec media.Codec, nal []byte) (id uint32, seq Sequence) {
	if codec == media.H265 {
		var s h265.SPS
		err := s.Unmarshal(nal) // fills its fields as far as it gets
		if s.PicWidthInLumaSamples > 0 && s.PicHeightInLumaSamples > 0 {
			seq.Width, seq.Height = s.Width(), s.Height()
		}
		if err == nil {
			seq.FPS = s.FPS()
		}
		return uint32(s.ID), seq.checked()
	}
	var s h264.SPS
	if err := s.Unmarshal(nal); err == nil {
		seq = Sequence{s.Width(), s.Height(), s.FPS()}
	}
	return s.ID, seq.checked()
}

func (s Sequence) checked() Sequence {
	const largest = 16384
	if s.Width < 1 || s.Height < 1 || s.Width > largest || s.Height > largest {
		s.Width, s.Height = 0, 0
	}
	if math.IsNaN(s.FPS) || s.FPS <= 0 || s.FPS > 1000 {
		s.FPS = 0
	}
	return s
}

// setID returns the identifier of a VPS or PPS.
func setID(codec media.Codec, kind nalKind, nal []byte) uint32 {
	if kind == nalVPS {
		return uint32(nal[2] >> 4)
	}
	b := nal[1:]
	if codec == media.H265 {
		b = nal[2:]
	}
	pos := 0
	id, err := bits.ReadGolombUnsigned(b, &pos)
	if err != nil {
		return 0
	}
	return id
}
