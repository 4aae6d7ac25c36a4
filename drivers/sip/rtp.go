package sip

import (
	"encoding/binary"
	"strings"
)

const (
	maxRTP   = 1500
	rate     = 8000 // samples a second
	interval = 160  // samples a packet of ours has, 20 ms
)

// packet is an RTP packet (RFC 3550 section 5.1), without its extension and its padding.
type packet struct {
	payload   int
	marker    bool
	seq       uint16
	timestamp uint32
	ssrc      uint32
	data      []byte
}

// parseRTP reads a packet, whose data is a part of b.
func parseRTP(b []byte) (packet, bool) {
	if len(b) < 12 || len(b) > maxRTP || b[0]>>6 != 2 {
		return packet{}, false
	}
	p := packet{
		payload: int(b[1] & 0x7f), marker: b[1]&0x80 != 0, seq: binary.BigEndian.Uint16(b[2:]),
		timestamp: binary.BigEndian.Uint32(b[4:]), ssrc: binary.BigEndian.Uint32(b[8:]),
	}
	rest := b[12:]
	if n := int(b[0]&0x0f) * 4; n <= len(rest) {
		rest = rest[n:]
	} else {
		return packet{}, false
	}
	if b[0]&0x10 != 0 {
		if len(rest) < 4 {
			return packet{}, false
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest) {
			return packet{}, false
		}
		rest = rest[n:]
	}
	if b[0]&0x20 != 0 {
		if len(rest) == 0 || int(rest[len(rest)-1]) > len(rest) || rest[len(rest)-1] == 0 {
			return packet{}, false
		}
		rest = rest[:len(rest)-int(rest[len(rest)-1])]
	}
	p.data = rest
	return p, true
}

// append writes a packet after b.
func (p *packet) append(b []byte) []byte {
	second := byte(p.payload)
	if p.marker {
		second |= 0x80
	}
	b = append(b, 0x80, second)
	b = binary.BigEndian.AppendUint16(b, p.seq)
	b = binary.BigEndian.AppendUint32(b, p.timestamp)
	b = binary.BigEndian.AppendUint32(b, p.ssrc)
	return append(b, p.data...)
}

// event is a named telephone event (RFC 4733 section 2.3).
type event struct {
	digit    byte // 0-9, *, #, A-D
	end      bool
	duration uint16 // in samples, so far
}

// parseEvent reads the data of a telephone-event packet. It says whether it is a DTMF digit.
func parseEvent(b []byte) (event, bool) {
	if len(b) < 4 || b[0] > 15 {
		return event{}, false
	}
	return event{digit: "0123456789*#ABCD"[b[0]], end: b[1]&0x80 != 0, duration: binary.BigEndian.Uint16(b[2:])}, true
}

// parseInfo reads the DTMF digits of an INFO: "Signal=5\r\nDuration=160" of application/dtmf-relay, or
// "5" of application/dtmf. It returns none if there are none.
func parseInfo(kind string, body []byte) string {
	if len(body) > 256 {
		return ""
	}
	said := strings.TrimSpace(string(body))
	if kind == "application/dtmf-relay" {
		found := ""
		for line := range strings.SplitSeq(said, "\n") {
			key, value, _ := strings.Cut(line, "=")
			if strings.EqualFold(strings.TrimSpace(key), "signal") {
				found = strings.TrimSpace(value)
				break
			}
		}
		said = found
	}
	switch said = strings.ToUpper(said); said {
	case "10":
		return "*"
	case "11":
		return "#"
	case "12", "13", "14", "15":
		return string('A' + said[1] - '2')
	}
	if len(said) != 1 || !strings.Contains("0123456789*#ABCD", said) {
		return ""
	}
	return said
}
