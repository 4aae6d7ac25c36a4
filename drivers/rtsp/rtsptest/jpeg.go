package rtsptest

import "slices"

// Markers of ITU-T T.81 table B.1.
const (
	jpegSOI = 0xd8
	jpegSOS = 0xda
	jpegDQT = 0xdb
)

// twoTables gives a JPEG picture a quantisation table for its chroma, where it
// uses that of its luma for both: the receiver of RTP makes the picture's
// header itself, and in it each has its own (RFC 2435 4.1 and appendix B).
// What is no such picture is returned as it is.
func twoTables(b []byte) []byte {
	var luma []byte
	for at := 2; at+4 <= len(b) && b[at] == 0xff && b[at+1] != jpegSOS; {
		end := at + 2 + int(b[at+2])<<8 + int(b[at+3])
		if end > len(b) {
			return b
		}
		if b[at+1] == jpegDQT {
			for t := b[min(at+4, end):end]; len(t) >= 65; t = t[65:] {
				switch t[0] { // precision and identifier: T.81 B.2.4.1
				case 0:
					luma = t[1:65]
				default:
					return b // it has others
				}
			}
		}
		at = end
	}
	if luma == nil || len(b) < 2 || b[1] != jpegSOI {
		return b
	}
	return slices.Concat(b[:2], []byte{0xff, jpegDQT, 0, 2 + 65, 1}, luma, b[2:])
}
