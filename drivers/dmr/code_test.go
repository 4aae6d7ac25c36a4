package dmr

import (
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// long is how much of a test is done: more by hand, where the environment says so.
func long(t *testing.T, name string, otherwise int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

func flip(b *Burst, i int) { setBit(b.Payload[:], i, bit(b.Payload[:], i)^1) }

func randomInfo(rnd *rand.Rand) (info [12]byte) {
	for i := range info {
		info[i] = byte(rnd.Uint32())
	}
	return info
}

// Any three wrong bits of BPTC(196,96) are corrected: here some of them, and all 1 255 000 with DMR_ALL=1.
func TestBPTCCorrectsThree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	info := randomInfo(rnd)
	clean := newData(1, CSBKType, &info)
	check := func(at ...int) {
		b := clean
		for _, i := range at {
			flip(&b, infoIndex(i))
		}
		if got, _, ok := DecodeBPTC(&b.Payload); !ok || got != info {
			t.Fatalf("bits %v wrong: %x, %v", at, got, ok)
		}
	}
	check()
	all := long(t, "DMR_ALL", 0) > 0
	for i := range infoBits {
		check(i)
		for k := range i {
			if all || rnd.IntN(8) == 0 {
				check(i, k)
			}
			for l := range k {
				if all || rnd.IntN(1000) == 0 {
					check(i, k, l)
				}
			}
		}
	}
}

// More are corrected mostly, and what is not is never taken for something else that is near.
func TestBPTCBeyond(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for n := 4; n <= 8; n++ {
		right, wrong := 0, 0
		for range 200 {
			info := randomInfo(rnd)
			b := newData(1, CSBKType, &info)
			for _, i := range rnd.Perm(infoBits)[:n] {
				flip(&b, infoIndex(i))
			}
			switch got, _, ok := DecodeBPTC(&b.Payload); {
			case ok && got == info:
				right++
			case ok:
				wrong++
			}
		}
		t.Logf("%d bits wrong: %d of 200 right, %d wrong", n, right, wrong)
		if n == 4 && right < 190 || wrong > 10 {
			t.Errorf("%d bits wrong: %d right, %d wrong", n, right, wrong)
		}
	}
}

// Golay(20,8) corrects any three, and the quadratic residue code any two, and takes no three for less.
func TestBlockCodes(t *testing.T) {
	for _, v := range []int{0, 1, 0x5A, 0xFF} { // the codes are linear: one would do
		w := encodeGolay(byte(v))
		each(20, 3, func(e uint32) {
			if got, n, ok := decodeGolay(w ^ e); !ok || got != byte(v) || n != bits.OnesCount32(e) {
				t.Fatalf("golay %d ^ %x: %d, %v", v, e, got, ok)
			}
		})
	}
	for _, v := range []int{0, 1, 0x5A, 0x7F} {
		w := encodeQR(byte(v))
		each(16, 3, func(e uint32) {
			got, _, ok := decodeQR(w ^ e)
			if bits.OnesCount32(e) == 3 && ok || bits.OnesCount32(e) < 3 && (!ok || got != byte(v)) {
				t.Fatalf("quadratic residue %d ^ %x: %d, %v", v, e, got, ok)
			}
		})
	}
}

// each calls f with every pattern of at most most of n bits.
func each(n, most int, f func(uint32)) {
	f(0)
	for i := range n {
		f(1 << i)
		for k := range i {
			f(1<<i | 1<<k)
			for l := range k {
				if most >= 3 {
					f(1<<i | 1<<k | 1<<l)
				}
			}
		}
	}
}

// Any wrong byte of RS(12,9) is corrected, and two are refused or nothing else.
func TestReedSolomon(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	info := randomInfo(rnd)
	for i, p := range rsParity(info[:9]) {
		info[9+i] = p
	}
	for i := range info {
		for e := 1; e < 256; e++ {
			w := info
			w[i] ^= byte(e)
			if n, ok := rsCorrect(&w); !ok || n != 1 || w != info {
				t.Fatalf("byte %d ^ %x: %x, %v", i, e, w, ok)
			}
			k := (i + 1 + e%11) % 12
			w = info
			w[i] ^= byte(e)
			w[k] ^= byte(rnd.IntN(255) + 1)
			if _, ok := rsCorrect(&w); ok && w == info {
				t.Fatal("two bytes are corrected: the code cannot do that")
			}
		}
	}
	// The parity of a header of a repeater (github.com/HBLink-org/dmr_utils3, bptc.py).
	p := rsParity([]byte{0x00, 0x10, 0x20, 0x00, 0x0c, 0x30, 0x2f, 0x9b, 0xe5})
	if want := [3]byte{0xda ^ headerMask, 0xd4 ^ headerMask, 0x5a ^ headerMask}; p != want {
		t.Errorf("parity %x, want %x", p, want)
	}
}

// Any three wrong bits of the embedded code are corrected: here some, and all 341 376 with DMR_ALL=1.
func TestEmbeddedCorrectsThree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var lc [9]byte
	for i := range lc {
		lc[i] = byte(rnd.Uint32())
	}
	clean := encodeEmbedded(&lc)
	check := func(at ...int) {
		f := clean
		for _, i := range at {
			f[i/32] ^= 1 << (31 - i%32)
		}
		if got, ok := decodeEmbedded(&f); !ok || got != lc {
			t.Fatalf("bits %v wrong: %x, %v", at, got, ok)
		}
	}
	check()
	all := long(t, "DMR_ALL", 0) > 0
	for i := range 128 {
		check(i)
		for k := range i {
			if all || rnd.IntN(4) == 0 {
				check(i, k)
			}
			for l := range k {
				if all || rnd.IntN(200) == 0 {
					check(i, k, l)
				}
			}
		}
	}
}
