//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"sentrybox/uplink/mqtt/mqtttest"
)

// TestNothingLost: alerts raised while a broker accepts connections and never
// acknowledges, and while the gateway is killed six times, all arrive once a
// real broker is back.
func TestNothingLost(t *testing.T) {
	var mu sync.Mutex
	swallowed := 0
	silent := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
		if !c.Greet() {
			return
		}
		c.Serve(func(*packets.PublishPacket) bool {
			mu.Lock()
			defer mu.Unlock()
			swallowed++
			return true // and no PUBACK
		})
	})
	g := start(t, silent.URL(), head)
	var ids []string
	for range 6 {
		for i := range 5 {
			ids = append(ids, g.mustRaise(i%4+1))
		}
		// The first kill is to come while something is on its way.
		waitFor(t, "an alert sent to the silent broker", func() bool { return len(alerts(t, silent.Published())) > 0 })
		g.kill()
		g.run()
	}
	ids = append(ids, g.mustRaise(2))
	g.kill()
	mu.Lock()
	t.Logf("the silent broker swallowed %d messages", swallowed)
	mu.Unlock()
	sent := alerts(t, silent.Published())
	silent.Close()

	addr := strings.TrimPrefix(silent.URL(), "mqtt://")
	var port int
	if _, err := fmt.Sscanf(addr, "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{Port: port})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"alert/#")
	g.run()
	checkAll(t, sub, ids)
	for _, a := range alerts(t, sub.Messages()) {
		if sent[a.ID].ID != "" && !a.Replayed {
			t.Errorf("alert %s was sent before a kill and is not marked replayed", a.ID)
		}
	}
}

// checkAll waits until every alert has come, and no other.
func checkAll(t *testing.T, sub *mqtttest.Subscriber, ids []string) {
	t.Helper()
	if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
		t.Fatal("raise printed an id twice")
	}
	sub.Wait(patience, fmt.Sprintf("arrival of %d alerts", len(ids)), func(got []mqtttest.Message) bool {
		have := alerts(t, got)
		return !slices.ContainsFunc(ids, func(id string) bool { return have[id].ID == "" })
	})
	time.Sleep(time.Second) // for what should not come
	for id := range alerts(t, sub.Messages()) {
		if !slices.Contains(ids, id) {
			// A raise that was cut off by the kill may have been durable before it
			// could print. It has an id of its own and is no copy of another.
			t.Logf("alert %s came, though raise could not print it", id)
		}
	}
}

// TestKilledAtAnyMoment raises alerts while the gateway is killed at random and
// the broker too: what raise printed arrives, under the printed id. SENTRYBOX_KILLS=100 is the long form.
func TestKilledAtAnyMoment(t *testing.T) {
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"alert/#")
	g := start(t, mosquitto.URL(), head)
	stop := make(chan struct{})
	var ids []string
	var raised atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if id, err := g.raise(n%4 + 1); err == nil {
				ids = append(ids, id)
				raised.Add(1)
			}
		}
	})
	rnd := rand.New(rand.NewPCG(1, 2))
	n := kills(t, 10)
	for i := range n {
		time.Sleep(time.Duration(200+rnd.IntN(800)) * time.Millisecond)
		g.kill()
		if i%10 == 4 {
			mosquitto.Kill()
			mosquitto.Start()
		}
		g.run()
	}
	waitFor(t, "as many alerts as kills", func() bool { return raised.Load() >= int64(n) }) // a slow machine raises few
	close(stop)
	wg.Wait()
	t.Logf("%d alerts were raised over %d kills", len(ids), n)
	checkAll(t, sub, ids)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, patience)
}
