package lora

import "bytes"

// stuff appends b, fewer than 254 bytes, encoded by COBS to dst: each zero becomes
// the distance to the next.
func stuff(dst, b []byte) []byte {
	at := len(dst) // of the distance
	dst = append(dst, 0)
	for _, c := range b {
		if c == 0 {
			dst[at] = byte(len(dst) - at)
			at = len(dst)
		}
		dst = append(dst, c)
	}
	dst[at] = byte(len(dst) - at)
	return dst
}

// unstuff decodes at most 254 bytes in place, and returns false for what COBS never
// makes.
func unstuff(b []byte) ([]byte, bool) {
	if len(b) == 0 || len(b) > 254 || bytes.IndexByte(b, 0) >= 0 {
		return nil, false
	}
	for i := 0; i < len(b); {
		n := int(b[i])
		if i+n > len(b) {
			return nil, false
		}
		b[i] = 0
		i += n
	}
	return b[1:], true
}
