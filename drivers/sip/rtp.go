package sip

import (
	"encoding/binary"
	"strings"

	"github.com/pion/rtp"
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
	var p rtp.Packet
	if len(b) > maxRTP || p.Unmarshal(b) != nil || p.Version != 2 {
		return packet{}, false
	}
	return packet{
		payload: int(p.PayloadType), marker: p.Marker, seq: p.SequenceNumber, timestamp: p.Timestamp, ssrc: p.SSRC, data: p.Payload,
	}, true
}

// append writes a packet after b.
func (p *packet) append(b []byte) []byte {
	h := rtp.Header{
		Version: 2, PayloadType: uint8(p.payload), Marker: p.marker, SequenceNumber: p.seq, Timestamp: p.timestamp, SSRC: p.ssrc, // seven bits
	}
	head, err := h.Marshal()
	if err != nil { // of a header that is fixed
		return b
	}
	return append(append(b, head...), p.data...)
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
