//go:build e2e

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

const pagePassword = "东湖岗亭的第一个密码"

// claim does the first start, as 王工.
func (b *browser) claim(code string) {
	b.t.Helper()
	b.open("/")
	b.fill("[name=code]", strings.ToLower(code))
	b.fill("[name=name]", "王工")
	b.fill("[name=password]", pagePassword)
	b.fill("[name=repeat]", pagePassword)
	b.shot("setup")
	b.press("button.main")
	b.says("h1", "概览")
}

// TestPage does what a technician does with a new box, in a real browser, over
// TLS: the first password, a camera that is tried and added, an alert that is
// answered, a change that is taken back because nobody confirms it.
func TestPage(t *testing.T) {
	cams := &rtsptest.Server{User: "admin", Password: camPass, Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.File(walker(t, "h264"))}}}
	if err := cams.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cams.Close() })
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	at := freePort(t)
	_, port, _ := strings.Cut(at, ":")
	// On every address the page is encrypted, with the box's own certificate.
	g := start(t, broker.URL(), fmt.Sprintf(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: "0.0.0.0:%s"}
uplink: {mqtt: [{url: "${BROKER}"}]}
`, port))
	b := startBrowser(t, "https://"+at)
	b.claim(g.setupCode())
	for _, lang := range []string{"en", "zh"} {
		b.open("/?lang=" + lang)
		b.until("a menu of one line", `links.offsetHeight < 60`)
		b.until("links that look alike", `new Set([...document.querySelectorAll("#own a, #own button, .lang")].map(e => getComputedStyle(e).color + getComputedStyle(e).textDecorationLine)).size === 1`)
	}
	if strings.Contains(g.log.String(), pagePassword) {
		t.Error("the password is in the log")
	}

	b.open("/cameras")
	b.press("#add")
	b.fill("[name=id]", "东门")
	b.fill("[name=address]", "rtsp://"+cams.Addr().String()+"/gate")
	b.fill("[name=user]", "admin")
	b.fill("[name=password]", "wrong")
	b.press("[data-probe='']")
	b.says(".probe", "用户名或密码不对")
	b.fill("[name=password]", camPass)
	b.press("[data-probe='']")
	b.says(".probe", "H.264")
	b.shot("camera")
	b.press("#form button.main")
	b.says("#diff", "id: 东门")
	b.press("#save")
	b.says("#said", "已保存并应用")
	b.says("#cameras", "东门：在线")

	// The picture is live, a zone is drawn into it, and what is looked for there is said.
	b.open("/camera/" + url.PathEscape("东门"))
	b.until("a picture", `document.getElementById("video").videoWidth > 0 && document.getElementById("video").currentTime > 0`)
	b.says("#live", "实时")
	var first string
	b.do(chromedp.Evaluate(`stage.dataset.first`, &first))
	t.Logf("the first picture after %s ms", first)
	b.press("[data-draw=polygon]")
	b.do(chromedp.ScrollIntoView("#canvas", chromedp.ByQuery))
	var box struct{ X, Y, W, H float64 }
	b.do(chromedp.Evaluate(`(r => ({X: r.x, Y: r.y, W: r.width, H: r.height}))(canvas.getBoundingClientRect())`, &box))
	for _, p := range [][2]float64{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.9}, {0.1, 0.9}, {0.1, 0.1}} { // the first again closes it
		b.do(chromedp.MouseClickXY(box.X+p[0]*box.W, box.Y+p[1]*box.H))
	}
	b.says("#zones", "区域1")
	b.press("#addrule")
	b.says("#rules", "有人或车进入 区域1")
	b.shot("zones")
	b.press("#plan")
	b.says("#diff", "kind: intrusion")
	b.press("#save")
	b.says("#said", "已保存并应用")
	if c, err := os.ReadFile(g.config); err != nil || !strings.Contains(string(c), "区域1: {polygon: [[0.1, 0.1") {
		t.Errorf("the zone: %s, %v", c, err)
	}

	// A rule, as YAML: first with a mistake.
	b.open("/config")
	b.until("the configuration", `yaml.value.includes("东门")`)
	b.do(chromedp.Evaluate(`yaml.value = yaml.value.trimEnd() + "\n      - {kind: motoin}\n"; yaml.oninput()`, nil))
	b.says("#problems", "motion")
	b.until("the mark beside the line", `gutter.querySelector(".bad")`)
	b.do(chromedp.Evaluate(`yaml.value = yaml.value.replace("motoin", "motion"); yaml.oninput()`, nil))
	b.says("#problems", "没有问题")
	b.press("#save")
	b.says("#said", "已保存并应用")

	b.open("/")
	b.says("#lines", "摄像机 东门：在线")
	b.says("#alerts", "画面变动")
	b.until("a picture of the alert", `document.querySelector("#alerts img")?.naturalWidth > 0`)
	b.shot("overview")
	b.press("#alerts button.main") // 收到
	b.says("#alerts", "已收到")
	sub.Wait(patience, "the answer", func(got []mqtttest.Message) bool {
		for _, a := range alerts(t, got) {
			if a.State == "acknowledged" {
				return true
			}
		}
		return false
	})

	// The way to the duty room is tried, which answers.
	b.open("/settings")
	b.until("the site", `document.querySelector("[name=street]").value == "donghu"`)
	b.press("#add")                    // a second broker, whose address is not whole
	b.fill("[name=street]", "don/ghu") // a mistake is said at its field, which has the focus
	b.press("#form button.main")
	b.until("the mistake at its field", `document.activeElement.name === "street" && document.activeElement.closest("label").innerText.includes("不能有 / + #")`)
	b.until("the broker's mistake at its field", `document.querySelector("#uplinks > li:nth-child(2) [data-key=address]").closest("label").querySelector(".atfield")`)
	// Signed out meanwhile: what has been typed stays, and goes on once somebody has signed in in another tab.
	b.do(network.ClearBrowserCookies(), chromedp.Evaluate(`form.requestSubmit()`, nil))
	b.says("#expired", "登录已过期")
	b.until("what was typed", `document.querySelector("[name=street]").value === "don/ghu"`)
	b.do(chromedp.Evaluate(`fetch("/signin", {method: "POST", redirect: "manual", body: new URLSearchParams({name: "王工", password: "`+pagePassword+`"})}).then(() => { document.again = true; })`, nil))
	b.until("another session", `document.again`)
	b.fill("[name=street]", "donghu2")
	b.do(chromedp.Evaluate(`form.requestSubmit()`, nil))
	b.until("the street to be well, and no notice", `!document.querySelector("[name=street]").closest("label").querySelector(".atfield") && document.querySelector("#uplinks .atfield") && !document.getElementById("expired")`)
	b.press("#test")
	b.says("#steps", "MQTT 服务器已确认")
	id := ""
	sub.Wait(patience, "the test alert", func(got []mqtttest.Message) bool {
		for _, a := range alerts(t, got) {
			if a.Kind == "test" {
				id = a.ID
			}
		}
		return id != ""
	})
	sub.Publish(prefix+"ack/"+id, false, []byte(`{"action":"handled","by":"值班老李"}`))
	b.says("#steps", "值班室已答复（值班老李）")
	b.shot("line")

	// What is not confirmed comes back.
	before, err := os.ReadFile(g.config)
	if err != nil {
		t.Fatal(err)
	}
	b.open("/config")
	b.until("the configuration", `yaml.value.includes("motion")`)
	b.do(chromedp.Evaluate(`yaml.value += "log: {level: debug}\n"; yaml.oninput()`, nil))
	b.press("#save")
	b.says("#trial", "新配置正在试用")
	b.shot("trial")
	b.says("#said", "正在试用")
	b.press("#trial button:last-of-type")
	b.says("#said", "已恢复原来的配置")
	b.until("the end of the trial", `document.getElementById("trial").hidden`)
	if after, err := os.ReadFile(g.config); err != nil || string(after) != string(before) {
		t.Errorf("the configuration did not come back: %s, %v", after, err)
	}
	b.open("/")
	b.says("#lines", "摄像机 东门：在线")

	// Old data never looks current.
	g.stop()
	b.until("a banner", `!document.getElementById("banner").hidden`)
	b.says("#banner", "数据截至")
	g.run()
	b.until("data again", `document.getElementById("banner").hidden`)
	b.open("/audit")
	b.says("#entries", "保存配置")
	b.open("/logs")
	b.says("#lines", "sentrybox runs")
}
