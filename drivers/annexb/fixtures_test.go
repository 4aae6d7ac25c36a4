package annexb

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Parameter sets as x264 and x265 write them, and slices whose first bytes are
// theirs and the rest arbitrary.
var (
	sps264a = unhex("6764001eacb201405ff2e022000003000200000300641e2c5c90") // 640×360, 25 pictures a second
	sps264b = unhex("6764000cacb202833f3e0220000003002000000641e28549")     // 320×180, 25
	pps264  = unhex("68ebc3cb22c0")
	idr264  = append(unhex("6588840a"), bytes.Repeat([]byte{0xa5}, 400)...)
	p264    = append(unhex("419a3b10"), bytes.Repeat([]byte{0x5a}, 80)...)
	i264    = append(unhex("4188840a"), bytes.Repeat([]byte{0xa5}, 300)...) // I slice, not IDR
	more264 = append(unhex("6508840a"), bytes.Repeat([]byte{0xa5}, 40)...)  // first_mb_in_slice is not 0
	aud264  = unhex("09f0")
	// SEI: user data of 3 bytes, then a recovery point with recovery_frame_cnt 0.
	recovery264 = unhex("060503aabbcc06018480")
	userdata264 = unhex("06050306010180") // its 3 bytes look like a recovery point

	vps265      = unhex("40010c01ffff01600000030090000003000003003f928090")
	sps265a     = unhex("42010101600000030090000003000003003fa0050201696592a4932bc05a020000030002000003003210") // 640×360
	sps265b     = unhex("42010101600000030090000003000003003ca00a080b9f7964a924caf0168080000003008000000c84")   // 320×180
	pps265      = unhex("4401c172b46240")
	idr265      = append(unhex("2801af1d"), bytes.Repeat([]byte{0xa5}, 400)...)
	cra265      = append(unhex("2a01af1d"), bytes.Repeat([]byte{0xa5}, 200)...)
	bla265      = append(unhex("2001af1d"), bytes.Repeat([]byte{0xa5}, 200)...)
	p265        = append(unhex("0201d009"), bytes.Repeat([]byte{0x5a}, 80)...)
	recovery265 = unhex("4e0106018480")
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// annexB joins NAL units as the package must.
func annexB(nals ...[]byte) []byte {
	var out []byte
	for _, n := range nals {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestSplit(t *testing.T) {
	stream := append(annexB(sps264a, pps264), 0, 0, 0, 0, 0, 1)
	stream = append(append(stream, idr264...), 0, 0, 0)
	got := Split(stream)
	if want := [][]byte{sps264a, pps264, idr264}; len(got) != 3 || !bytes.Equal(annexB(got...), annexB(want...)) {
		t.Errorf("split into %x", got)
	}
	if got := Split([]byte{0, 0, 0, 0, 1}); len(got) != 0 {
		t.Errorf("nothing was split into %x", got)
	}
}
