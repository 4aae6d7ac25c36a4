//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnnotate replays the walker in the real sandbox and looks at the video that comes out.
func TestAnnotate(t *testing.T) {
	camera := `
id: yard
zones: {大门: {polygon: [[0.25,0.25],[0.75,0.25],[0.75,1],[0.25,1]]}}
detect: [{kind: intrusion, zone: 大门}, {kind: motion}, {kind: loitering, after: 5s}, {kind: tamper}, {kind: thrown_object}]
`
	video, dir := walker(t, "h264"), t.TempDir()
	out, data := filepath.Join(dir, "out.mp4"), filepath.Join(dir, "out.jsonl")
	_, plain := replay(t, camera, video)
	_, shown := replay(t, camera, video, "--annotate", out, "--explain", data)
	n := len(plain) - 1
	if n < 2 || strings.Join(plain[:n], "") != strings.Join(shown[:len(shown)-1], "") {
		t.Errorf("it finds something else when it draws:\n%s\n%s", plain, shown)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("it left %v, %v", left, err)
	}

	var probe struct {
		Streams []struct {
			Name   string `json:"codec_name"`
			Width  int
			Height int
			Format string `json:"pix_fmt"`
			Frames string `json:"nb_read_frames"`
			Length string `json:"duration"`
		}
	}
	b, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", out).Output()
	if err != nil || json.Unmarshal(b, &probe) != nil || len(probe.Streams) != 1 {
		t.Fatalf("ffprobe: %v: %s", err, b)
	}
	s := probe.Streams[0]
	if s.Name != "h264" || s.Width < 1000 || s.Height < 400 || !strings.HasPrefix(s.Format, "yuv") || s.Frames != "168" || !strings.HasPrefix(s.Length, "14.00") {
		t.Errorf("ffprobe says %+v", s)
	}
	// At 7.5 s the walker is in the middle: the zone's border is red, since somebody is in it.
	rgb, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-ss", "7.5", "-i", out, "-frames:v", "1",
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
	if err != nil || len(rgb) != 3*s.Width*s.Height {
		t.Fatalf("ffmpeg: %v, %d bytes", err, len(rgb))
	}
	red, written := 0, 0
	for y := 100; y < 340; y++ {
		if p := rgb[3*(y*s.Width+161):]; p[0] > 120 && p[1] < 110 && p[2] < 110 {
			red++
		}
		for x := 640; x < s.Width; x++ {
			if rgb[3*(y*s.Width+x)] > 130 {
				written++
			}
		}
	}
	if red < 200 || written < 500 {
		t.Errorf("%d of 240 pixels of the border are red, %d of the panel are bright", red, written)
	}
	lines, err := os.ReadFile(data)
	if err != nil || bytes.Count(lines, []byte("\n")) < 100 || !bytes.Contains(lines, []byte(`"why":"not_person"`)) {
		t.Errorf("%v: %d bytes of data", err, len(lines))
	}
}

func TestAnnotateIsForUsers(t *testing.T) {
	video := walker(t, "h264")
	camera := filepath.Join(t.TempDir(), "camera.yaml")
	if err := os.WriteFile(camera, []byte("{id: a, zones: {大门: {polygon: [[0,0],[1,0],[1,0.5]]}}, detect: [{kind: motion, zone: 大门}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(video)
	if err != nil {
		t.Fatal(err)
	}
	cmd := sentrybox("replay", "--camera", camera, "--annotate", video, video)
	cmd.Env = append(cmd.Env, "LC_ALL=zh_CN.UTF-8")
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("不能覆盖")) {
		t.Errorf("over the video itself: %v: %s", err, out)
	}
	if after, err := os.ReadFile(video); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the video was changed, %v", err)
	}
	var legend bytes.Buffer
	cmd = sentrybox("replay", "--camera", camera, "--annotate", filepath.Join(t.TempDir(), "out.mp4"), video)
	cmd.Stderr = &legend
	if err := cmd.Run(); err != nil || !strings.Contains(legend.String(), "大门") {
		t.Errorf("%v: the legend is %q", err, legend.String())
	}
}
