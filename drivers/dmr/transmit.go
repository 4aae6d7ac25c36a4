package dmr

import (
	"encoding/binary"
	"unicode/utf16"

	"sentrybox/drivers/call"
)

// silence is speech in which nobody says anything: three frames of AMBE+2.
//
//nolint:gochecknoglobals // a table, never written to
var silence = [27]byte{
	0xB9, 0xE8, 0x81, 0x52, 0x61, 0x73, 0x00, 0x2A, 0x6B, 0xB9, 0xE8, 0x81, 0x52, 0x60,
	0x01, 0x73, 0x00, 0x2A, 0x6B, 0xB9, 0xE8, 0x81, 0x52, 0x61, 0x73, 0x00, 0x2A,
}

// Speech is a call, for simulators.
type Speech struct {
	LC          LC
	Color       byte   // code of the repeater, 0 to 15
	Superframes int    // of 360 ms
	Alias       string // that the caller calls itself; none when empty
	Position    *call.Fix
	NoHeader    bool // the receiver comes late
	NoEnd       bool // it breaks off
}

// Bursts returns the call's bursts, which follow each other in 60 ms.
func (s *Speech) Bursts() (all []Burst) {
	if !s.NoHeader {
		h := encodeFullLC(s.Color, VoiceLCHeader, &s.LC)
		all = append(all, h, h)
	}
	embedded := [][9]byte{s.LC.bytes()}
	if s.Alias != "" {
		embedded = append(embedded, aliasBlocks(s.Alias)...)
	}
	if s.Position != nil {
		embedded = append(embedded, gpsBytes(*s.Position))
	}
	for i := range s.Superframes {
		all = append(all, superframe(s.Color, &embedded[i%len(embedded)])...)
	}
	if !s.NoEnd {
		all = append(all, encodeFullLC(s.Color, TerminatorLC, &s.LC))
	}
	return all
}

// superframe is six bursts with a link control in their middle.
func superframe(color byte, lc *[9]byte) []Burst {
	fragments := encodeEmbedded(lc)
	all := make([]Burst, 6)
	for i := range all {
		b := &all[i]
		b.Voice = i
		copy(b.Payload[:], silence[:14])
		copy(b.Payload[19:], silence[13:])
		switch i {
		case 0:
			b.setCenter(syncBSVoice)
		case 5:
			b.setEmb(emb{color: color})
			b.setFragment(0)
		default:
			b.setEmb(emb{color: color, lcss: []byte{1, 3, 3, 2}[i-1]})
			b.setFragment(fragments[i-1])
		}
	}
	return all
}

// Control returns a control block of a set, with the feature set that it belongs to.
func Control(color byte, op Opcode, src, dst uint32) Burst {
	c := CSBK{Opcode: op, FID: fidMotorola, Src: src, Dst: dst}
	if op == RadioCheck {
		c.Data[1] = 0x80
	}
	return c.encode(color)
}

// ShortText returns the bursts of a text as defined short data, in UTF-16, of at most 200 characters.
func ShortText(color byte, src, dst uint32, group bool, text string) []Burst {
	units := utf16.Encode([]rune(text))
	units = units[:min(len(units), 200)]
	var body []byte
	for _, u := range units {
		body = binary.BigEndian.AppendUint16(body, u)
	}
	blocks := (len(body) + 4 + 11) / 12
	pad := blocks*12 - 4 - len(body)
	body = append(body, make([]byte, pad)...)
	body = binary.LittleEndian.AppendUint32(body, crc32(body))

	var h [12]byte
	h[0] = formatShort | byte(blocks)&0x30 // at most 34
	if group {
		h[0] |= 0x80
	}
	h[1] = 0xA0 | byte(blocks)&0x0F // short data
	putID24(h[2:], dst)
	putID24(h[5:], src)
	h[8], h[9] = ddUTF16BE<<2|1, byte(pad*8) // at most 11 octets
	putCRC(&h, maskHeader)
	all := []Burst{newData(color, DataHeaderType, &h)}
	for i := range blocks {
		all = append(all, newData(color, Rate12, (*[12]byte)(body[12*i:])))
	}
	return all
}
