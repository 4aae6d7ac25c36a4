//go:build e2e

package mp4

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sentrybox/drivers/media"
)

// packet is what ffprobe says of a packet.
type packet struct {
	PTS   string `json:"pts_time"`
	Flags string `json:"flags"`
}

func ffprobe(t *testing.T, file string) []packet {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0",
		"-show_entries", "packet=pts_time,flags", "-of", "json", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	var v struct{ Packets []packet }
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	return v.Packets
}

// readAll reads a file to its end.
func readAll(t *testing.T, file string) (*Reader, []media.AccessUnit) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, err := Open(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []media.AccessUnit
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, list
		}
		if err != nil {
			t.Fatalf("picture %d: %v", len(list)+1, err)
		}
		list = append(list, au)
	}
}

// compare checks a file against ffprobe. To pictures that nobody is to see,
// which it flags D, ffprobe gives times of its own.
func compare(t *testing.T, file string, shift float64) {
	t.Helper()
	r, got := readAll(t, file)
	want := ffprobe(t, file)
	if len(got) != len(want) || r.Len() != len(want) {
		t.Fatalf("%d pictures, Len %d; ffprobe has %d", len(got), r.Len(), len(want))
	}
	for i, p := range want {
		pts, err := strconv.ParseFloat(p.PTS, 64)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if strings.Contains(p.Flags, "D") {
			if got[i].PTS >= 0 {
				t.Fatalf("picture %d: pts %v, ffprobe does not show it", i, got[i].PTS)
			}
		} else if d := math.Abs(got[i].PTS.Seconds() - pts + shift); d > 0.001 {
			t.Fatalf("picture %d: pts %v, ffprobe says %v", i, got[i].PTS, pts)
		}
		if key := strings.HasPrefix(p.Flags, "K"); key != got[i].Keyframe {
			t.Fatalf("picture %d: keyframe %v, ffprobe says %q", i, got[i].Keyframe, p.Flags)
		}
	}
}

// decodes checks that ffmpeg finds nothing to complain about in the access
// units from every keyframe on.
func decodes(t *testing.T, file string) {
	t.Helper()
	_, list := readAll(t, file)
	var stream []byte
	for _, au := range list {
		stream = append(stream, au.Data...)
	}
	format := map[media.Codec]string{media.H264: "h264", media.H265: "hevc", media.MJPEG: "mjpeg"}[list[0].Codec]
	raw := filepath.Join(t.TempDir(), "raw."+format)
	if err := os.WriteFile(raw, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-f", format, "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", raw).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != strconv.Itoa(len(list)) {
		t.Fatalf("%d pictures; ffprobe of the raw stream: %v %s", len(list), err, out)
	}
}

func TestAgainstFFprobe(t *testing.T) {
	src := []string{"-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=3"}
	sound := []string{"-f", "lavfi", "-i", "sine=duration=3"}
	x264 := []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p"}
	x265 := []string{"-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error:keyint=25:open-gop=0"}
	for _, c := range []struct {
		name, file string
		args       []string
		shift      float64 // seconds that ffprobe is late
	}{
		{"h264 no B-pictures", "a.mp4", append(x264, "-bf", "0"), 0},
		{"h264 B-pictures with edit list", "a.mp4", append(x264, "-bf", "3"), 0},
		{"h264 B-pictures without edit list", "a.mp4", append(x264, "-bf", "3", "-use_editlist", "0"), 0},
		{"h264 negative composition offsets", "a.mp4", append(x264, "-bf", "3", "-movflags", "negative_cts_offsets"), 0},
		{"h264 faststart", "a.mp4", append(x264, "-bf", "2", "-movflags", "faststart"), 0},
		{"h264 fragmented", "a.mp4", append(x264, "-bf", "2", "-movflags", "frag_keyframe+empty_moov"), 0},
		{"h264 fragmented, default base is moof", "a.mp4", append(x264, "-bf", "2", "-movflags", "frag_keyframe+empty_moov+default_base_moof"), 0},
		{"h264 fragmented, first fragment in moov", "a.mp4", append(x264, "-bf", "2", "-movflags", "frag_keyframe"), 0},
		{"h264 fragmented, separate moofs", "a.mp4", append(x264, "-bf", "2", "-movflags", "frag_keyframe+empty_moov+separate_moof"), 0},
		// ffprobe moves all of a fragmented file by its first negative offset; by the standard the first picture is at 0.
		{"h264 fragmented, CMAF", "a.mp4", append(x264, "-bf", "2", "-movflags", "cmaf"), 0.04},
		{"h264 fragmented every 0.3 s", "a.mp4", append(x264, "-bf", "2", "-frag_duration", "300000"), 0},
		{"h264 mov", "a.mov", append(x264, "-bf", "2"), 0},
		{"h264 starts late", "a.mp4", append(x264, "-bf", "2", "-output_ts_offset", "1.5"), 0},
		{"h264 uneven times", "a.mp4", append(x264, "-bf", "2", "-vf", "setpts='PTS+0.3*random(1)/25/TB'", "-fps_mode", "vfr"), 0},
		{"h265", "a.mp4", append(x265, "-bf", "0"), 0},
		{"h265 B-pictures hvc1", "a.mp4", append(x265, "-tag:v", "hvc1"), 0},
		{"h265 B-pictures hev1", "a.mp4", append(x265, "-tag:v", "hev1"), 0},
		{"h265 fragmented", "a.mp4", append(x265, "-movflags", "frag_keyframe+empty_moov"), 0},
		{"mjpeg mp4", "a.mp4", []string{"-c:v", "mjpeg", "-pix_fmt", "yuvj420p"}, 0},
		{"mjpeg mov", "a.mov", []string{"-c:v", "mjpeg", "-pix_fmt", "yuvj420p"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), c.file)
			args := append([]string{"-v", "error", "-y"}, src...)
			args = append(append(append(args, sound...), c.args...), "-c:a", "aac", file)
			ffmpeg(t, args...)
			compare(t, file, c.shift)
			decodes(t, file)
		})
	}
}

// TestCut compares files that begin in the middle of a group of pictures, whose
// edit list hides the pictures before.
func TestCut(t *testing.T) {
	dir := t.TempDir()
	whole, cut, end := filepath.Join(dir, "whole.mp4"), filepath.Join(dir, "cut.mp4"), filepath.Join(dir, "end.mp4")
	ffmpeg(t, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=4", "-c:v", "libx264", "-g", "50", "-bf", "2", "-pix_fmt", "yuv420p", whole)
	ffmpeg(t, "-v", "error", "-ss", "2.7", "-i", whole, "-c", "copy", cut)
	ffmpeg(t, "-v", "error", "-ss", "0.7", "-i", whole, "-t", "1.1", "-c", "copy", end)
	for _, file := range []string{whole, cut, end} {
		compare(t, file, 0)
	}
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
