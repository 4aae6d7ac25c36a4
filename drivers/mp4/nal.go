package mp4

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"sentrybox/drivers/media"
)

// nalKind is what a NAL unit means to a reader that starts decoding somewhere.
type nalKind uint8

const (
	nalOther  nalKind = iota
	nalParam          // a parameter set
	nalAUD            // an access unit delimiter
	nalVCL            // a slice
	nalIDR            // a slice of a picture at which everything starts anew
	nalRandom         // a slice of a CRA or BLA picture
)

// kindOf classifies by ITU-T H.264 table 7-1 and H.265 table 7-1.
func kindOf(c media.Codec, nal []byte) nalKind {
	if c == media.H264 {
		switch t := h264.NALUType(nal[0] & 0x1f); {
		case t == h264.NALUTypeIDR:
			return nalIDR
		case t >= 1 && t <= 4:
			return nalVCL
		case t == h264.NALUTypeSPS, t == h264.NALUTypePPS:
			return nalParam
		case t == h264.NALUTypeAccessUnitDelimiter:
			return nalAUD
		}
		return nalOther
	}
	switch t := h265.NALUType(nal[0] >> 1 & 0x3f); {
	case t == h265.NALUType_IDR_W_RADL, t == h265.NALUType_IDR_N_LP:
		return nalIDR
	case t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_CRA_NUT:
		return nalRandom
	case t < 32:
		return nalVCL
	case t >= h265.NALUType_VPS_NUT && t <= h265.NALUType_PPS_NUT:
		return nalParam
	case t == h265.NALUType_AUD_NUT:
		return nalAUD
	}
	return nalOther
}

// paramSets holds the parameter sets in force, in the order in which they go
// before a keyframe: by type, and by identifier as they came.
type paramSets struct {
	codec media.Codec
	list  []paramSet
}

type paramSet struct {
	typ byte
	id  uint32
	nal []byte
}

// add puts a parameter set in the place of the one with its identifier, and
// says whether that changed anything.
func (p *paramSets) add(nal []byte) bool {
	s := paramSet{typ: p.typeOf(nal), nal: nal}
	if s.id = p.idOf(s.typ, nal); s.id > maxParamID {
		return false // damaged: it could only push out good ones
	}
	at := 0
	for i, o := range p.list {
		if o.typ == s.typ && o.id == s.id {
			if bytes.Equal(o.nal, nal) {
				return false
			}
			p.list[i].nal = bytes.Clone(nal)
			return true
		}
		if o.typ <= s.typ {
			at = i + 1
		}
	}
	s.nal = bytes.Clone(nal)
	p.list = append(p.list, paramSet{})
	copy(p.list[at+1:], p.list[at:])
	p.list[at] = s
	return true
}

// complete says whether a decoder has all types that it needs to begin.
func (p *paramSets) complete() bool {
	var have uint64
	for _, s := range p.list {
		have |= 1 << s.typ
	}
	want := uint64(1<<h264.NALUTypeSPS | 1<<h264.NALUTypePPS)
	if p.codec == media.H265 {
		want = 1<<h265.NALUType_VPS_NUT | 1<<h265.NALUType_SPS_NUT | 1<<h265.NALUType_PPS_NUT
	}
	return have&want == want
}

func (p *paramSets) typeOf(nal []byte) byte {
	if p.codec == media.H264 {
		return nal[0] & 0x1f
	}
	return nal[0] >> 1 & 0x3f
}

// maxParamID is the highest identifier of any parameter set: of a PPS in H.264 7.4.2.2.
const maxParamID = 255

// noID stands for an identifier that cannot be read.
const noID = 1 << 31

// idOf reads the identifier of a parameter set (H.264 7.3.2.1 and 7.3.2.2;
// H.265 7.3.2.1 to 7.3.2.3), and noID if it is cut off.
func (p *paramSets) idOf(typ byte, nal []byte) uint32 {
	// What comes before the identifier fits in 100 bytes with all of H.265's sub-layers.
	b := bits{data: h264.EmulationPreventionRemove(nal[:min(len(nal), 160)])}
	if p.codec == media.H264 {
		b.skip(8)
		if typ == byte(h264.NALUTypeSPS) {
			b.skip(24) // profile, constraints, level
		}
		return b.golomb()
	}
	b.skip(16)
	switch h265.NALUType(typ) {
	case h265.NALUType_VPS_NUT:
		if id := b.read(4); !b.over() {
			return id
		}
		return noID
	case h265.NALUType_SPS_NUT:
		b.skip(4)
		layers := int(b.read(3))
		b.skip(1)
		b.skip(88 + 8) // profile_tier_level 7.3.3: the general part
		if layers > 0 {
			flags := b.read(16)
			for i := range layers {
				if flags>>(15-2*i)&1 != 0 {
					b.skip(88)
				}
				if flags>>(14-2*i)&1 != 0 {
					b.skip(8)
				}
			}
		}
	}
	return b.golomb()
}

// bits reads a bit string; after its end come zeros.
type bits struct {
	data []byte
	at   int
}

func (b *bits) skip(n int) { b.at += n }

func (b *bits) read(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if b.at < 8*len(b.data) {
			v |= uint32(b.data[b.at/8] >> (7 - b.at%8) & 1)
		}
		b.at++
	}
	return v
}

// over says whether more was read than there is.
func (b *bits) over() bool { return b.at > 8*len(b.data) }

// golomb reads ue(v) (H.264 9.1, H.265 9.2) of at most 16 bits, and noID if there is none.
func (b *bits) golomb() uint32 {
	zeros := 0
	for b.read(1) == 0 {
		if zeros++; zeros > 16 {
			return noID
		}
	}
	v := b.read(zeros)
	if b.over() {
		return noID
	}
	return 1<<zeros - 1 + v
}

// split calls visit for each NAL unit of a sample (ISO/IEC 14496-15 5.3.4.2).
// Units of no length and zeros after the last are passed over, since recorders write them.
func split(data []byte, length int, visit func(nal []byte)) error {
	for len(data) > length {
		var n uint64
		for _, c := range data[:length] {
			n = n<<8 | uint64(c)
		}
		data = data[length:]
		if n > uint64(len(data)) {
			return fmt.Errorf("a NAL unit of %d bytes, with %d left", n, len(data))
		}
		if n > 0 {
			visit(data[:n:n])
		}
		data = data[n:]
	}
	if len(bytes.Trim(data, "\x00")) > 0 {
		return fmt.Errorf("%d bytes after its last NAL unit", len(data))
	}
	return nil
}

var errNoPicture = errors.New("no picture in it")

// annexB turns a sample into an Annex B access unit. Parameter sets in it
// replace those in force, which all go in front of a keyframe; access unit
// delimiters are left out, since nothing may stand before one.
func annexB(data []byte, length int, listed bool, p *paramSets) (out []byte, keyframe, changed bool, err error) {
	var idr, random, picture bool
	size := 0
	err = split(data, length, func(nal []byte) {
		switch kindOf(p.codec, nal) {
		case nalIDR:
			idr, picture = true, true
		case nalRandom:
			random, picture = true, true
		case nalVCL:
			picture = true
		case nalParam:
			changed = p.add(nal) || changed
		}
		size += 4 + len(nal)
	})
	if err != nil {
		return nil, false, changed, err
	}
	if !picture {
		return nil, false, changed, errNoPicture
	}
	keyframe = (idr || random && listed) && p.complete()
	if keyframe {
		for _, s := range p.list {
			size += 4 + len(s.nal)
		}
	}
	out = make([]byte, 0, size)
	if keyframe {
		for _, s := range p.list {
			out = append(append(out, 0, 0, 0, 1), s.nal...)
		}
	}
	err = split(data, length, func(nal []byte) {
		switch k := kindOf(p.codec, nal); {
		case k == nalAUD, k == nalParam && keyframe:
		default:
			out = append(append(out, 0, 0, 0, 1), nal...)
		}
	})
	return out, keyframe, changed, err
}
