package loraframe

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

func key() []byte { return []byte("0123456789abcdef") }

func keys(g uint16) []byte {
	if g == 17 {
		return key()
	}
	return nil
}

func sample(counter uint32) Frame {
	f := Frame{Gateway: 17, Counter: counter, Kind: 2, Severity: 1, Detected: time.Unix(1_775_000_000, 0), Synced: true, Device: DeviceTag("gate-east")}
	for i := range f.Alert {
		f.Alert[i] = byte(i)
	}
	return f
}

// TestLayout holds every byte of the layout. The MAC was computed with openssl
// dgst -sha256 -hmac 0123456789abcdef.
func TestLayout(t *testing.T) {
	f := sample(258)
	b, err := f.Marshal(key())
	if err != nil {
		t.Fatal(err)
	}
	want := "11" + "0011" + "00000102" + "000102030405060708090a0b0c0d0e0f" + "02" + "01" + "69cc59c0" + "4ca6" + "c4375d1e6b4ffb97"
	if got := hex.EncodeToString(b); len(b) != Size || got != want {
		t.Errorf("%s, want %s", got, want)
	}
	line, err := f.Line(key())
	if err != nil || len(line) != LineSize || line[0] != 0 || line[LineSize-1] != 0 || bytes.IndexByte(line[1:LineSize-1], 0) >= 0 || LineSize > 48 {
		t.Errorf("line %X, %v", line, err)
	}
	if back, err := Unmarshal(b, keys); err != nil || back != f {
		t.Errorf("back as %+v, %v", back, err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := Unmarshal(bad, keys); err == nil {
			t.Errorf("byte %d changed, and nobody noticed", i)
		}
	}
	if _, err := f.Marshal([]byte("short")); err == nil {
		t.Error("a key of five bytes is taken")
	}
	f.Severity = 5
	if _, err := f.Marshal(key()); !errors.Is(err, ErrForm) {
		t.Errorf("severity 5: %v", err)
	}
}

func TestWindow(t *testing.T) {
	var w Window
	for i, c := range []struct {
		n    uint32
		want bool
	}{
		{0, true}, {0, false}, {5, true}, {4, true}, {4, false}, {5, false}, {68, true}, {5, false}, {4, false}, {6, true}, {69, true},
		{1000, true}, {937, true}, {936, false}, {1<<32 - 1, true}, {1<<32 - 1, false}, {0, false},
	} {
		if got := w.Accept(c.n); got != c.want {
			t.Errorf("%d: counter %d accepted %v", i, c.n, got)
		}
	}
}

func TestReceiver(t *testing.T) {
	r := &Receiver{Key: keys}
	var air []byte
	for _, n := range []uint32{7, 8} {
		f := sample(n)
		line, err := f.Line(key())
		if err != nil {
			t.Fatal(err)
		}
		air = append(air, line...)
	}
	stranger := sample(9)
	forged, err := stranger.Line([]byte("another key of 16"))
	if err != nil {
		t.Fatal(err)
	}
	var got []Frame
	for _, piece := range [][]byte{air[10:20], {0}, bytes.Repeat([]byte{9}, 200), air[:30], air[30:], forged, air} {
		frames, _ := r.Write(piece)
		got = append(got, frames...)
	}
	if len(got) != 2 || got[0] != sample(7) || got[1] != sample(8) {
		t.Errorf("received %+v", got)
	}
	if _, err := r.Write(air); !errors.Is(err, ErrReplay) {
		t.Errorf("played again: %v", err)
	}
	if _, err := r.Write(forged); !errors.Is(err, ErrMAC) {
		t.Errorf("forged: %v", err)
	}
}

func FuzzReceiver(f *testing.F) {
	s := sample(1)
	line, err := s.Line(key())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte{0, 1, 0, 255, 1, 0})
	f.Add(bytes.Repeat([]byte{1}, 300))
	f.Fuzz(func(t *testing.T, air []byte) {
		r := &Receiver{Key: keys}
		frames, _ := r.Write(air)
		for _, got := range frames {
			if _, err := got.Marshal(key()); err != nil {
				t.Errorf("%+v: %v", got, err)
			}
		}
	})
}

func FuzzStuff(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 250 {
			return
		}
		s := stuff(b)
		back, err := unstuff(s)
		if err != nil || !bytes.Equal(back, b) || bytes.IndexByte(s, 0) >= 0 {
			t.Errorf("%X became %X and %X, %v", b, s, back, err)
		}
		_, _ = unstuff(b)
	})
}
