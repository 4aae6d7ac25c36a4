package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/web/account"
)

// fieldStand stands in for sensors, buses and outputs.
type fieldStand struct {
	mu       sync.Mutex
	estate   Estate
	hear     func(Heard) // nil while nobody looks
	switched []string
	disobeys bool
}

func (f *fieldStand) Estate() Estate {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.estate
}

func (f *fieldStand) Look(hear func(Heard)) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hear = hear
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.hear = nil
	}
}

func (f *fieldStand) Switch(_ context.Context, id string, on bool, span time.Duration, who string) error {
	switch {
	case id != "siren-1":
		return ErrNoDevice
	case f.disobeys:
		return errors.New("no answer")
	}
	f.switched = append(f.switched, strings.Join([]string{id, map[bool]string{true: "on", false: "off"}[on], span.String(), who}, " "))
	return nil
}

func (f *fieldStand) Arm(_ context.Context, area string, on bool) error {
	if area != "夜间" {
		return ErrNoDevice
	}
	f.estate.Armed = map[string]bool{area: on}
	return nil
}

func (f *fieldStand) Ports() []string { return []string{"/dev/serial/by-id/usb-1", "/dev/ttyS9"} }

func (f *fieldStand) Search(_ context.Context, ask Search, tell func(profile.Line, int)) ([]Found, error) {
	tell(ask.Line, 1)
	if ask.Where != "/dev/ttyS1" {
		return nil, errors.New("no such port")
	}
	i := slices.IndexFunc(ask.Profiles, func(p *profile.Profile) bool { return p.ID == "renke-rs-yg-n01" })
	return []Found{{Line: ask.Line, Unit: ask.Last, Fits: []Fit{{Profile: ask.Profiles[i], Values: []profile.Value{{Field: ask.Profiles[i].Field("smoke"), Number: 1}}}}}}, nil
}

const fieldFile = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
uplink: {mqtt: [{url: "mqtt://broker"}]}
buses:
  - {id: air, name: 屋顶, e22: /dev/serial/by-id/usb-1}
  - {id: rs485, modbus: /dev/ttyS9, baud: 4800}
  - {id: ns, chirpstack: "mqtt://lora:s3cret-1@10.0.0.9:1883"}
sensors:
  - {id: sos-1, name: 3号楼求助, grid: "3", profile: e22-panic-button, number: 7, key: 000102030405060708090a0b0c0d0e0f}
  - id: smoke-1
    profile: renke-rs-yg-n01
    unit: 1
    alerts: [{field: smoke, off: true}]
  - {id: smoke-2, profile: renke-rs-yg-n01, unit: 2}
outputs:
  - {id: siren-1, profile: waveshare-modbus-relay, unit: 5, output: siren, max_on: 30s}
rules:
  - {id: fire, when: any 2 of smoke within 60 s, severity: 1, area: 夜间, do: siren-1 for 30 s}
`

// use has the rig run another configuration.
func (r *rig) use(doc string) {
	r.t.Helper()
	now, _, err := r.server.Care.Current(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.server.Care.Save(r.t.Context(), "test", "", []byte(doc), now.Sum); err != nil {
		var p *config.Problems
		if errors.As(err, &p) {
			r.t.Fatal(p.List)
		}
		r.t.Fatal(err)
	}
}

func fieldRig(t *testing.T) *rig {
	r := newRig(t)
	r.use(fieldFile)
	at := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	rssi := -64.0
	r.field.estate = Estate{At: at, Armed: map[string]bool{"夜间": true}, Devices: []DeviceState{
		{Device: Device{ID: "sos-1", Name: "3号楼求助", Type: "sensor", Phase: "online", Since: at}, Heard: at.Add(-time.Minute), RSSI: &rssi,
			Readings: map[string]any{"battery_voltage": 3.3}, Event: &EventState{Quantity: "button", Number: 1, At: at}},
		{Device: Device{ID: "smoke-1", Type: "sensor", Phase: "silent", Since: at, Reason: "no answer"}},
		{Device: Device{ID: "air", Name: "屋顶", Type: "bus", Phase: "online", Since: at}, Messages: 4,
			Strangers: []Stranger{{Address: "0000002a", Heard: at, Count: 3, Payload: Payload{Data: []byte{1, 2, 0xa5}, RSSI: &rssi}}}},
		{Device: Device{ID: "siren-1", Type: "output", Phase: "off", Since: at}},
	}}
	return r
}

// TestSensorsView: everything in words, in both languages, to whoever may look.
func TestSensorsView(t *testing.T) {
	r := fieldRig(t)
	r.claim()
	v := r.user("viewer", account.Viewer)
	for lang, want := range map[string][]string{
		"zh": {`传感器 3号楼求助：在线`, `一键求助按钮`, `"says":"3.3 V"`, `"says":"短按"`, `按键为“短按”或“长按”或“双击”：告警“一键求助”，1 级`, `"battery":{"name":"battery_voltage"`, `总线 ns：还没有接设备`,
			`任意 2 个传感器的烟雾触发，在 1 分钟内：告警“烟雾”，1 级，打开“siren-1”30 秒，只在防区“夜间”布防时`, `"area":"夜间","armed":true`, `"address":"42"`, `"key":"number"`, `"hex":"01 02 A5"`, `"says":"长按"`},
		"en": {`Sensor 3号楼求助: online`, `panic button on 433 MHz`, `button is “short” or “long” or “double”: alert “panic button”, severity 1`},
	} {
		status, body, _ := v.do("GET", "/api/v1/sensors?lang="+lang, "", "")
		if status != http.StatusOK || !json.Valid([]byte(body)) {
			t.Fatalf("%d %s", status, body)
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %s is not in %s", lang, w, body)
			}
		}
		if strings.Contains(body, "s3cret") || strings.Contains(body, "0c0d0e0f") {
			t.Error("a secret is shown")
		}
	}
	if status, body, _ := v.do("GET", "/sensors", "", ""); status != http.StatusOK || strings.Contains(body, "add-sensor") {
		t.Errorf("%d, a viewer may add: %v", status, strings.Contains(body, "add-sensor"))
	}
}

// TestSensorPlans: forms have no secrets, and change what they say and nothing else.
func TestSensorPlans(t *testing.T) {
	r := fieldRig(t)
	v := r.claim()
	_, body := v.json("GET", "/api/v1/sensors/forms", "")
	for _, w := range []string{`"kind":"chirpstack","where":"mqtt://10.0.0.9:1883"`, `"user":"lora"`, `"given":["password"]`, `"given":["key"]`, `"off":["smoke"]`, `"do":"siren-1 for 30 s"`, `"baud":"4800"`} {
		if !strings.Contains(body, w) {
			t.Errorf("%s is not in %s", w, body)
		}
	}
	if strings.Contains(body, "s3cret") || strings.Contains(body, "0c0d0e0f") {
		t.Error("a secret is shown")
	}
	for _, c := range []struct{ what, list, ask, want string }{
		{"a new bus", "buses", `{"item":{"id":"line-2","kind":"serial","where":"/dev/ttyUSB3","baud":"9600"}}`, `{"op":"new","new":8,"text":"  - id: line-2"}`},
		{"a bus of a kind that is there already", "buses", `{"item":{"id":"rs-2","kind":"modbus","where":"/dev/ttyUSB4"}}`, `profile: renke-rs-yg-n01\n    unit: 2\n    bus: rs485`},
		{"a bus at another port", "buses", `{"old":"rs485","item":{"id":"rs485","kind":"modbus","where":"tcp://10.0.0.3:502"}}`, `modbus: \"tcp://10.0.0.3:502\"`},
		{"a broker with another name, the password stays", "buses", `{"old":"ns","item":{"id":"ns","name":"网络","kind":"chirpstack","where":"mqtt://10.0.0.9:1883","user":"lora"}}`, `lora:••••••@10.0.0.9`},
		{"a new sensor", "sensors", `{"item":{"id":"sos-2","name":"门卫","grid":"4","profile":"e22-panic-button","bus":"air","number":"42","key":"00112233445566778899aabbccddeeff"}}`, `number: 42`},
		{"the key stays", "sensors", `{"old":"sos-1","item":{"id":"sos-1","profile":"e22-panic-button","number":"7","grid":"9"}}`, `key: \"••••••\"`},
		{"keys are not shown in what changes", "sensors", `{"old":"sos-1","item":{"id":"sos-1","profile":"e22-panic-button","number":"7","key":"ff0102030405060708090a0b0c0d0e0f"}}`, `"text":"    key: ••••••","secret":true`},
		{"an alert counts again", "sensors", `{"old":"smoke-1","item":{"id":"smoke-1","profile":"renke-rs-yg-n01","unit":"1","off":[]}}`, `"op":"gone","old":13,"text":"    alerts: [{field: smoke, off: true}]"`},
		{"an output", "outputs", `{"item":{"id":"lamp","bus":"rs485","unit":"6","coil":"0"}}`, `coil: 0`},
		{"a rule with two actions", "rules", `{"old":"fire","item":{"id":"fire","when":"smoke","severity":"1","do":"siren-1 for 10 s; siren-1"}}`, `do: [\"siren-1 for 10 s\", siren-1]`},
		{"a rule is removed", "rules", `{"old":"fire","item":null}`, `rules: []`},
	} {
		status, body := v.json("POST", "/api/v1/"+c.list+"/plan", c.ask)
		var got checked
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %s", c.what, status, body)
			continue
		}
		if len(got.Problems) > 0 || !strings.Contains(dots(body), c.want) || strings.Contains(body, "0c0d0e0f") || got.Grace != 0 || !got.Changed {
			t.Errorf("%s: %v, grace %d\n%s", c.what, got.Problems, got.Grace, body)
		}
	}
	for _, c := range []struct{ list, ask, want string }{
		{"sensors", `{"item":{"id":"sos-1","profile":"e22-panic-button","number":"9","key":"00112233445566778899aabbccddeeff"}}`, `sos-1`}, // twice
		{"buses", `{"item":{"id":"x","kind":"serial","where":"ttyUSB0"}}`, `"path":"buses[3].serial"`},
		{"buses", `{"item":{"id":"x","kind":"gateway","where":"x"}}`, `"path":"buses[3]"`},
		{"buses", `{"old":"air","item":null}`, `"path":"sensors`},
		{"rules", `{"item":{"id":"x","when":"nothing.x > 3"}}`, `"path":"rules[1].when"`},
	} {
		if status, body := v.json("POST", "/api/v1/"+c.list+"/plan", c.ask); status != http.StatusOK || !strings.Contains(body, c.want) || strings.Contains(body, `"problems":[]`) {
			t.Errorf("%s: %d %s", c.ask, status, body)
		}
	}
	for _, bad := range []string{`{}`, `{"old":"none","item":null}`, `{"old":"none","item":{"id":"x"}}`, `{"item":{"id":"x","uplink":"y"}}`} {
		if status, body := v.json("POST", "/api/v1/sensors/plan", bad); status != http.StatusNotFound && status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
	if _, body := v.json("GET", "/api/v1/ports", ""); !strings.Contains(body, `{"port":"/dev/ttyS9","bus":"rs485"}`) {
		t.Errorf("ports: %s", body)
	}
	_, body = v.json("GET", "/api/v1/profiles", "")
	for _, w := range []string{`"id":"e22-panic-button","zh":"一键求助按钮（433 MHz）","en":"panic button on 433 MHz"`, `"needs":["number","key"]`, `"buses":["lorawan","chirpstack"]`, `"line":"4800 8N1"`} {
		if !strings.Contains(body, w) {
			t.Errorf("%s is not in %s", w, body)
		}
	}
}

// TestHeard: bytes and meaning side by side, why what does not decode does not, and nothing once
// nobody looks.
func TestHeard(t *testing.T) {
	r := fieldRig(t)
	v := r.claim()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.http.URL+"/api/v1/sensors/heard?bus=air", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range v.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	until := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("the stream ended without %s: %v", text, lines.Err())
	}
	until("3号楼求助")
	say := func(h Heard) {
		r.field.mu.Lock()
		defer r.field.mu.Unlock()
		h.At = r.field.estate.At
		r.field.hear(h)
	}
	say(Heard{Bus: "rs485", Address: "9"})
	say(Heard{Bus: "air", Wire: []byte{0, 1}})
	say(Heard{Bus: "air", Wire: []byte{2}})
	say(Heard{Bus: "air", Address: "00000007", Payload: Payload{Data: []byte{1, 1, 0xa5}}, Read: []ReadState{{Sensor: "sos-1", Values: []ValueState{{Quantity: "button", Number: 1}, {Quantity: "battery_voltage", Number: 9, Impossible: true}}}}})
	say(Heard{Bus: "air", Address: "00000007", Payload: Payload{Data: []byte("nonsense")}, Read: []ReadState{{Sensor: "sos-1", Err: profile.ErrNoMessage}}})
	say(Heard{Bus: "air", Payload: Payload{Data: make([]byte, 1000)}})
	for range 2 * mostHeard {
		say(Heard{Bus: "air", Address: "x"})
	}
	got := ""
	for n := 0; n < 2*mostHeard+4; {
		until(`"heard":[`)
		var part struct {
			Heard   []json.RawMessage `json:"heard"`
			Dropped int               `json:"dropped"`
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "data: ")), &part); err != nil || len(part.Heard) > mostHeard {
			t.Fatalf("%d at once, %v", len(part.Heard), err)
		}
		n += len(part.Heard) + part.Dropped
		got += lines.Text()
	}
	for _, w := range []string{`"kind":"received","hex":"00 01 02"`, `"hex":"01 01 A5"`, `"says":"短按"`, `不可能的值`, `"ascii":"nonsense"`, `"more_bytes":744`} {
		if !strings.Contains(got, w) {
			t.Errorf("%s is not in %s", w, got)
		}
	}
	if why := profile.ErrNoMessage.Error(); strings.Contains(got, why) || !strings.Contains(got, `"why":"`) {
		t.Errorf("why it means nothing is not said in Chinese: %s", got)
	}
	if strings.Contains(got, `"address":"9"`) {
		t.Error("another bus is shown")
	}
	cancel()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		r.field.mu.Lock()
		nobody := r.field.hear == nil
		r.field.mu.Unlock()
		if nobody {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it is looked at although nobody looks any more")
		}
	}
	if status, _, _ := v.do("GET", "/api/v1/sensors/heard", "", ""); status != http.StatusBadRequest {
		t.Errorf("of nothing: %d", status)
	}
}

// TestTryAndArm: an output is tried for seconds, and every press is in the audit log.
func TestTryAndArm(t *testing.T) {
	r := fieldRig(t)
	v := r.claim()
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"outputs/siren-1/try", `{"seconds":3}`, http.StatusOK}, {"outputs/siren-1/try", `{"seconds":0}`, http.StatusOK},
		{"outputs/siren-1/try", `{"seconds":600}`, http.StatusUnprocessableEntity}, {"outputs/siren-1/try", `{"seconds":-1}`, http.StatusUnprocessableEntity},
		{"outputs/none/try", `{"seconds":3}`, http.StatusNotFound}, {"areas", `{"area":"夜间","armed":false}`, http.StatusOK}, {"areas", `{"area":"x","armed":true}`, http.StatusNotFound},
	} {
		if status, body := v.json("POST", "/api/v1/"+c.path, c.body); status != c.want {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, body)
		}
	}
	if want := []string{"siren-1 on 3s 王工", "siren-1 off 0s 王工"}; !slices.Equal(r.field.switched, want) {
		t.Errorf("switched %v", r.field.switched)
	}
	r.field.disobeys = true
	if status, body := v.json("POST", "/api/v1/outputs/siren-1/try", `{"seconds":3}`); status != http.StatusBadGateway || !strings.Contains(body, "没有照做") {
		t.Errorf("%d %s", status, body)
	}
	entries, err := r.server.Accounts.Entries(t.Context(), account.Asked{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Action+" "+e.Detail)
	}
	if got := strings.Join(all, "; "); !strings.Contains(got, "area.disarm 夜间; output.try siren-1 0 s; output.try siren-1 3 s") {
		t.Errorf("audit: %s", got)
	}
}

// TestSearch: what is at a line is told line by line, and a line that is used is left alone.
func TestSearch(t *testing.T) {
	r := fieldRig(t)
	v := r.claim()
	for _, c := range []struct {
		ask, want string
		status    int
	}{
		{`{"kind":"modbus","where":"/dev/ttyS1","baud":4800,"last":5}`, `"found":[{"line":"4800 8N1","baud":4800,"parity":"none","unit":5,"fits":[{"profile":"renke-rs-yg-n01"`, http.StatusOK},
		{`{"kind":"modbus","where":"/dev/ttyS1"}`, `"says":"报警"`, http.StatusOK},
		{`{"kind":"serial","where":"/dev/ttyS2","baud":9600}`, `{"trying":"9600 8N1","unit":1}`, http.StatusOK},
		{`{"kind":"serial","where":"/dev/ttyS2","baud":9600}`, `"done":true`, http.StatusOK},
		{`{"kind":"serial","where":"/dev/ttyS2","baud":9600}`, `打不开`, http.StatusOK},
		{`{"kind":"modbus","where":"/dev/ttyS9"}`, "rs485", http.StatusConflict}, // it has sensors
		{`{"kind":"lorawan","where":"/dev/ttyS1"}`, "", http.StatusBadRequest}, {`{"kind":"modbus"}`, "", http.StatusBadRequest},
		{`{"kind":"modbus","where":"/dev/ttyS1","last":300}`, "", http.StatusBadRequest},
	} {
		if status, body := v.json("POST", "/api/v1/buses/search", c.ask); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.ask, status, body)
		}
	}
}

// TestSensorWithoutABroker: the box refuses what the form does not offer, and says why.
func TestSensorWithoutABroker(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	for _, c := range []struct {
		item     string
		problems int
	}{{`{"id":"th-1"}`, 1}, {`{"id":"door-1","profile":"aqara-mccgq11lm"}`, 1}, {`{"id":"door-1","profile":"aqara-mccgq11lm","bus":"z"}`, 0}} {
		if c.problems == 0 {
			r.use(file + "buses: [{id: z, mqtt: \"mqtt://10.0.0.9\"}]\n")
		}
		var got checked
		status, answer := v.json("POST", "/api/v1/sensors/plan?lang=en", `{"old":"","item":`+c.item+`}`)
		if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK || len(got.Problems) != c.problems ||
			c.problems > 0 && (got.Problems[0].Line != 11 || !strings.Contains(got.Problems[0].Text, "no broker of its own")) {
			t.Errorf("%s: %d %s", c.item, status, answer)
		}
	}
}
