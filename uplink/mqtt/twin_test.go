package mqtt_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
)

// contested reports whether the client says so of its broker now.
func (g *gateway) contested(c mqtt.Contest) bool {
	return g.client.Uplinks()[0].Contest == c
}

// twins holds that two gateways with one id at a broker say so, both or the one, and that the one that
// stays says no more of it.
func twins(t *testing.T, url string) {
	a, b := newGateway(t, url), newGateway(t, url)
	for _, g := range []*gateway{a, b} {
		g.cfg.Timing = mqtt.Timing{BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second, Calm: 3 * time.Second}
		g.start()
		g.waitState(mqtt.Online) // a broker that both come to in the same moment may keep both
	}
	var knows, goes *gateway // it may say no more of it a moment later
	eventually(t, "word of another gateway with the same id", func() bool {
		if knows, goes = a, b; !a.contested(mqtt.Twin) {
			knows, goes = b, a
		}
		return knows.contested(mqtt.Twin)
	})
	if !strings.Contains(knows.log.String(), "another gateway with this one's id") {
		t.Error("the log says nothing of it")
	}
	goes.stop()
	eventually(t, "peace once the other is gone", func() bool {
		s := knows.client.Uplinks()[0]
		return s.Phase == mqtt.Online && s.Contest == mqtt.Uncontested
	})
	knows.put(alert("A", "a"))
	knows.waitDepth(0)
}

// TestTwins: the broker that is built into the box.
func TestTwins(t *testing.T) {
	s := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	l := listeners.NewTCP(listeners.Config{ID: "test", Address: "127.0.0.1:0"})
	for _, err := range []error{s.AddHook(new(auth.AllowHook), nil), s.AddListener(l), s.Serve()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = s.Close() })
	twins(t, "mqtt://"+l.Address())
}

// TestCutAgainAndAgain: where nobody else is seen it is told that the broker ends each connection, and no
// more than that; a broker that is not there at all is another matter.
func TestCutAgainAndAgain(t *testing.T) {
	for name, end := range map[string]func(*mqtttest.FakeConn){
		"closed":   func(*mqtttest.FakeConn) {},
		"reset":    (*mqtttest.FakeConn).Reset,
		"in order": func(c *mqtttest.FakeConn) { c.Send(0xe0, 0) },
	} {
		var calm atomic.Bool
		b := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
			p, err := packets.ReadPacket(c)
			if hello, ok := p.(*packets.ConnectPacket); err != nil || !ok || strings.Contains(hello.ClientIdentifier, "-twin") || !c.Send(0x20, 2, 0, 0) {
				return // who looks for another gateway need not wait for one
			}
			c.Serve(func(p *packets.PublishPacket) bool {
				return c.Puback(p.MessageID) && calm.Load()
			})
			end(c)
		})
		g := newGateway(t, b.URL())
		g.cfg.Timing = mqtt.Timing{BackoffMin: 20 * time.Millisecond, BackoffMax: 100 * time.Millisecond, Calm: time.Second}
		g.start()
		eventually(t, "word of a broker that ends connections: "+name, func() bool { return g.contested(mqtt.Cut) })
		if strings.Contains(g.log.String(), "another gateway with this one's id is connected") {
			t.Errorf("%s: somebody was seen who is not there", name)
		}
		calm.Store(true)
		eventually(t, "peace: "+name, func() bool { return g.contested(mqtt.Uncontested) })
		g.stop()
		b.Close()
	}
	g := newGateway(t, fmt.Sprintf("mqtt://127.0.0.1:%d", mqtttest.FreePort(t))).start()
	eventually(t, "attempts at nothing", func() bool { return strings.Contains(g.log.String(), "refused") })
	if !g.contested(mqtt.Uncontested) {
		t.Error("a broker that is not there is contested")
	}
}

// TestTakenOver: a broker that knows MQTT 5 says what has happened, and nobody has to be seen.
func TestTakenOver(t *testing.T) {
	b := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
		if c.Greet() {
			c.Serve(func(p *packets.PublishPacket) bool { return c.Puback(p.MessageID) && c.Send(0xe0, 2, 0x8e, 0) })
		}
	})
	g := newGateway(t, b.URL()).start()
	eventually(t, "word of another gateway", func() bool { return g.contested(mqtt.Twin) })
}
