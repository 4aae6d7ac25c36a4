//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// pieces puts together what arrives on evidence/….
type pieces struct {
	data  []byte
	have  map[int64]bool
	total int64
	sum   string
}

func (p *pieces) collect(t *testing.T, messages []mqtttest.Message, id, part string) bool {
	t.Helper()
	for _, m := range messages {
		if !strings.HasPrefix(m.Topic, prefix+"evidence/"+id+"/"+part+"/") {
			continue
		}
		line, body, _ := bytes.Cut(m.Payload, []byte("\n"))
		var h struct {
			Offset, Total int64
			Length        int
			SHA256        string
		}
		if err := json.Unmarshal(line, &h); err != nil || h.Length != len(body) {
			t.Fatalf("piece %s: %v", line, err)
		}
		if p.data == nil {
			p.data, p.have, p.total, p.sum = make([]byte, h.Total), map[int64]bool{}, h.Total, h.SHA256
		}
		if !p.have[h.Offset] {
			p.have[h.Offset] = true
			copy(p.data[h.Offset:], body)
		}
	}
	if p.data == nil {
		return false
	}
	sum := sha256.Sum256(p.data)
	return hex.EncodeToString(sum[:]) == p.sum
}

// probe has ffprobe read a clip to its end.
func probe(t *testing.T, file string) (codec string, seconds float64, frames int) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-of", "json",
		"-show_entries", "stream=codec_name,nb_read_frames:format=duration", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, out)
	}
	var got struct {
		Streams []struct {
			Codec  string `json:"codec_name"`
			Frames string `json:"nb_read_frames"`
		}
		Format struct{ Duration string }
	}
	if err := json.Unmarshal(out, &got); err != nil || len(got.Streams) != 1 {
		t.Fatalf("ffprobe says %s: %v", out, err)
	}
	seconds, _ = strconv.ParseFloat(got.Format.Duration, 64)
	frames, _ = strconv.Atoi(got.Streams[0].Frames)
	return got.Streams[0].Codec, seconds, frames
}

// TestEvidence: an alert's clip and picture are kept; the clip is fetched over a
// broker, with the gateway killed in the middle, and plays.
func TestEvidence(t *testing.T) {
	for codec, name := range map[string]string{"h264": "h264", "h265": "hevc"} {
		t.Run(codec, func(t *testing.T) {
			server := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.File(walker(t, codec))}}}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.Close() })
			broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
			sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
			g := start(t, broker.URL(), head+fmt.Sprintf(`
evidence: {after: 4s}
alerts: {cool_down: 1h}
cameras:
  - id: gate-east
    url: "rtsp://%s/gate"
    detect: [{kind: motion, severity: 4}]
`, server.Addr()))
			id := ""
			sub.Wait(patience, "an alert with clip and picture", func(got []mqtttest.Message) bool {
				for _, a := range alerts(t, got) {
					if slices.Contains(a.Evidence, "clip") && slices.Contains(a.Evidence, "picture") {
						id = a.ID
					}
				}
				return id != ""
			})
			ask := func(cmd, part string, from int) {
				sub.Publish(prefix+"cmd/"+cmd, false, fmt.Appendf(nil, `{"type":"evidence","alert":%q,"part":%q,"from":%d}`, id, part, from))
			}
			var clip, picture pieces
			ask("c-1", "clip", 0)
			sub.Wait(patience, "some of the clip", func(got []mqtttest.Message) bool {
				clip.collect(t, got, id, "clip")
				return len(clip.have) > 3
			})
			g.kill()
			g.run()
			sub.Wait(patience, "the whole clip", func(got []mqtttest.Message) bool { return clip.collect(t, got, id, "clip") })
			// A gateway that is starting hears nothing: who asks asks again, with the same id.
			for range 20 {
				ask("c-2", "picture", 0)
				if time.Sleep(2 * time.Second); picture.collect(t, sub.Messages(), id, "picture") {
					break
				}
			}
			sub.Wait(patience, "the picture", func(got []mqtttest.Message) bool { return picture.collect(t, got, id, "picture") })
			sub.Wait(patience, "the result", func(got []mqtttest.Message) bool {
				return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
					return m.Topic == prefix+"cmd/c-1/result" && strings.Contains(string(m.Payload), `"state":"done"`)
				})
			})
			file := filepath.Join(t.TempDir(), "clip.mp4")
			if err := os.WriteFile(file, clip.data, 0o600); err != nil {
				t.Fatal(err)
			}
			got, seconds, frames := probe(t, file)
			// From the keyframe before, every 1 to 1.5 seconds, to 4 s after; a camera that
			// was just switched on has less to show from before.
			if got != name || seconds < 4 || seconds > 11.5 || float64(frames) < seconds*12-3 || float64(frames) > seconds*12+3 {
				t.Errorf("%s, %.2f s, %d pictures", got, seconds, frames)
			}
			img, err := jpeg.DecodeConfig(bytes.NewReader(picture.data))
			if err != nil || img.Width != 640 || img.Height != 360 {
				t.Errorf("picture %+v, %v", img, err)
			}
			t.Logf("clip of %d bytes, %.2f s, %d pictures", len(clip.data), seconds, frames)
		})
	}
}
