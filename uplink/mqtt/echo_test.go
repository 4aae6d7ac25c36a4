package mqtt_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
)

// listening is a gateway in memory that listens to answers and commands, and sends itself a message very often.
func listening(t *testing.T, script func(*mqtttest.FakeConn)) (*gateway, *mqtttest.Fake, *atomic.Int32) {
	t.Helper()
	g, fakes := inMemory(t, script)
	var heard atomic.Int32
	for _, f := range []string{"ack/+", "cmd/+"} {
		g.cfg.Subscriptions = append(g.cfg.Subscriptions, mqtt.Subscription{Filter: f, Handle: func(context.Context, string, []byte) { heard.Add(1) }})
	}
	g.cfg.Timing.Echo, g.cfg.Timing.EchoWithin, g.cfg.Timing.Ack = 50*time.Millisecond, 2*time.Second, 30*time.Second
	return g, fakes[0], &heard
}

// back gives a publication back to who has published it.
func back(c *mqtttest.FakeConn, p *packets.PublishPacket) bool {
	q := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	q.TopicName, q.Payload = p.TopicName, p.Payload
	return c.Puback(p.MessageID) && q.Write(c) == nil
}

func echoed(p *packets.PublishPacket) bool { return strings.HasSuffix(p.TopicName, "/echo") }

// TestDeafBroker: a broker that acknowledges everything and has forgotten one subscription is left, and is right
// again on the next connection. Messages to ourselves never reach a handler.
func TestDeafBroker(t *testing.T) { synctest.Test(t, deafBroker) }

func deafBroker(t *testing.T) {
	var returned atomic.Int32
	g, fake, heard := listening(t, func(c *mqtttest.FakeConn) {
		if !c.Greet() {
			return
		}
		c.Serve(func(p *packets.PublishPacket) bool {
			if !echoed(p) || c.N == 1 && returned.Load() > 2 && strings.Contains(p.TopicName, "/ack/") {
				return c.Puback(p.MessageID)
			}
			returned.Add(1)
			return back(c, p)
		})
	})
	g.start()
	eventually(t, "a second connection", func() bool { return fake.Connections() >= 2 })
	if !strings.Contains(g.log.String(), "lost our subscriptions") {
		t.Error("the log does not say why")
	}
	before := returned.Load()
	eventually(t, "messages that come back", func() bool { return returned.Load() > before+2 })
	if n := heard.Load(); n != 0 {
		t.Errorf("a handler has seen %d messages to ourselves", n)
	}
}

// TestBrokerWithoutEcho: one that does not let us publish there is used all the same, and not asked again.
func TestBrokerWithoutEcho(t *testing.T) {
	for name, refuse := range map[string]func(c *mqtttest.FakeConn, p *packets.PublishPacket) bool{
		"swallows them":       func(c *mqtttest.FakeConn, p *packets.PublishPacket) bool { return c.Puback(p.MessageID) },
		"ends the connection": func(*mqtttest.FakeConn, *packets.PublishPacket) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { brokerWithoutEcho(t, refuse) })
		})
	}
}

func brokerWithoutEcho(t *testing.T, refuse func(c *mqtttest.FakeConn, p *packets.PublishPacket) bool) {
	var asked atomic.Int32
	g, _, _ := listening(t, func(c *mqtttest.FakeConn) {
		if !c.Greet() {
			return
		}
		c.Serve(func(p *packets.PublishPacket) bool {
			if echoed(p) {
				asked.Add(1)
				return refuse(c, p)
			}
			return c.Puback(p.MessageID)
		})
	})
	g.start()
	eventually(t, "a message to ourselves", func() bool { return asked.Load() > 0 })
	time.Sleep(3 * time.Second)
	before := asked.Load()
	time.Sleep(2 * time.Second)
	if n := asked.Load(); n > before || n > 4 {
		t.Errorf("%d messages to ourselves, and then %d", before, n)
	}
	g.put(alert("A", "a"))
	g.waitDepth(0)
}
