//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/hack/foreign"
)

// replay runs `sentrybox replay` and returns its lines.
func replay(t *testing.T, camera, video string, more ...string) (lines []map[string]any, raw []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "camera.yaml")
	if err := os.WriteFile(path, []byte(camera), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := sentrybox(append([]string{"replay", "--camera", path, video}, more...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	return parse(t, out), slices.Collect(strings.Lines(string(out)))
}

// parse reads a JSON object a line.
func parse(t *testing.T, out []byte) (lines []map[string]any) {
	t.Helper()
	for l := range strings.Lines(string(out)) {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		lines = append(lines, v)
	}
	return lines
}

func TestReplay(t *testing.T) {
	camera := `
id: yard
zones: {all: {polygon: [[0,0],[1,0],[1,1],[0,1]]}}
detect: [{kind: intrusion, zone: all, schedule: "03:00-03:01"}, {kind: motion}]
`
	for _, codec := range []string{"h264", "h265"} {
		video := walker(t, codec)
		lines, raw := replay(t, camera, video)
		_, again := replay(t, camera, video)
		n := len(raw) - 1
		if n < 2 || strings.Join(raw[:n], "") != strings.Join(again[:len(again)-1], "") {
			t.Errorf("%s: two replays differ:\n%s\n%s", codec, raw, again)
		}
		kinds := map[any]int{}
		for _, l := range lines[:n] {
			kinds[l["kind"]]++
			if start, end := l["start"].(float64), l["end"].(float64); start < 3 || start > 6.5 || end < 9.5 || end > 12 {
				t.Errorf("%s: %v, but the walker is there from 4 to 11 s", codec, l)
			}
		}
		if kinds["intrusion"] != 1 || kinds["motion"] != 1 {
			t.Errorf("%s: %v, want one of each", codec, kinds)
		}
		sum := lines[n]
		if sum["kind"] != "summary" || sum["frames_seen"] != 168.0 || sum["frames_decoded"] != 168.0 ||
			sum["cpu_seconds"].(float64) <= 0 || sum["peak_memory_bytes"].(float64) < 10<<20 {
			t.Errorf("%s: summary %v", codec, sum)
		}
	}
}

func TestReplayOfWhatIsNoVideo(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty.mp4": "", "film.avi": "RIFF\x00\x00\x00\x00AVI LIST", "text.mp4": "hello, world, this is no film"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		camera := filepath.Join(dir, "camera.yaml")
		if err := os.WriteFile(camera, []byte("{id: a, detect: [{kind: motion}]}"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := sentrybox("replay", "--camera", camera, path).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(name)) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		if name == "film.avi" && !bytes.Contains(out, []byte("ffmpeg -i")) {
			t.Errorf("%s: it is not said what to do: %s", name, out)
		}
	}
}

func TestProbe(t *testing.T) {
	url := foreign.GStreamer(t, foreign.Options{Codec: "h264", User: "admin", Password: camPass})
	type report struct {
		Auth      string  `json:"auth"`
		Codec     string  `json:"codec"`
		Transport string  `json:"transport"`
		FPS       float64 `json:"fps"`
		Keyframe  float64 `json:"keyframe_seconds"`
		Width     int     `json:"width"`
		Height    int     `json:"height"`
	}
	var rep report
	var out []byte
	for end := time.Now().Add(patience); rep.Keyframe <= 0 && time.Now().Before(end); { // it looks for seconds, in which both may stand still
		var err error
		if out, err = sentrybox("probe", "--json", url).Output(); err != nil {
			t.Fatalf("probe: %v", err)
		}
		if err := json.Unmarshal(out, &rep); err != nil {
			t.Fatal(err)
		}
	}
	if rep.Width != 640 || rep.Height != 360 || rep.Codec != "H.264" || rep.Transport == "" || rep.FPS < 20 || rep.FPS > 30 ||
		rep.Keyframe <= 0 || rep.Keyframe > 60 || !strings.Contains(rep.Auth, "digest") {
		t.Errorf("probe says %s", out)
	}
	if bytes.Contains(out, []byte(camPass)) {
		t.Error("probe shows the password")
	}
	out, err := sentrybox("probe", strings.Replace(url, "admin", "nobody", 1)).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("password")) || bytes.Contains(out, []byte(camPass)) {
		t.Errorf("with a wrong user: %v: %s", err, out)
	}
}

func TestHelp(t *testing.T) {
	out, err := sentrybox("--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "check", "raise", "replay", "probe", "demo", "version"} {
		if !bytes.Contains(out, []byte("\n  "+command)) {
			t.Errorf("--help does not name %s", command)
		}
		if out, err := sentrybox(command, "--help").Output(); err != nil || !bytes.Contains(out, []byte("Usage: sentrybox "+command)) {
			t.Errorf("%s --help: %v: %s", command, err, out)
		}
	}
	if err := sentrybox("fly").Run(); err == nil {
		t.Error("an unknown command ends with 0")
	}
}

// TestDemo runs the demo on the drawn walker; hack/demo runs it on real people.
func TestDemo(t *testing.T) {
	cmd := sentrybox("demo", "--for", patience.String(), "--json", "--footage", walker(t, "h264"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wanted := []string{"intrusion", "motion", "smoke", "panic"}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var a contract
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Errorf("%q: %v", lines.Text(), err)
		}
		if wanted = slices.DeleteFunc(wanted, func(kind string) bool { return kind == a.Kind }); len(wanted) == 0 {
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
	if err := cmd.Wait(); err != nil || len(wanted) > 0 {
		t.Errorf("demo: %v; it has not delivered %v", err, wanted)
	}
}
