package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
)

const (
	prefix     = "sentrybox/v1/donghu/meiyuan/"
	publishFor = 5 * time.Second
	atOnce     = 20 // connections that are made
	// The real ones do so every two minutes: a broker may have lost a subscription and say nothing.
	echoEvery = 15 * time.Second
)

// fleet is gateways that publish as the real ones do: what a broker has not acknowledged goes out again, at
// another broker if need be.
type fleet struct {
	all  []*gateway
	done context.CancelFunc
	wg   sync.WaitGroup

	mu   sync.Mutex
	ids  []string  // guarded by mu
	last time.Time // guarded by mu: of the newest alert
}

type gateway struct {
	name    string
	brokers []string
	next    int // broker to try

	mu      sync.Mutex
	waiting []message              // guarded by mu: not acknowledged yet, in order
	alerts  map[string]alert.Alert // guarded by mu
	echo    time.Time              // guarded by mu: when a message to ourselves last came back
	more    chan struct{}
}

type message struct {
	topic   string
	retain  bool
	payload []byte
}

func newFleet(n int, brokers []string) *fleet {
	f := &fleet{}
	for i := range n {
		f.all = append(f.all, &gateway{name: fmt.Sprintf("gw-%d", i), brokers: brokers, next: i, alerts: map[string]alert.Alert{}, more: make(chan struct{}, 1)})
	}
	return f
}

// connect starts every gateway and waits until each has said that it is online.
func (f *fleet) connect(ctx context.Context) error {
	run, done := context.WithCancel(ctx)
	f.done = done
	up := make(chan struct{}, len(f.all))
	slots := make(chan struct{}, atOnce)
	for _, g := range f.all {
		g.put(message{prefix + g.name + "/status", true, []byte(`{"state":"online"}`)})
		f.wg.Go(func() {
			once := sync.OnceFunc(func() { up <- struct{}{} })
			for run.Err() == nil {
				select {
				case slots <- struct{}{}:
				case <-run.Done():
					return
				}
				g.session(run, func() { <-slots }, once)
			}
		})
	}
	for range f.all {
		select {
		case <-up:
		case <-time.After(startWithin):
			return fmt.Errorf("no gateway has come up for %v", startWithin)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (f *fleet) stop() {
	if f.done != nil {
		f.done()
	}
	f.wg.Wait()
}

// session is one connection; release is called when it stands or has failed.
func (g *gateway) session(ctx context.Context, release, up func()) {
	gone := make(chan struct{})
	broker := g.brokers[g.next%len(g.brokers)]
	g.next++
	opt := paho.NewClientOptions().AddBroker(broker).SetClientID("street" + strings.ReplaceAll(g.name, "-", "")).SetProtocolVersion(4).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(10 * time.Second).SetWriteTimeout(publishFor).
		SetConnectionLostHandler(func(paho.Client, error) { close(gone) })
	c := paho.NewClient(opt)
	token := c.Connect()
	ok := token.WaitTimeout(15*time.Second) && token.Error() == nil
	if ok {
		t := c.Subscribe(prefix+g.name+"/ack/+", 1, func(_ paho.Client, m paho.Message) { g.answer(m) })
		ok = t.WaitTimeout(15*time.Second) && t.Error() == nil
	}
	release()
	if !ok {
		c.Disconnect(0)
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
		return
	}
	defer c.Disconnect(0)
	echo := time.NewTicker(echoEvery)
	defer echo.Stop()
	g.echoed(time.Now())
	for {
		if m, any := g.first(); any {
			t := c.Publish(m.topic, 1, m.retain, m.payload)
			if !t.WaitTimeout(publishFor) || t.Error() != nil {
				return
			}
			g.taken()
			up()
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-gone:
			return
		case <-g.more:
		case now := <-echo.C:
			if now.Sub(g.lastEcho()) > 2*echoEvery {
				return // deaf
			}
			c.Publish(prefix+g.name+"/ack/echo", 1, false, []byte("{}"))
		}
	}
}

func (g *gateway) echoed(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.echo = at
}

func (g *gateway) lastEcho() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.echo
}

func (g *gateway) put(m message) {
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	g.mu.Unlock()
	select {
	case g.more <- struct{}{}:
	default:
	}
}

func (g *gateway) first() (message, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return message{}, false
	}
	return g.waiting[0], true
}

func (g *gateway) taken() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = g.waiting[1:]
}

func (g *gateway) publish(a alert.Alert) {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts and numbers
	}
	g.put(message{prefix + g.name + "/alert/street/" + a.ID, true, b})
}

func (g *gateway) raise() string {
	now := alert.Time{Time: time.Now()}
	id := ulid.MustNew(ulid.Now(), rand.Reader).String()
	a := alert.Alert{
		ID: id, Rev: 1, Gateway: g.name, Street: "donghu", Community: "meiyuan", Grid: "3", Device: "gate", Kind: "intrusion", Zone: "gate",
		Severity: 2, State: alert.Raised, Level: alert.Street, StartedAt: now, DetectedAt: now, SentAt: now, ClockSynced: true, Confidence: 0.9,
		RespondBy: alert.Time{Time: now.Add(5 * time.Minute)}, HandleBy: alert.Time{Time: now.Add(30 * time.Minute)}, Evidence: []string{}, Count: 1,
	}
	g.mu.Lock()
	g.alerts[id] = a
	g.mu.Unlock()
	g.publish(a)
	return id
}

// answer takes an answer of a duty room, as a gateway does: the same again changes nothing.
func (g *gateway) answer(m paho.Message) {
	id := m.Topic()[strings.LastIndex(m.Topic(), "/")+1:]
	if id == "echo" {
		g.echoed(time.Now())
		return
	}
	g.mu.Lock()
	a, ok := g.alerts[id]
	if !ok || a.State != alert.Raised {
		g.mu.Unlock()
		return
	}
	a.Rev, a.State, a.AcknowledgedAt = a.Rev+1, alert.Acknowledged, alert.Time{Time: time.Now()}
	g.alerts[id] = a
	g.mu.Unlock()
	g.publish(a)
}

// burst raises alerts all over the fleet.
func (f *fleet) burst(ctx context.Context, rate int, d time.Duration, each func(n int, id string)) (n int, err error) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for total := rate * int(d/time.Second); n < total; n++ {
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case <-tick.C:
		}
		id := f.all[n*7919%len(f.all)].raise()
		f.mu.Lock()
		f.ids, f.last = append(f.ids, id), time.Now()
		f.mu.Unlock()
		each(n, id)
	}
	return n, nil
}

func (f *fleet) raised() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.ids...)
}

func (f *fleet) lastRaised() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}
