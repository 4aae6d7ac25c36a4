package mp4

import (
	"bytes"
	"encoding/binary"
)

// Parameter sets of a real encoder, 1920×1080.
func testSPS() []byte {
	return []byte{
		0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04,
		0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20,
	}
}

func testPPS() []byte { return []byte{0x68, 0xcb, 0x8c, 0xb2} }

// atom writes one box.
func atom(typ string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(append(b, typ...), body...)
}

func u16(v ...uint16) []byte {
	var b []byte
	for _, x := range v {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

func u32(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

func u64(v ...uint64) []byte {
	var b []byte
	for _, x := range v {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b
}

// film is an MP4 file to be written box by box; what is nil is left out.
type film struct {
	ftyp                         []byte
	stsd, elst, stts, ctts, stss []byte // whole boxes
	stsc, stsz, stco             []byte
	scale                        uint32
	handler                      string
	data                         []byte
}

// samples of 4-byte lengths, one NAL unit each.
func avcc(nals ...[]byte) []byte {
	var b []byte
	for _, n := range nals {
		b = append(append(b, u32(uint32(len(n)))...), n...)
	}
	return b
}

func visual(format string, width, height uint16, inner ...[]byte) []byte {
	return atom(format, make([]byte, 6), u16(1), make([]byte, 16), u16(width, height), make([]byte, 50), bytes.Join(inner, nil))
}

func avcC(sps, pps []byte) []byte {
	b := []byte{1, 0x42, 0xc0, 0x28, 0xff}
	if sps == nil {
		return atom("avcC", b, []byte{0xe0, 0})
	}
	return atom("avcC", b, []byte{0xe1}, u16(uint16(len(sps))), sps, []byte{1}, u16(uint16(len(pps))), pps)
}

func stsd(entries ...[]byte) []byte {
	return atom("stsd", u32(0, uint32(len(entries))), bytes.Join(entries, nil))
}

// newFilm is a film of H.264 with a keyframe and two more pictures, in one
// chunk, 10 a second. Its data begins right after the ftyp box and the header of mdat.
func newFilm() *film {
	idr, one, two := avcc([]byte{0x65, 1}), avcc([]byte{0x41, 2, 2}), avcc([]byte{0x41, 3, 3, 3})
	ftyp := atom("ftyp", []byte("isom"), u32(0), []byte("isom"))
	return &film{
		ftyp: ftyp, handler: "vide", scale: 1000, data: bytes.Join([][]byte{idr, one, two}, nil),
		stsd: stsd(visual("avc1", 640, 360, avcC(testSPS(), testPPS()))),
		stts: atom("stts", u32(0, 1, 3, 100)),
		stss: atom("stss", u32(0, 1, 1)),
		stsc: atom("stsc", u32(0, 1, 1, 3, 1)),
		stsz: atom("stsz", u32(0, 0, 3, uint32(len(idr)), uint32(len(one)), uint32(len(two)))),
		stco: atom("stco", u32(0, 1, uint32(len(ftyp)+8))),
	}
}

func (f *film) bytes() []byte {
	var edts []byte
	if f.elst != nil {
		edts = atom("edts", f.elst)
	}
	moov := atom("moov",
		atom("mvhd", make([]byte, 12), u32(1000), make([]byte, 84)),
		atom("free", []byte("x")),
		atom("trak",
			atom("tkhd", make([]byte, 12), u32(1), make([]byte, 68)), edts,
			atom("mdia",
				atom("mdhd", make([]byte, 12), u32(f.scale), make([]byte, 8)),
				atom("hdlr", make([]byte, 8), []byte(f.handler), make([]byte, 13)),
				atom("minf", atom("stbl", f.stsd, f.stts, f.ctts, f.stss, f.stsc, f.stsz, f.stco)))))
	return bytes.Join([][]byte{f.ftyp, atom("mdat", f.data), atom("free"), moov}, nil)
}
