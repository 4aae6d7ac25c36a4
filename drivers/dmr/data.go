package dmr

import (
	"encoding/binary"
)

// Data packet formats (TS 102 361-1, 9.3.17).
const (
	formatUDT         = 0
	formatUnconfirmed = 2
	formatConfirmed   = 3
	formatShort       = 13 // short data: defined
)

// maxTrellisWrong is how many of 196 bits of a burst of rate 3/4 may be wrong; the CRC decides.
const maxTrellisWrong = 12

// message is a packet of data on its way (TS 102 361-3, 5).
type message struct {
	format   byte
	group    bool
	dst, src uint32
	blocks   int  // that follow
	pad      int  // octets of it
	kind     byte // of what is in it: the UDT or DD format
	data     []byte
	got      int
}

// parseHeader reads a data header. It is false for one that no text can follow.
func parseHeader(info *[12]byte) (message, bool) {
	if !crcGood(info, maskHeader) {
		return message{}, false
	}
	m := message{format: info[0] & 0x0F, group: info[0]&0x80 != 0, dst: id24(info[2:]), src: id24(info[5:])}
	switch m.format {
	case formatUDT:
		m.kind, m.blocks, m.pad = info[1]&0x0F, int(info[8]&3)+1, int(info[8]>>3)/2 // nibbles
	case formatUnconfirmed, formatConfirmed:
		m.blocks, m.pad = int(info[8]&0x7F), int(info[0]&0x10|info[1]&0x0F)
	case formatShort:
		m.blocks, m.kind, m.pad = int(info[0]&0x30|info[1]&0x0F), info[8]>>2, int(info[9])/8
	default:
		return m, false
	}
	return m, m.blocks > 0 && m.src != 0
}

// add takes a burst of data. It is false if it is not one of the message.
func (m *message) add(b *Burst) bool {
	var block []byte
	mask := uint16(0x0F0) // of the CRC-9 (TS 102 361-1, B.3.12)
	if b.Type == Rate34 {
		data, wrong := decodeTrellis(&b.Payload)
		if wrong > maxTrellisWrong {
			return false
		}
		block, mask = data[:], 0x1FF
	} else {
		data, _, ok := DecodeBPTC(&b.Payload)
		if !ok {
			return false
		}
		block = data[:]
	}
	if m.format == formatConfirmed {
		serial, crc := block[0]>>1, uint16(block[0]&1)<<8|uint16(block[1])
		if crc9(block[2:], 8*len(block[2:]), serial)^mask != crc {
			return false
		}
		block = block[2:]
	}
	m.data = append(m.data, block...)
	m.got++
	return true
}

func (m *message) whole() bool { return m.got >= m.blocks }

// payload returns what was sent, if its CRC is right.
func (m *message) payload() ([]byte, bool) {
	n := len(m.data)
	if m.format == formatUDT {
		if n < 2 || crcCCITT(m.data[:n-2]) != binary.BigEndian.Uint16(m.data[n-2:]) {
			return nil, false
		}
		return m.data[:max(n-2-m.pad, 0)], true
	}
	if n < 4 || n%2 != 0 || crc32(m.data[:n-4]) != binary.LittleEndian.Uint32(m.data[n-4:]) {
		return nil, false
	}
	return m.data[:max(n-4-m.pad, 0)], true
}
