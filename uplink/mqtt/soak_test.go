package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

func ignore(context.Context, string, []byte) {}

// TestRandomCuts adds 500 items from several goroutines while the line is cut
// at random: each arrives at least once, the last message on each topic is the
// newest, and the outbox is empty at the end.
func TestRandomCuts(t *testing.T) {
	b := startMochi(t, nil, nil)
	line := mqtttest.NewLine(t, b.addr)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/#")
	g := newGateway(t, "mqtt://"+line.Addr())
	g.start()
	const workers, each, topics = 5, 100, 10
	stop := make(chan struct{})
	var cutter, adders sync.WaitGroup
	cutter.Go(func() {
		rng := rand.New(rand.NewPCG(7, 7))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(20+rng.IntN(150)) * time.Millisecond):
				line.Cut()
			}
		}
	})
	fails := make(chan error, workers)
	for w := range workers {
		adders.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for i := 0; i < each; i += 5 {
				var items []outbox.Item
				for k := i; k < i+5; k++ {
					items = append(items, outbox.Item{Lane: outbox.Lane(rng.IntN(outbox.Lanes)), Topic: fmt.Sprintf("t/%d/%d", w, k%topics), Payload: fmt.Appendf(nil, "%d", k)})
				}
				if err := g.tryPut(items...); err != nil {
					fails <- err
					return
				}
			}
		})
	}
	adders.Wait()
	eventually(t, "cuts", func() bool { return count(g.phases(), mqtt.Online) >= 3 })
	close(stop)
	cutter.Wait()
	close(fails)
	if err := <-fails; err != nil {
		t.Fatal(err)
	}
	g.waitDepth(0)
	all := sub.Wait(patience, "all items", func(m []mqtttest.Message) bool { return len(seen(m)) >= workers*each })
	checkOrder(t, all, workers, each, topics)
	s := g.client.Stats()
	t.Logf("%d publications for %d items, connected %d times", s.Sent, workers*each, count(g.phases(), mqtt.Online))
}

// seen returns the distinct items among messages.
func seen(all []mqtttest.Message) map[string]bool {
	got := map[string]bool{}
	for _, m := range all {
		if m.Topic != prefix+"/status" && len(m.Payload) > 0 {
			got[m.Topic+"="+string(m.Payload)] = true
		}
	}
	return got
}

// checkOrder holds that each topic brought every item, none for the first time
// after a newer one, and the newest last.
func checkOrder(t *testing.T, all []mqtttest.Message, workers, each, topics int) {
	t.Helper()
	last, newest := map[string]int{}, map[string]int{}
	for _, m := range all {
		var w, k, i int
		if _, err := fmt.Sscanf(m.Topic, prefix+"/t/%d/%d", &w, &k); err != nil || m.Retained {
			continue
		}
		if _, err := fmt.Sscanf(string(m.Payload), "%d", &i); err != nil {
			t.Fatalf("%s brought %q", m.Topic, m.Payload)
		}
		if n, ok := newest[m.Topic]; ok && i > n+topics || !ok && i != k {
			t.Errorf("%s: %d came after %d", m.Topic, i, n)
		}
		newest[m.Topic] = max(newest[m.Topic], i)
		last[m.Topic] = i
	}
	if len(last) != workers*topics {
		t.Errorf("%d topics, want %d", len(last), workers*topics)
	}
	for topic, i := range last {
		if i < each-topics {
			t.Errorf("%s ends with %d", topic, i)
		}
	}
}

func count[T comparable](all []T, x T) (n int) {
	for _, a := range all {
		if a == x {
			n++
		}
	}
	return n
}

// failingSource is an outbox whose disk is full for a while.
type failingSource struct {
	*outbox.Box
	mu       sync.Mutex
	next     int // guarded by mu: how many calls of Next fail
	done     int // guarded by mu: how many calls of Done fail
	sendings int // guarded by mu
}

var errDisk = errors.New("disk full")

func (f *failingSource) Next(ctx context.Context, n int, lowest outbox.Lane, skip map[int64]struct{}) ([]outbox.Item, error) {
	f.mu.Lock()
	f.next--
	bad := f.next >= 0
	f.mu.Unlock()
	if bad {
		return nil, errDisk
	}
	return f.Box.Next(ctx, n, lowest, skip)
}

func (f *failingSource) Done(ctx context.Context, seqs ...int64) error {
	f.mu.Lock()
	f.done--
	bad := f.done >= 0
	f.mu.Unlock()
	if bad {
		return errDisk
	}
	return f.Box.Done(ctx, seqs...)
}

func (f *failingSource) Sending(context.Context, ...int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sendings++
	return errDisk
}

// TestFailingDisk holds that an alert goes out though nothing can be noted, and
// that what is acknowledged is not sent again because it cannot be removed, not
// even on another connection.
func TestFailingDisk(t *testing.T) {
	good := mqtttest.StartFake(t, honest)
	line := mqtttest.NewLine(t, good.URL()[len("mqtt://"):])
	g := newGateway(t, "mqtt://"+line.Addr())
	g.cfg.Timing = patient() // so that it is not sent again for being late
	src := &failingSource{Box: g.box, next: 1, done: 2}
	g.cfg.Source = src
	g.put(alert("A", "a"))
	g.start()
	eventually(t, "the acknowledgement", func() bool { return g.client.Stats().Acked == 1 })
	line.Cut()
	g.waitDepth(0)
	g.stop()
	if got := payloads(good.Published(), "alert/community/A"); len(got) != 1 {
		t.Errorf("the alert was sent %d times", len(got))
	}
	noneLeft(t)
}

// TestWindow holds how much is on its way when nothing is acknowledged: a
// backlog of any lane leaves room for every more urgent one.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int
		steps []int // on their way once a backlog of each lane was added, from Metrics up
	}{
		{"small items", 10, []int{16, 16, 20, 20, 26, 66}},
		{"items of 3000 bytes", 3000, []int{1, 1, 1, 1, 26, 66}},
		{"items of 32 KiB", 32 << 10, []int{1, 1, 1, 1, 26, 66}},
	} {
		mute := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
			if c.Greet() {
				c.Serve(neverAck)
			}
		})
		g := newGateway(t, mute.URL())
		g.cfg.Timing = patient()
		g.cfg.Timing.Grace = 500 * time.Millisecond
		g.start()
		for i, want := range c.steps {
			lane := outbox.Metrics - outbox.Lane(i)
			items := make([]outbox.Item, 40)
			for k := range items {
				items[k] = outbox.Item{Lane: lane, Topic: fmt.Sprintf("%v/%d", lane, k), Payload: make([]byte, c.size)}
			}
			g.put(items...)
			sent := func() int { return len(seen(mute.Published())) }
			eventually(t, fmt.Sprintf("%d %s on their way with %v", want, c.name, lane), func() bool { return sent() >= want })
			time.Sleep(30 * time.Millisecond)
			if n := sent(); n != want {
				t.Errorf("%d %s are on their way with %v, want %d", n, c.name, lane, want)
			}
		}
		g.stop()
	}
	noneLeft(t)
}
