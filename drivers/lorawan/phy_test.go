package lorawan

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func key(s string) Key { return Key(unhex(s)) }

// TestCMAC has the vectors of RFC 4493, section 4.
func TestCMAC(t *testing.T) {
	c := newCMAC(key("2b7e151628aed2a6abf7158809cf4f3c"))
	msg := unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for n, want := range map[int]string{
		0: "bb1d6929e95937287fa37d129b756746", 16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827", 64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		if got := c.sum(nil, msg[:n]); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x, want %s", n, got, want)
		}
		if n >= 16 {
			if got := c.sum((*[16]byte)(msg), msg[16:n]); hex.EncodeToString(got[:]) != want {
				t.Errorf("%d bytes, the first block apart: %x, want %s", n, got, want)
			}
		}
	}
}

// TestVectors has packets that other implementations publish: the examples of
// lora-packet by Anthony Kirby.
func TestVectors(t *testing.T) {
	for _, c := range []struct{ packet, nwk, app, addr, plain string }{
		{"40F17DBE4900020001954378762B11FF0D", "44024241ed4ce9a68c6a8bc055233fd3", "ec925802ae430ca77fd3dd73cb2cc588", "49be7df1", "test"},
	} {
		u, err := parseUplink(unhex(c.packet))
		if err != nil {
			t.Fatal(err)
		}
		k := newKeys(key(c.nwk), key(c.app))
		if u.addr.String() != c.addr || u.counter != 2 || u.port != 1 || u.confirmed || !k.valid(&u, 2) || k.valid(&u, 0x10002) || k.valid(&u, 3) {
			t.Errorf("%+v", u)
		}
		if got := k.crypt(up, u.addr, 2, 1, u.payload); string(got) != c.plain {
			t.Errorf("payload %q", got)
		}
		if again := Uplink(key(c.nwk), key(c.app), u.addr, 2, false, 1, []byte(c.plain)); !bytes.Equal(again, unhex(c.packet)) {
			t.Errorf("made again: %X", again)
		}
	}
}

func TestParseUplink(t *testing.T) {
	for _, c := range []struct {
		packet string
		want   error
		port   int
		n      int
	}{
		{"40F17DBE490002000195437876" + "2B11FF0D", nil, 1, 4},
		{"80F17DBE490302000102030195437876" + "2B11FF0D", nil, 1, 4}, // three bytes of options
		{"40F17DBE4903020001020" + "3" + "2B11FF0D", nil, -1, 0},     // options alone
		{"40F17DBE49000200" + "2B11FF0D", nil, -1, 0},                // nothing at all
		{"40F17DBE4900020000AA" + "2B11FF0D", nil, 0, 1},             // commands
		{"40F17DBE490102000200AA" + "2B11FF0D", errForm, 0, 0},       // in both places
		{"40F17DBE49040200010203" + "2B11FF0D", errForm, 0, 0},       // options beyond the end
		{"40F17DBE490002" + "2B11FF0D", errForm, 0, 0},
		{"41F17DBE49000200" + "2B11FF0D", errForm, 0, 0}, // another major version
		{"60F17DBE49000200" + "2B11FF0D", errOther, 0, 0},
		{"00DC0000D07ED5B3701E6FEDF57CEEAF0085CC587FE913", errOther, 0, 0}, // a join request
		{"", errForm, 0, 0},
	} {
		u, err := parseUplink(unhex(c.packet))
		if !errors.Is(err, c.want) || err == nil && (u.port != c.port || len(u.payload) != c.n) {
			t.Errorf("%s: %+v, %v", c.packet, u, err)
		}
	}
	if _, err := parseUplink(make([]byte, 256)); !errors.Is(err, errForm) {
		t.Errorf("256 bytes: %v", err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k := key("2b7e151628aed2a6abf7158809cf4f3c")
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %x", k, struct{ K Key }{k}, k, k, k)} {
		if bytes.Contains([]byte(s), []byte("2b7e")) || bytes.Contains([]byte(s), []byte("43")) {
			t.Errorf("a key prints as %s", s)
		}
	}
}

func FuzzParseUplink(f *testing.F) {
	f.Add(unhex("40F17DBE4900020001954378762B11FF0D"))
	f.Add(unhex("80F17DBE4903020001020301954378762B11FF0D"))
	f.Add(unhex("00DC0000D07ED5B3701E6FEDF57CEEAF0085CC587FE913"))
	k := newKeys(Key{1}, Key{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := parseUplink(b)
		if err != nil {
			return
		}
		_ = k.valid(&u, 7)
		plain := k.crypt(up, u.addr, 7, max(u.port, 0), u.payload)
		if back := k.crypt(up, u.addr, 7, max(u.port, 0), plain); !bytes.Equal(back, u.payload) {
			t.Errorf("%X became %X", u.payload, back)
		}
		if len(u.payload)+1+8+micSize > len(b) && u.port >= 0 {
			t.Errorf("%X has a payload of %d bytes", b, len(u.payload))
		}
	})
}

func BenchmarkUplink(b *testing.B) {
	packet := unhex("40F17DBE4900020001954378762B11FF0D")
	k := newKeys(key("44024241ed4ce9a68c6a8bc055233fd3"), key("ec925802ae430ca77fd3dd73cb2cc588"))
	b.ReportAllocs()
	for b.Loop() {
		u, err := parseUplink(packet)
		if err != nil || !k.valid(&u, 2) {
			b.Fatal(err)
		}
		_ = k.crypt(up, u.addr, 2, u.port, u.payload)
	}
}
