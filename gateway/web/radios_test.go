package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/gateway/radio"
	"sentrybox/gateway/web/account"
)

// Radios is for Waves.
func (r *rig) Radios() ([]radio.State, []radio.Entry) {
	at := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	return []radio.State{{ID: "walkie", Driver: "homebrew", Phase: radio.Online, Since: at, Stations: []radio.Station{{ID: "460010", Name: "屋顶中继", State: radio.Refused, Reason: "wrong password"}}}},
		[]radio.Entry{
			{System: "walkie", Kind: call.Emergency, At: at, From: "4600199", To: "9", Active: true, Alert: "emergency_call"},
			{System: "walkie", Kind: call.Begin, At: at, From: "4600101", FromName: "老王", To: "9", ToName: "全体", Seconds: 4.2},
		}
}

const radioFile = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
uplink: {mqtt: [{url: "mqtt://broker"}]}
radios:
  - id: walkie
    homebrew: {repeaters: {"460010": {password: s3cret-1}}}
    units: {4600101: {name: 王大爷, place: 东门}}
    groups: {"9": 全体}
    emergency: [{on: digits, code: "*911", severity: 2}, {on: emergency, from: "4600101", off: true}]
`

// TestRadiosView: calls in words, with the names of now, and who is not known.
func TestRadiosView(t *testing.T) {
	r := newRig(t)
	r.use(radioFile)
	r.claim()
	v := r.user("viewer", account.Viewer)
	for lang, want := range map[string][]string{
		"zh": {`对讲系统 walkie：在线`, `站点 屋顶中继：用户名或密码不对`, `"says":"按了紧急键：告警“`, `"unknown":true`, `"from_name":"王大爷"`, `"seconds":4.2`, `拨了码 *911：告警“`, `王大爷：按了紧急键：不告警`, `数字对讲中继`},
		"en": {`Radio walkie: online`, `the emergency key: alert “`},
	} {
		status, body, _ := v.do("GET", "/api/v1/radios?lang="+lang, "", "")
		if status != http.StatusOK || !json.Valid([]byte(body)) {
			t.Fatalf("%d %s", status, body)
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %s is not in %s", lang, w, body)
			}
		}
		if strings.Contains(body, "s3cret") {
			t.Error("a secret is shown")
		}
	}
	if status, body, _ := v.do("GET", "/radios", "", ""); status != http.StatusOK || strings.Contains(body, `id="add"`) {
		t.Errorf("%d, a viewer may add", status)
	}
}

// TestRadioPlans: who calls is named, and radios are added, without a trial; a password is not shown.
func TestRadioPlans(t *testing.T) {
	r := newRig(t)
	r.use(radioFile)
	v := r.claim()
	for _, c := range []struct{ path, ask, want string }{
		{"radios/walkie/units/plan", `{"unit":"4600199","name":"小李","grid":"3"}`, `\"4600199\": {name: 小李, grid: \"3\"}`},
		{"radios/walkie/units/plan", `{"unit":"4600101","name":"老王"}`, `\"4600101\": {name: 老王}`},
		{"radios/walkie/units/plan", `{"unit":"4600101","name":""}`, `"op":"gone","old":7,"text":"    units:`},
		{"radios/plan", `{"item":{"id":"spot","driver":"homebrew","where":":62032","station":"460011","title":"南门","password":"hunter2-long"}}`, `{name: 南门, password: ••••••}`},
		{"radios/plan", `{"item":{"id":"gate","driver":"isapi","where":"http://10.0.0.20","user":"admin","password":"a@b/c","place":"东门"}}`, `http://admin:••••••@10.0.0.20`},
		{"radios/plan", `{"item":{"id":"help","driver":"sip","station":"101","title":"求助点","password":"hunter2-long","phone":"8001@10.0.0.30"}}`, `phones: [{number: \"8001\", address: \"10.0.0.30\"}]`},
		{"radios/plan", `{"item":{"id":"base","driver":"analogue","where":"hw:1","tones":"dtmf, zvei1","codes":"*911"}}`, `alsa: \"hw:1\"`},
	} {
		status, body := v.json("POST", "/api/v1/"+c.path, c.ask)
		var got checked
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %s", c.ask, status, body)
			continue
		}
		if len(got.Problems) > 0 || !strings.Contains(dots(body), c.want) || got.Grace != 0 || strings.Contains(body, "hunter2") ||
			strings.Contains(c.ask, `"name":""`) && strings.Contains(got.Body, "units") {
			t.Errorf("%s: %v, grace %d\n%s", c.ask, got.Problems, got.Grace, body)
		}
	}
	_, guides := v.json("GET", "/api/v1/radios/guides?lang=zh", "")
	var list guideList
	if err := json.Unmarshal([]byte(guides), &list); err != nil || len(list.Guides) < 5 {
		t.Fatal(guides)
	}
	for _, g := range list.Guides { // each is a list that the page can add, but for its passwords
		ask, _ := json.Marshal(radioChange{YAML: strings.ReplaceAll(g.YAML, "$${", "$$")})
		status, body := v.json("POST", "/api/v1/radios/plan", string(ask))
		var got checked
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || !got.Changed || len(g.Steps) == 0 {
			t.Errorf("%s: %d %s", g.ID, status, body)
		}
		for _, p := range got.Problems {
			t.Logf("%s: %s: %s", g.ID, p.Path, p.Text)
		}
	}
	for _, c := range []struct {
		path, ask string
		want      int
	}{
		{"radios/plan", `{"yaml":"nonsense"}`, http.StatusUnprocessableEntity},
		{"radios/none/units/plan", `{"unit":"1","name":"x"}`, http.StatusNotFound}, {"radios/walkie/units/plan", `{"unit":" ","name":"x"}`, http.StatusBadRequest},
		{"radios/plan", `{}`, http.StatusNotFound}, {"radios/plan", `{"old":"none"}`, http.StatusNotFound}, {"radios/plan", `{"old":"walkie"}`, http.StatusOK},
	} {
		if status, body := v.json("POST", "/api/v1/"+c.path, c.ask); status != c.want {
			t.Errorf("%s %s: %d %s", c.path, c.ask, status, body)
		}
	}
}
