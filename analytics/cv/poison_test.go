//go:build cgo

package cv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// poisonUnits is how many access units TestPoison feeds. SENTRYBOX_POISON sets
// another number; 100000 take some minutes.
const poisonUnits = 6000

var poisonFiles = []string{
	"busy.h264", "fields.h264", "busy.h265", "plain.h264", "bframes.h264", "bframes.h265", "ten.h264",
	"ten.h265", "crop.h264", "odd.h264", "gray.h264", "rgb.h264", "large.h265", "plain.mjpeg", "wide.mjpeg",
}

// TestPoison feeds decoders what a broken or a malicious camera might send. The
// process must survive, keep to the limits, and decode a sound stream afterwards.
func TestPoison(t *testing.T) {
	total := poisonUnits
	if s := os.Getenv("SENTRYBOX_POISON"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("SENTRYBOX_POISON=%q is no number of access units", s)
		}
		total = n
	}
	streams := make([][][]byte, len(poisonFiles))
	for i, f := range poisonFiles {
		streams[i] = units(t, f)
	}
	var fed, refused, pictures, corrupt int
	for seed := uint64(0); fed < total; seed++ {
		r := rand.New(rand.NewPCG(seed, 0x5e47))
		file := int(seed) % len(streams)
		p := poisoner{r, codecOf(poisonFiles[file]), streams}
		d, err := NewDecoder(p.codec)
		if err != nil {
			t.Fatal(err)
		}
		for i, au := range p.stream(streams[file]) {
			fed++
			switch err := d.Send(au, time.Duration(i)*period, i == 0); {
			case errors.Is(err, ErrDamaged):
				refused++
			case err != nil:
				t.Fatalf("seed %d, access unit %d: %v", seed, i, err)
			}
			refused += receiveAll(t, d, func(l *Luma) {
				pictures++
				if l.Corrupt {
					corrupt++
				}
				checkLimits(t, d, l)
			})
		}
		if err := d.Drain(); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		receiveAll(t, d, func(l *Luma) { pictures++; checkLimits(t, d, l) })
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d access units: %d refused, %d pictures, %d of them corrupt", fed, refused, pictures, corrupt)
	if refused < fed/50 || pictures < fed/10 {
		t.Error("the mutations miss: too few refused or too few decoded")
	}
	for _, f := range []string{"plain.h264", "plain.h265", "plain.mjpeg"} {
		got := decodeAll(t, open(t, codecOf(f)), units(t, f), nil)
		for i := range got {
			checkScene(t, &got[i], i, 0, 0, 160, codecOf(f) == wire.CodecMJPEG)
		}
	}
}

func checkLimits(t testing.TB, d *Decoder, l *Luma) {
	if l.CodedWidth > MaxSide || l.CodedHeight > MaxSide || l.CodedWidth*l.CodedHeight > MaxPixels ||
		l.Width > maxWorkWidth || l.Height > maxWorkHeight || len(l.Pix) != l.Width*l.Height {
		t.Errorf("%d×%d to %d×%d, %d bytes", l.CodedWidth, l.CodedHeight, l.Width, l.Height, len(l.Pix))
	}
	if img, err := d.Snapshot(64); err == nil && (img.Rect.Dx() < 1 || img.Rect.Dx() > 64) {
		t.Errorf("snapshot %v", img.Rect)
	}
}

// A poisoner spoils streams, the same way for the same seed.
type poisoner struct {
	r       *rand.Rand
	codec   uint8
	streams [][][]byte // to take foreign parts from
}

// stream returns a spoilt copy of a stream: some access units stay whole, so that
// the decoder gets far enough to be hurt.
func (p poisoner) stream(aus [][]byte) [][]byte {
	out := make([][]byte, 0, len(aus)+4)
	for _, au := range aus {
		out = append(out, bytes.Clone(au))
	}
	for range 1 + p.r.IntN(4) {
		i := p.r.IntN(len(out))
		switch p.r.IntN(10) {
		case 0, 1:
			p.flip(out[i], len(out[i]))
		case 2, 3:
			p.flip(out[i], 96) // the headers, where a bit weighs most
		case 4:
			out[i] = out[i][:p.r.IntN(len(out[i])+1)]
		case 5:
			j := p.r.IntN(len(out))
			out[i], out[j] = out[j], out[i]
		case 6:
			out[i] = p.shuffle(out[i])
		case 7:
			out[i] = p.resize(out[i])
		case 8: // a part of another stream
			s := p.streams[p.r.IntN(len(p.streams))]
			o := s[p.r.IntN(len(s))]
			at := p.r.IntN(len(out[i]) + 1)
			out[i] = append(out[i][:at:at], o[p.r.IntN(len(o)):]...)
		case 9: // overwritten
			b, v := out[i], byte(p.r.Uint32())
			for k, end := p.r.IntN(len(b)+1), p.r.IntN(len(b)+1); k < end; k++ {
				b[k] = v
			}
		}
		if len(out[i]) == 0 {
			out[i] = []byte{0}
		}
	}
	return out
}

func (p poisoner) flip(b []byte, within int) {
	n := min(within, len(b))
	for range 1 + p.r.IntN(12) {
		b[p.r.IntN(n)] ^= 1 << p.r.IntN(8)
	}
}

// shuffle puts the NAL units of an access unit in another order, or a JPEG's
// segments, which are cut at any marker.
func (p poisoner) shuffle(au []byte) []byte {
	sep := []byte{0, 0, 1}
	if p.codec == wire.CodecMJPEG {
		sep = []byte{0xff}
	}
	parts := bytes.Split(au, sep)
	p.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return bytes.Join(parts[:1+p.r.IntN(len(parts))], sep)
}

// resize claims another size of the picture.
func (p poisoner) resize(au []byte) []byte {
	sizes := []uint32{1, 15, 64, 160, 720, 4096, 8192, 16383, 65535}
	w, h := sizes[p.r.IntN(len(sizes))], sizes[p.r.IntN(len(sizes))]
	switch p.codec {
	case wire.CodecMJPEG:
		if at := bytes.Index(au, []byte{0xff, 0xc0}); at >= 0 && at+9 <= len(au) {
			binary.BigEndian.PutUint16(au[at+5:], uint16(h))
			binary.BigEndian.PutUint16(au[at+7:], uint16(w))
		}
		return au
	case wire.CodecH264:
		var b bitWriter
		for _, v := range []uint32{0, 0, 0, 2, uint32(p.r.IntN(17))} { // ids, frame_num, POC type 2, references
			b.ue(v)
		}
		b.put(0, 1)
		b.ue((w - 1) / 16)
		b.ue((h - 1) / 16)
		b.put(0b1_1_0_0_1, 5) // frames only, 8×8 inference, no crop, no VUI, stop bit
		sps := append([]byte{0, 0, 0, 1, 0x67, 66, 0xc0, byte(p.r.IntN(63))}, b.bytes()...)
		return append(sps, au...)
	}
	var b bitWriter // H.265 7.3.2.2, main profile, one layer
	b.put(0, 8)
	b.put(1, 8)
	b.put(0x60000000, 32)
	b.put(0, 32)
	b.put(0, 16)
	b.put(153, 8)
	for _, v := range []uint32{0, 1, w, h} {
		b.ue(v)
	}
	b.put(0, 1)
	for _, v := range []uint32{0, 0, 4, uint32(p.r.IntN(17)), 0, 0, 0, uint32(p.r.IntN(5)), 0, uint32(p.r.IntN(4)), 1, 1} {
		b.ue(v)
	}
	b.put(0b0_1_0_0, 4)
	b.ue(uint32(p.r.IntN(70))) // short-term reference picture sets
	b.put(p.r.Uint32(), 32)
	return append(append([]byte{0, 0, 0, 1, 0x42, 1}, b.bytes()...), au...)
}

// A bitWriter writes what parameter sets are made of: H.264 7.2 and 9.1.
type bitWriter struct {
	buf []byte
	n   int
}

func (b *bitWriter) put(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if b.n%8 == 0 {
			b.buf = append(b.buf, 0)
		}
		b.buf[b.n/8] |= byte(v>>i&1) << (7 - b.n%8)
		b.n++
	}
}

func (b *bitWriter) ue(v uint32) {
	n := bits.Len32(v + 1)
	b.put(0, n-1)
	b.put(v+1, n)
}

// bytes returns what was written with emulation prevention, H.264 7.4.1.
func (b *bitWriter) bytes() []byte {
	var out []byte
	for _, v := range b.buf {
		if n := len(out); v <= 3 && n >= 2 && out[n-1] == 0 && out[n-2] == 0 {
			out = append(out, 3)
		}
		out = append(out, v)
	}
	return out
}

func FuzzDecode(f *testing.F) {
	for _, name := range poisonFiles {
		aus := units(f, name)
		f.Add(codecOf(name), uint16(len(aus[0])), bytes.Join(aus[:min(len(aus), 2)], nil))
	}
	f.Fuzz(func(t *testing.T, codec uint8, cut uint16, data []byte) {
		d, err := NewDecoder(codec)
		if err != nil {
			return
		}
		defer func() { _ = d.Close() }()
		at := min(int(cut), len(data))
		for i, au := range [][]byte{data[:at], data[at:]} {
			if err := d.Send(au, time.Duration(i), i == 0); err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			receiveAll(t, d, func(l *Luma) { checkLimits(t, d, l) })
		}
		if err := d.Drain(); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		receiveAll(t, d, func(l *Luma) { checkLimits(t, d, l) })
	})
}
