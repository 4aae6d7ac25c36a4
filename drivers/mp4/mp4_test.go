package mp4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4/mp4test"
)

const ms = time.Millisecond

// drain reads all pictures and returns them with the error that ended them.
func drain(r *Reader) ([]media.AccessUnit, error) {
	var list []media.AccessUnit
	for {
		au, err := r.Next()
		if err != nil {
			return list, err
		}
		list = append(list, au)
	}
}

func mustRead(t *testing.T, file []byte) (*Reader, []media.AccessUnit) {
	t.Helper()
	r, err := Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	list, err := drain(r)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("after %d pictures: %v", len(list), err)
	}
	return r, list
}

func times(list []media.AccessUnit) []time.Duration {
	var v []time.Duration
	for _, au := range list {
		v = append(v, au.PTS)
	}
	return v
}

func annex(nals ...[]byte) []byte {
	var b []byte
	for _, n := range nals {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

func TestClips(t *testing.T) {
	for _, c := range []struct {
		name     string
		file     []byte
		info     media.Info
		pictures int
		keys     int
		length   time.Duration
	}{
		{"h264", mp4test.H264(), media.Info{Codec: media.H264, Width: 320, Height: 240, FPS: 10}, 20, 2, 2 * time.Second},
		{"h265", mp4test.H265(), media.Info{Codec: media.H265, Width: 320, Height: 240, FPS: 10}, 20, 2, 2 * time.Second},
		{"mjpeg", mp4test.MJPEG(), media.Info{Codec: media.MJPEG, Width: 160, Height: 120}, 10, 10, 2 * time.Second},
		{"walker", mp4test.Walker(), media.Info{Codec: media.H264, Width: mp4test.WalkerWidth, Height: mp4test.WalkerHeight, FPS: mp4test.WalkerFPS},
			168, 10, mp4test.WalkerLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, list := mustRead(t, c.file)
			c.info.Transport = "file"
			if r.Info() != c.info {
				t.Errorf("info %+v, want %+v", r.Info(), c.info)
			}
			if len(list) != c.pictures || r.Len() != c.pictures || r.Duration() != c.length {
				t.Errorf("%d pictures, Len %d, Duration %v; want %d, %v", len(list), r.Len(), r.Duration(), c.pictures, c.length)
			}
			keys := 0
			for _, au := range list {
				if au.Keyframe {
					keys++
				}
				if au.Gap || au.Codec != c.info.Codec {
					t.Fatalf("%+v", au)
				}
			}
			sorted := times(list)
			slices.Sort(sorted)
			for i, pts := range sorted {
				if want := time.Duration(i) * c.length / time.Duration(c.pictures); (pts - want).Abs() > ms {
					t.Fatalf("picture %d of those shown has %v, want %v", i, pts, want)
				}
			}
			if keys != c.keys || !list[0].Keyframe {
				t.Errorf("%d keyframes, want %d", keys, c.keys)
			}
			r.Rewind()
			again, err := drain(r)
			if !errors.Is(err, io.EOF) || len(again) != len(list) {
				t.Fatalf("again: %d pictures, %v", len(again), err)
			}
			for i := range list {
				if !bytes.Equal(list[i].Data, again[i].Data) || list[i].PTS != again[i].PTS || list[i].Keyframe != again[i].Keyframe {
					t.Fatalf("picture %d differs after Rewind", i)
				}
			}
		})
	}
}

func TestLayouts(t *testing.T) {
	key := annex(testSPS(), testPPS(), []byte{0x65, 1})
	p1, p2 := annex([]byte{0x41, 2, 2}), annex([]byte{0x41, 3, 3, 3})
	at := uint32(28) // where the data begins
	for _, c := range []struct {
		name   string
		change func(f *film)
		pts    []time.Duration
		length time.Duration
	}{
		{"plain", func(*film) {}, []time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"QuickTime without ftyp, data in front", func(f *film) { f.stco = atom("stco", u32(0, 1, 16)); f.ftyp = atom("wide") },
			[]time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"co64", func(f *film) { f.stco = atom("co64", u32(0, 1), u64(uint64(at))) }, []time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"chunks of one, of none and of two", func(f *film) {
			f.stsc = atom("stsc", u32(0, 3, 1, 1, 1, 2, 0, 1, 3, 2, 1))
			f.stco = atom("stco", u32(0, 3, at, 0, at+6))
		}, []time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"uneven times", func(f *film) { f.stts = atom("stts", u32(0, 2, 1, 40, 2, 70)) }, []time.Duration{0, 40 * ms, 110 * ms}, 180 * ms},
		{"times too short", func(f *film) { f.stts = atom("stts", u32(0, 1, 1, 100)) }, []time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"B-picture without edit list", func(f *film) { f.ctts = atom("ctts", u32(0, 3, 1, 100, 1, 200, 1, 0)) },
			[]time.Duration{100 * ms, 300 * ms, 200 * ms}, 400 * ms},
		{"B-picture with edit list", func(f *film) {
			f.ctts = atom("ctts", u32(0, 3, 1, 100, 1, 200, 1, 0))
			f.elst = atom("elst", u32(0, 1, 300, 100, 1<<16))
		}, []time.Duration{0, 200 * ms, 100 * ms}, 300 * ms},
		{"negative offsets", func(f *film) { f.ctts = atom("ctts", u32(1<<24, 3, 1, 0, 1, 100, 1, 0xffffff9c)) },
			[]time.Duration{0, 200 * ms, 100 * ms}, 300 * ms},
		{"edit of version 1", func(f *film) { f.elst = atom("elst", u32(1<<24, 1), u64(300, 0), u32(1<<16)) },
			[]time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"empty edit in front", func(f *film) { f.elst = atom("elst", u32(0, 2, 1500, 0xffffffff, 1<<16, 300, 0, 1<<16)) },
			[]time.Duration{1500 * ms, 1600 * ms, 1700 * ms}, 1800 * ms},
		{"edit that begins within a picture", func(f *film) { f.elst = atom("elst", u32(0, 1, 300, 30, 1<<16)) },
			[]time.Duration{-100 * ms, 0, 100 * ms}, 200 * ms},
		{"edit that ends early", func(f *film) { f.elst = atom("elst", u32(0, 1, 150, 0, 1<<16)) }, []time.Duration{0, 100 * ms}, 150 * ms},
		{"edit in two pieces that follow on each other", func(f *film) { f.elst = atom("elst", u32(0, 2, 100, 0, 1<<16, 200, 100, 1<<16)) },
			[]time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"parameter sets in the band", func(f *film) {
			f.stsd = stsd(visual("avc3", 640, 360, avcC(nil, nil)))
			key := avcc([]byte{0x09, 0x10}, testSPS(), testPPS(), []byte{0x65, 1})
			f.data = append(key, f.data[6:]...)
			binary.BigEndian.PutUint32(f.stsz[20:], uint32(len(key)))
		}, []time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"no list of keyframes", func(f *film) { f.stss = nil }, []time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
		{"a list of keyframes that are none", func(f *film) { f.stss = atom("stss", u32(0, 3, 1, 2, 3)) },
			[]time.Duration{0, 100 * ms, 200 * ms}, 300 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFilm()
			c.change(f)
			r, list := mustRead(t, f.bytes())
			if !slices.Equal(times(list), c.pts) || r.Duration() != c.length {
				t.Fatalf("times %v until %v, want %v until %v", times(list), r.Duration(), c.pts, c.length)
			}
			for i, want := range [][]byte{key, p1, p2}[:len(list)] {
				if !bytes.Equal(list[i].Data, want) || list[i].Keyframe != (i == 0) {
					t.Errorf("picture %d: % x, keyframe %v; want % x", i, list[i].Data, list[i].Keyframe, want)
				}
			}
			if i := r.Info(); i.Width != 1920 || i.Height != 1080 {
				t.Errorf("%+v", i)
			}
		})
	}
}

// TestKeyframeBeforeEdit checks that reading begins at the last keyframe before what is shown.
func TestKeyframeBeforeEdit(t *testing.T) {
	f := newFilm()
	idr, p := avcc([]byte{0x65, 1}), avcc([]byte{0x41, 2})
	f.data = bytes.Join([][]byte{idr, p, idr, p, p}, nil)
	f.stsz = atom("stsz", u32(0, 6, 5))
	f.stsc = atom("stsc", u32(0, 1, 1, 5, 1))
	f.stts = atom("stts", u32(0, 1, 5, 100))
	f.stss = atom("stss", u32(0, 2, 1, 3))
	f.elst = atom("elst", u32(0, 1, 200, 300, 1<<16))
	r, list := mustRead(t, f.bytes())
	if got := times(list); !slices.Equal(got, []time.Duration{-100 * ms, 0, 100 * ms}) || !list[0].Keyframe {
		t.Fatal(got)
	}
	if r.Len() != 3 || r.Duration() != 200*ms {
		t.Fatal(r.Len(), r.Duration())
	}
}

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *film)
		want   string
	}{
		{"sizes claimed", func(f *film) { f.stsz = atom("stsz", u32(0, 0, 1<<22)) }, `"stsz" at byte`},
		{"sizes beyond any film", func(f *film) { f.stsz = atom("stsz", u32(0, 0, 0xffffffff)) }, "4294967295 samples, at most"},
		{"one size for many", func(f *film) { f.stsz = atom("stsz", u32(0, 1000, 8<<20)) }, "in a file of"},
		{"sizes missing", func(f *film) { f.stsz = nil }, "it has no stsz box"},
		{"times claimed", func(f *film) { f.stts = atom("stts", u32(0, 0xffffffff)) }, `box "stts"`},
		{"no times", func(f *film) { f.stts = atom("stts", u32(0, 0)) }, "it is empty"},
		{"offsets claimed", func(f *film) { f.ctts = atom("ctts", u32(0, 0x20000000)) }, `box "ctts"`},
		{"chunks claimed", func(f *film) { f.stco = atom("stco", u32(0, 0x40000000)) }, `box "stco"`},
		{"chunks missing", func(f *film) { f.stco = nil }, "neither an stco nor a co64"},
		{"too few chunks", func(f *film) { f.stsc = atom("stsc", u32(0, 1, 1, 2, 1)) }, "it places 2 samples in 1 chunks, but there are 3"},
		{"chunks that go back", func(f *film) { f.stsc = atom("stsc", u32(0, 2, 1, 1, 1, 1, 1, 1)) }, "entry 2 begins at chunk 1"},
		{"chunk 0", func(f *film) { f.stsc = atom("stsc", u32(0, 1, 0, 3, 1)) }, "entry 1 begins at chunk 0"},
		{"description 0", func(f *film) { f.stsc = atom("stsc", u32(0, 1, 1, 3, 0)) }, "sample description 0"},
		{"keyframes that go back", func(f *film) { f.stss = atom("stss", u32(0, 2, 2, 2)) }, `box "stss"`},
		{"time scale 0", func(f *film) { f.scale = 0 }, `"mdhd" at byte`},
		{"a cut", func(f *film) { f.elst = atom("elst", u32(0, 2, 100, 0, 1<<16, 100, 200, 1<<16)) }, "cuts and joins"},
		{"edit claimed", func(f *film) { f.elst = atom("elst", u32(0, 0xffffff)) }, `box "elst"`},
		{"no video", func(f *film) { f.handler = "soun" }, "no video track among its 1"},
		{"other codec", func(f *film) { f.stsd = stsd(visual("vp09", 64, 64)) }, "VP9 (vp09); convert it: ffmpeg"},
		{"MPEG-4", func(f *film) { f.stsd = stsd(visual("mp4v", 64, 64)) }, "MPEG-4 Part 2"},
		{"encrypted", func(f *film) { f.stsd = stsd(visual("encv", 64, 64)) }, "encrypted"},
		{"no avcC", func(f *film) { f.stsd = stsd(visual("avc1", 64, 64)) }, "it has no avcC box"},
		{"avcC cut", func(f *film) {
			f.stsd = stsd(visual("avc1", 64, 64, atom("avcC", []byte{1, 2, 3, 4, 0xff, 0xe1, 0xff, 0xff})))
		}, `box "avcC"`},
		{"lengths of 3 bytes", func(f *film) { f.stsd = stsd(visual("avc1", 64, 64, atom("avcC", []byte{1, 2, 3, 4, 0xfe, 0xe0, 0}))) }, "lengths of 3"},
		{"short entry", func(f *film) { f.stsd = stsd(atom("avc1", make([]byte, 20))) }, `"avc1" at byte`},
		{"no entry", func(f *film) { f.stsd = stsd() }, "no sample description"},
		{"box too large", func(f *film) { f.stss = append(u32(1000), "stss"...) }, "beyond the end of what contains it"},
		{"box too small", func(f *film) { f.stss = append(u32(3), "stss"...) }, "less than its header"},
		{"no pictures", func(f *film) { f.stsz = atom("stsz", u32(0, 0, 0)) }, "no pictures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFilm()
			c.change(f)
			file := f.bytes()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Open(bytes.NewReader(file))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q in it", err, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("%d bytes allocated for a file of %d", n, len(file))
			}
		})
	}
}

// TestBadPictures checks faults of single pictures: the others are read.
func TestBadPictures(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *film)
		want   string // "" if the picture is passed over
	}{
		{"beyond the end", func(f *film) {
			f.stsc, f.stco = atom("stsc", u32(0, 1, 1, 1, 1)), atom("stco", u32(0, 3, 28, 1<<30, 28+6+7))
		}, "beyond the end of the file"},
		{"far beyond the end", func(f *film) {
			f.stsc, f.stco = atom("stsc", u32(0, 1, 1, 1, 1)), atom("co64", u32(0, 3), u64(28, 1<<64-1, 28+6+7))
		}, "beyond the end of the file"},
		{"no such description", func(f *film) {
			f.stsc, f.stco = atom("stsc", u32(0, 3, 1, 1, 1, 2, 1, 0xffffffff, 3, 1, 1)), atom("stco", u32(0, 3, 28, 28+6, 28+6+7))
		}, "sample description 4294967295 of 1"},
		{"NAL unit too long", func(f *film) { f.data[6] = 0x7f }, "a NAL unit of 2130706435 bytes, with 3 left"},
		{"no picture in it", func(f *film) { f.data[10] = 0x06 }, "no picture in it"},
		{"empty", func(f *film) {
			f.stsc, f.stco = atom("stsc", u32(0, 1, 1, 1, 1)), atom("stco", u32(0, 3, 28, 28+6, 28+6+7))
			binary.BigEndian.PutUint32(f.stsz[24:], 0)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFilm()
			c.change(f)
			r, err := Open(bytes.NewReader(f.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if au, err := r.Next(); err != nil || !au.Keyframe || au.Gap {
				t.Fatalf("%+v, %v", au, err)
			}
			if c.want != "" {
				var bad *SampleError
				if _, err := r.Next(); !errors.As(err, &bad) || bad.Number != 2 || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error %v, want %q in it", err, c.want)
				}
			}
			au, err := r.Next()
			if err != nil || !au.Gap || au.PTS != 200*ms {
				t.Fatalf("%+v, %v", au, err)
			}
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		})
	}
}

func TestHugePicture(t *testing.T) {
	f := newFilm()
	f.data = make([]byte, MaxAccessUnit+10)
	f.stsz = atom("stsz", u32(0, 0, 1, MaxAccessUnit+1))
	r, err := Open(bytes.NewReader(f.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "8388609 bytes, at most 8388608") {
		t.Fatal(err)
	}
}

// TestCutOff cuts files at every byte: what is whole is read, and the end never
// looks like the film's own.
func TestCutOff(t *testing.T) {
	file := newFilm().bytes()
	moov := bytes.Index(file, []byte("moov"))
	for n := range file {
		_, err := Open(bytes.NewReader(file[:n]))
		if err == nil {
			t.Fatalf("%d of %d bytes: no error", n, len(file))
		}
		if n > moov+4 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
	}
	file = mp4test.Walker() // its table is in front
	for n := bytes.Index(file, []byte("mdat")) + 4; n < len(file); n += 997 {
		r, err := Open(bytes.NewReader(file[:n]))
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
		if _, err := drain(r); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, b := range [][]byte{mp4test.H264(), mp4test.H265(), mp4test.MJPEG(), newFilm().bytes(), fragmented(f, 2)} {
		f.Add(b)
	}
	edited := newFilm()
	edited.elst = atom("elst", u32(0, 2, 1500, 0xffffffff, 1<<16, 300, 30, 1<<16))
	edited.ctts = atom("ctts", u32(0, 3, 1, 100, 1, 200, 1, 0))
	edited.stco = atom("co64", u32(0, 1), u64(28))
	f.Add(edited.bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Open(bytes.NewReader(file))
		if err != nil {
			return
		}
		if r.Len() <= 0 {
			t.Fatalf("Len %d", r.Len())
		}
		read := 0
		for {
			au, err := r.Next()
			var bad *SampleError
			if errors.As(err, &bad) {
				if read++; read > 10_000 {
					return
				}
				continue
			}
			if err != nil {
				break
			}
			if len(au.Data) == 0 || len(au.Data) > MaxAccessUnit+1<<20 {
				t.Fatalf("an access unit of %d bytes", len(au.Data))
			}
			if read++; read > 10_000 {
				return
			}
		}
		if read > r.Len() {
			t.Fatalf("%d pictures, Len %d", read, r.Len())
		}
	})
}
