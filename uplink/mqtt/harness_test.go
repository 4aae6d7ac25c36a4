package mqtt_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

// patience is how long the tests wait for what must come: what is asserted is that it comes, not how fast.
const patience = 2 * time.Minute

const prefix = "sentrybox/v1/donghu/meiyuan/gw-1"

// quick is a timing for tests.
func quick() mqtt.Timing {
	return mqtt.Timing{Connect: 3 * time.Second, Write: 2 * time.Second, KeepAlive: 5 * time.Second, Ping: 5 * time.Second,
		Ack: 3 * time.Second, BackoffMin: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond, Stable: 200 * time.Millisecond,
		Grace: 500 * time.Millisecond}
}

// patient is quick for tests in which a connection ends by what the test does, and never for being late.
func patient() mqtt.Timing {
	t := quick()
	t.Connect, t.Write, t.KeepAlive, t.Ping, t.Ack, t.Grace = patience, patience, patience, patience, patience, patience
	return t
}

// gateway is an outbox and a client of it.
type gateway struct {
	t   testing.TB
	db  *sql.DB
	box *outbox.Box
	cfg mqtt.Config
	log *syncBuffer
	net map[string]*mqtttest.Fake // brokers in memory, by host and port

	client *mqtt.Client
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	states []mqtt.State // guarded by mu
}

type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newGateway(t testing.TB, urls ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, log: &syncBuffer{}}
	var err error
	g.db, err = sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "box.db")+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	g.db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = g.db.Close() })
	for _, step := range outbox.Schema() {
		if _, err := g.db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	if g.box, err = outbox.New(t.Context(), g.db, nil); err != nil {
		t.Fatal(err)
	}
	g.cfg = mqtt.Config{Prefix: prefix, ClientID: "gw-1", Source: g.box, Timing: quick(),
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(g.log), &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnState: func(s mqtt.State) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.states = append(g.states, s)
		}}
	for _, u := range urls {
		g.cfg.Brokers = append(g.cfg.Brokers, mqtt.Broker{URL: u})
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the client logged:\n%s", g.log.String())
		}
	})
	return g
}

// inMemory is a gateway and its brokers, of which each does what a script says, for a bubble of testing/synctest.
func inMemory(t testing.TB, scripts ...func(*mqtttest.FakeConn)) (*gateway, []*mqtttest.Fake) {
	t.Helper()
	g := newGateway(t)
	g.net = map[string]*mqtttest.Fake{}
	var fakes []*mqtttest.Fake
	for i, s := range scripts {
		fakes = append(fakes, mqtttest.NewFake(t, s))
		g.net[fmt.Sprintf("broker-%d:1883", i)] = fakes[i]
		g.cfg.Brokers = append(g.cfg.Brokers, mqtt.Broker{URL: fmt.Sprintf("mqtt://broker-%d", i)})
	}
	return g, fakes
}

// start runs the client. It is stopped with the test at the latest.
func (g *gateway) start() *gateway {
	g.t.Helper()
	var err error
	if g.client, err = mqtt.New(g.cfg); err != nil {
		g.t.Fatal(err)
	}
	if g.net != nil {
		g.client.ReachBy(func(ctx context.Context, addr string) (net.Conn, error) { return g.net[addr].Dial(ctx, addr) })
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel, g.done = cancel, make(chan error, 1)
	go func() { g.done <- g.client.Run(ctx) }()
	g.t.Cleanup(func() { g.stop() })
	return g
}

// stop ends Run and returns how long it took.
func (g *gateway) stop() time.Duration {
	g.t.Helper()
	if g.cancel == nil {
		return 0
	}
	began := time.Now()
	g.cancel()
	g.cancel = nil
	select {
	case err := <-g.done:
		if err != nil {
			g.t.Errorf("Run ended with %v", err)
		}
	case <-time.After(patience):
		g.t.Fatalf("Run does not end:\n%s", stacks())
	}
	return time.Since(began)
}

func (g *gateway) put(items ...outbox.Item) {
	g.t.Helper()
	if err := g.tryPut(items...); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) tryPut(items ...outbox.Item) error {
	ctx := context.Background()
	tx, err := g.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, it := range items {
		if _, err := g.box.Put(ctx, tx, it); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	g.box.Wake()
	return nil
}

// depth returns how many items wait.
func (g *gateway) depth() (n int) {
	g.t.Helper()
	if err := g.db.QueryRow(`SELECT count(*) FROM outbox`).Scan(&n); err != nil {
		g.t.Fatal(err)
	}
	return n
}

func (g *gateway) waitDepth(want int) {
	g.t.Helper()
	eventually(g.t, fmt.Sprintf("%d items in the outbox", want), func() bool { return g.depth() == want })
}

// waitState waits for a state of a phase.
func (g *gateway) waitState(p mqtt.Phase) mqtt.State {
	g.t.Helper()
	var s mqtt.State
	eventually(g.t, "state "+p.String(), func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		i := slices.IndexFunc(g.states, func(s mqtt.State) bool { return s.Phase == p })
		if i >= 0 {
			s = g.states[i]
		}
		return i >= 0
	})
	return s
}

func (g *gateway) phases() (p []mqtt.Phase) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.states {
		p = append(p, s.Phase)
	}
	return p
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, patience)
		}
	}
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// noneLeft holds that nothing of the client or of paho is running. It is for
// tests without a subscriber, who runs paho too.
func noneLeft(t testing.TB) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		left = nil
		for g := range strings.SplitSeq(stacks(), "\n\n") {
			if strings.Contains(g, "paho.mqtt.golang.") || strings.Contains(g, "uplink/mqtt.(") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Fatalf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
}

func alert(id, payload string) outbox.Item {
	return outbox.Item{Lane: outbox.Alert, Topic: "alert/community/" + id, Key: id, Retain: true, Payload: []byte(payload)}
}

func payloads(all []mqtttest.Message, topic string) (got []string) {
	for _, m := range all {
		if m.Topic == prefix+"/"+topic {
			got = append(got, string(m.Payload))
		}
	}
	return got
}
