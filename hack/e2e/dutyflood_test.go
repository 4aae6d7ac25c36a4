//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/oklog/ulid/v2"

	"sentrybox/uplink/mqtt/mqtttest"
)

// TestDutyFlood: a press answers all of an incident, however many, and all of a source's flood; what joins an
// incident later wants an answer of its own; names that are markup are
// text; and a session that ends in the middle of a shift is told.
func TestDutyFlood(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	c := startConsole(t, strings.Replace(dutyConfig, "BROKER", m.URL(), 1))
	d := c.signIn()
	c.await("the broker is reached", func() bool {
		var state struct{ Brokers []struct{ Up bool } }
		d.call("GET", "/api/state", nil, &state)
		return state.Brokers[0].Up
	})
	gateway := mqtttest.Subscribe(t, m.URL(), prefix+"none")
	raise := func(device, incident, state string) string {
		id := ulid.Make().String()
		at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
		a, err := json.Marshal(map[string]any{
			"id": id, "rev": 1, "gateway": "gw-1", "street": "donghu", "community": "meiyuan", "device": device, "kind": "intrusion",
			"severity": 2, "state": state, "level": "community", "incident": incident, "clock_synced": true, "count": 1,
			"detected_at": at(0), "respond_by": at(5 * time.Minute), "handle_by": at(30 * time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		gateway.Publish(prefix+"alert/community/"+id, false, a)
		return id
	}
	answered := func() (yes, no int) {
		for _, a := range d.open() {
			if len(a.Pending) > 0 {
				yes++
			} else if a.State == "raised" {
				no++
			}
		}
		return yes, no
	}
	b := startBrowser(t, c.url)
	b.signInDuty(c)
	b.pressText("#shift", "王阿姨")
	dead := func(id, state string) {
		gateway.Publish(prefix+"device/"+id, true, fmt.Appendf(nil, `{"id":%q,"type":"camera","state":%q,"since":%q}`, id, state, time.Now().UTC().Format(time.RFC3339)))
	}
	dead("东门", "unreachable")
	b.until("a camera is dead", `!document.getElementById('broken').hidden && document.getElementById('broken').innerText.includes('摄像机 东门 看不到（连不上），自 ')`)
	for _, id := range []string{"西门", "南门", "北门"} {
		dead(id, "stalled")
	}
	b.until("four are", `document.querySelector('#broken summary') && document.querySelector('#broken summary').innerText.includes('4 台')`)
	for _, id := range []string{"东门", "西门", "南门", "北门"} {
		dead(id, "online")
	}
	b.until("none is", `document.getElementById('broken').hidden`)
	const name = `<img src=x onerror="document.title='taken'">`
	first := raise(name, "", "acknowledged")
	b.until("the first", `document.querySelectorAll('.card').length === 1`)
	if text := eval[string](b, `document.querySelector('.card').innerText`); !strings.Contains(text, name) || strings.Contains(text, "\n收到\n") {
		t.Errorf("the card says %s", text)
	}
	for range 60 {
		raise("gate", first, "raised")
	}
	b.until("an incident of many", `document.querySelectorAll('.card').length === 1 && document.querySelector('.card summary').innerText.includes('61') &&
		document.querySelector('.card').innerText.includes('60 条没人应答') && document.querySelector('.card').innerText.includes('共 61 次')`)
	b.pressText(".card", "收到")
	c.await("all of the incident are answered", func() bool { yes, no := answered(); return yes == 60 && no == 0 })
	for range 12 {
		raise("yard", "", "raised")
	}
	b.until("a flood", `document.querySelectorAll('.card').length === 2 && document.querySelectorAll('.card')[1].innerText.includes('11')`)
	b.shot("duty-flood")
	b.pressText(".card:nth-child(2)", "收到")
	c.await("all of the flood are answered", func() bool { yes, no := answered(); return yes == 72 && no == 0 })
	b.until("no flood is left to answer", `!document.querySelector('.waits')`)
	if title := eval[string](b, `document.title`); strings.Contains(title, "taken") {
		t.Errorf("the title is %s", title)
	}
	b.until("73 open", `document.getElementById('count').textContent === '（2 起，共 73 条告警）'`)
	b.do(chromedp.Evaluate(`fetch('/signout', {method: 'POST', redirect: 'manual', headers: {'X-CSRF-Token': document.querySelector('meta[name=csrf]').content}}); 0`, nil))
	b.until("a shift whose session has ended", `!document.getElementById('banner').hidden && document.getElementById('banner').innerText.includes('登录已过期')`)
}
