package rtsp

import (
	"errors"
	"fmt"

	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

var (
	errFragment = errors.New("malformed fragment")
	errNested   = errors.New("fragmented packet in fragments")
)

// nalDepacketizer puts fragmented NAL units together itself: nearly all of a stream is made of them, the library's
// decoders take memory anew for each, and hold on to the packets of one until another of as many has come.
type nalDepacketizer struct {
	codec media.Codec
	whole nalDecoder // of units that are in one packet
	spare *buffers   // where buf is from; nil for the heap
	buf   []byte     // of units since end
	from  int        // in buf: where the open one begins
	open  bool
	heard bool // a unit that began
}

type nalDecoder interface {
	Decode(*rtp.Packet) ([][]byte, error)
}

func (d *nalDepacketizer) end() {
	if !d.open {
		d.spare.put(d.buf)
		d.buf = nil
	}
}

func (d *nalDepacketizer) decode(p *rtp.Packet) ([][]byte, error) {
	head, flags, body, ok, err := d.fragment(p.Payload)
	switch {
	case err != nil:
		d.open = false
		return nil, err
	case !ok:
		d.open, d.heard = false, true
		return d.one(p, p.Payload)
	case flags&first != 0:
		if d.buf == nil {
			d.buf = d.spare.get()
		}
		d.open, d.heard, d.from = true, true, len(d.buf)
		d.buf = append(d.buf, head[:d.headLen()]...)
	case !d.open && !d.heard:
		return nil, errStray
	case !d.open:
		return nil, errLost
	}
	d.buf = append(d.buf, body...)
	if flags&last == 0 {
		return nil, errMore
	}
	d.open = false
	return d.one(p, d.buf[d.from:len(d.buf):len(d.buf)])
}

// one has the library look at a whole unit: some cameras hide start codes in it.
func (d *nalDepacketizer) one(p *rtp.Packet, unit []byte) ([][]byte, error) {
	whole := *p
	whole.Payload, whole.Marker = unit, true
	nals, err := d.whole.Decode(&whole)
	if err != nil {
		return nil, fmt.Errorf("take a packet apart: %w", err)
	}
	return nals, nil
}

// headLen is the length of a NAL unit's header.
func (d *nalDepacketizer) headLen() int {
	if d.codec == media.H264 {
		return 1
	}
	return 2
}

// The flags of a fragment's header, RFC 6184 5.8 and RFC 7798 4.4.3.
const (
	first = 0x80
	last  = 0x40
)

// fragment takes apart the payload of a fragmentation unit: the header that its NAL unit has, the flags, and what
// follows. ok is false if it is none.
func (d *nalDepacketizer) fragment(p []byte) (head [2]byte, flags byte, body []byte, ok bool, err error) {
	if d.codec == media.H264 {
		if len(p) == 0 || p[0]&0x1f != 28 {
			return head, 0, nil, false, nil
		}
		if len(p) < 2 {
			return head, 0, nil, false, errFragment
		}
		kind := p[1] & 0x1f
		if p[1]&first != 0 && kind >= 24 { // 5.8: it would be another packet
			return head, 0, nil, false, errNested
		}
		// Some cameras send a unit as one fragment that is both the first and the last.
		return [2]byte{p[0]&0x60 | kind}, p[1], p[2:], true, nil
	}
	if len(p) == 0 || p[0]>>1&0x3f != 49 {
		return head, 0, nil, false, nil
	}
	if len(p) < 3 || p[2]&(first|last) == first|last {
		return head, 0, nil, false, errFragment
	}
	kind := p[2] & 0x3f
	if p[2]&first != 0 && kind >= 48 { // 4.4.3
		return head, 0, nil, false, errNested
	}
	return [2]byte{p[0]&0x81 | kind<<1, p[1]}, p[2], p[3:], true, nil
}
