package rtsp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"testing"

	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

// Parameter sets as x264 and x265 write them, and slices whose first bytes are
// theirs and the rest arbitrary.
var (
	sps264a = unhex("6764001eacb201405ff2e022000003000200000300641e2c5c90") // 640×360, 25 pictures a second
	sps264b = unhex("6764000cacb202833f3e0220000003002000000641e28549")     // 320×180, 25
	pps264  = unhex("68ebc3cb22c0")
	idr264  = append(unhex("6588840a"), bytes.Repeat([]byte{0xa5}, 400)...)
	p264    = append(unhex("419a3b10"), bytes.Repeat([]byte{0x5a}, 80)...)
	more264 = append(unhex("6508840a"), bytes.Repeat([]byte{0xa5}, 40)...) // first_mb_in_slice is not 0
	vps265  = unhex("40010c01ffff01600000030090000003000003003f928090")
	sps265a = unhex("42010101600000030090000003000003003fa0050201696592a4932bc05a020000030002000003003210") // 640×360
	pps265  = unhex("4401c172b46240")
	idr265  = append(unhex("2801af1d"), bytes.Repeat([]byte{0xa5}, 400)...)
	p265    = append(unhex("0201d009"), bytes.Repeat([]byte{0x5a}, 80)...)
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// annexB joins NAL units as the package must.
func annexB(nals ...[]byte) []byte {
	var out []byte
	for _, n := range nals {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

// packer makes RTP packets, one or more for each NAL unit.
type packer struct {
	seq uint16
	mtu int
}

// picture returns the packets of one picture of H.264.
func (k *packer) picture(ts uint32, nals ...[]byte) []*rtp.Packet {
	return k.pack(media.H264, ts, nals...)
}

func (k *packer) pack(codec media.Codec, ts uint32, nals ...[]byte) []*rtp.Packet {
	var out []*rtp.Packet
	add := func(payload []byte) {
		k.seq++
		out = append(out, &rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: k.seq, Timestamp: ts, SSRC: 7},
			Payload: payload,
		})
	}
	for _, n := range nals {
		if k.mtu == 0 || len(n) <= k.mtu {
			add(n)
			continue
		}
		head, kind := 1, n[0]&0x1f
		if codec == media.H265 {
			head, kind = 2, n[0]>>1&0x3f
		}
		for body, first := n[head:], true; len(body) > 0; first = false {
			part := body[:min(k.mtu, len(body))]
			body = body[len(part):]
			fu := kind
			if first {
				fu |= 0x80
			}
			if len(body) == 0 {
				fu |= 0x40
			}
			if codec == media.H265 {
				add(append([]byte{49<<1 | n[0]&0x81, n[1], fu}, part...))
			} else {
				add(append([]byte{n[0]&0xe0 | 28, fu}, part...))
			}
		}
	}
	out[len(out)-1].Marker = true
	return out
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
