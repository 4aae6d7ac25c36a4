package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/uplink/mqtt/mqtttest"
)

// TestSensorAtTheBroker: what a sensor publishes here makes an alert outside, which ends when
// the reading is normal again, and none while its area is disarmed.
func TestSensorAtTheBroker(t *testing.T) {
	outside, data := startBroker(t), t.TempDir()
	port := fmt.Sprint(mqtttest.FreePort(t))
	cfg, err := config.Parse(filepath.Join(data, "config.yaml"), []byte(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: `+data+`
uplink: {mqtt: [{url: "`+outside+`"}]}
broker: {listen: "127.0.0.1:`+port+`"}
home_assistant: {prefix: homeassistant}
sensors:
  - {id: pit-1, name: 1号泵房, grid: 3, alerts: [{field: battery, below: 15, kind: battery, severity: 4}]}
rules:
  - {id: flood, when: pit-1.water_level > 0.4, severity: 1, area: pumps}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "sentrybox/v1/donghu/meiyuan/gw-1/"
	far := mqtttest.Subscribe(t, outside, prefix+"#")
	home := mqtttest.Subscribe(t, outside, "homeassistant/#")
	runApp(t, cfg)
	far.WaitTopic(patience, prefix+"status")
	near := mqtttest.Subscribe(t, "mqtt://127.0.0.1:"+port, prefix+"#")
	near.Publish(prefix+"sensors/pit-1", false, []byte(`{"water_level":0.3,"battery":80,"door":true}`))
	state := far.Wait(patience, "the sensor's state", has(prefix+"device/pit-1", `"state":"online"`))
	if s := last(state, prefix+"device/pit-1"); !strings.Contains(s, `"values":{"battery":80,"door":1,"water_level":0.3}`) || !strings.Contains(s, `"name":"1号泵房"`) {
		t.Errorf("state %s", s)
	}
	home.Wait(patience, "the announcement", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return strings.Contains(string(m.Payload), "1号泵房") })
	})
	near.Publish(prefix+"sensors/pit-1/water_level", false, []byte(`0.43`))
	got := far.Wait(patience, "the alert", has(prefix+"alert/community/", `"kind":"water_level"`))
	var a alert.Alert
	if err := json.Unmarshal([]byte(last(got, prefix+"alert/community/")), &a); err != nil {
		t.Fatal(err)
	}
	if a.Device != "pit-1" || a.Zone != "flood" || a.Grid != "3" || a.Severity != 1 || a.Quantity != "water_level" || *a.Value != 0.43 || !a.EndedAt.IsZero() {
		t.Errorf("alert %+v", a)
	}
	near.Publish(prefix+"sensors/pit-1/water_level", false, []byte(`0.2`))
	far.Wait(patience, "its end", has(prefix+"alert/street/"+a.ID, `"ended_at":"2`))
	far.Publish(prefix+"ack/"+a.ID, false, []byte(`{"action":"handled","by":"李"}`))
	far.Publish(prefix+"cmd/c1", false, []byte(`{"type":"disarm","area":"pumps"}`))
	far.Wait(patience, "the answer", has(prefix+"cmd/c1/result", `"armed":false`))
	far.Wait(patience, "what is armed", has(prefix+"device/gw-1", `"armed":{"pumps":false}`))
	near.Publish(prefix+"sensors/pit-1/water_level", false, []byte(`0.9`))
	near.Publish(prefix+"sensors/pit-1/battery", false, []byte(`3`)) // in the order in which they come
	all := far.Wait(patience, "the battery", has(prefix+"alert/community/", `"kind":"battery"`))
	for _, m := range all {
		if strings.Contains(string(m.Payload), `"value":0.9`) {
			t.Errorf("raised although it is disarmed: %s", m.Payload)
		}
	}
	far.Publish(prefix+"cmd/cleared", true, nil) // no request
	for _, bad := range []string{`{"type":"arm","area":"x"}`, `{"type":"output","output":"x","on":true}`} {
		id := fmt.Sprint("bad-", len(bad))
		far.Publish(prefix+"cmd/"+id, false, []byte(bad))
		if all = far.Wait(patience, "a refusal", has(prefix+"cmd/"+id+"/result", `"state":"refused"`)); has(prefix+"cmd/cleared/result", "")(all) {
			t.Error("who clears a topic was answered")
		}
	}
}

// has returns a condition that a message is there on a topic that begins with topic, and with
// the text in it.
func has(topic, text string) func([]mqtttest.Message) bool {
	return func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
			return strings.HasPrefix(m.Topic, topic) && strings.Contains(string(m.Payload), text)
		})
	}
}

// last returns the newest payload on a topic that begins with topic.
func last(got []mqtttest.Message, topic string) (payload string) {
	for _, m := range got {
		if strings.HasPrefix(m.Topic, topic) && len(m.Payload) > 0 {
			payload = string(m.Payload)
		}
	}
	return payload
}
