//go:build cgo

package cv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

var withB = []int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 11, 10}

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		file                string
		order               []int
		pictures            int
		coded, coded2, w, h int // coded×coded2 shrinks to w×h
		x0, y0, sceneW      int
		full                bool
	}{
		{file: "plain.h264", pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "plain.h265", pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "bframes.h264", order: withB, pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "bframes.h265", order: withB, pictures: 12, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "odd.h264", pictures: 2, coded: 65, coded2: 49, w: 65, h: 49, sceneW: 65},
		{file: "crop.h264", pictures: 2, coded: 144, coded2: 90, w: 144, h: 90, x0: 6, y0: 2, sceneW: 160},
		{file: "wide.h264", pictures: 1, coded: 1922, coded2: 90, w: 640, h: 30, sceneW: 1922},
		{file: "gray.h264", pictures: 2, coded: 64, coded2: 48, w: 64, h: 48, sceneW: 64, full: true},
		{file: "ten.h264", order: []int{0, 2, 1}, pictures: 3, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "ten.h265", pictures: 6, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160},
		{file: "large.h265", pictures: 2, coded: 320, coded2: 240, w: 320, h: 240, sceneW: 320},
		{file: "plain.mjpeg", pictures: 3, coded: 160, coded2: 96, w: 160, h: 96, sceneW: 160, full: true},
		{file: "wide.mjpeg", pictures: 1, coded: 162, coded2: 98, w: 162, h: 98, sceneW: 162, full: true},
	} {
		t.Run(tc.file, func(t *testing.T) {
			d := open(t, codecOf(tc.file))
			for range 2 { // the second time after Drain and Flush
				got := decodeAll(t, d, units(t, tc.file), tc.order)
				if len(got) != tc.pictures {
					t.Fatalf("%d pictures, want %d", len(got), tc.pictures)
				}
				for i := range got {
					l := &got[i]
					if l.CodedWidth != tc.coded || l.CodedHeight != tc.coded2 || l.Width != tc.w || l.Height != tc.h {
						t.Fatalf("%d×%d to %d×%d", l.CodedWidth, l.CodedHeight, l.Width, l.Height)
					}
					if l.PTS != time.Duration(i)*period {
						t.Errorf("picture %d has PTS %v", i, l.PTS)
					}
					if l.Corrupt {
						t.Errorf("picture %d is called corrupt", i)
					}
					if i == 0 && !l.Keyframe {
						t.Error("the first picture is no keyframe")
					}
					checkScene(t, l, i, tc.x0, tc.y0, tc.sceneW, tc.full)
				}
			}
		})
	}
}

func TestRefusesRGB(t *testing.T) {
	d := open(t, codecOf("rgb.h264"))
	if err := d.Send(units(t, "rgb.h264")[0], 0, true); err != nil {
		t.Fatal(err)
	}
	if err := d.Drain(); err != nil {
		t.Fatal(err)
	}
	var l Luma
	ok, err := d.Receive(&l)
	if ok || !errors.Is(err, ErrUnsupported) || !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v, %v", ok, err)
	}
	d.Flush()
	if got := decodeAll(t, d, units(t, "plain.h264"), nil); len(got) != 12 {
		t.Errorf("%d pictures after it, want 12", len(got))
	}
}

func TestChangeOfSize(t *testing.T) {
	d := open(t, codecOf("plain.h265"))
	var got []Luma
	take := func(l *Luma) { got = append(got, *l); got[len(got)-1].Pix = bytes.Clone(l.Pix) }
	for _, file := range []string{"plain.h265", "large.h265", "ten.h265"} {
		for i, au := range units(t, file) {
			if err := d.Send(au, time.Duration(i)*period, i == 0); err != nil {
				t.Fatal(err)
			}
			receiveAll(t, d, take)
		}
	}
	if err := d.Drain(); err != nil {
		t.Fatal(err)
	}
	receiveAll(t, d, take)
	if len(got) != 12+2+6 {
		t.Fatalf("%d pictures, want 20", len(got))
	}
	for i, l := range got {
		first, w := 0, 160
		if i >= 14 {
			first = 14
		} else if i >= 12 {
			first, w = 12, 320
		}
		if l.Width != w {
			t.Errorf("picture %d is %d wide, want %d", i, l.Width, w)
		}
		checkScene(t, &l, i-first, 0, 0, w, false)
	}
}

func TestCorruptIsSaid(t *testing.T) {
	aus := units(t, "busy.h264")
	t.Run("start without keyframe", func(t *testing.T) {
		d := open(t, codecOf("busy.h264"))
		if err := d.Send(aus[0], 0, true); err != nil { // for the parameter sets
			t.Fatal(err)
		}
		d.Flush()
		n := 0
		for _, au := range aus[1:4] {
			if err := d.Send(au, 0, false); err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			receiveAll(t, d, func(l *Luma) {
				if n++; !l.Corrupt {
					t.Error("a picture of nothing is not called corrupt")
				}
			})
		}
		if err := d.Drain(); err != nil {
			t.Fatal(err)
		}
		receiveAll(t, d, func(l *Luma) {
			if n++; !l.Corrupt {
				t.Error("a picture of nothing is not called corrupt")
			}
		})
		if n == 0 {
			t.Error("no picture")
		}
	})
	t.Run("damaged slice", func(t *testing.T) {
		d := open(t, codecOf("busy.h264"))
		cut := bytes.Clone(aus[0])
		for i := len(cut) / 2; i < len(cut); i++ {
			cut[i] = 0x55
		}
		corrupt, refused := 0, 0
		for i, au := range append([][]byte{cut}, aus[1:]...) {
			switch err := d.Send(au, 0, i == 0); {
			case errors.Is(err, ErrDamaged):
				refused++
			case err != nil:
				t.Fatal(err)
			}
			refused += receiveAll(t, d, func(l *Luma) {
				if l.Corrupt {
					corrupt++
				}
			})
		}
		if corrupt == 0 {
			t.Errorf("no picture called corrupt, %d refused", refused)
		}
	})
}

func TestRefusesAndGoesOn(t *testing.T) {
	for _, file := range []string{"plain.h264", "plain.h265", "plain.mjpeg"} {
		t.Run(file, func(t *testing.T) {
			d := open(t, codecOf(file))
			aus := units(t, file)
			for name, bad := range map[string][]byte{
				"empty":    nil,
				"text":     []byte("GET / HTTP/1.1\r\n\r\n"),
				"too long": make([]byte, MaxAccessUnit+1),
				"headless": aus[0][len(aus[0])-40:],
			} {
				err := d.Send(bad, 0, true)
				if err == nil { // then it must yield no picture
					receiveAll(t, d, func(*Luma) { t.Errorf("%s: a picture", name) })
				} else if !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if got := decodeAll(t, d, aus, nil); len(got) != len(aus) {
				t.Errorf("%d pictures after it, want %d", len(got), len(aus))
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	if _, err := NewDecoder(0); err == nil {
		t.Error("codec 0 opened")
	}
	if _, err := NewDecoder(4); err == nil {
		t.Error("codec 4 opened")
	}
	d := open(t, codecOf("plain.h264"))
	var l Luma
	if ok, err := d.Receive(&l); ok || err != nil {
		t.Errorf("receive before send: %v, %v", ok, err)
	}
	if err := d.Convert(&l); err == nil {
		t.Error("converted no picture")
	}
	if _, err := d.Snapshot(320); err == nil {
		t.Error("snapshot of no picture")
	}
	var err error
	for _, au := range units(t, "plain.h264") {
		if err = d.Send(au, 0, false); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("sent without receiving: %v", err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	d.Flush()
	if _, err := d.Receive(&l); !errors.Is(err, ErrClosed) {
		t.Errorf("receive after close: %v", err)
	}
	if err := d.Send([]byte{0}, 0, false); !errors.Is(err, ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
	if _, err := d.Snapshot(320); !errors.Is(err, ErrClosed) {
		t.Errorf("snapshot after close: %v", err)
	}
}

// A camera runs for months: a picture may cost no garbage.
func TestNoGarbage(t *testing.T) {
	for _, file := range []string{"plain.h264", "plain.h265", "plain.mjpeg"} {
		d := open(t, codecOf(file))
		aus := units(t, file)
		var l Luma
		n, pictures := 0, 0
		allocs := testing.AllocsPerRun(100, func() {
			if err := d.Send(aus[n%len(aus)], time.Duration(n), n%len(aus) == 0); err != nil {
				t.Fatal(err)
			}
			n++
			for {
				ok, err := d.Receive(&l)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				pictures++
			}
		})
		if allocs != 0 || pictures < 90 {
			t.Errorf("%s: %v allocations a picture over %d pictures", file, allocs, pictures)
		}
	}
}

func TestSkip(t *testing.T) {
	d := open(t, codecOf("plain.h264"))
	var l Luma
	var got []time.Duration
	for i, au := range units(t, "plain.h264") {
		if err := d.Send(au, time.Duration(i)*period, i == 0); err != nil {
			t.Fatal(err)
		}
		for {
			ok, err := d.Skip(&l)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			got = append(got, l.PTS)
			if len(l.Pix) != 0 || l.Width != 160 {
				t.Fatalf("%d bytes, %d wide", len(l.Pix), l.Width)
			}
			if len(got)%3 == 0 { // wanted after all
				if err := d.Convert(&l); err != nil {
					t.Fatal(err)
				}
				checkScene(t, &l, len(got)-1, 0, 0, 160, false)
			}
		}
	}
	if len(got) < 11 || got[10] != 10*period {
		t.Errorf("skipped %v", got)
	}
}

func TestOpenCVOneThread(t *testing.T) {
	if err := UseOneThread(); err != nil {
		t.Error(err)
	}
}

// A header of a few bytes may not make the decoder reserve gigabytes.
func TestAbsurdSize(t *testing.T) {
	for _, size := range [][2]uint16{{65535, 65535}, {8192, 4096}, {5000, 5000}} {
		d := open(t, codecOf("plain.mjpeg"))
		au := bytes.Clone(units(t, "plain.mjpeg")[0])
		at := bytes.Index(au, []byte{0xff, 0xc0}) + 5
		binary.BigEndian.PutUint16(au[at:], size[1])
		binary.BigEndian.PutUint16(au[at+2:], size[0])
		if err := d.Send(au, 0, true); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d×%d: %v", size[0], size[1], err)
		}
	}
}
