package evidence

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
	"sentrybox/drivers/mp4/mp4test"
)

// read returns the access units of a file in the order of decoding.
func read(t testing.TB, file []byte) []media.AccessUnit {
	t.Helper()
	r, err := mp4.Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var units []media.AccessUnit
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			return units
		}
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, au)
	}
}

// TestClip: what goes in comes out of the file, with its times, from B-pictures
// too, and from the middle of a session.
func TestClip(t *testing.T) {
	for name, tc := range map[string]struct {
		file []byte
		rate time.Duration
	}{
		"H.264, B-pictures": {mp4test.H264(), 10}, "H.265, B-pictures": {mp4test.H265(), 10},
		"MJPEG": {mp4test.MJPEG(), 5}, "H.264": {mp4test.Walker(), 12},
	} {
		t.Run(name, func(t *testing.T) {
			in := read(t, tc.file)
			for i := range in {
				in[i].PTS += time.Hour
			}
			var file bytes.Buffer
			if err := WriteClip(&file, in); err != nil {
				t.Fatal(err)
			}
			out := read(t, file.Bytes())
			if len(out) != len(in) {
				t.Fatalf("%d access units of %d", len(out), len(in))
			}
			for i := range out {
				want, got := in[i].PTS-in[0].PTS, out[i].PTS-out[0].PTS
				if d := want - got; d < -time.Millisecond || d > time.Millisecond || out[i].Keyframe != in[i].Keyframe {
					t.Errorf("access unit %d at %v, keyframe %v; want %v, %v", i, got, out[i].Keyframe, want, in[i].Keyframe)
				}
			}
			r, err := mp4.Open(bytes.NewReader(file.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			want := time.Duration(len(in)) * time.Second / tc.rate
			if d := r.Duration() - want; d < -50*time.Millisecond || d > 50*time.Millisecond {
				t.Errorf("%v long, want %v", r.Duration(), want)
			}
			if head := file.Bytes()[:200]; !bytes.Contains(head, []byte("moov")) {
				t.Error("the index does not come first")
			}
		})
	}
}

func TestNoClip(t *testing.T) {
	units := read(t, mp4test.Walker())
	for name, tc := range map[string][]media.AccessUnit{
		"nothing": nil, "no keyframe": units[1:],
		"no parameter sets": {{Codec: media.H264, Keyframe: true, Data: []byte{0, 0, 0, 1, 0x65, 1, 2, 3}}},
		"noise":             {{Codec: media.H265, Keyframe: true, Data: []byte{1, 2, 3}}},
		"no JPEG":           {{Codec: media.MJPEG, Keyframe: true, Data: []byte{1, 2, 3}}},
		"no codec":          {{Keyframe: true, Data: []byte{0, 0, 0, 1, 5}}},
	} {
		if err := WriteClip(io.Discard, tc); !errors.Is(err, ErrNoClip) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzClip: a stranger's stream may make a bad file, but no panic.
func FuzzClip(f *testing.F) {
	for _, file := range [][]byte{mp4test.H264(), mp4test.H265()} {
		units := read(f, file)
		f.Add(uint8(units[0].Codec), units[0].Data, units[1].Data, int64(40_000_000))
	}
	f.Fuzz(func(_ *testing.T, codec uint8, first, second []byte, step int64) {
		_ = WriteClip(io.Discard, []media.AccessUnit{
			{Codec: media.Codec(codec), Keyframe: true, Data: first},
			{Codec: media.Codec(codec), PTS: time.Duration(step), Data: second},
		})
	})
}
