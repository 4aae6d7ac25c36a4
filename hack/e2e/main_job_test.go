//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/hack/foreign"
	"sentrybox/uplink/mqtt/mqtttest"
)

const prefix = "sentrybox/v1/donghu/meiyuan/gw-1/"

const head = `
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: "127.0.0.1:8080"}
uplink: {mqtt: [{url: "${BROKER}"}]}
`

// TestForeignCameraToForeignBroker is the main job: an RTSP server that is not
// ours in, an intrusion alert in the contract's form at a Mosquitto out.
func TestForeignCameraToForeignBroker(t *testing.T) {
	for name, tc := range map[string]struct {
		server func(testing.TB, foreign.Options) string
		opt    foreign.Options
	}{
		"GStreamer, H.264":           {foreign.GStreamer, foreign.Options{Codec: "h264"}},
		"GStreamer, H.265, Digest":   {foreign.GStreamer, foreign.Options{Codec: "h265", User: "admin", Password: camPass}},
		"GStreamer, UDP alone":       {foreign.GStreamer, foreign.Options{Codec: "h264", Transport: "udp"}},
		"VLC, H.264":                 {foreign.VLC, foreign.Options{Codec: "h264"}},
		"VLC, H.264, Basic password": {foreign.VLC, foreign.Options{Codec: "h264", User: "admin", Password: "secret-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.opt.File = walker(t, tc.opt.Codec)
			url := tc.server(t, tc.opt)
			mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
			sub := mqtttest.Subscribe(t, mosquitto.URL(), "sentrybox/#")
			start(t, mosquitto.URL(), head+`
cameras:
  - id: gate-east
    url: `+quote(url)+`
    grid: "3"
    zones:
      gate: {polygon: [[0.3,0.4],[0.7,0.4],[0.7,1],[0.3,1]]}
      facade: {polygon: [[0,0],[1,0],[1,0.8],[0,0.8]]}
    detect:
      - {kind: loitering, zone: gate, after: 30s, severity: 3}
      - {kind: thrown_object, zone: facade, severity: 2}
      - {kind: intrusion, zone: gate, severity: 2}
`)
			checkIntrusion(t, sub)
		})
	}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func checkIntrusion(t *testing.T, sub *mqtttest.Subscriber) {
	t.Helper()
	is := func(part string) func(mqtttest.Message) bool {
		return func(m mqtttest.Message) bool { return strings.Contains(m.Topic, part) }
	}
	messages := sub.Wait(patience, "an intrusion alert and its thumbnail", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, is("/alert/community/")) && slices.ContainsFunc(got, is("/thumb/"))
	})
	text, thumb := slices.IndexFunc(messages, is("/alert/")), slices.IndexFunc(messages, is("/thumb/"))
	if text > thumb {
		t.Error("the thumbnail came before the text")
	}
	picture, err := jpeg.DecodeConfig(bytes.NewReader(messages[thumb].Payload))
	if n := len(messages[thumb].Payload); err != nil || n > 12<<10 || picture.Width < 200 {
		t.Errorf("thumbnail of %d bytes: %v, %v", n, picture, err)
	}
	for id, a := range alerts(t, messages) {
		for _, at := range []string{a.StartedAt, a.DetectedAt, a.SentAt, a.RespondBy, a.HandleBy} {
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", at); err != nil {
				t.Errorf("time %q: %v", at, err)
			}
		}
		a.StartedAt, a.DetectedAt, a.SentAt, a.RespondBy, a.HandleBy = "", "", "", "", ""
		confident := a.Confidence > 0 && a.Confidence <= 1
		a.Confidence = 0
		evidence := strings.Join(a.Evidence, " ")
		a.Evidence = nil
		want := contract{ID: id, Rev: a.Rev, Gateway: "gw-1", Street: "donghu", Community: "meiyuan", Grid: "3", Device: "gate-east",
			Kind: "intrusion", Zone: "gate", Severity: 2, State: "raised", Level: "community", Synced: true}
		if a.ID == "" || a.Rev < 1 || !confident || !strings.HasPrefix(evidence, "thumb") || !reflect.DeepEqual(a, want) {
			t.Errorf("alert %+v, want %+v", a, want)
		}
	}
	if got := string(sub.WaitTopic(patience, prefix+"status").Payload); got != `{"state":"online"}` {
		t.Errorf("status %s", got)
	}
	if got := string(sub.WaitTopic(patience, prefix+"device/gate-east").Payload); !strings.Contains(got, `"state":`) {
		t.Errorf("device state %s", got)
	}
}

// TestRetainedWhileOpen: who subscribes later finds the open alert, and nothing
// once the duty room has handled it.
func TestRetainedWhileOpen(t *testing.T) {
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	g := start(t, mosquitto.URL(), head)
	id := g.mustRaise(2)
	topic := prefix + "alert/community/" + id
	first := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	first.WaitTopic(patience, topic)
	late := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"alert/#")
	if m := late.WaitTopic(patience, topic); !m.Retained {
		t.Error("the open alert is not retained")
	}
	late.Publish(prefix+"ack/"+id, false, []byte(`{"action":"ack","by":"值班室","at":"2026-03-01T12:00:00Z"}`))
	state := func(want string) func([]mqtttest.Message) bool {
		return func(got []mqtttest.Message) bool { return alerts(t, got)[id].State == want }
	}
	first.Wait(patience, "acknowledged", state("acknowledged"))
	late.Publish(prefix+"ack/"+id, false, []byte(`{"action":"handled","by":"值班室","note":"没事"}`))
	first.Wait(patience, "handled", state("handled"))
	first.Wait(patience, "the cleared topic", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return m.Topic == topic && len(m.Payload) == 0 })
	})
	time.Sleep(200 * time.Millisecond)
	after := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	after.WaitTopic(patience, prefix+"status")
	if n := len(alerts(t, after.Messages())); n != 0 {
		t.Errorf("%d alerts are retained after they were handled", n)
	}
	g.kill()
	after.Wait(patience, "the last will", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return string(m.Payload) == `{"state":"offline"}` })
	})
}
