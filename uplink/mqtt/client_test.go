package mqtt_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

type broker struct {
	*mochi.Server
	addr string
}

func (b broker) url() string { return "mqtt://" + b.addr }

// startMochi starts a broker in this process. Without a ledger everybody may
// do everything.
func startMochi(t testing.TB, ledger *auth.Ledger, cfg *tls.Config) broker {
	t.Helper()
	s := mochi.New(&mochi.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	var err error
	if ledger == nil {
		err = s.AddHook(new(auth.AllowHook), nil)
	} else {
		err = s.AddHook(new(auth.Hook), &auth.Options{Ledger: ledger})
	}
	ln := listeners.NewTCP(listeners.Config{ID: "t", Address: "127.0.0.1:0", TLSConfig: cfg})
	if err := errors.Join(err, s.AddListener(ln)); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return broker{s, ln.Address()}
}

func TestItemsArriveInOrderOfPriority(t *testing.T) {
	b := startMochi(t, nil, nil)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/#")
	g := newGateway(t, b.url())
	g.cfg.Timing = patient()
	g.put(
		outbox.Item{Lane: outbox.Metrics, Topic: "metrics", Payload: []byte("m")},
		outbox.Item{Lane: outbox.State, Topic: "device/cam", Key: "cam", Retain: true, Payload: []byte("s")},
		alert("A", "raised"),
		outbox.Item{Lane: outbox.Thumbnail, Topic: "thumb/A", After: "A", Payload: []byte("jpeg")},
		outbox.Item{Lane: outbox.Alert, Topic: "alert/community/A", Retain: true}, // closed: clears the topic
		outbox.Item{Lane: outbox.Reply, Topic: "cmd/1/result", Payload: []byte("r")},
	)
	g.start()
	g.waitDepth(0)
	all := sub.Wait(patience, "everything", func(m []mqtttest.Message) bool { return len(m) >= 7 })
	var order []string
	for _, m := range all {
		order = append(order, strings.TrimPrefix(m.Topic, prefix+"/")+"="+string(m.Payload))
	}
	before := func(x, y string) {
		i, j := slices.Index(order, x), slices.Index(order, y)
		if i < 0 || j < 0 || i > j {
			t.Errorf("%s (%d) must come before %s (%d) in %q", x, i, y, j, order)
		}
	}
	before(`status={"state":"online"}`, "alert/community/A=raised")
	before("alert/community/A=raised", "alert/community/A=")
	before("alert/community/A=raised", "thumb/A=jpeg")
	before("cmd/1/result=r", "device/cam=s")
	before("alert/community/A=raised", "metrics=m")
	if s := g.waitState(mqtt.Online); s.Err != nil || s.Broker != b.url() {
		t.Errorf("state %+v", s)
	}
	g.stop() // so that nothing comes after what is retained
	// Retained is what is to be retained, and the cleared alert is not.
	late := mqtttest.Subscribe(t, b.url(), prefix+"/#")
	late.Publish(prefix+"/end", false, nil)
	late.WaitTopic(patience, prefix+"/end")
	got := late.Messages()
	if len(got) != 3 || payloads(got, "device/cam") == nil || payloads(got, "alert/community/A") != nil || payloads(got, "status") == nil {
		t.Errorf("retained are %v", got)
	}
}

func TestStatusAndLastWill(t *testing.T) {
	b := startMochi(t, nil, nil)
	line := mqtttest.NewLine(t, b.addr)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/status")
	g := newGateway(t, "mqtt://"+line.Addr())
	g.cfg.Timing = patient()
	g.cfg.Timing.Grace = 4 * patience // what is acknowledged ends the stop
	g.start()
	const online, offline = `{"state":"online"}`, `{"state":"offline"}`
	said := func(all []mqtttest.Message) (got []string) {
		for _, m := range all {
			if s := string(m.Payload); s != online || len(got) == 0 || got[len(got)-1] != online { // which is said again after a while
				got = append(got, s)
			}
		}
		return got
	}
	status := func(want ...string) {
		t.Helper()
		all := sub.Wait(patience, "status "+want[len(want)-1], func(m []mqtttest.Message) bool { return len(said(m)) >= len(want) })
		if got := said(all); !slices.Equal(got, want) {
			t.Fatalf("status was %q, want %q", got, want)
		}
	}
	status(online)
	g.waitState(mqtt.Online)
	line.Down(true) // the line breaks: the broker speaks for us
	status(online, offline)
	line.Down(false)
	status(online, offline, online)
	g.waitDepth(0)
	g.stop()
	status(online, offline, online, offline) // said by us, once
	late := mqtttest.Subscribe(t, b.url(), prefix+"/status")
	if m := late.WaitTopic(patience, prefix+"/status"); string(m.Payload) != offline || !m.Retained {
		t.Errorf("retained status is %s", m.Payload)
	}
	if p := g.phases(); p[len(p)-1] != mqtt.Offline {
		t.Errorf("states were %v", p)
	}
}

func TestIncoming(t *testing.T) {
	b := startMochi(t, nil, nil)
	g := newGateway(t, b.url())
	g.cfg.Timing = patient()
	var mu sync.Mutex
	var got []string
	handle := func(name string) func(context.Context, string, []byte) {
		return func(_ context.Context, topic string, payload []byte) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%s:%s=%s", name, topic, payload))
		}
	}
	g.cfg.Subscriptions = []mqtt.Subscription{{Filter: "ack/+", Handle: handle("ack")}, {Filter: "cmd/+", Handle: handle("cmd")}}
	g.start()
	g.waitState(mqtt.Online)
	pub := mqtttest.Subscribe(t, b.url(), "nothing")
	var want []string
	for i := range 20 { // in order, though paho would not keep it by default
		pub.Publish(prefix+"/ack/A", false, fmt.Append(nil, i))
		want = append(want, fmt.Sprintf("ack:ack/A=%d", i))
	}
	pub.Publish(prefix+"/cmd/1/result", false, []byte("not ours"))
	pub.Publish(prefix+"/cmd/1", false, make([]byte, mqtt.MaxIncoming+1)) // too long: dropped, and the line lives on
	pub.Publish(prefix+"/cmd/2", false, []byte("last"))
	want = append(want, "cmd:cmd/2=last")
	eventually(t, "messages", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= len(want) })
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if s := g.client.Stats(); s.Oversized != 1 || s.Dropped != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestFloodNeitherBlocksNorGrows(t *testing.T) {
	b := startMochi(t, nil, nil)
	g := newGateway(t, b.url())
	g.cfg.Timing = patient()
	release := make(chan struct{})
	g.cfg.Subscriptions = []mqtt.Subscription{{Filter: "cmd/+", Handle: func(context.Context, string, []byte) { <-release }}}
	g.start()
	g.waitState(mqtt.Online)
	pub := mqtttest.Subscribe(t, b.url(), "nothing")
	for i := range 1400 {
		pub.Publish(prefix+"/cmd/x", false, fmt.Append(nil, i))
	}
	eventually(t, "drops", func() bool { return g.client.Stats().Dropped >= 1400-1024-1 })
	g.put(alert("A", "through the flood"))
	g.waitDepth(0)
	close(release)
}

func TestRefusedPassword(t *testing.T) {
	b := startMochi(t, &auth.Ledger{Auth: auth.AuthRules{{Username: "gw", Password: "right-8871", Allow: true}}}, nil)
	g := newGateway(t)
	g.cfg.Brokers = []mqtt.Broker{{URL: b.url(), Username: "gw", Password: "wrong-8871"}}
	g.cfg.Timing.Refused = time.Minute
	g.put(alert("A", "kept"))
	g.start()
	if s := g.waitState(mqtt.Refused); s.Err == nil {
		t.Fatal("refused without a reason")
	}
	time.Sleep(500 * time.Millisecond) // many times the shortest back-off
	g.stop()
	if n := strings.Count(g.log.String(), "state=refused"); n != 1 || g.depth() != 1 {
		t.Errorf("refused %d times, %d items left", n, g.depth())
	}
	if strings.Contains(g.log.String(), "8871") {
		t.Error("the password is in the log")
	}
	// The right one, from the URL.
	g.cfg.Brokers = []mqtt.Broker{{URL: "mqtt://gw:right-8871@" + b.addr}}
	g.start()
	g.waitDepth(0)
	if strings.Contains(g.log.String(), "8871") {
		t.Error("the password is in the log")
	}
}

func TestTLS(t *testing.T) {
	certs, others := mqtttest.NewCerts(t), mqtttest.NewCerts(t)
	b := startMochi(t, nil, certs.Server(t))
	for _, c := range []struct {
		name string
		b    mqtt.Broker
		want mqtt.Phase
	}{
		{"an authority that we trust", mqtt.Broker{URL: "mqtts://" + b.addr, TLS: certs.Anonymous()}, mqtt.Online},
		{"an authority that we do not know", mqtt.Broker{URL: "mqtts://" + b.addr, TLS: others.Anonymous()}, mqtt.BadTLS},
		{"the system's authorities", mqtt.Broker{URL: "ssl://" + b.addr}, mqtt.BadTLS},
	} {
		g := newGateway(t)
		g.cfg.Brokers = []mqtt.Broker{c.b}
		g.put(alert("A", "x"))
		g.start()
		g.waitState(c.want)
		if c.want == mqtt.Online {
			g.waitDepth(0)
		}
		g.stop()
	}
	plain := startMochi(t, nil, nil)
	g := newGateway(t, "mqtts://"+plain.addr).start()
	eventually(t, "a state for a broker that speaks no TLS", func() bool { return len(g.phases()) > 0 })
	if p := g.phases(); p[0] == mqtt.Online {
		t.Errorf("states %v", p)
	}
}

func TestRenderKnowsWhatIsRepeated(t *testing.T) {
	b := startMochi(t, nil, nil)
	sub := mqtttest.Subscribe(t, b.url(), prefix+"/alert/#")
	mute := mqtttest.StartFake(t, func(c *mqtttest.FakeConn) {
		if c.N == 1 && c.Greet() {
			c.Serve(func(p *packets.PublishPacket) bool { return !strings.HasSuffix(p.TopicName, "/A") })
		}
	})
	g := newGateway(t, mute.URL(), b.url())
	g.cfg.Timing = patient()
	g.cfg.Render = func(it outbox.Item, d mqtt.Delivery) ([]byte, error) {
		if string(it.Payload) == "bad" {
			return nil, errors.New("no form for it")
		}
		return fmt.Appendf(nil, "%s attempt=%d replayed=%t", it.Payload, d.Attempt, d.Replayed), nil
	}
	g.put(alert("A", "first"), alert("B", "bad"))
	g.start()
	m := sub.WaitTopic(patience, prefix+"/alert/community/A")
	if got := string(m.Payload); got != "first attempt=2 replayed=true" {
		t.Errorf("second attempt is %q", got)
	}
	g.waitDepth(1) // the one that has no form stays, and holds up nobody
	g.put(alert("C", "new"), outbox.Item{Lane: outbox.Alert, Topic: "alert/community/A", Retain: true})
	m = sub.WaitTopic(patience, prefix+"/alert/community/C")
	if got := string(m.Payload); got != "new attempt=1 replayed=false" {
		t.Errorf("first attempt is %q", got)
	}
	got := sub.Wait(patience, "the clearing", func(m []mqtttest.Message) bool { return len(payloads(m, "alert/community/A")) == 2 })
	if p := payloads(got, "alert/community/A"); p[1] != "" {
		t.Errorf("the clearing became %q", p[1])
	}
	g.waitDepth(1)
}

func TestBadConfigs(t *testing.T) {
	good := newGateway(t, "mqtt://127.0.0.1").cfg
	for name, change := range map[string]func(*mqtt.Config){
		"scheme":         func(c *mqtt.Config) { c.Brokers[0].URL = "http://u:topsecret@h" },
		"unreadable":     func(c *mqtt.Config) { c.Brokers[0].URL = "mqtt://u:topsecret@h:x y" },
		"path":           func(c *mqtt.Config) { c.Brokers[0].URL = "mqtt://u:topsecret@h/mqtt" },
		"no host":        func(c *mqtt.Config) { c.Brokers[0].URL = "mqtt://" },
		"only password":  func(c *mqtt.Config) { c.Brokers[0].Password = "topsecret" },
		"prefix":         func(c *mqtt.Config) { c.Prefix = "a/+/b" },
		"trailing slash": func(c *mqtt.Config) { c.Prefix = "a/" },
		"client id":      func(c *mqtt.Config) { c.ClientID = "" },
		"source":         func(c *mqtt.Config) { c.Source = nil },
		"filter":         func(c *mqtt.Config) { c.Subscriptions = []mqtt.Subscription{{Filter: "a+"}} },
	} {
		cfg := good
		cfg.Brokers = slices.Clone(good.Brokers)
		change(&cfg)
		_, err := mqtt.New(cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if s := fmt.Sprintf("%v %+v %#v %s", err, cfg.Brokers, cfg.Brokers, slog.AnyValue(cfg.Brokers)); strings.Contains(s, "topsecret") {
			t.Errorf("%s: the password shows in %s", name, s)
		}
	}
}

func TestLoadTLSNamesEveryProblem(t *testing.T) {
	certs := mqtttest.NewCerts(t)
	if _, err := mqtt.LoadTLS(certs.CA, certs.ClientCert, certs.ClientKey, ""); err != nil {
		t.Error(err)
	}
	if _, err := mqtt.LoadTLS("", "", "", ""); err != nil {
		t.Error(err)
	}
	_, err := mqtt.LoadTLS(certs.ClientKey, certs.ClientCert, "", "")
	if err == nil || !strings.Contains(err.Error(), "no certificate in") || !strings.Contains(err.Error(), "needs its key") {
		t.Errorf("both problems are to be named: %v", err)
	}
	if _, err := mqtt.LoadTLS("/does/not/exist", certs.ClientCert, certs.CA, ""); err == nil {
		t.Error("a missing CA and a key that is none were taken")
	}
}
