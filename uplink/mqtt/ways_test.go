package mqtt_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

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
func TestFailOverAndBack(t *testing.T) {
	first, second := startMochi(t, nil, nil), startMochi(t, nil, nil)
	line := mqtttest.NewLine(t, first.addr)
	g := newGateway(t, "mqtt://"+line.Addr(), second.url())
	g.cfg.Timing = nimble()
	g.start()
	is := func(want int) {
		t.Helper()
		eventually(t, "change of the uplink", func() bool { return uplinkNow(g) == want })
	}
	atFirst, atSecond := mqtttest.Subscribe(t, first.url(), prefix+"/#"), mqtttest.Subscribe(t, second.url(), prefix+"/#")
	is(0)
	line.Silence(true) // idle
	is(1)
	g.put(alert("A", "a"))
	g.waitDepth(0)
	atSecond.WaitTopic(patience, prefix+"/alert/community/A")
	line.Silence(false)
	is(0)
	if s := g.client.Uplinks()[1]; s.Phase != mqtt.Standby {
		t.Errorf("the other uplink is %v", s.Phase)
	}
	g.put(alert("B", "b"))
	g.waitDepth(0)
	atFirst.WaitTopic(patience, prefix+"/alert/community/B")
}

// TestBothLinesSilent: with nowhere to go a silent path is kept, and what was on
// its way is not sent twice when it answers late.
func TestBothLinesSilent(t *testing.T) {
	first := startMochi(t, nil, nil)
	line := mqtttest.NewLine(t, first.addr)
	dead := mqtttest.NewLine(t, first.addr)
	dead.Silence(true)
	g := newGateway(t, "mqtt://"+line.Addr(), "mqtt://"+dead.Addr())
	g.cfg.Timing = nimble()
	g.start()
	eventually(t, "the first uplink", func() bool { return uplinkNow(g) == 0 })
	line.Silence(true)
	g.put(alert("A", "a"))
	time.Sleep(2 * g.cfg.Timing.Suspect)
	line.Silence(false)
	g.waitDepth(0)
	if n := count(g.phases(), mqtt.Online); n != 1 || g.client.Stats().Acked != 1 {
		t.Errorf("online %d times, %+v", n, g.client.Stats())
	}
}

// TestSweep: what a broker keeps from before is asked about when it is used for
// the first time, and not again while no other was used.
func TestSweep(t *testing.T) {
	b := startMochi(t, nil, nil)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/#")
	sub.Publish(prefix+"/alert/community/old", true, []byte("x"))
	sub.Publish(prefix+"/alert/street/older", true, []byte("y"))
	sub.Publish(prefix+"/device/d", true, []byte("z"))
	line := mqtttest.NewLine(t, b.addr)
	g := newGateway(t, "mqtt://"+line.Addr())
	var mu sync.Mutex
	asked := map[string]int{}
	g.cfg.Timing.Ping = time.Second
	g.cfg.Swept = "alert/+/+"
	g.cfg.Sweep = func(_ context.Context, topic string) {
		mu.Lock()
		defer mu.Unlock()
		asked[topic]++
	}
	g.start()
	all := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(asked) == 2
	}
	eventually(t, "questions about what is kept", all)
	time.Sleep(2 * g.cfg.Timing.Ping) // it ends
	line.Cut()
	eventually(t, "a new connection", func() bool { return count(g.phases(), mqtt.Online) >= 2 })
	g.stop()
	for topic, n := range asked {
		if n != 1 || !strings.HasPrefix(topic, "alert/") {
			t.Errorf("asked %d times about %s", n, topic)
		}
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
