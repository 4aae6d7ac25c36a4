package dmr

// Masks of the CRC of kinds of bursts (TS 102 361-1, B.3.12).
const (
	maskCSBK   = 0xA5A5
	maskHeader = 0xCCCC // of data
)

// crcCCITT is CRC-CCITT with x^16 + x^12 + x^5 + 1, from 0, inverted (B.3.8).
func crcCCITT(b []byte) uint16 {
	var crc uint16
	for _, d := range b {
		crc ^= uint16(d) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return ^crc
}

// crcGood says whether the last two of twelve bytes are the CRC of the others.
func crcGood(b *[12]byte, mask uint16) bool {
	return crcCCITT(b[:10])^mask == uint16(b[10])<<8|uint16(b[11])
}

func putCRC(b *[12]byte, mask uint16) {
	crc := crcCCITT(b[:10]) ^ mask
	b[10], b[11] = byte(crc>>8), byte(crc)
}

// crc9 is CRC-9 with x^9 + x^6 + x^4 + x^3 + 1, from 0, inverted (B.3.10), of bits.
func crc9(b []byte, bits int, serial byte) uint16 {
	var crc uint16
	add := func(v byte) {
		top := crc>>8&1 ^ uint16(v)
		crc = crc << 1 & 0x1FF
		if top == 1 {
			crc ^= 0x059
		}
	}
	for i := range bits {
		add(bit(b, i))
	}
	for i := range 7 {
		add(serial >> (6 - i) & 1)
	}
	return ^crc & 0x1FF
}

// crc32 is CRC-32 with the polynomial of Ethernet, from 0, not reflected and not inverted, over bytes taken in pairs
// of which the second is first (B.3.9).
func crc32(b []byte) uint32 {
	var crc uint32
	for i := range b {
		crc ^= uint32(b[i^1]) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04C11DB7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
