//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sentrybox/drivers/homebrew/homebrewtest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// TestPageRadios names somebody whose emergency key was pressed, while the repeater stays logged in.
func TestPageRadios(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	air, at := freePort(t), freePort(t)
	g := start(t, broker.URL(), fmt.Sprintf(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: %q}
uplink: {mqtt: [{url: "${BROKER}"}]}
`, at))
	b := startBrowser(t, "http://"+at)
	b.claim(g.setupCode())

	// A master for the repeater, added by the form.
	b.open("/radios")
	b.press("#add")
	b.fill("#form [name=id]", "walkie")
	b.fill("#form [name=name]", "巡逻对讲")
	b.fill("#form [name=where]", air)
	b.fill("#form label:not([hidden]) > [name=station]", "460010199")
	b.fill("#form [name=title]", "屋顶中继")
	b.fill("#form [name=password]", "hunter2-long")
	b.press("#form button.main")
	b.says("#diff", "homebrew:")
	b.press("#save")
	b.says("#said", "已保存并应用")
	b.says("#radios", "巡逻对讲")

	var repeater *homebrewtest.Repeater
	eventually(t, "the repeater to log in", func() (ok bool) {
		var err error
		repeater, err = homebrewtest.Login(t.Context(), air, 460010199, "hunter2-long")
		return err == nil
	})
	defer func() { _ = repeater.Close() }()
	b.says("#radios", "站点 屋顶中继：在线")
	press := func(src uint32, expression string) {
		t.Helper()
		for range 60 {
			_ = repeater.Press(t.Context(), 1, src, 9)
			for range 10 {
				got := false
				if err := chromedp.Run(b.ctx, chromedp.Evaluate("Boolean("+expression+")", &got)); err == nil && got {
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
		}
		b.until(expression, expression)
	}
	press(4600199, `document.querySelector("#heard [aria-label='起名 4600199']")`)
	b.press("#heard [aria-label='起名 4600199']")
	b.fill("#nameform [name=name]", "老王")
	b.fill("#nameform [name=grid]", "3")
	b.fill("#nameform [name=place]", "东门岗亭")
	b.press("#nameform button.main")
	b.says("#diff", "老王")
	b.press("#save")
	b.says("#said", "已保存并应用")
	b.says("#heard", "老王 (4600199)")
	b.says("#heard", "按了紧急键")
	b.shot("radios")
	if repeater.Closed() {
		t.Errorf("the repeater had to log in again: %q", repeater.Heard())
	}

	// Another by its guide: what is missing is told with its line, and added once it is there.
	b.press("#byguide")
	b.fill("#findguide", "akuvox")
	b.says("#steps", "Account")
	b.press("#guideform button.main")
	b.says("#problems", "SIP_1001")
	b.do(chromedp.Evaluate(`$("guideform").yaml.value = $("guideform").yaml.value.replace(/"\$+\{SIP_1001\}"/, "hunter2-long").replace("sip:", 'sip:\n    listen: "127.0.0.1:0"')`, nil))
	b.press("#guideform button.main")
	b.says("#diff", "id: akuvox")
	b.says("#problems", "没有问题")

	got := waitAlert(t, sub, "walkie", "emergency_call")
	if got.Severity != 1 {
		t.Errorf("%+v", got)
	}
}
