//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sentrybox/uplink/mqtt/mqtttest"
)

// TestPaintedClip: of a camera whose left half is private, thumbnail, picture and every picture of the
// clip are black there, though the configuration wants clips in any case, and the stream is nowhere
// on the disk.
func TestPaintedClip(t *testing.T) {
	server := walkers(t)
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	g := start(t, broker.URL(), head+fmt.Sprintf(`
evidence: {after: 8s}
alerts: {cool_down: 1h}
cameras:
  - {id: gate, url: %q, clips: always, privacy: [[0,0],[0.5,0],[0.5,1],[0,1]], detect: [{kind: motion, severity: 4}]}
`, server.URL("gate")))
	id := ""
	got := sub.Wait(patience, "an alert with clip and picture", func(got []mqtttest.Message) bool {
		for _, a := range alerts(t, got) {
			if slices.Contains(a.Evidence, "clip") && slices.Contains(a.Evidence, "picture") {
				id = a.ID
			}
		}
		return id != "" && slices.ContainsFunc(got, func(m mqtttest.Message) bool { return strings.HasSuffix(m.Topic, "/thumb/"+id) })
	})
	folder := filepath.Join(filepath.Dir(g.config), "data", "evidence")
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		path := filepath.Join(folder, f.Name())
		if !strings.HasSuffix(f.Name(), ".mp4") {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			blackOnTheLeft(t, f.Name(), b)
			continue
		}
		codec, seconds, frames := probe(t, path)
		if codec != "mjpeg" || frames < 3 || seconds < 1 {
			t.Errorf("a clip of %s, %v s, %d pictures", codec, seconds, frames)
		}
		out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "image2pipe", "-c:v", "copy", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		for i, picture := range bytes.SplitAfter(out, []byte{0xff, 0xd9}) {
			if len(picture) > 0 {
				blackOnTheLeft(t, fmt.Sprint("picture ", i), picture)
			}
		}
	}
	for _, m := range got {
		if strings.HasSuffix(m.Topic, "/thumb/"+id) {
			blackOnTheLeft(t, "the thumbnail", m.Payload)
		}
	}
}

// blackOnTheLeft wants a JPEG to be black on the left and not on the right. Its edges do not count.
func blackOnTheLeft(t *testing.T, name string, data []byte) {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	size, left, right := img.Bounds().Max, uint32(0), uint32(0)
	for y := size.Y / 10; y < size.Y*9/10; y += 4 { // along the edge of a thumbnail the zone is drawn
		for x := size.X / 10; x < size.X*9/10; x += 4 {
			r, gr, b, _ := img.At(x, y).RGBA()
			switch brightest := max(r, gr, b) >> 8; {
			case x < size.X*45/100:
				left = max(left, brightest)
			case x > size.X*55/100:
				right = max(right, brightest)
			}
		}
	}
	if left > 60 || right < 100 {
		t.Errorf("%s: the brightest on the private side has %d of 255, on the other %d", name, left, right)
	}
}
