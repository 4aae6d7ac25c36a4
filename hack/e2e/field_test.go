//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sentrybox/uplink/mqtt/mqtttest"
)

// sensorsim is the simulator in hack, as a technician runs it.
type sensorsim struct {
	t  testing.TB
	in io.WriteCloser
}

func startSensorsim(t testing.TB, args ...string) *sensorsim {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sensorsim")
	if out, err := exec.Command("go", "build", "-o", program, "sentrybox/hack/sensorsim").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	s := &sensorsim{t: t}
	if err == nil {
		s.in, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var read sync.WaitGroup
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		read.Wait()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() { // its port is there
		t.Fatal("sensorsim does not begin")
	}
	read.Go(func() {
		for lines.Scan() {
			t.Log("sensorsim: " + lines.Text())
		}
	})
	return s
}

func (s *sensorsim) say(line string) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		s.t.Fatal(err)
	}
}

// sos presses the button again and again until the page has what is waited for: a frame that
// comes while the port is being opened is lost, as in the air.
func (s *sensorsim) sos(b *browser, what, expression string) {
	s.t.Helper()
	for range 60 {
		s.say("press 0101a5")
		for range 10 {
			got := false
			if err := chromedp.Run(b.ctx, chromedp.Evaluate("Boolean("+expression+")", &got)); err == nil && got {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	b.until(what, expression)
}

func (b *browser) choose(selector, value string) {
	b.t.Helper()
	b.shows(selector)
	b.do(chromedp.Evaluate(fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event("change", {bubbles: true})); })(document.querySelector(%q))`, value, selector), nil))
}

// TestPageSensors adds a bus and a panic button by pressing alone: the button is pressed,
// heard as somebody unknown, taken over, seen byte for byte, and its alert is answered. Another
// bus is not touched by all that.
func TestPageSensors(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	line := newBus485(t, "1", "5")
	port := filepath.Join(t.TempDir(), "usb-Ebyte_E22-if00")
	sim := startSensorsim(t, "e22", port, "--device", "42", "--key", "00112233445566778899aabbccddeeff", "--every", "0")
	at := freePort(t)
	g := start(t, broker.URL(), fmt.Sprintf(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: %q}
uplink: {mqtt: [{url: "${BROKER}"}]}
buses:
  - {id: rs485, modbus: %q, baud: 9600}
sensors:
  - {id: smoke-1, name: 配电房烟感, profile: renke-rs-yg-n01, unit: 1, grid: "3"}
outputs:
  - {id: siren-1, name: 门口警号, profile: waveshare-modbus-relay, unit: 5, output: siren, max_on: 30s}
rules:
  - {id: fire, when: smoke-1.smoke, kind: fire, severity: 1, area: 夜间, do: siren-1 for 10 s}
`, at, line.near))
	b := startBrowser(t, "http://"+at)
	b.claim(g.setupCode())
	b.open("/sensors")
	b.says("#sensors", "传感器 配电房烟感：在线")
	b.says("#rules", "打开“门口警号”10 秒，只在防区“夜间”布防时")

	b.until("the bus", `estate.buses.find(x => x.id == "rs485").state.level == "good"`)
	since := busSince(b)

	// The module's port; nothing is known of its radio yet.
	b.press("#add-bus")
	b.choose("#edit-buses [name=kind]", "e22")
	b.fill("#edit-buses [name=id]", "air")
	b.fill("#edit-buses [name=name]", "屋顶接收器")
	b.fill("#edit-buses [name=where]", port)
	b.press("#edit-buses button.main")
	b.says("#diff", "id: air")
	b.says("#risk", "其他不中断")
	b.press("#save")
	b.says("#said", "已保存并应用")
	b.says("#buses", "屋顶接收器")

	// Pairing: pressed, heard, taken over.
	b.press(`[aria-label="配对 屋顶接收器 (air)"]`)
	b.says("#countdown", "请现在按一下设备")
	sim.sos(b, "somebody new", `document.querySelector("#strangers strong")?.innerText == "42"`)
	b.says("#strangers", "一键求助按钮")
	b.shot("sensor-pairing")
	b.press("#strangers li button")
	b.until("the form", `document.querySelector("#edit-sensors [name=number]")?.value == "42" && document.querySelector("#edit-sensors [name=bus]").value == "air"`)
	b.says("#profile-rules", "按键为“短按”")
	b.fill("#edit-sensors [name=key]", "00112233445566778899aabbccddeeff")
	b.fill("#edit-sensors [name=id]", "sos-1")
	b.fill("#edit-sensors [name=name]", "3号楼求助按钮")
	b.fill("#edit-sensors [name=grid]", "3")
	b.shot("sensor-form")
	b.press("#edit-sensors button.main")
	b.says("#diff", "id: sos-1")
	b.press("#save")
	b.says("#said", "已保存并应用")
	b.says("#sensors", "3号楼求助按钮")

	// Seen live, byte for byte.
	b.press(`[aria-label="看数据 屋顶接收器 (air)"]`)
	sim.sos(b, "bytes with their meaning", `[...document.querySelectorAll("#heard tr.message")].some(r => r.innerText.includes("01 01 A5") && r.innerText.includes("短按") && r.innerText.includes("3号楼求助按钮")) && document.querySelector("#heard tr.wire code")`)
	b.until("the last press", `[...document.querySelectorAll("#sensors li")].some(l => l.id == "sos-1" && l.innerText.includes("短按") && l.innerText.includes("3.3 V"))`)
	b.shot("sensor-data")
	sim.say("fault damaged")
	var text string
	b.do(chromedp.Evaluate(`document.body.innerText + document.documentElement.outerHTML`, &text))
	if strings.Contains(strings.ToLower(text), "00112233445566778899aabbccddeeff") {
		t.Error("the key is on the page")
	}

	// The siren is tried, and the area disarmed.
	b.press(`[aria-label="试 3 秒 门口警号 (siren-1)"]`)
	line.hears("coil 5 0 1")
	line.hears("coil 5 0 0")
	b.press(`[aria-label="撤防 夜间"]`)
	b.says("#areas", "已撤防")
	// What is on a line that nobody has looked at yet.
	wire := filepath.Join(t.TempDir(), "usb-FTDI_RS485-if00")
	startSensorsim(t, "modbus", wire, "--units", "2")
	b.press("#add-bus")
	b.choose("#edit-buses [name=kind]", "modbus")
	b.fill("#edit-buses [name=id]", "rs485-2")
	b.fill("#edit-buses [name=where]", wire)
	b.choose("#edit-buses [name=baud]", "9600")
	b.fill("#last", "3")
	b.press("#search")
	b.says("#searched", "地址 2，9600 8N1")
	b.shot("sensor-search")
	b.press("#edit-buses button.main")
	b.says("#diff", "id: rs485-2")
	b.press("#save")
	b.says("#said", "已保存并应用")
	b.press("#searched [data-take]")
	b.choose("#edit-sensors [name=profile]", "xy-md02")
	b.until("the address", `document.querySelector("#edit-sensors [name=unit]").value == "2" && document.querySelector("#edit-sensors [name=bus]").value == "rs485-2"`)
	b.fill("#edit-sensors [name=id]", "th-1")
	b.press("#edit-sensors button.main")
	b.says("#diff", "id: th-1")
	b.press("#save")
	b.until("its temperature", `[...document.querySelectorAll("#sensors li")].some(l => l.id == "th-1" && l.innerText.includes("温度"))`)

	alert := waitAlert(t, sub, "sos-1", "panic")
	if alert.Grid != "3" || alert.Severity != 1 {
		t.Errorf("%+v", alert)
	}
	b.open("/")
	b.says("#alerts", "一键求助")
	b.press("#alerts button.main")
	b.says("#alerts", "已收到")
	b.open("/audit")
	b.says("#entries", "试输出")
	// The other bus was not touched by all that.
	b.open("/sensors")
	b.until("the smoke detector", `document.querySelector("#smoke-1.good")`)
	if now := busSince(b); now == "" || now != since {
		t.Errorf("the other bus was opened at %s, and is so since %s only", since, now)
	}
	b.shot("sensors")
}

// busSince returns since when the bus rs485 is as it is.
func busSince(b *browser) (since string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`estate.buses.find(x => x.id == "rs485").state.since || ""`, &since))
	return since
}
