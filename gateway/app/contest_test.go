package app

import (
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"sentrybox/gateway/control"
	"sentrybox/uplink/mqtt/mqtttest"
)

// TestTwinIsTold: a gateway that another one with its id pushes off the broker says so at the box.
func TestTwinIsTold(t *testing.T) {
	broker := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
		if c.Greet() { // and has the reason that MQTT 5 has
			c.Serve(func(p *packets.PublishPacket) bool { return c.Puback(p.MessageID) && c.Send(0xe0, 2, 0x8e, 0) })
		}
	})
	data := t.TempDir()
	runApp(t, parse(t, data, broker.URL()))
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		s, err := control.Health(t.Context(), data)
		if err == nil && s.Contested["mqtt-1"] == "twin" && len(s.Stuck) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", s, err)
		}
	}
}
