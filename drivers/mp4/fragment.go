package mp4

import (
	"encoding/binary"
	"fmt"
	"io"

	amp4 "github.com/abema/go-mp4"
)

// Flags of trun (ISO/IEC 14496-12 8.8.8.1), and the one of a sample that matters (8.8.3.1).
const (
	trunDataOffset   = 0x1
	trunFirstFlags   = 0x4
	trunDuration     = 0x100
	trunSize         = 0x200
	trunFlags        = 0x400
	trunComposition  = 0x800
	sampleIsNoSync   = 0x10000
	trunHeadOfFields = 8 // version, flags, sample_count
)

// fragments hands out the samples of one track from the moof boxes of a file.
// It keeps the place of each box and one box's samples, and reads them again when it comes to them.
type fragments struct {
	f     *file
	track uint32
	trex  map[uint32]amp4.Trex
	list  []fragment

	at      int // of the next fragment
	pending []sample
	used    int
}

// fragment is a moof box that has samples of the track.
type fragment struct {
	moof box
	dts  int64 // of its first sample
}

func (s *fragments) rewind() { s.at, s.pending, s.used = 0, s.pending[:0], 0 }

func (s *fragments) next() (sample, error) {
	for s.used == len(s.pending) {
		if s.at == len(s.list) {
			return sample{}, io.EOF
		}
		fr := s.list[s.at]
		s.at++
		var err error
		s.pending, _, err = s.read(fr, s.pending[:0])
		s.used = 0
		if err != nil {
			return sample{}, err
		}
	}
	v := s.pending[s.used]
	s.used++
	return v, nil
}

// read appends the track's samples of a fragment to dst, and returns the
// decoding time after them.
func (s *fragments) read(fr fragment, dst []sample) ([]sample, int64, error) {
	p := trafReader{s: s, moof: fr.moof, dst: dst, dts: fr.dts, dataEnd: fr.moof.start}
	err := s.f.children(fr.moof, fr.moof.body, func(b box) error {
		if b.typ != "traf" {
			return nil
		}
		if err := p.traf(b); err != nil {
			return fmt.Errorf("%s: %w", fr.moof, err)
		}
		return nil
	})
	return p.dst, p.dts, err
}

// trafReader goes through the track fragments of one moof box.
type trafReader struct {
	s       *fragments
	moof    box
	dst     []sample
	dts     int64
	dataEnd int64 // where the data of the runs so far ends
	trex    amp4.Trex
	tfhd    amp4.Tfhd
	ours    bool
}

func (p *trafReader) traf(b box) error {
	p.tfhd = amp4.Tfhd{}
	base, known := int64(0), false
	return p.s.f.children(b, b.body, func(k box) error {
		switch k.typ {
		case "tfhd":
			if known {
				return fmt.Errorf("%s: a second tfhd box", b)
			}
			known = true
			var err error
			base, err = p.header(k)
			return err
		case "tfdt":
			return p.time(k)
		case "trun":
			if !known {
				return fmt.Errorf("%s: its trun box comes before its tfhd box", b)
			}
			return p.run(k, base)
		}
		return nil
	})
}

// header reads tfhd and returns where data offsets are counted from.
func (p *trafReader) header(b box) (int64, error) {
	if err := p.s.f.decode(b, &p.tfhd); err != nil {
		return 0, err
	}
	p.trex = p.s.trex[p.tfhd.TrackID]
	p.ours = p.tfhd.TrackID == p.s.track
	switch {
	case p.tfhd.CheckFlag(amp4.TfhdBaseDataOffsetPresent):
		p.dataEnd = int64(min(p.tfhd.BaseDataOffset, 1<<62))
	case p.tfhd.CheckFlag(amp4.TfhdDefaultBaseIsMoof):
		p.dataEnd = p.moof.start
	}
	if p.tfhd.CheckFlag(amp4.TfhdDefaultSampleDurationPresent) {
		p.trex.DefaultSampleDuration = p.tfhd.DefaultSampleDuration
	}
	if p.tfhd.CheckFlag(amp4.TfhdDefaultSampleSizePresent) {
		p.trex.DefaultSampleSize = p.tfhd.DefaultSampleSize
	}
	if p.tfhd.CheckFlag(amp4.TfhdDefaultSampleFlagsPresent) {
		p.trex.DefaultSampleFlags = p.tfhd.DefaultSampleFlags
	}
	if p.tfhd.CheckFlag(amp4.TfhdSampleDescriptionIndexPresent) {
		p.trex.DefaultSampleDescriptionIndex = p.tfhd.SampleDescriptionIndex
	}
	return p.dataEnd, nil
}

func (p *trafReader) time(b box) error {
	if !p.ours {
		return nil
	}
	var t amp4.Tfdt
	if err := p.s.f.decode(b, &t); err != nil {
		return err
	}
	v := t.GetBaseMediaDecodeTime()
	if v > maxTicks {
		return fmt.Errorf("%s: a decode time of %d ticks", b, v)
	}
	p.dts = int64(v)
	return nil
}

// run reads a trun box (ISO/IEC 14496-12 8.8.8).
func (p *trafReader) run(b box, base int64) error {
	d, err := p.s.f.payload(b, maxTable)
	if err != nil {
		return err
	}
	if len(d) < trunHeadOfFields {
		return fmt.Errorf("%s: %d bytes, at least %d", b, len(d), trunHeadOfFields)
	}
	flags, count := binary.BigEndian.Uint32(d)&0xffffff, binary.BigEndian.Uint32(d[4:])
	d = d[trunHeadOfFields:]
	width := 0
	for _, bit := range []uint32{trunDuration, trunSize, trunFlags, trunComposition} {
		if flags&bit != 0 {
			width += 4
		}
	}
	need := uint64(count) * uint64(width)
	for _, bit := range []uint32{trunDataOffset, trunFirstFlags} {
		if flags&bit != 0 {
			need += 4
		}
	}
	if need > uint64(len(d)) {
		return fmt.Errorf("%s: it claims %d samples, %d bytes, and has %d", b, count, need, len(d))
	}
	if flags&trunSize == 0 {
		// Nothing in the box grows with the count, so the file has to hold them.
		size := uint64(p.trex.DefaultSampleSize)
		if count > 0 && (size == 0 || size*uint64(count) > uint64(p.s.f.size)) {
			return fmt.Errorf("%s: it claims %d samples of %d bytes in a file of %d", b, count, size, p.s.f.size)
		}
	}
	if p.ours && uint64(len(p.dst))+uint64(count) > maxFragment {
		return fmt.Errorf("%s: %d samples in one fragment, at most %d", b, uint64(len(p.dst))+uint64(count), maxFragment)
	}
	word := func() uint32 {
		v := binary.BigEndian.Uint32(d)
		d = d[4:]
		return v
	}
	if flags&trunDataOffset != 0 {
		p.dataEnd = base + int64(int32(word()))
		if p.dataEnd < 0 {
			return fmt.Errorf("%s: its data begins %d bytes before the file", b, -p.dataEnd)
		}
	}
	first := p.trex.DefaultSampleFlags
	if flags&trunFirstFlags != 0 {
		first = word()
	}
	p.samples(flags, count, first, word)
	return nil
}

func (p *trafReader) samples(flags, count, first uint32, word func() uint32) {
	for i := range count {
		v := sample{offset: p.dataEnd, size: p.trex.DefaultSampleSize, duration: p.trex.DefaultSampleDuration, dts: p.dts, cts: p.dts}
		own := p.trex.DefaultSampleFlags
		if i == 0 {
			own = first
		}
		if flags&trunDuration != 0 {
			v.duration = word()
		}
		if flags&trunSize != 0 {
			v.size = word()
		}
		if flags&trunFlags != 0 {
			own = word()
		}
		if flags&trunComposition != 0 {
			v.cts += int64(int32(word()))
		}
		v.sync = own&sampleIsNoSync == 0
		v.entry = max(p.trex.DefaultSampleDescriptionIndex, 1) - 1
		p.dataEnd += int64(v.size)
		if p.ours {
			p.dts += int64(v.duration)
			p.dst = append(p.dst, v)
		}
	}
}
