// Package annexb makes access units of H.264 and H.265 NAL units: Annex B byte
// streams whose keyframes begin with their parameter sets, whatever way and order
// a camera sent them in. The NAL units may be anybody's.
package annexb

import "bytes"

// Split returns the NAL units of a byte stream (H.264 and H.265 annex B), which
// share its memory. What comes before the first start code is one too; zeros
// after a NAL unit are no part of it.
func Split(b []byte) [][]byte {
	var list [][]byte
	for len(b) > 0 {
		n := b
		if i := bytes.Index(b, []byte{0, 0, 1}); i >= 0 {
			n, b = b[:i], b[i+3:]
		} else {
			b = nil
		}
		if n = bytes.TrimRight(n, "\x00"); len(n) > 0 {
			list = append(list, n)
		}
	}
	return list
}
