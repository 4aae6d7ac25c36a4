package mqtt_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

func neverAck(*packets.PublishPacket) bool { return true }

// honest acknowledges everything.
func honest(c *mqtttest.FakeConn) {
	if c.Greet() {
		honestly(c)
	}
}

func honestly(c *mqtttest.FakeConn) {
	c.Serve(func(p *packets.PublishPacket) bool { return c.Puback(p.MessageID) })
}

// TestBrokersThatMisbehave puts three alerts before a broker that misbehaves.
// As long as there is no other, they stay in the outbox and the client does not
// storm the broker; with a good one behind it, they arrive; and nothing is left
// running.
func TestBrokersThatMisbehave(t *testing.T) {
	var wg sync.WaitGroup // t.Parallel would run two at a time of what mostly waits
	for _, c := range []struct {
		name   string
		script func(*mqtttest.FakeConn)
	}{
		{"takes the connection and never answers CONNECT", func(c *mqtttest.FakeConn) { c.Drain() }},
		{"closes without a word", func(*mqtttest.FakeConn) {}},
		{"closes after CONNACK", func(c *mqtttest.FakeConn) { c.Greet() }},
		{"resets after CONNACK", func(c *mqtttest.FakeConn) { c.Greet(); c.Reset() }},
		{"never acknowledges", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Serve(neverAck)
			}
		}},
		{"never acknowledges and drops the line", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				var n int
				c.Serve(func(*packets.PublishPacket) bool { n++; return n < 4 })
				c.Reset()
			}
		}},
		{"acknowledges what was never sent", func(c *mqtttest.FakeConn) {
			if !c.Greet() {
				return
			}
			for id := range uint16(2000) {
				if !c.Puback(id + 20) {
					return
				}
			}
			c.Serve(neverAck)
		}},
		{"acknowledges everything before it accepts", func(c *mqtttest.FakeConn) {
			if _, err := packets.ReadPacket(c); err != nil {
				return
			}
			// Nothing is sent before CONNACK: what comes after it would race with what is sent.
			var all []byte
			for id := range byte(64) {
				all = append(all, 0x40, 2, 0, id)
			}
			if c.Send(append(all, 0x20, 2, 0, 0)...) {
				c.Serve(neverAck)
			}
		}},
		{"acknowledges with PUBCOMP", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Serve(func(p *packets.PublishPacket) bool { return c.Send(0x70, 2, byte(p.MessageID>>8), byte(p.MessageID)) })
			}
		}},
		{"acknowledges with SUBACK", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Serve(func(p *packets.PublishPacket) bool {
					return c.Send(0x90, 3, byte(p.MessageID>>8), byte(p.MessageID), 1)
				})
			}
		}},
		{"answers SUBSCRIBE with too many codes", func(c *mqtttest.FakeConn) {
			if !c.Greet() {
				return
			}
			for {
				p, err := packets.ReadPacket(c)
				if err != nil {
					return
				}
				if s, ok := p.(*packets.SubscribePacket); ok {
					c.Send(0x90, 6, byte(s.MessageID>>8), byte(s.MessageID), 1, 1, 1, 1)
				}
			}
		}},
		{"resets in mid-packet", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Serve(func(*packets.PublishPacket) bool { c.Send(0x40, 2, 0); c.Reset(); return false })
			}
		}},
		{"accepts with a reserved code", func(c *mqtttest.FakeConn) {
			if _, err := packets.ReadPacket(c); err == nil {
				c.Send(0x20, 2, 0, 77)
				c.Drain()
			}
		}},
		{"announces 256 MiB", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Send(0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 'a')
				c.Drain()
			}
		}},
		{"speaks HTTP", func(c *mqtttest.FakeConn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); c.Drain() }},
		{"stops reading after CONNACK", func(c *mqtttest.FakeConn) {
			if c.Greet() {
				time.Sleep(1500 * time.Millisecond)
			}
		}},
	} {
		wg.Go(func() { t.Run(c.name, func(t *testing.T) { misbehave(t, c.script) }) })
	}
	wg.Wait()
	noneLeft(t)
}

func misbehave(t *testing.T, script func(*mqtttest.FakeConn)) {
	bad := mqtttest.StartFake(t, script)
	g := newGateway(t, bad.URL())
	g.cfg.Timing.Connect, g.cfg.Timing.Ack = 300*time.Millisecond, 300*time.Millisecond
	g.cfg.Timing.BackoffMin = 50 * time.Millisecond
	g.cfg.Subscriptions = []mqtt.Subscription{{Filter: "cmd/+", Handle: ignore}}
	g.put(alert("A", "a"), alert("B", "b"), alert("C", "c"))
	began := time.Now()
	g.start()
	eventually(t, "second attempt", func() bool { return bad.Connections() >= 2 })
	time.Sleep(400 * time.Millisecond)
	// Each back-off is 50 ms at the least; after three that were cut another gateway is looked for.
	n, took := bad.Connections(), time.Since(began)
	if most := 4*int(took/(50*time.Millisecond))/3 + 5; n > most {
		t.Errorf("%d connections in %v", n, took)
	}
	g.stop()
	if n := g.depth(); n != 3 {
		t.Fatalf("%d items are left, want 3", n)
	}
	for _, p := range g.phases() {
		if p == mqtt.Online {
			t.Errorf("states %v: nothing was ever acknowledged", g.phases())
		}
	}
	good := mqtttest.StartFake(t, honest)
	g.cfg.Timing.Connect, g.cfg.Timing.Ack = 2*time.Second, 2*time.Second // so that a good one on a busy machine is not left
	g.cfg.Brokers = append(g.cfg.Brokers, mqtt.Broker{URL: good.URL()})
	g.start()
	g.waitDepth(0)
	g.stop()
	for _, id := range []string{"A", "B", "C"} {
		// Twice is allowed: on a busy machine even the good one may be late.
		if got := payloads(good.Published(), "alert/community/"+id); len(got) == 0 || got[0] != strings.ToLower(id) {
			t.Errorf("alert %s arrived as %q", id, got)
		}
	}
}

// TestLateAcknowledgements holds that a slow broker is not left as long as it
// gets on, and that nothing is sent twice.
func TestLateAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, late := inMemory(t, func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Serve(func(p *packets.PublishPacket) bool {
					time.Sleep(300 * time.Millisecond)
					return c.Puback(p.MessageID)
				})
			}
		})
		g.cfg.Timing.Ack = 2 * time.Second
		g.cfg.Timing.Ping = 10 * time.Second // this broker answers one after the other
		for i := range 8 {                   // 2.4 s in all
			g.put(alert(string(rune('A'+i)), "x"))
		}
		g.start()
		g.waitDepth(0)
		g.stop()
		if n, sent := late[0].Connections(), seen(late[0].Published()); n != 1 || len(sent) != 8 {
			t.Errorf("%d connections, want 1, and %d alerts", n, len(sent))
		}
	})
}

// TestOneMessageLeftOut holds that a broker which acknowledges all but one
// message for ever does not keep that one for ever.
func TestOneMessageLeftOut(t *testing.T) {
	var conns atomic.Int32
	picky := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
		conns.Add(1)
		if c.Greet() {
			c.Serve(func(p *packets.PublishPacket) bool {
				return c.N == 1 && strings.HasSuffix(p.TopicName, "/B") || c.Puback(p.MessageID)
			})
		}
	})
	g := newGateway(t, picky.URL())
	g.cfg.Timing.Ack = 200 * time.Millisecond
	g.put(alert("A", "a"), alert("B", "b"))
	g.start()
	stop := time.After(patience)
	for i := 0; conns.Load() < 2; i++ {
		g.put(alert("other", "x")) // it goes on acknowledging others
		select {
		case <-stop:
			t.Fatal("the broker was not left")
		case <-time.After(50 * time.Millisecond):
		}
	}
	g.waitDepth(0)
	g.stop()
	noneLeft(t)
}

// TestWindowAtZero holds that a broker which stops reading is left though the
// buffers between are full and a write blocks, and that Run ends in time.
func TestWindowAtZero(t *testing.T) {
	var reading atomic.Bool
	release := make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	defer free()
	stuck := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
		if !c.Greet() {
			return
		}
		if reading.Load() {
			c.Serve(func(p *packets.PublishPacket) bool { return c.Puback(p.MessageID) })
			return
		}
		<-release
	})
	g := newGateway(t, stuck.URL())
	g.cfg.Timing.Ack = time.Minute // only the write's own deadline can notice
	g.cfg.Timing.KeepAlive = 30 * time.Second
	g.cfg.Timing.Write = 500 * time.Millisecond
	// More than the buffers between hold.
	g.cfg.Render = func(outbox.Item, mqtt.Delivery) ([]byte, error) { return make([]byte, 8<<10), nil }
	const n = 200
	for i := range n {
		g.put(alert(fmt.Sprint(i), "x"))
	}
	g.start()
	began := time.Now()
	eventually(t, "second connection", func() bool { return stuck.Connections() >= 2 })
	t.Logf("left after %v", time.Since(began))
	if g.depth() != n {
		t.Fatalf("%d items left, want %d", g.depth(), n)
	}
	reading.Store(true)
	free()
	g.stop()
	noneLeft(t)
}

// TestDeadPath holds that a path on which nothing comes through any more is
// left for the next, while an alert waits.
func TestDeadPath(t *testing.T) {
	first, second := mqtttest.StartFake(t, honest), mqtttest.StartFake(t, honest)
	line := mqtttest.NewLine(t, strings.TrimPrefix(first.URL(), "mqtt://"))
	g := newGateway(t, "mqtt://"+line.Addr(), second.URL())
	g.start()
	g.waitState(mqtt.Online)
	line.Silence(true)
	g.put(alert("A", "a"))
	g.waitDepth(0)
	if got := payloads(second.Published(), "alert/community/A"); len(got) == 0 { // more than one if it is late
		t.Errorf("the second broker got %q", got)
	}
	line.Silence(false)
	g.stop()
	noneLeft(t)
}

// TestStopWhileInFlight holds that a stop waits for the grace and no longer,
// that what was not acknowledged stays, that a late acknowledgement within the
// grace counts, and that the last will is left to speak where we could not.
func TestStopWhileInFlight(t *testing.T) {
	synctest.Test(t, stopWhileInFlight)
}

func stopWhileInFlight(t *testing.T) {
	goodbye := make(chan bool, 1)
	g, _ := inMemory(t, func(c *mqtttest.FakeConn) {
		if !c.Greet() {
			return
		}
		var bye bool
		for {
			p, err := packets.ReadPacket(c)
			if err != nil {
				goodbye <- bye
				return
			}
			switch p := p.(type) {
			case *packets.DisconnectPacket:
				bye = true
			case *packets.PublishPacket:
				switch string(p.Payload) {
				case "late":
					time.Sleep(100 * time.Millisecond)
					c.Puback(p.MessageID)
				case "never", `{"state":"offline"}`:
				default:
					c.Puback(p.MessageID)
				}
			}
		}
	})
	g.cfg.Timing.Ack = time.Minute // it is the grace that ends the wait
	g.cfg.Timing.Grace = 2 * time.Second
	g.start()
	g.waitState(mqtt.Online)
	sent := g.client.Stats().Sent
	g.put(alert("A", "late"), alert("B", "never"))
	eventually(t, "both sent", func() bool { return g.client.Stats().Sent == sent+2 })
	took := g.stop()
	if took != g.cfg.Timing.Grace {
		t.Errorf("stopping took %v with a grace of 2 s", took)
	}
	if n := g.depth(); n != 1 {
		t.Errorf("%d items left, want 1", n)
	}
	if <-goodbye {
		t.Error("DISCONNECT was sent though offline was not acknowledged")
	}
}

// TestStopWhileConnecting holds that a stop does not wait for a broker that
// does not answer.
func TestStopWhileConnecting(t *testing.T) {
	deaf := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) { c.Drain() })
	g := newGateway(t, deaf.URL())
	g.cfg.Timing.Connect = time.Hour // stop waits for minutes
	g.start()
	eventually(t, "connection", func() bool { return deaf.Connections() >= 1 })
	g.stop()
	noneLeft(t)
}
