package lora

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"sentrybox/drivers/replay"
)

func key() []byte {
	k := make([]byte, 16)
	for i := range k {
		k[i] = byte(i)
	}
	return k
}

func receiver(t testing.TB) *Receiver {
	t.Helper()
	r, err := NewReceiver(map[uint32][]byte{0xa1b2: key()}, &replay.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func frame(t testing.TB, f Frame) []byte {
	t.Helper()
	b, err := f.Append(nil, key())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func line(t testing.TB, f Frame) []byte {
	t.Helper()
	b, err := f.AppendLine(nil, key())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLayout holds every bit of the example in the documentation. The MAC was
// computed with openssl dgst -sha256 -mac hmac, the CRC with Python's
// binascii.crc_hqx(…, 0xffff).
func TestLayout(t *testing.T) {
	f := Frame{Device: 0xa1b2, Counter: 258, Event: true, Payload: []byte{1, 100}}
	b := frame(t, f)
	if got, want := hex.EncodeToString(b), "210000a1b2000001020164"+"d22b54ea36e728f3"+"6076"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	got, err := receiver(t).Open(b)
	if err != nil || got.Device != f.Device || got.Counter != f.Counter || !got.Event || !bytes.Equal(got.Payload, f.Payload) {
		t.Errorf("back as %+v, %v", got, err)
	}
	for i := range len(b) * 8 {
		bad := bytes.Clone(b)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := receiver(t).Open(bad); !errors.Is(err, ErrForm) {
			t.Errorf("bit %d changed: %v", i, err)
		}
	}
	if crc16([]byte("123456789")) != 0x29b1 {
		t.Errorf("crc %04x", crc16([]byte("123456789")))
	}
}

func TestLimits(t *testing.T) {
	f := Frame{Device: 0xa1b2, Payload: bytes.Repeat([]byte{0xff}, MaxPayload)}
	b := line(t, f)
	if len(b) != 240 || bytes.IndexByte(b[1:239], 0) >= 0 {
		t.Errorf("the longest frame has %d bytes", len(b))
	}
	r, got := receiver(t), 0
	d := Deframer{Frame: func(b []byte, _ byte) {
		if back, err := r.Open(b); err == nil && bytes.Equal(back.Payload, f.Payload) {
			got++
		}
	}}
	d.Write(b)
	if got != 1 {
		t.Error("the longest frame does not come back")
	}
	f.Payload = append(f.Payload, 0)
	if _, err := f.Append(nil, key()); err == nil {
		t.Error("a payload that is too long is taken")
	}
	f.Payload = nil
	if _, err := f.Append(nil, key()[:15]); err == nil {
		t.Error("a key of 15 bytes is taken")
	}
	if _, err := NewReceiver(map[uint32][]byte{1: key()[:15]}, nil); err == nil {
		t.Error("a key of 15 bytes is taken by a receiver")
	}
}

func TestOpen(t *testing.T) {
	r := receiver(t)
	sealed := func(f Frame, key []byte) []byte {
		b, err := f.Append(nil, key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	other := append(key()[1:], 0)
	for i, c := range []struct {
		b    []byte
		want error
	}{
		{sealed(Frame{Device: 0xa1b2, Counter: 70}, key()), nil},
		{sealed(Frame{Device: 0xa1b2, Counter: 70}, key()), ErrReplay},
		{sealed(Frame{Device: 0xa1b2, Counter: 69}, key()), nil},
		{sealed(Frame{Device: 0xa1b2, Counter: 6}, key()), ErrReplay},
		{sealed(Frame{Device: 0xa1b3, Counter: 71}, key()), ErrUnknown},
		{sealed(Frame{Device: 0xa1b2, Counter: 71}, other), ErrMAC},
		{sealed(Frame{Device: 0xa1b2, Counter: 71}, key()), nil}, // the forgery has not used it up
		{nil, ErrForm},
	} {
		if _, err := r.Open(c.b); !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", i, err, c.want)
		}
	}
	store := &replay.Memory{}
	store.Fail(true)
	r.guard = &replay.Guard{Store: store}
	if _, err := r.Open(frame(t, Frame{Device: 0xa1b2, Counter: 100})); err == nil {
		t.Error("a frame is taken though nobody knows the counter")
	}
}

// TestDeframer sends frames with all that a line does to them, in pieces of every
// size.
func TestDeframer(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, rssi := range []bool{false, true} {
		for size := 1; size < 60; size++ {
			var stream []byte
			var want []uint32
			for n := range uint32(40) {
				switch rng.IntN(5) {
				case 0: // another radio's packet
					for range rng.IntN(300) {
						stream = append(stream, byte(rng.IntN(256)))
					}
				case 1: // the end of a frame
					l := line(t, Frame{Device: 0xa1b2, Counter: 1000 + n, Payload: []byte{0, 0, 9}})
					stream = append(stream, l[5+rng.IntN(10):]...)
				case 2: // a bit lost
					l := line(t, Frame{Device: 0xa1b2, Counter: 2000 + n, Payload: []byte{1, 2, 3}})
					l[2+rng.IntN(15)] ^= 0x40
					stream = append(stream, l...)
				}
				if rssi && len(stream) > 0 {
					stream = append(stream, byte(rng.IntN(256)))
				}
				stream = append(stream, line(t, Frame{Device: 0xa1b2, Counter: n, Payload: make([]byte, rng.IntN(100))})...)
				if rssi {
					stream = append(stream, byte(100+n))
				}
				want = append(want, n)
			}
			r := receiver(t)
			var got []uint32
			d := Deframer{RSSI: rssi, Frame: func(b []byte, by byte) {
				f, err := r.Open(b)
				if err != nil {
					t.Errorf("%v", err)
				}
				got = append(got, f.Counter)
				if rssi && by != byte(100+f.Counter) {
					t.Errorf("frame %d with signal %d", f.Counter, by)
				}
			}}
			for piece := range slices.Chunk(stream, size) {
				d.Write(piece)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("rssi %v, in pieces of %d: %v", rssi, size, got)
			}
		}
	}
}

// TestMissingRSSI has a module that was told to append a byte and does not.
func TestMissingRSSI(t *testing.T) {
	var got []byte
	d := Deframer{RSSI: true, Frame: func(_ []byte, rssi byte) { got = append(got, rssi) }}
	for n := range uint32(3) {
		d.Write(line(t, Frame{Device: 0xa1b2, Counter: n}))
	}
	if len(got) != 2 {
		t.Errorf("%d frames before the line is idle", len(got))
	}
	d.Idle()
	d.Idle()
	d.Write(append(line(t, Frame{Device: 0xa1b2, Counter: 3}), 200))
	if !bytes.Equal(got, []byte{0, 0, 0, 200}) || d.Noise() != 0 {
		t.Errorf("signals %v, noise %d", got, d.Noise())
	}
}

func FuzzDeframer(f *testing.F) {
	l := line(f, Frame{Device: 0xa1b2, Counter: 1, Payload: []byte("hello")})
	f.Add(l, true)
	f.Add(append([]byte{1, 2, 3}, l...), false)
	f.Add(bytes.Repeat([]byte{1}, 300), true)
	f.Fuzz(func(t *testing.T, air []byte, rssi bool) {
		r := receiver(t)
		d := Deframer{RSSI: rssi, Frame: func(b []byte, _ byte) {
			got, err := r.Open(b)
			if err != nil {
				return
			}
			again, err := got.Append(nil, key())
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("%X is %+v, which is %X, %v", b, got, again, err)
			}
		}}
		d.Write(air)
		d.Idle()
		var tail []byte
		d.Frame = func(b []byte, _ byte) { tail = bytes.Clone(b) }
		d.Write([]byte{0})
		d.Idle()
		d.Write([]byte{0, 0})
		d.Idle()
		d.Write(l) // whatever was heard before, the next frame is
		d.Idle()
		if !bytes.Equal(tail, frame(t, Frame{Device: 0xa1b2, Counter: 1, Payload: []byte("hello")})) {
			t.Errorf("deaf after %X", air)
		}
	})
}

func FuzzCOBS(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 253 {
			return
		}
		s := stuff(nil, b)
		if bytes.IndexByte(s, 0) >= 0 || len(s) != len(b)+1 {
			t.Errorf("%X became %X", b, s)
		}
		if back, ok := unstuff(bytes.Clone(s)); !ok || !bytes.Equal(back, b) {
			t.Errorf("%X became %X and %X, %v", b, s, back, ok)
		}
		_, _ = unstuff(b)
	})
}

func BenchmarkFrame(b *testing.B) {
	r := receiver(b)
	d := Deframer{RSSI: true, Frame: func(f []byte, _ byte) { _, _ = r.Open(f) }}
	l := append(line(b, Frame{Device: 0xa1b2, Counter: 1, Payload: make([]byte, 12)}), 190)
	b.ReportAllocs()
	for b.Loop() {
		d.Write(l)
	}
}
