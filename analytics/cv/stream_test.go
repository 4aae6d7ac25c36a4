//go:build cgo

package cv

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

const period = 40 * time.Millisecond // the streams' 25 pictures a second

func codecOf(name string) uint8 {
	switch filepath.Ext(name) {
	case ".h264":
		return wire.CodecH264
	case ".h265":
		return wire.CodecH265
	}
	return wire.CodecMJPEG
}

// units reads a stream of testdata and cuts it into access units.
func units(t testing.TB, name string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	sep := []byte{0, 0, 0, 1, 9} // access unit delimiter, ITU-T H.264 7.4.1
	switch codecOf(name) {
	case wire.CodecH265:
		sep = []byte{0, 0, 0, 1, 70, 1} // ITU-T H.265 7.4.2.2
	case wire.CodecMJPEG:
		sep = []byte{0xff, 0xd8, 0xff}
	}
	var out [][]byte
	for i, part := range bytes.Split(b, sep) {
		if i > 0 {
			out = append(out, append(bytes.Clone(sep), part...))
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s: no access unit", name)
	}
	return out
}

func open(t testing.TB, codec uint8) *Decoder {
	t.Helper()
	d, err := NewDecoder(codec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// receiveAll takes what pictures there are and counts those refused.
func receiveAll(t testing.TB, d *Decoder, take func(*Luma)) (damaged int) {
	t.Helper()
	var l Luma
	for range 64 { // no stream holds back more
		ok, err := d.Receive(&l)
		switch {
		case errors.Is(err, ErrDamaged):
			damaged++
			continue
		case err != nil:
			t.Fatal(err)
		case !ok:
			return damaged
		}
		take(&l)
	}
	t.Fatal("pictures without end")
	return 0
}

// decodeAll decodes a stream whose access units are in the given order of
// presentation, or in their own if that is nil, and returns copies.
func decodeAll(t testing.TB, d *Decoder, aus [][]byte, order []int) []Luma {
	t.Helper()
	var got []Luma
	take := func(l *Luma) {
		c := *l
		c.Pix = bytes.Clone(l.Pix)
		got = append(got, c)
	}
	for i, au := range aus {
		n := i
		if order != nil {
			n = order[i]
		}
		if err := d.Send(au, time.Duration(n)*period, i == 0); err != nil {
			t.Fatalf("access unit %d: %v", i, err)
		}
		receiveAll(t, d, take)
	}
	if err := d.Drain(); err != nil {
		t.Fatal(err)
	}
	receiveAll(t, d, take)
	d.Flush()
	return got
}

// checkScene compares a picture with the scene that the streams show. x0 and y0
// are where the picture begins in it, width is the scene's, full its range.
func checkScene(t testing.TB, l *Luma, number, x0, y0, width int, full bool) {
	t.Helper()
	if len(l.Pix) != l.Width*l.Height {
		t.Fatalf("%d bytes of luma for %d×%d", len(l.Pix), l.Width, l.Height)
	}
	f := l.CodedWidth / l.Width
	bad := 0
	for y := range l.Height {
		for x := range l.Width {
			top, bottom := y*f+y0, (y+1)*f-1+y0
			if bottom >= 14 && top < 18 {
				continue // the edge of the band rings
			}
			want := 40 + 160*(float64(x*f+x0)+float64(f-1)/2)/float64(width)
			if bottom < 16 {
				want = float64(24 + 16*number)
			}
			if full {
				want = (want - 16) * 255 / 219
			}
			got := float64(l.Pix[y*l.Width+x])
			if got-want > 4 || want-got > 4 {
				if bad++; bad <= 3 {
					t.Errorf("picture %d at (%d,%d): luma %v, want %.1f", number, x, y, got, want)
				}
			}
		}
	}
	if bad > 0 {
		t.Errorf("picture %d: %d of %d pixels wrong", number, bad, len(l.Pix))
	}
}
