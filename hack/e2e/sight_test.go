//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// sightPage starts a gateway with one camera, and a browser whose technician looks at it.
func sightPage(t *testing.T, cam rtsptest.Camera, more string) *browser {
	t.Helper()
	b, _ := sightPageOf(t, cam, more)
	return b
}

// sightPageOf is sightPage, with the camera.
func sightPageOf(t *testing.T, cam rtsptest.Camera, more string) (*browser, *rtsptest.Server) {
	t.Helper()
	cams := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"gate": cam}}
	if err := cams.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cams.Close() })
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	at := freePort(t)
	g := start(t, broker.URL(), fmt.Sprintf(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: %q}
uplink: {mqtt: [{url: "${BROKER}"}]}
%s
cameras:
  - id: 东门
    url: "rtsp://%s/gate"
    zones: {门口: {polygon: [[0, 0], [1, 0], [1, 1], [0, 1]]}}
    detect: [{kind: loitering, zone: 门口, after: 10m}]
`, at, more, cams.Addr()))
	b := startBrowser(t, "http://"+at)
	b.claim(g.setupCode())
	b.open("/camera/" + url.PathEscape("东门"))
	b.until("a picture", `document.getElementById("video").videoWidth > 0 && document.getElementById("video").currentTime > 0`)
	return b, cams
}

// TestSight: what the detectors see is drawn over the live picture, in time with it, and the rules
// say why they do not fire; nothing is asked for when it is not shown.
func TestSight(t *testing.T) {
	b, cams := sightPageOf(t, rtsptest.Camera{Clip: rtsptest.File(walker(t, "h264"))}, "")
	b.until("somebody followed", `Number(stage.dataset.tracks) > 0`)
	b.says("#why", "有人在 门口 停留超过 10m")
	b.until("why it does not fire", `/停留 .* 秒，要到 600 秒/.test(document.getElementById("why").innerText)`)
	// Not a picture but pixels: the box is where the overlay says.
	b.until("a box", `(() => { const v = shown; if (!v || !v.tracks.length) return false; const k = v.tracks[0].box;
		const p = brush.getImageData(Math.round(k[0] * sight.width), Math.round((k[1] + k[3] / 2) * sight.height), 1, 1).data; return p[3] > 0; })()`)
	var behind string
	b.do(chromedp.Evaluate(`stage.dataset.behind`, &behind))
	t.Logf("the overlay is %s ms behind the picture", behind)
	b.shot("sight")
	b.until("labels that keep clear of each other on a phone", `(() => {
		const all = Array.from({length: 9}, (_, i) => ({b: [0.4 + i / 100, 0.3, 0.1, 0.3], colour: i === 8 ? "#ff6b6b" : "", words: ["#" + i + " person or vehicle 12 s", "#" + i]}));
		const taken = [{x: 0, y: 0, w: 366, h: 40}], placed = labels(all, taken, 366, 206, 20, s => 7 * s.length), both = [...taken, ...placed];
		return placed.length > 4 && placed[0].text.startsWith("#8 person") && both.every((p, i) => p.x >= 0 && p.x + p.w <= 366 && p.y + p.h <= 206 &&
			both.every((q, j) => i === j || p.x >= q.x + q.w || q.x >= p.x + p.w || p.y >= q.y + q.h || q.y >= p.y + p.h));
	})()`)
	b.press("#see")
	b.until("nothing drawn", `seeing === null && stage.dataset.tracks === "0" && document.getElementById("why").hidden`)

	// The camera goes: the page says so twice, and opened anew it takes no old picture for a live one.
	cams.Close()
	b.says("#live", "画面已停，自")
	b.until("how the camera is", `document.querySelector("#state .mark")?.innerText !== "正常"`)
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`window.told = []; setInterval(() => { const e = document.getElementById("live"); if (e && e.innerText) told.push(e.innerText); }, 20)`).Do(ctx)
		return err
	}))
	b.open("/camera/" + url.PathEscape("东门"))
	b.says("#live", "画面已停，自")
	b.until("no picture taken for a live one", `told.length > 0 && !told.some(s => s.startsWith("实时"))`)
}

// TestTryIt: a rule is changed on the page, tried on what the camera has sent of late, and saved once it
// is seen what it would have raised.
func TestTryIt(t *testing.T) {
	b := sightPage(t, rtsptest.Camera{Clip: rtsptest.File(walker(t, "h264"))}, "")
	b.until("some seconds that are kept", `/最近 (1[5-9]|[2-9]\d) 秒/.test(document.getElementById("held").innerText) || (held(), false)`)
	// As it is, the rule raises nothing, and says how near the walker came.
	b.press("#try")
	b.until("the end of the first try", `document.getElementById("tried").dataset.state === "done"`)
	b.says("#tried", "一条告警也不会有")
	b.until("what came near", `/停留 .* 秒，要到 600 秒/.test(document.getElementById("trymisses").innerText)`)
	b.do(chromedp.Evaluate(`document.getElementById("tried").dataset.state = ""`, nil))
	// A shorter stay, typed into the rule.
	b.fill("#rules input", "2s")
	b.do(chromedp.Evaluate(`document.querySelector("#rules input").onchange()`, nil))
	b.says("#rules", "有人在 门口 停留超过 2s")
	b.press("#try")
	b.until("the end of the second try", `document.getElementById("tried").dataset.state === "done"`)
	b.says("#tryevents", "有人在 门口 停留超过 2s")
	b.until("its picture", `document.querySelector("#tryevents img")?.naturalWidth > 0`)
	b.press("#tryevents button")
	b.until("its video", `document.querySelector("#tryevents video")?.videoWidth > 0`)
	b.shot("try")
	b.do(chromedp.Evaluate(`document.getElementById("plan").scrollIntoView()`, nil))
	b.press("#plan")
	b.says("#diff", "2s")
	watching := visionPrograms(t)
	b.press("#save")
	b.says("#said", "已保存并应用")
	// The picture goes on, and the past outlives the change.
	b.until("the new rule at work", `/2s/.test(document.getElementById("why").innerText)`)
	if now := visionPrograms(t); len(now) != 1 || !slices.Equal(now, watching) {
		t.Errorf("%v watches in place of %v, and has learned nothing", now, watching)
	}
	b.until("a picture that is live", `document.getElementById("live").className.includes("good") && Date.now() - lastPicture < 1000`)
	b.until("what was kept before", `/最近 (1[5-9]|[2-9]\d|\d+ 分)/.test(document.getElementById("held").innerText) || (held(), false)`)
}

// visionPrograms lists the folders of proc(5) of those that run.
func visionPrograms(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(dir string) bool {
		program, err := os.Readlink(filepath.Join(dir, "exe"))
		return err != nil || program != filepath.Join(programs, "sentrybox-vision")
	})
}
