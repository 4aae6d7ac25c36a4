package rtsp

import (
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

// TestRenewing: when a keyframe is whole none of its packets is held on to, and the rest of a unit whose
// beginning is lost is an error as before.
func TestRenewing(t *testing.T) {
	heads := map[media.Codec]func(flag byte) []byte{
		media.H264: func(flag byte) []byte { return []byte{0x7c, flag | 5} },        // RFC 6184 5.8: FU-A of an IDR slice
		media.H265: func(flag byte) []byte { return []byte{49 << 1, 1, flag | 19} }, // RFC 7798 4.4.3
	}
	for codec, head := range heads {
		decode, seq := newDepacketizer(codec), uint16(0)
		feed := func(flag byte, size int) ([][]byte, weak.Pointer[byte], error) {
			seq++
			payload := append(head(flag), make([]byte, size)...)
			nals, err := decode(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq}, Payload: payload})
			return nals, weak.Make(&payload[0]), err
		}
		unit := func(packets int) (held []weak.Pointer[byte]) {
			for i := range packets {
				flag := map[int]byte{0: 0x80, packets - 1: 0x40}[i]
				nals, w, err := feed(flag, 1400)
				if last := i == packets-1; last != (len(nals) == 1) || last != (err == nil) || !last && !errors.Is(err, errMore) {
					t.Fatalf("%v: packet %d of %d: %d units, %v", codec, i, packets, len(nals), err)
				}
				held = append(held, w)
			}
			return held
		}
		if _, _, err := feed(0, 10); !errors.Is(err, errStray) {
			t.Errorf("%v: a fragment before everything: %v", codec, err)
		}
		held := unit(40)
		runtime.GC()
		runtime.GC()
		for i, w := range held {
			if w.Value() != nil {
				t.Errorf("%v: packet %d is held on to", codec, i)
			}
		}
		if _, _, err := feed(0, 10); err == nil || errors.Is(err, errStray) || errors.Is(err, errMore) {
			t.Errorf("%v: a fragment whose beginning is lost: %v", codec, err)
		}
		unit(3)
		runtime.KeepAlive(decode)
	}
}
