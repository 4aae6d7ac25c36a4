package mqtt_test

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

// nimble is quick for several brokers.
func nimble() mqtt.Timing {
	t := quick()
	t.Ack = 30 * time.Second // only the other broker makes us leave
	t.Check, t.Suspect, t.Stagger = 50*time.Millisecond, time.Second, 200*time.Millisecond
	t.Probe, t.Hold = 50*time.Millisecond, 200*time.Millisecond
	return t
}

// uplinkNow returns the uplink that is online, -1 if none is.
func uplinkNow(g *gateway) int {
	for i, s := range g.client.Uplinks() {
		if s.Phase == mqtt.Online {
			return i
		}
	}
	return -1
}

// TestFailOverAndBack: a path that falls silent is left for the next broker, idle
// or not, and gone back to once it answers again.
func TestFailOverAndBack(t *testing.T) { synctest.Test(t, failOverAndBack) }

func failOverAndBack(t *testing.T) {
	g, brokers := inMemory(t, honest, honest)
	first, second := brokers[0], brokers[1]
	g.cfg.Timing = nimble()
	g.start()
	is := func(want int) {
		t.Helper()
		eventually(t, "change of the uplink", func() bool { return uplinkNow(g) == want })
	}
	is(0)
	first.Silence(true) // idle
	is(1)
	g.put(alert("A", "a"))
	g.waitDepth(0)
	first.Silence(false)
	is(0)
	if s := g.client.Uplinks()[1]; s.Phase != mqtt.Standby {
		t.Errorf("the other uplink is %v", s.Phase)
	}
	g.put(alert("B", "b"))
	g.waitDepth(0)
	a, b := payloads(second.Published(), "alert/community/A"), payloads(first.Published(), "alert/community/B")
	if len(a) != 1 || len(b) != 1 || len(seen(first.Published()))+len(seen(second.Published())) != 2 {
		t.Errorf("the second broker has %q of A, the first %q of B", a, b)
	}
}

// TestBothLinesSilent: with nowhere to go a silent path is kept, and what was on
// its way is not sent twice when it answers late.
func TestBothLinesSilent(t *testing.T) { synctest.Test(t, bothLinesSilent) }

func bothLinesSilent(t *testing.T) {
	g, brokers := inMemory(t, honest, honest)
	first, dead := brokers[0], brokers[1]
	dead.Silence(true)
	g.cfg.Timing = nimble()
	g.start()
	eventually(t, "the first uplink", func() bool { return uplinkNow(g) == 0 })
	first.Silence(true)
	g.put(alert("A", "a"))
	time.Sleep(2 * g.cfg.Timing.Suspect)
	if dead.Connections() == 0 {
		t.Error("the other was not tried")
	}
	first.Silence(false)
	g.waitDepth(0)
	if n := count(g.phases(), mqtt.Online); n != 1 || first.Connections() != 1 || g.client.Stats().Acked != 1 {
		t.Errorf("online %d times, %d connections, %+v", n, first.Connections(), g.client.Stats())
	}
	if got := payloads(first.Published(), "alert/community/A"); len(got) != 1 {
		t.Errorf("the alert was sent as %q", got)
	}
}

// swept has g ask about the alerts that a broker keeps, and returns how often it has asked about each.
func (g *gateway) swept() func() map[string]int {
	var mu sync.Mutex
	asked := map[string]int{}
	g.cfg.Swept = "alert/+/+"
	g.cfg.Sweep = func(_ context.Context, topic string) {
		mu.Lock()
		defer mu.Unlock()
		asked[topic]++
	}
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(asked)
	}
}

// TestSweep: what a broker keeps from before is asked about when it is used for the first time.
func TestSweep(t *testing.T) {
	b := startMochi(t, nil, nil)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/#")
	sub.Publish(prefix+"/alert/community/old", true, []byte("x"))
	sub.Publish(prefix+"/alert/street/older", true, []byte("y"))
	sub.Publish(prefix+"/device/d", true, []byte("z"))
	g := newGateway(t, b.url())
	g.cfg.Timing = patient()
	asked := g.swept()
	g.start()
	eventually(t, "questions about what is kept", func() bool { return len(asked()) == 2 })
	g.stop()
	for topic, n := range asked() {
		if n != 1 || !strings.HasPrefix(topic, "alert/") {
			t.Errorf("asked %d times about %s", n, topic)
		}
	}
}

// TestSweepOnce: a broker is not asked again while no other was used.
func TestSweepOnce(t *testing.T) { synctest.Test(t, sweepOnce) }

func sweepOnce(t *testing.T) {
	g, brokers := inMemory(t, func(c *mqtttest.FakeConn) {
		if c.Greet() {
			// Who has not asked for it drops it.
			kept := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
			kept.TopicName, kept.Payload, kept.Retain = prefix+"/alert/community/old", []byte("x"), true
			_ = kept.Write(c)
			honestly(c)
		}
	})
	asked := g.swept()
	g.start()
	eventually(t, "a question about what is kept", func() bool { return len(asked()) == 1 })
	time.Sleep(time.Minute) // it ends
	visits := brokers[0].Connections()
	brokers[0].Cut()
	eventually(t, "a new connection", func() bool { return count(g.phases(), mqtt.Online) >= 2 })
	time.Sleep(time.Minute)
	g.stop()
	if n := brokers[0].Connections() - visits; n != 1 || asked()["alert/community/old"] != 1 {
		t.Errorf("asked %v, and %d connections after the first", asked(), n)
	}
}

// meter is a budget that is spent until it is opened.
type meter struct {
	mu        sync.Mutex
	open      bool   // guarded by mu
	sent, got uint64 // guarded by mu
}

func (m *meter) Add(sent, got uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent, m.got = m.sent+sent, m.got+got
}
func (m *meter) Spend(int)           {}
func (m *meter) Wait() time.Duration { return 0 }
func (m *meter) Lowest() outbox.Lane {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open {
		return outbox.Evidence
	}
	return outbox.Reply
}

// TestBudget: what the budget does not let through waits, an alert never does,
// and the meter hears of every byte on the line, headers included.
func TestBudget(t *testing.T) {
	b := startMochi(t, nil, nil)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/#")
	g := newGateway(t, b.url())
	g.cfg.Timing = patient()
	m := &meter{}
	g.cfg.Brokers[0].Meter = m
	payload := make([]byte, 3000)
	g.put(outbox.Item{Lane: outbox.Thumbnail, Topic: "thumb/A", Payload: payload}, alert("A", "a"))
	g.start()
	sub.WaitTopic(patience, prefix+"/alert/community/A")
	g.waitDepth(1)
	time.Sleep(50 * time.Millisecond)
	if got := payloads(sub.Messages(), "thumb/A"); len(got) != 0 {
		t.Error("the picture came in spite of the budget")
	}
	m.mu.Lock()
	m.open = true
	m.mu.Unlock()
	g.box.Wake()
	g.waitDepth(0)
	g.stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sent < 3000+500 || m.sent > 3000+6000 || m.got < 200 || m.got > 6000 {
		t.Errorf("%d bytes sent and %d received", m.sent, m.got)
	}
}
