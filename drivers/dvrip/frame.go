package dvrip

import (
	"encoding/binary"
	"fmt"

	"sentrybox/drivers/annexb"
	"sentrybox/drivers/media"
)

// frame is one frame of the media stream.
type frame struct {
	kind  byte // the last of its four bytes of mark
	codec media.Codec
	fps   int // as the device says it, 0 if it does not
	data  []byte
}

// The marks of frames, behind 00 00 01: none of them can be the first byte of a
// NAL unit, whose forbidden_zero_bit they would set (H.264 7.3.1, H.265 7.3.1.2).
const (
	kindInfo  = 0xf9
	kindAudio = 0xfa
	kindKey   = 0xfc // an I picture, and what is known of the stream
	kindInter = 0xfd // a P picture
	kindStill = 0xfe // as kindKey
)

// framer cuts the media stream, which comes in pieces, into frames.
type framer struct {
	limit   int // bytes of a frame
	buf     []byte
	damaged uint64 // frames that were lost
}

// add takes a piece and calls each with every frame that is complete. The frame's
// data is valid until each returns.
func (f *framer) add(piece []byte, each func(frame) error) error {
	if marked(piece) && len(f.buf) > 0 {
		f.damaged++ // a new one begins where the last one should go on
		f.buf = f.buf[:0]
	}
	if len(f.buf) == 0 && !marked(piece) {
		return nil // JPEG of some devices, or the rest of what was given up
	}
	f.buf = append(f.buf, piece...)
	at := 0
	for at < len(f.buf) {
		fr, size, err := parseFrame(f.buf[at:], f.limit)
		if err != nil {
			f.buf = f.buf[:0]
			f.damaged++
			return err
		}
		if size == 0 || size > len(f.buf)-at {
			break
		}
		if err := each(fr); err != nil {
			return err
		}
		if at += size; at < len(f.buf) && !marked(f.buf[at:]) {
			at = len(f.buf) // padding
		}
	}
	f.buf = append(f.buf[:0], f.buf[at:]...)
	return nil
}

// marked says whether a frame begins at b, as far as b goes.
func marked(b []byte) bool {
	if len(b) < 4 || b[0] != 0 || b[1] != 0 || b[2] != 1 {
		return false
	}
	switch b[3] {
	case kindInfo, kindAudio, kindKey, kindInter, kindStill:
		return true
	}
	return false
}

// parseFrame reads the frame that b begins with. The size is that of all of it,
// header and all, or 0 if b does not tell yet; fr.data is as much of it as is there.
func parseFrame(b []byte, limit int) (fr frame, size int, err error) {
	if !marked(b) {
		return fr, 0, fmt.Errorf("a frame begins with %x", b[:min(len(b), 4)])
	}
	fr.kind = b[3]
	head := 8
	if fr.kind == kindKey || fr.kind == kindStill {
		head = 16
	}
	if len(b) < head {
		return fr, 0, nil
	}
	var n uint32
	switch fr.kind {
	case kindKey, kindStill:
		fr.codec, fr.fps = codecOf(b[4]), int(b[5]&0x7f)
		n = binary.LittleEndian.Uint32(b[12:])
	case kindInter:
		n = binary.LittleEndian.Uint32(b[4:])
	default:
		n = uint32(binary.LittleEndian.Uint16(b[6:]))
	}
	if int64(n) > int64(limit) {
		return fr, 0, fmt.Errorf("a frame of %d bytes, at most %d are taken", n, limit)
	}
	size = head + int(n)
	fr.data = b[head:min(size, len(b))]
	return fr, size, nil
}

// codecOf reads the byte that names the coding. Its high half says something that
// differs with the firmware.
func codecOf(b byte) media.Codec {
	switch b & 0x0f {
	case 2:
		return media.H264
	case 3:
		return media.H265
	}
	return 0
}

// picture is an encoded picture as it leaves the session's process.
type picture struct {
	codec         media.Codec
	key, gap      bool
	fps           int
	width, height int
	data          []byte
}

// pictures makes access units of frames.
type pictures struct {
	asm     annexb.Assembler
	fps     int
	begun   bool // with a keyframe
	gap     bool
	damaged uint64
	waiting uint64 // pictures before the first keyframe
	strange bool   // frames came whose coding is none of ours
}

// add takes a frame; ok says whether it became a picture.
func (p *pictures) add(fr frame) (pic picture, ok bool) {
	switch fr.kind {
	case kindKey, kindStill:
		if fr.codec == 0 {
			p.strange, p.begun = true, false
			return picture{}, false
		}
		if fr.codec != p.asm.Codec {
			p.asm = annexb.Assembler{Codec: fr.codec}
			p.begun, p.gap = false, p.begun
		}
		p.fps = fr.fps
	case kindInter:
	default:
		return picture{}, false
	}
	if p.asm.Codec == 0 {
		p.waiting++
		return picture{}, false
	}
	data, key, verdict := p.asm.Add(annexb.Split(fr.data))
	switch {
	case verdict == annexb.Held: // parameter sets alone
		return picture{}, false
	case verdict != annexb.Complete:
		p.damaged++
		p.gap = true
		return picture{}, false
	case !p.begun && !key:
		p.waiting++
		return picture{}, false
	}
	seq := p.asm.Sequence()
	pic = picture{codec: p.asm.Codec, key: key, gap: p.gap, fps: p.fps, width: seq.Width, height: seq.Height, data: data}
	p.begun, p.gap = true, false
	return pic, true
}
