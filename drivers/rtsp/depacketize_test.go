package rtsp

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

// TestFragments: when a keyframe is whole none of its packets is held on to, and the rest of a unit whose
// beginning is lost is an error as before.
func TestFragments(t *testing.T) {
	heads := map[media.Codec]func(flag byte) []byte{
		media.H264: func(flag byte) []byte { return []byte{0x7c, flag | 5} },        // RFC 6184 5.8: FU-A of an IDR slice
		media.H265: func(flag byte) []byte { return []byte{49 << 1, 1, flag | 19} }, // RFC 7798 4.4.3
	}
	for codec, head := range heads {
		decode, seq := newDepacketizer(codec, &buffers{}).decode, uint16(0)
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

// TestFragmentsAsTheLibrary: what the library's encoders make of units of all sizes comes out as it went in.
func TestFragmentsAsTheLibrary(t *testing.T) {
	h264, h265 := &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: 100}, &rtph265.Encoder{PayloadType: 96, PayloadMaxSize: 100}
	if err := errors.Join(h264.Init(), h265.Init()); err != nil {
		t.Fatal(err)
	}
	for codec, c := range map[media.Codec]struct {
		head   []byte
		encode func([][]byte) ([]*rtp.Packet, error)
	}{media.H264: {[]byte{0x65}, h264.Encode}, media.H265: {[]byte{19 << 1, 1}, h265.Encode}} {
		d := newDepacketizer(codec, &buffers{})
		for size := 3; size < 1000; size += 7 {
			in := append(bytes.Clone(c.head), bytes.Repeat([]byte{byte(size)}, size)...)
			packets, err := c.encode([][]byte{in, in})
			if err != nil {
				t.Fatal(err)
			}
			var out [][]byte
			for _, p := range packets {
				nals, err := d.decode(p)
				if err != nil && !errors.Is(err, errMore) {
					t.Fatalf("%v, %d bytes: %v", codec, size, err)
				}
				out = append(out, nals...)
			}
			if len(out) != 2 || !bytes.Equal(out[0], in) || !bytes.Equal(out[1], in) {
				t.Errorf("%v, %d bytes: got %x", codec, size, out)
			}
			d.end()
		}
		for _, bad := range malformed[codec] {
			if _, err := d.decode(&rtp.Packet{Payload: bad}); err == nil || errors.Is(err, errMore) || errors.Is(err, errStray) {
				t.Errorf("%v: %x: %v", codec, bad, err)
			}
		}
	}
}

// malformed are fragments that no camera may send: too short, and a packet of fragments in fragments.
var malformed = map[media.Codec][][]byte{
	media.H264: {{}, {28}, {28, 0x80 | 28, 0}, {28, 0x80 | 24, 0}, {28, 0, 0}},
	media.H265: {{}, {98}, {98, 1}, {98, 1, 0xc0 | 19, 0}, {98, 1, 0x80 | 49, 0}, {98, 1, 0x80 | 48, 0}, {98, 1, 0, 0}},
}
