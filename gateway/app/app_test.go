package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/store"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

// patience is how long is waited for what must come.
const patience = 5 * time.Minute

func startBroker(t *testing.T) (url string) {
	t.Helper()
	s := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	l := listeners.NewTCP(listeners.Config{ID: "test", Address: "127.0.0.1:0"})
	for _, err := range []error{s.AddHook(new(auth.AllowHook), nil), s.AddListener(l), s.Serve()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = s.Close() })
	return "mqtt://" + l.Address()
}

func parse(t *testing.T, data, broker string) *config.Config {
	t.Helper()
	doc := `
gateway: {id: 岗-1, street: donghu, community: 梅园}
data: ` + data + `
uplink: {mqtt: [{url: "` + broker + `"}]}
`
	cfg, err := config.Parse(filepath.Join(data, "config.yaml"), []byte(doc), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// runApp runs a gateway until the test or stop ends it.
func runApp(t *testing.T, cfg *config.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&App{Config: cfg, Log: slog.New(slog.DiscardHandler)}).Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func raise(t *testing.T, dir string, severity int) string {
	t.Helper()
	req := control.Request{ID: ulid.Make().String(), Kind: control.Test, Severity: severity}
	var err error
	for range 15_000 {
		var id string
		if id, err = control.Raise(t.Context(), dir, req); err == nil {
			return id
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal(err)
	return ""
}

// TestRaiseAnswerClose follows an alert through the assembled gateway, with names
// in Chinese in the topics.
func TestRaiseAnswerClose(t *testing.T) {
	broker, data := startBroker(t), t.TempDir()
	const prefix = "sentrybox/v1/donghu/梅园/岗-1/"
	sub := mqtttest.Subscribe(t, broker, prefix+"#")
	stop := runApp(t, parse(t, data, broker))
	id := raise(t, data, 2)
	if s, err := control.Health(t.Context(), data); err != nil || len(s.Stuck) != 0 {
		t.Errorf("its health is %+v, %v", s, err)
	}
	topic := prefix + "alert/community/" + id
	var a alert.Alert
	if err := json.Unmarshal(sub.WaitTopic(patience, topic).Payload, &a); err != nil {
		t.Fatal(err)
	}
	if a.ID != id || a.Rev != 1 || a.Kind != "test" || a.Device != "岗-1" || a.Severity != 2 || a.State != alert.Raised || a.SentAt.IsZero() || a.Replayed {
		t.Errorf("alert %+v", a)
	}
	for _, bad := range []string{`nonsense`, `{"action":"fly"}`} {
		sub.Publish(prefix+"ack/"+id, false, []byte(bad))
	}
	sub.Publish(prefix+"ack/not-an-id", false, []byte(`{"action":"ack"}`))
	sub.Publish(prefix+"ack/"+id, false, []byte(`{"action":"false","by":"李"}`))
	messages := sub.Wait(patience, "the cleared topic", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return m.Topic == topic && len(m.Payload) == 0 })
	})
	states, rev := "", 0
	for _, m := range messages {
		if m.Topic == topic && len(m.Payload) > 0 {
			if err := json.Unmarshal(m.Payload, &a); err != nil {
				t.Fatal(err)
			}
			if a.Rev > rev { // as a receiver does
				states, rev = states+" "+string(a.State), a.Rev
			}
		}
	}
	if states != " raised false" {
		t.Errorf("states%s", states)
	}
	drained(t, data)
	stop()
	last := sub.Wait(patience, "offline", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
			return strings.HasSuffix(m.Topic, "/status") && string(m.Payload) == `{"state":"offline"}`
		})
	})
	if len(last) == 0 {
		t.Error("no farewell")
	}
	empty(t, data)
}

// empty checks that nothing is left in the outbox of a data folder.
func empty(t *testing.T, data string) {
	t.Helper()
	st, err := store.Open(t.Context(), data, store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	box, err := outbox.New(t.Context(), st.DB(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, _, err := box.Depth(t.Context(), outbox.Alert); n != 0 || err != nil {
		t.Errorf("%d alerts wait, %v", n, err)
	}
}

// drained waits until no alert waits: what a broker hands on it has not yet acknowledged.
func drained(t *testing.T, data string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "sentrybox.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for n := 1; n > 0; time.Sleep(10 * time.Millisecond) {
		if err := db.QueryRow(`SELECT count(*) FROM outbox WHERE lane = ?`, outbox.Alert).Scan(&n); err != nil {
			n = 1 // it is busy
		}
	}
}

// TestRaisedWithoutALine: what was raised while no broker was there is sent by
// the next run.
func TestRaisedWithoutALine(t *testing.T) {
	data := t.TempDir()
	stop := runApp(t, parse(t, data, "mqtt://127.0.0.1:1"))
	id := raise(t, data, 1)
	stop()
	broker := startBroker(t)
	sub := mqtttest.Subscribe(t, broker, "sentrybox/#")
	runApp(t, parse(t, data, broker))
	for _, level := range alert.Levels() {
		sub.WaitTopic(patience, "sentrybox/v1/donghu/梅园/岗-1/alert/"+string(level)+"/"+id)
	}
}

func TestOneGatewayADataFolder(t *testing.T) {
	data := t.TempDir()
	cfg := parse(t, data, "mqtt://127.0.0.1:1")
	runApp(t, cfg)
	raise(t, data, 3)
	err := (&App{Config: cfg, Log: slog.New(slog.DiscardHandler)}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second gateway: %v", err)
	}
	raise(t, data, 3) // the first goes on
}

// TestBrokerThatForgets: a broker that comes back empty gets the open alerts and
// the states again.
func TestBrokerThatForgets(t *testing.T) {
	broker, data := startBroker(t), t.TempDir()
	id := func() string {
		stop := runApp(t, parse(t, data, broker))
		defer stop()
		id := raise(t, data, 2)
		mqtttest.Subscribe(t, broker, "sentrybox/#").WaitTopic(patience, "sentrybox/v1/donghu/梅园/岗-1/alert/community/"+id)
		drained(t, data)
		return id
	}()
	empty(t, data)
	other := startBroker(t) // knows nothing
	sub := mqtttest.Subscribe(t, other, "sentrybox/#")
	runApp(t, parse(t, data, other))
	m := sub.WaitTopic(patience, "sentrybox/v1/donghu/梅园/岗-1/alert/community/"+id)
	var a alert.Alert
	if err := json.Unmarshal(m.Payload, &a); err != nil || a.ID != id || a.Rev != 1 || !a.Replayed {
		t.Errorf("published again: %s, %v", m.Payload, err)
	}
}

// TestBoardRetries: a state that could not be queued is queued later, in its
// newest form.
func TestBoardRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		fail := 2
		b := newBoard(func(_ context.Context, it outbox.Item) error {
			if fail > 0 {
				fail--
				return errors.New("disk full")
			}
			got = append(got, it.Topic+" "+string(it.Payload))
			return nil
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.run(ctx) }()
		b.post("gate", "online")
		synctest.Wait()
		b.post("gate", "stalled")
		time.Sleep(time.Minute)
		b.again()
		synctest.Wait()
		cancel()
		<-done
		if want := []string{`device/gate "stalled"`, `device/gate "stalled"`}; !slices.Equal(got, want) {
			t.Errorf("queued %q, want %q", got, want)
		}
	})
}

// TestLocalBroker: with no world outside, the duty room on the same network gets
// the alert, answers it, and finds it again after a restart; its answer counts
// once, wherever it comes from.
func TestLocalBroker(t *testing.T) {
	data := t.TempDir()
	cfg := parse(t, data, "mqtt://127.0.0.1:1")
	port := fmt.Sprint(mqtttest.FreePort(t))
	cfg.Broker = config.Broker{Listen: "127.0.0.1:" + port, Clients: 8, Users: []config.BrokerUser{
		{Name: "duty", Role: "duty", Password: config.NewSecret("right")},
	}}
	const prefix = "sentrybox/v1/donghu/梅园/岗-1/"
	who := mqtttest.SubscriberOptions{Username: "duty", Password: "right"}
	stop := runApp(t, cfg)
	id := raise(t, data, 1)
	sub := mqtttest.Subscribe(t, "mqtt://127.0.0.1:"+port, prefix+"#", who)
	topic := prefix + "alert/street/" + id
	sub.WaitTopic(patience, topic)
	if got := string(sub.WaitTopic(patience, prefix+"status").Payload); got != `{"state":"online"}` {
		t.Errorf("status %s", got)
	}
	stop()
	outside := startBroker(t)
	cfg = parseWith(t, data, outside, cfg.Broker)
	far := mqtttest.Subscribe(t, outside, prefix+"#")
	runApp(t, cfg)
	sub.WaitUp(2)
	sub.Wait(patience, "the open alert again", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return m.Topic == topic && m.Retained })
	})
	sub.Publish(prefix+"ack/"+id, false, []byte(`{"action":"ack","by":"近"}`))
	far.WaitTopic(patience, topic)
	far.Publish(prefix+"ack/"+id, false, []byte(`{"action":"ack","by":"远"}`))
	far.Publish(prefix+"ack/"+id, false, []byte(`{"action":"handled","by":"远"}`))
	for name, s := range map[string]*mqtttest.Subscriber{"local": sub, "outside": far} {
		got := s.Wait(patience, "the end of the alert, "+name, func(got []mqtttest.Message) bool {
			return slices.ContainsFunc(got, func(m mqtttest.Message) bool { return m.Topic == topic && len(m.Payload) == 0 })
		})
		revs := map[int]alert.State{}
		for _, m := range got {
			var a alert.Alert
			if m.Topic == topic && json.Unmarshal(m.Payload, &a) == nil {
				revs[a.Rev] = a.State
			}
		}
		// The second may have been replaced by the third before it was sent.
		if two, seen := revs[2]; seen && two != alert.Acknowledged || revs[3] != alert.Handled || len(revs) > 3 {
			t.Errorf("%s saw revisions %v", name, revs)
		}
	}
}

func parseWith(t *testing.T, data, broker string, local config.Broker) *config.Config {
	t.Helper()
	cfg := parse(t, data, broker)
	cfg.Broker = local
	return cfg
}

// TestHomeAssistant: devices are announced at the brokers' root, outside and here,
// and taken away when Home Assistant leaves the config.
func TestHomeAssistant(t *testing.T) {
	data, outside := t.TempDir(), startBroker(t)
	cfg := parse(t, data, outside)
	port := fmt.Sprint(mqtttest.FreePort(t))
	cfg.Broker = config.Broker{Listen: "127.0.0.1:" + port, Clients: 8, Users: []config.BrokerUser{
		{Name: "ha", Role: "reader", Password: config.NewSecret("x")}, {Name: "th-1", Role: "sensor", Password: config.NewSecret("y")},
	}}
	cfg.HomeAssistant.Prefix = "homeassistant"
	stop := runApp(t, cfg)
	raise(t, data, 3)
	far := mqtttest.Subscribe(t, outside, "homeassistant/#")
	near := mqtttest.Subscribe(t, "mqtt://127.0.0.1:"+port, "homeassistant/#", mqtttest.SubscriberOptions{Username: "ha", Password: "x"})
	announced := func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
			return strings.HasPrefix(m.Topic, "homeassistant/device/sentrybox_") && strings.Contains(string(m.Payload), "sentrybox/v1/donghu/梅园/岗-1/device/岗-1")
		})
	}
	far.Wait(patience, "the gateway, outside", announced)
	near.Wait(patience, "the gateway, here", announced)
	near.Publish("homeassistant/status", true, []byte("online"))
	stop()
	cfg = parseWith(t, data, outside, config.Broker{})
	runApp(t, cfg)
	far.Wait(patience, "the gateway taken away", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
			return strings.HasPrefix(m.Topic, "homeassistant/device/sentrybox_") && len(m.Payload) == 0
		})
	})
}

// TestChangedWhileItRuns: a change beyond the cameras begins again with it, and one
// that the gateway does not begin with leaves it as it was.
func TestChangedWhileItRuns(t *testing.T) {
	broker, data := startBroker(t), t.TempDir()
	first, good, bad := parse(t, data, broker), parse(t, data, broker), parse(t, data, broker)
	good.Gateway.Community = "桂园"
	bad.Uplink.MQTT = append(bad.Uplink.MQTT, config.MQTT{URL: config.NewURL("mqtts://127.0.0.1:1"), CA: data + "/no-such-file"})
	sub := mqtttest.Subscribe(t, broker, "sentrybox/#")
	ctx, cancel := context.WithCancel(t.Context())
	f := newFleet(ctx, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- (&App{Config: first, Log: slog.New(slog.DiscardHandler), fleet: f}).Run(ctx) }()
	apply := func(c *config.Config) {
		for {
			if err := f.with(ctx, func(a *App) error { a.Apply(ctx, c); return nil }); err == nil {
				return
			}
		}
	}
	online := func(community string, times int) {
		t.Helper()
		topic := "sentrybox/v1/donghu/" + community + "/岗-1/status"
		sub.Wait(patience, topic, func(got []mqtttest.Message) bool {
			n := 0
			for _, m := range got {
				if m.Topic == topic && string(m.Payload) == `{"state":"online"}` {
					n++
				}
			}
			return n >= times
		})
	}
	online("梅园", 1)
	apply(good)
	online("桂园", 1)
	apply(bad)
	online("桂园", 2) // again, with the one before
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the gateway ended with %v", err)
	}
}
