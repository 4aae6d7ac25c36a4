//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sentrybox/drivers/rtsp/rtsptest"
)

// A clip that counts: each picture has its number in it, as black and white bars.
const (
	countWidth, countHeight = 320, 180
	countFPS                = 25
	countPictures           = 500
	countBits               = 10
	barWidth                = countWidth / countBits
)

// counting makes that clip, without B-pictures and with a keyframe every two seconds, as cameras send it.
func counting(t *testing.T) string {
	t.Helper()
	var raw bytes.Buffer
	row := make([]byte, countWidth)
	for n := range countPictures {
		for x := range row {
			row[x] = 16
			if n>>(countBits-1-x/barWidth)&1 == 1 {
				row[x] = 235
			}
		}
		for range countHeight {
			raw.Write(row)
		}
	}
	out := filepath.Join(t.TempDir(), "count.mp4")
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "320x180", "-r", strconv.Itoa(countFPS), "-i", "pipe:0",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", strconv.Itoa(2*countFPS), "-bf", "0", out)
	cmd.Stdin = &raw
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, b)
	}
	return out
}

// readCount reads the numbers off the pictures as the browser shows them.
const readCount = `(() => {
  const c = document.createElement("canvas"), w = 320, h = 180;
  c.width = w; c.height = h;
  const x = c.getContext("2d", {willReadFrequently: true});
  window.glass = [];
  const each = () => {
    const at = Date.now();
    x.drawImage(video, 0, 0, w, h);
    let n = 0;
    for (let i = 0; i < 10; i++) n = 2 * n + (x.getImageData(i * 32 + 16, 90, 1, 1).data[0] > 128 ? 1 : 0);
    window.glass.push([n, at, Number(stage.dataset.behind || 0)]);
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
})()`

// TestGlassToGlass measures how old a picture is when the browser shows it, from when the camera sends
// it, and how soon the first is there; what the detectors see is drawn meanwhile. It prints both, and bounds them as
// no machine excuses.
func TestGlassToGlass(t *testing.T) {
	var mu sync.Mutex
	var sent []time.Time
	b := sightPage(t, rtsptest.Camera{Clip: rtsptest.File(counting(t)), Sent: func(_, at time.Time) {
		mu.Lock()
		sent = append(sent, at)
		mu.Unlock()
	}}, "")
	var firsts []int
	for range 3 { // a technician who comes to the page of a camera that runs
		b.open("/camera/" + url.PathEscape("东门"))
		b.until("the first picture", `video.currentTime > 0 && stage.dataset.first`)
		var first string
		b.do(chromedp.Evaluate(`stage.dataset.first`, &first))
		ms, err := strconv.Atoi(first)
		if err != nil {
			t.Fatal(err)
		}
		firsts = append(firsts, ms)
	}
	slices.Sort(firsts)
	b.do(chromedp.Evaluate(readCount, nil))
	b.until("200 pictures", `glass.length >= 200`)
	var got string
	b.do(chromedp.Evaluate(`JSON.stringify(glass)`, &got))
	var shown [][3]int64
	if err := json.Unmarshal([]byte(got), &shown); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	var ages []time.Duration
	for _, s := range shown[50:] { // once it has caught up
		at := time.UnixMilli(s[1])
		i := len(sent) - 1
		for i >= 0 && (int64(i%countPictures) != s[0] || sent[i].After(at)) {
			i--
		}
		if i < 0 {
			t.Fatalf("picture %d was shown and never sent", s[0])
		}
		ages = append(ages, at.Sub(sent[i]))
	}
	slices.Sort(ages)
	half, most := ages[len(ages)/2], ages[len(ages)*95/100]
	t.Logf("the first picture after %v ms; glass to glass half within %v, 95 %% within %v, of %d pictures; the overlay is at most %d ms behind",
		firsts, half.Round(time.Millisecond), most.Round(time.Millisecond), len(ages), slices.MaxFunc(shown[50:], func(a, b [3]int64) int { return int(a[2] - b[2]) })[2])
	if firsts[0] > 60_000 || half > time.Minute {
		t.Error("too slow on any machine")
	}
}
