package mdc1200

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"testing"
)

func decode(t testing.TB, rate int, sound []float32) []Packet {
	t.Helper()
	d, err := New(rate)
	if err != nil {
		t.Fatal(err)
	}
	var out []Packet
	quiet := make([]float32, rate/10)
	for _, part := range [][]float32{quiet, sound, quiet} {
		for len(part) > 0 {
			n, ok := d.Write(part)
			part = part[n:]
			if ok {
				out = append(out, d.Packet())
			}
		}
	}
	return out
}

func same(a, b Packet) bool {
	a.Fixed, b.Fixed = 0, 0
	return a == b
}

func packets() []Packet {
	return []Packet{
		{Op: 0x01, Arg: 0x80, Unit: 0x1234}, {Op: 0x00, Arg: 0x81, Unit: 0x0001}, {Op: 0x63, Arg: 0x85, Unit: 0xFFFE},
		{Op: 0x35, Arg: 0x89, Unit: 0x5678, Double: true, Extra: [4]byte{0x83, 0x0D, 0x12, 0x34}},
	}
}

// TestBlock: blocks as M. Kaufman's encoder makes them: CRC, parity and interleaving.
func TestBlock(t *testing.T) {
	for data, want := range map[[4]byte]string{
		{0x01, 0x80, 0x12, 0x34}: "8e942a2e06992204001c18a22c88",
		{0x35, 0x89, 0x56, 0x78}: "8ab178368a63266ce03084303022",
		{0x00, 0x81, 0x00, 0x01}: "0035626c0209167100030a18086a",
	} {
		packed := make([]byte, blockBits/8)
		for i, b := range encode(data) {
			packed[i/8] |= b << (7 - i%8)
		}
		if got := hex.EncodeToString(packed); got != want {
			t.Errorf("% x: %s, want %s", data, got, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, rate := range []int{8000, 22050, 48000} {
		for i, p := range packets() {
			if rate != 8000 && i%3 != 0 {
				continue
			}
			for _, how := range []Sending{{}, {Drift: 0.002}, {Drift: -0.002}, {Drift: 0.003}, {Drift: -0.003}, {Level: 0.01}} {
				got := decode(t, rate, Append(nil, rate, p, how))
				if len(got) != 1 || !same(got[0], p) {
					t.Errorf("%d: %+v %+v: %+v", rate, p, how, got)
				}
				// The complement.
				x := Append(nil, rate, p, how)
				for i := range x {
					x[i] = -x[i]
				}
				if got := decode(t, rate, x); len(got) != 1 || !same(got[0], p) {
					t.Errorf("%d: complement of %+v %+v: %+v", rate, p, how, got)
				}
			}
		}
	}
}

func noisy(x []float32, snr float64, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	sigma := 0.5 / math.Sqrt2 * math.Pow(10, -snr/20)
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v + float32(sigma*r.NormFloat64())
	}
	return out
}

func TestNoise(t *testing.T) {
	for _, c := range []struct {
		snr  float64
		most int // missed of 24
	}{{10, 0}, {3, 0}, {0, 3}} {
		missed := 0
		for seed := range uint64(6) {
			for _, p := range packets() {
				if got := decode(t, 8000, noisy(Append(nil, 8000, p, Sending{}), c.snr, seed)); len(got) != 1 || !same(got[0], p) {
					missed++
				}
			}
		}
		if missed > c.most {
			t.Errorf("at %v dB: %d of 24 missed", c.snr, missed)
		}
	}
}

// TestFlips: bits of the block and of the sync word are flipped on the air, one after another
// and in bursts.
func TestFlips(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	d, _ := New(8000)
	for n := range 200 {
		p := packets()[n%3]
		air := encode([4]byte{p.Op, p.Arg, byte(p.Unit >> 8), byte(p.Unit)})
		// A burst of six, and two more anywhere.
		from := r.IntN(blockBits - 6)
		for i := range 6 {
			air[from+i] ^= 1
		}
		for at, bit := range air {
			d.air(at, float32(2*int(bit)-1))
		}
		data, _ := d.t.decode()
		if crc(data[:4]) != uint16(data[4])|uint16(data[5])<<8 || data[0] != p.Op || data[2] != byte(p.Unit>>8) || data[3] != byte(p.Unit) {
			t.Errorf("a burst of six at %d of %+v is not mended", from, p)
		}
	}
}

// TestNothing: an hour's worth of chances in noise is too long for a test; half a minute must give nothing.
func TestNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	noise := make([]float32, 8000*30)
	for i := range noise {
		noise[i] = float32(0.2 * r.NormFloat64())
	}
	if got := decode(t, 8000, noise); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		p      Packet
		kind   Kind
		sender uint16
	}{
		{packets()[0], PTTID, 0x1234}, {packets()[1], Emergency, 1}, {packets()[2], RadioCheck, 0xFFFE}, {packets()[3], CallAlert, 0x1234},
		{Packet{Op: 0x01, Unit: 7}, PostID, 7}, {Packet{Op: 0x46, Arg: 3, Unit: 7}, Status, 7}, {Packet{Op: 0x7F}, Other, 0},
	} {
		if c.p.Kind() != c.kind || c.p.Sender() != c.sender {
			t.Errorf("%+v: %s of %04x", c.p, c.p.Kind(), c.p.Sender())
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	d, _ := New(8000)
	r := rand.New(rand.NewPCG(7, 7))
	noise := make([]float32, 8000)
	for i := range noise {
		noise[i] = float32(0.2 * r.NormFloat64())
	}
	b.ReportAllocs()
	for b.Loop() {
		for x := noise; len(x) > 0; {
			n, _ := d.Write(x)
			x = x[n:]
		}
	}
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N), "%core")
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := New(8000)
		if err != nil {
			t.Fatal(err)
		}
		x := Append(nil, 8000, packets()[0], Sending{})
		for i, v := range in {
			x[(i*97+int(v))%len(x)] = float32(int8(v)) / 16
		}
		for len(x) > 0 {
			n, _ := d.Write(x)
			x = x[n:]
		}
	})
}
