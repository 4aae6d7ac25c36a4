package mp4

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4/mp4test"
)

func units(t testing.TB, file []byte) (all []media.AccessUnit) {
	t.Helper()
	r, err := Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for range r.Len() {
		au, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, au)
	}
	return all
}

// TestLive: what a browser gets, put together, is a film with the same pictures at the
// same times.
func TestLive(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		mime string
	}{"H.264": {mp4test.H264(), `video/mp4; codecs="avc1.`}, "H.265": {mp4test.H265(), `video/mp4; codecs="hvc1.1.6.L`}} {
		t.Run(name, func(t *testing.T) {
			all := units(t, c.file)
			l, err := NewLive(&all[0])
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(l.MIME, c.mime) {
				t.Errorf("type %s", l.MIME)
			}
			film := bytes.Clone(l.Head)
			for i := range all {
				part, err := l.Add(&all[i])
				if err != nil {
					t.Fatal(err)
				}
				film = append(film, part...)
			}
			got := units(t, film)
			if len(got) != len(all) {
				t.Fatalf("%d pictures of %d", len(got), len(all))
			}
			for i, au := range got {
				want := all[i].PTS - all[0].PTS
				if d := au.PTS - got[0].PTS - want; d > time.Millisecond || d < -time.Millisecond || au.Keyframe != all[i].Keyframe {
					t.Errorf("picture %d at %v, want %v", i, au.PTS-got[0].PTS, want)
				}
			}
			if ffprobe, err := exec.LookPath("ffprobe"); err == nil {
				path := filepath.Join(t.TempDir(), "live.mp4")
				if err := os.WriteFile(path, film, 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(ffprobe, "-v", "error", "-count_frames", path).CombinedOutput(); err != nil || len(out) > 0 {
					t.Errorf("ffprobe: %v: %s", err, out)
				}
			}
		})
	}
}

func TestNotLive(t *testing.T) {
	for name, au := range map[string]media.AccessUnit{
		"MJPEG": {Codec: media.MJPEG, Keyframe: true, Data: []byte{0xff, 0xd8}}, "nothing": {Codec: media.H264, Keyframe: true},
		"no keyframe": {Codec: media.H264, Data: []byte{0, 0, 0, 1, 0x41, 1}}, "no parameter sets": {Codec: media.H264, Keyframe: true, Data: []byte{0, 0, 0, 1, 0x65, 1}},
	} {
		if _, err := NewLive(&au); !errors.Is(err, ErrNotLive) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLive(f *testing.F) {
	for _, file := range [][]byte{mp4test.H264(), mp4test.H265()} {
		all := units(f, file)
		f.Add(byte(all[0].Codec), all[0].Data, all[1].Data)
	}
	f.Add(byte(1), []byte{0, 0, 1, 0x67}, []byte{0, 0, 1})
	f.Fuzz(func(_ *testing.T, codec byte, first, next []byte) {
		l, err := NewLive(&media.AccessUnit{Codec: media.Codec(codec), Keyframe: true, Data: first})
		if err != nil {
			return
		}
		_, _ = l.Add(&media.AccessUnit{Codec: media.Codec(codec), Keyframe: true, Data: first})
		_, _ = l.Add(&media.AccessUnit{Codec: media.Codec(codec), PTS: time.Second, Data: next})
	})
}
