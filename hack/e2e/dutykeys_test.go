//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// tabTo presses the tabulator until what a selector finds has the focus.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range 60 {
		if eval[bool](b, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab))
	}
	b.t.Fatalf("the tabulator never comes to %s; it is at %s", selector, eval[string](b, `document.activeElement.outerHTML`))
}

func (b *browser) focused(what, selector string) {
	b.t.Helper()
	b.until(what+": the focus at "+selector, fmt.Sprintf(`!!document.activeElement.closest(%q)`, selector))
}

// TestDutyKeyboard: everything from signing in to taking back is done by keys; the focus and what is
// typed outlive what changes meanwhile, and what is read aloud does not change each second.
func TestDutyKeyboard(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	c := startConsole(t, strings.Replace(dutyConfig, "BROKER", m.URL(), 1))
	g := start(t, m.URL(), dutyGateway)
	b := startBrowser(t, c.url)
	b.visit(c.url+"/", "input[name=password]")
	b.focused("the page to sign in", "input[name=name]")
	b.do(chromedp.KeyEvent("duty"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(dutyPassword), chromedp.KeyEvent(kb.Enter))
	b.shows("#shift .person")
	b.tabTo(".person")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("the board", `!document.getElementById('board').hidden`)
	b.focused("a shift has begun", "#boardh")

	g.mustRaise(2)
	b.until("the alert", `document.querySelectorAll('.card').length === 1`)
	b.tabTo("[data-act=ack]")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("acknowledged", `document.querySelector('.card').innerText.includes('已收到') && !document.querySelector('.pending')`)
	b.focused("acknowledged", ".card")
	b.tabTo("[data-act=dispatch]")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.focused("somebody is sent", ".note")
	b.do(chromedp.KeyEvent("小"))
	g.mustRaise(1)
	b.until("another alert, before", `document.querySelectorAll('.card').length === 2 && !document.querySelector('.card').querySelector('.note')`)
	b.do(chromedp.KeyEvent("赵"), chromedp.KeyEvent(kb.Enter))
	b.until("dispatched", `document.querySelectorAll('.card')[1].innerText.includes('小赵') && !document.querySelector('.pending')`)
	b.focused("dispatched", ".card")

	b.do(chromedp.Evaluate(`said = 0; for (const e of document.querySelectorAll('[role=alert],[role=status],[aria-live]'))
		new MutationObserver(() => said++).observe(e, {childList: true, characterData: true, subtree: true});`, nil))
	b.tabTo(".card:nth-child(2) [data-act=handled]")
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent("没事"), chromedp.KeyEvent(kb.Enter))
	b.until("it can be taken back", `!!document.querySelector('[data-act=undo]')`)
	b.focused("handled", ".card:nth-child(2)")
	b.until("a second passes", `(window.left = window.left || new Set()).add(document.querySelector('.left').textContent).size > 1`) // of ten
	if n := eval[int](b, `said`); n > 1 {
		t.Errorf("%d things are read aloud while a countdown runs", n)
	}
	b.tabTo("[data-act=undo]")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("taken back", `!document.querySelector('.pending')`)
	b.focused("taken back", ".card:nth-child(2)")
	if eval[bool](b, `!!document.querySelector('.card [role=status], .card [aria-live]')`) {
		t.Error("a card that is made anew is read aloud")
	}
}

// TestDutyClip: a press fetches the clip of a camera's alert, and it plays on the page; another the picture, which
// was sent before there was a console.
func TestDutyClip(t *testing.T) {
	server := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.File(walker(t, "h264"))}}}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	heard := mqtttest.Subscribe(t, m.URL(), "sentrybox/v1/#")
	start(t, m.URL(), dutyGateway+fmt.Sprintf(`
evidence: {after: 4s}
alerts: {cool_down: 1h}
cameras:
  - id: gate-east
    url: "rtsp://%s/gate"
    detect: [{kind: motion, severity: 2}]
`, server.Addr()))
	heard.Wait(90*time.Second, "an alert, its small picture and its evidence", func(got []mqtttest.Message) bool {
		has := func(topic, words string) bool {
			return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
				return strings.Contains(m.Topic, topic) && strings.Contains(string(m.Payload), words)
			})
		}
		return has("/thumb/", "") && has("/alert/", `"picture"`) && has("/alert/", `"clip"`)
	})
	c := startConsole(t, strings.Replace(dutyConfig, "BROKER", m.URL(), 1))
	b := startBrowser(t, c.url)
	b.signInDuty(c)
	b.pressText("#shift", "王阿姨")
	b.pressText(".card .pic", "看图片")
	b.until("the picture", `document.querySelector('.card img.pic') && document.querySelector('.card img.pic').naturalWidth > 300`)
	b.pressText(".card", "▶ 看录像")
	b.until("the clip", `document.querySelector('.card video') && document.querySelector('.card video').duration > 3`)
	b.do(chromedp.Evaluate(`film = document.querySelector('.card video'); film.muted = true; film.play(); 0`, nil))
	b.until("it plays", `film.currentTime > 1`)
	b.pressText(".card", "收到")
	b.until("acknowledged", `document.querySelector('.card').innerText.includes('已收到')`)
	if !eval[bool](b, `film.isConnected && document.querySelector('.card video') === film`) {
		t.Error("the clip begins anew when its alert is answered")
	}
	b.shot("duty-clip")
}
