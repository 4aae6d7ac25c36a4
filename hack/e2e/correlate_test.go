//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// TestSensorIsSeen: a sensor's alert has a picture of the camera that looks at its grid, and its clip.
func TestSensorIsSeen(t *testing.T) {
	cams := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.Bytes(mp4test.Walker())}}}
	if err := cams.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cams.Close)
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	room := mqtttest.Subscribe(t, m.URL(), "sentrybox/v1/#")
	port, metrics := mqtttest.FreePort(t), mqtttest.FreePort(t)
	g := start(t, m.URL(), fmt.Sprintf(`gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: "127.0.0.1:0"}
metrics: {listen: "127.0.0.1:%d"}
uplink: {mqtt: [{url: "${BROKER}"}]}
broker: {listen: "127.0.0.1:%d"}
cameras:
- {id: gate, url: "rtsp://%s/gate", grid: "3", detect: []}
sensors:
- {id: water, grid: "3", name: 井}
rules:
- {id: flood, kind: flood, when: "water.level > 1", severity: 1, grid: "3"}
`, metrics, port, cams.Addr()))
	sensor := mqtttest.Subscribe(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), "sensors/#")
	room.Wait(patience, "a camera that is online", func(all []mqtttest.Message) bool {
		return slices.ContainsFunc(all, func(x mqtttest.Message) bool {
			var d struct{ ID, State string }
			return json.Unmarshal(x.Payload, &d) == nil && d.ID == "gate" && d.State == "online"
		})
	})
	eventually(t, "a picture", func() bool {
		return figures(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics))["camera_decoded"] > 0
	})
	again(t, "the flood", func() {
		sensor.Publish("sentrybox/v1/donghu/meiyuan/gw-1/sensors/water", false, []byte(`{"level":2}`))
	}, func() bool { return len(alertsOf(t, room.Messages(), "water", "flood")) > 0 })
	var id string
	room.Wait(patience, "an alert with picture and clip", func(all []mqtttest.Message) bool {
		for _, x := range all {
			var a struct {
				ID, Kind string
				Evidence []string
			}
			if json.Unmarshal(x.Payload, &a) == nil && a.Kind == "flood" && slices.Contains(a.Evidence, "thumb") && slices.Contains(a.Evidence, "picture") && slices.Contains(a.Evidence, "clip") {
				id = a.ID
				return true
			}
		}
		return false
	})
	thumb := room.WaitTopic(patience, "sentrybox/v1/donghu/meiyuan/gw-1/thumb/"+id)
	if n := len(thumb.Payload); n < 500 || n > 12<<10 || thumb.Payload[0] != 0xFF || thumb.Payload[1] != 0xD8 {
		t.Errorf("a picture of %d bytes", n)
	}
	_ = g
}
