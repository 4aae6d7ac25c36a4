package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"

	amp4 "github.com/abema/go-mp4"

	"sentrybox/drivers/media"
)

// ErrUnsupported is wrapped by the error of Open for an MP4 file whose pictures
// cannot be read here; the error says how to convert it.
var ErrUnsupported = errors.New("unsupported video")

const (
	visualEntryLength = 78   // ISO/IEC 14496-12 12.1.3.2, without the header of the box
	otiMJPEG          = 0x6c // ISO/IEC 14496-1 7.2.6.6.2, table 5: ISO/IEC 10918-1
)

// entry is one sample description.
type entry struct {
	format        string // the four characters of its box
	codec         media.Codec
	width, height int
	nalLength     int // bytes of a NAL unit's length: 1, 2 or 4
	params        [][]byte
}

// readEntries reads an stsd box. An entry that cannot be used leaves its error
// in the place of the entry, since another track may do.
func (f *file) readEntries(stsd box) ([]entry, error) {
	head, err := f.payload(box{stsd.typ, stsd.start, stsd.body, min(stsd.end, stsd.body+8)}, 8)
	if err != nil {
		return nil, err
	}
	if len(head) < 8 {
		return nil, fmt.Errorf("%s: %d bytes are too few", stsd, len(head))
	}
	want := binary.BigEndian.Uint32(head[4:])
	var list []entry
	err = f.children(stsd, stsd.body+8, func(b box) error {
		if uint32(len(list)) == want {
			return nil
		}
		if len(list) == maxEntries {
			return fmt.Errorf("%s: more than %d sample descriptions", stsd, maxEntries)
		}
		e, err := f.readEntry(b)
		if err != nil {
			return err
		}
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no sample description", stsd)
	}
	return list, nil
}

func (f *file) readEntry(b box) (entry, error) {
	e := entry{format: b.typ}
	switch b.typ {
	case "avc1", "avc2", "avc3", "avc4":
		e.codec = media.H264
	case "hvc1", "hev1":
		e.codec = media.H265
	case "jpeg":
		e.codec = media.MJPEG
	case "mp4v": // any of many, by its esds
	case "encv", "drmi":
		return e, fmt.Errorf("%w: it is encrypted (%s)", ErrUnsupported, b.typ)
	default:
		return e, unsupportedFormat(b.typ)
	}
	if b.end-b.body < visualEntryLength {
		return e, fmt.Errorf("%s: %d bytes, at least %d", b, b.end-b.body, visualEntryLength)
	}
	p, err := f.payload(box{b.typ, b.start, b.body, b.body + visualEntryLength}, visualEntryLength)
	if err != nil {
		return e, err
	}
	e.width, e.height = int(binary.BigEndian.Uint16(p[24:])), int(binary.BigEndian.Uint16(p[26:]))

	kids := make(map[string]box)
	err = f.children(b, b.body+visualEntryLength, func(k box) error {
		kids[k.typ] = k
		return nil
	})
	if err != nil {
		return e, err
	}
	switch b.typ {
	case "jpeg":
		return e, nil
	case "mp4v":
		return e, f.readESDS(b, kids, &e)
	}
	if e.codec == media.H264 {
		return e, f.readAVCC(b, kids, &e)
	}
	return e, f.readHVCC(b, kids, &e)
}

// readAVCC reads the decoder configuration record of ISO/IEC 14496-15 5.3.3.1.
func (f *file) readAVCC(b box, kids map[string]box, e *entry) error {
	k, ok := kids["avcC"]
	if !ok {
		return fmt.Errorf("%s: it has no avcC box", b)
	}
	var c amp4.AVCDecoderConfiguration
	c.SetType(amp4.BoxTypeAvcC())
	if err := f.decode(k, &c); err != nil {
		return err
	}
	e.nalLength = int(c.LengthSizeMinusOne) + 1
	for _, list := range [][]amp4.AVCParameterSet{c.SequenceParameterSets, c.PictureParameterSets} {
		for _, p := range list {
			e.params = append(e.params, p.NALUnit)
		}
	}
	return checkNALLength(k, e.nalLength)
}

// readHVCC reads the decoder configuration record of ISO/IEC 14496-15 8.3.3.1.
func (f *file) readHVCC(b box, kids map[string]box, e *entry) error {
	k, ok := kids["hvcC"]
	if !ok {
		return fmt.Errorf("%s: it has no hvcC box", b)
	}
	var c amp4.HvcC
	if err := f.decode(k, &c); err != nil {
		return err
	}
	e.nalLength = int(c.LengthSizeMinusOne) + 1
	for _, a := range c.NaluArrays {
		for _, n := range a.Nalus {
			e.params = append(e.params, n.NALUnit)
		}
	}
	return checkNALLength(k, e.nalLength)
}

func checkNALLength(b box, n int) error {
	if n == 3 {
		return fmt.Errorf("%s: NAL unit lengths of 3 bytes", b)
	}
	return nil
}

// readESDS takes an mp4v entry for MJPEG if its elementary stream descriptor says so.
func (f *file) readESDS(b box, kids map[string]box, e *entry) error {
	k, ok := kids["esds"]
	if !ok {
		return unsupportedFormat(b.typ)
	}
	var es amp4.Esds
	if err := f.decode(k, &es); err != nil {
		return err
	}
	for _, d := range es.Descriptors {
		if d.DecoderConfigDescriptor != nil && d.DecoderConfigDescriptor.ObjectTypeIndication == otiMJPEG {
			e.codec = media.MJPEG
			return nil
		}
	}
	return unsupportedFormat(b.typ)
}

func unsupportedFormat(typ string) error {
	name := fmt.Sprintf("%q", typ)
	switch typ {
	case "mp4v":
		name = "MPEG-4 Part 2 (mp4v)"
	case "s263", "h263":
		name = "H.263 (" + typ + ")"
	case "vp08", "vp09":
		name = "VP" + typ[3:] + " (" + typ + ")"
	case "av01":
		name = "AV1 (av01)"
	case "vvc1", "vvi1":
		name = "H.266 (" + typ + ")"
	case "apcn", "apch", "apcs", "apco", "ap4h":
		name = "ProRes (" + typ + ")"
	}
	return fmt.Errorf("%w: its codec is %s; convert it: %s", ErrUnsupported, name, reencode)
}
