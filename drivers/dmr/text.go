package dmr

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Formats of what is in a UDT (TS 102 361-4, 7.2.8) and in short data (TS 102 361-3, 7.2.7).
const (
	udt7bit, udt8bit, udtUTF16           = 3, 4, 7
	ddBCD, dd7bit, dd8bit, ddUTF8        = 1, 2, 3, 18
	ddUTF16, ddUTF16BE, ddUTF16LE        = 19, 20, 21
	portMotorola                  uint16 = 4007 // its Text Message Service
	portText                      uint16 = 5016 // text over IP of other sets
)

// text returns the text of a message, "" if there is none in it.
func (m *message) text() string {
	p, ok := m.payload()
	if !ok {
		return ""
	}
	switch m.format {
	case formatUDT:
		switch m.kind {
		case udt7bit:
			return septets(p)
		case udt8bit:
			return latin(p)
		case udtUTF16:
			return wide(p, binary.BigEndian)
		}
	case formatShort:
		switch m.kind {
		case dd7bit:
			return septets(p)
		case dd8bit:
			return latin(p)
		case ddUTF8:
			return visible(string(p))
		case ddUTF16, ddUTF16BE:
			return wide(p, binary.BigEndian)
		case ddUTF16LE:
			return wide(p, binary.LittleEndian)
		case ddBCD: // Hytera's sets say so, and send two zeros and UTF-16
			if len(p) > 2 && p[0] == 0 && p[1] == 0 {
				return wide(p[2:], binary.LittleEndian)
			}
		}
	default:
		return overIP(p)
	}
	return ""
}

// overIP finds the text in a datagram (RFC 791, RFC 768).
func overIP(p []byte) string {
	if len(p) < 28 || p[0]>>4 != 4 || p[9] != 17 {
		return ""
	}
	udp := p[min(int(p[0]&0x0F)*4, len(p)):]
	if len(udp) < 8 {
		return ""
	}
	n := int(binary.BigEndian.Uint16(udp[4:]))
	if n < 8 || n > len(udp) {
		return ""
	}
	body := udp[8:n]
	switch binary.BigEndian.Uint16(udp[2:]) {
	case portMotorola:
		// Length, kind, length of an address, address, and headers as long as the highest bit is set.
		if len(body) < 4 || body[2]&0x1F != 0 {
			return "" // an acknowledgement, or a sign of life
		}
		body = body[min(4+int(body[3]), len(body)):]
		for len(body) > 0 && body[0]&0x80 != 0 {
			body = body[1:]
		}
		return wide(body[min(1, len(body)):], binary.LittleEndian)
	case portText:
		if len(body) >= 4 && string(body[:4]) == "\x00\r\x00\n" { // in the other order than what follows
			body = body[4:]
		}
		return wide(body, binary.LittleEndian)
	}
	return ""
}

func septets(p []byte) string {
	var s strings.Builder
	for i := 0; i+7 <= 8*len(p); i += 7 {
		s.WriteByte(byte(field(p, i, 7))) // 7 bits
	}
	return visible(s.String())
}

func latin(p []byte) string {
	var s strings.Builder
	for _, b := range p {
		s.WriteRune(rune(b))
	}
	return visible(s.String())
}

func wide(p []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(p)/2)
	for i := 0; i+1 < len(p); i += 2 {
		units = append(units, order.Uint16(p[i:]))
	}
	return visible(string(utf16.Decode(units)))
}

// visible is s up to a zero, with nothing in it that is not to be seen.
func visible(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError:
			return '?'
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s))
}
