package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// patience is how long is waited for what must come.
const patience = 3 * time.Minute

const prefix = "sentrybox/v1/donghu/梅园/gw-1"

// start runs a broker on a free port of loopback.
func start(t *testing.T, cfg Config) *Broker {
	t.Helper()
	cfg.Listen, cfg.Prefix = "127.0.0.1:0", prefix
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	for range 18_000 {
		if b.Addr() != nil {
			return b
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the broker does not listen")
	return nil
}

type client struct {
	paho.Client
	mu  sync.Mutex
	got []string // topic=payload, with r: before what was retained
}

// dial signs in; change may alter the options.
func dial(t *testing.T, b *Broker, user, password string, change func(*paho.ClientOptions)) (*client, error) {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://" + b.Addr().String()).SetUsername(user).SetPassword(password).
		SetClientID("c-" + user).SetProtocolVersion(4).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(patience)
	if change != nil {
		change(o)
	}
	c := &client{Client: paho.NewClient(o)}
	err := settled(c.Connect())
	if err == nil {
		t.Cleanup(func() { c.Disconnect(0) })
	}
	return c, err
}

func mustDial(t *testing.T, b *Broker, user, password string) *client {
	t.Helper()
	c, err := dial(t, b, user, password, nil)
	if err != nil {
		t.Fatalf("user %s: %v", user, err)
	}
	return c
}

var errSilent = errors.New("no answer")

func settled(tok paho.Token) error {
	if !tok.WaitTimeout(patience) {
		return errSilent
	}
	return tok.Error()
}

// subscribe reports whether the broker granted the filter, and collects.
func (c *client) subscribe(filter string) bool {
	tok := c.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) {
		c.mu.Lock()
		defer c.mu.Unlock()
		mark := ""
		if m.Retained() {
			mark = "r:"
		}
		c.got = append(c.got, mark+m.Topic()+"="+string(m.Payload()))
	})
	err := settled(tok)
	for _, code := range tok.(*paho.SubscribeToken).Result() { // paho names shared filters otherwise
		if code > 2 {
			return false
		}
	}
	return err == nil
}

func (c *client) wait(t *testing.T, want string) {
	t.Helper()
	for range 18_000 {
		c.mu.Lock()
		there := slices.Contains(c.got, want)
		c.mu.Unlock()
		if there {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Fatalf("no %s among %q", want, c.got)
}

// cheap is the hash of "right" at the least cost there is.
const cheap = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$P3OLBQw3O3GiY9hpX8wpK8qO6gQccIdDXnlkdzKceqU"

func people() []User {
	return []User{
		{Name: "duty", Hash: cheap, Role: Duty},
		{Name: "wall", Password: "screen", Role: Reader},
		{Name: "door-3", Password: "knock", Role: Sensor},
		{Name: "odd", Password: "odd", Read: []string{"metrics"}, Write: []string{"notes/+"}},
	}
}

func TestRoles(t *testing.T) {
	b := start(t, Config{Users: people()})
	if err := b.Publish("alert/grid/A", true, []byte("open")); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][2]string{{"duty", "wrong"}, {"nobody", "right"}, {"", ""}, {"wall", ""}} {
		if _, err := dial(t, b, wrong[0], wrong[1], nil); err == nil {
			t.Errorf("%q signed in with %q", wrong[0], wrong[1])
		}
	}
	passwords := map[string]string{"duty": "right", "wall": "screen", "door-3": "knock", "odd": "odd"}
	for _, tc := range []struct {
		user, filter string
		want         bool
	}{
		{"duty", prefix + "/#", true}, {"duty", "#", false}, {"duty", "$SYS/#", false}, {"duty", "$share/g/" + prefix + "/#", false},
		{"duty", "sentrybox/v1/+/梅园/gw-1/#", false}, {"wall", prefix + "/alert/+/+", true},
		{"door-3", prefix + "/#", false}, {"door-3", prefix + "/sensors/door-3/#", true}, {"door-3", prefix + "/sensors/+/state", false},
		{"odd", prefix + "/metrics", true}, {"odd", prefix + "/status", false},
	} {
		if got := mustDial(t, b, tc.user, passwords[tc.user]).subscribe(tc.filter); got != tc.want {
			t.Errorf("%s reads %s: %v", tc.user, tc.filter, got)
		}
	}
	for _, tc := range []struct {
		user, topic string
		want        bool
	}{
		{"duty", "ack/A", true}, {"duty", "cmd/1", true}, {"duty", "cmd/1/result", false}, {"duty", "alert/grid/A", false},
		{"wall", "ack/A", false}, {"door-3", "sensors/door-3/state", true}, {"door-3", "sensors/door-4/state", false},
		{"door-3", "ack/A", false}, {"odd", "notes/x", true}, {"odd", "notes/x/y", false},
	} {
		// Who publishes where he may not is disconnected, without an acknowledgement.
		err := settled(mustDial(t, b, tc.user, passwords[tc.user]).Publish(prefix+"/"+tc.topic, 1, false, "x"))
		if (err == nil) != tc.want {
			t.Errorf("%s writes %s: %v", tc.user, tc.topic, err)
		}
	}
	d := mustDial(t, b, "duty", "right")
	d.subscribe(prefix + "/#")
	d.wait(t, "r:"+prefix+"/alert/grid/A=open")
}

// TestForeignSessions: nobody takes over another's session, nor the gateway's
// own, nor leaves a last will where he may not write.
func TestForeignSessions(t *testing.T) {
	b := start(t, Config{Users: people()})
	duty := mustDial(t, b, "duty", "right")
	for name, change := range map[string]func(*paho.ClientOptions){
		"another's": func(o *paho.ClientOptions) { o.SetClientID("c-duty") },
		"ours":      func(o *paho.ClientOptions) { o.SetClientID("inline") },
		"last will": func(o *paho.ClientOptions) { o.SetClientID("w").SetWill(prefix+"/alert/grid/A", "false", 1, true) },
	} {
		if _, err := dial(t, b, "door-3", "knock", change); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	if _, err := dial(t, b, "door-3", "knock", func(o *paho.ClientOptions) { o.SetWill(prefix+"/sensors/door-3/state", "off", 1, true) }); err != nil {
		t.Errorf("a last will of one's own: %v", err)
	}
	if !duty.IsConnected() || !duty.subscribe(prefix+"/#") {
		t.Error("the duty room was thrown out")
	}
	if err := b.Publish("status", true, []byte("here")); err != nil {
		t.Fatal(err)
	}
	duty.wait(t, prefix+"/status=here")
}

// TestAcknowledgedWhenKept: PUBACK means that the gateway has it.
func TestAcknowledgedWhenKept(t *testing.T) {
	var kept atomic.Int32
	b := start(t, Config{Users: people(), Handle: func(_ context.Context, topic string, payload []byte) error {
		if string(payload) == "full" {
			return errors.New("disk full")
		}
		if topic == "ack/A" {
			kept.Add(1)
		}
		return nil
	}})
	duty := mustDial(t, b, "duty", "right")
	if err := settled(duty.Publish(prefix+"/ack/A", 1, true, "fine")); err != nil || kept.Load() != 1 {
		t.Errorf("%v, kept %d", err, kept.Load())
	}
	tok := duty.Publish(prefix+"/ack/A", 1, false, "full")
	if err := settled(duty.Publish(prefix+"/ack/A", 1, false, "fine")); err != nil { // comes after it
		t.Error(err)
	}
	if tok.WaitTimeout(0) {
		t.Error("acknowledged what was not kept")
	}
	if _, there := b.server.Topics.Retained.Get(prefix + "/ack/A"); there {
		t.Error("an answer is retained")
	}
}

func TestRetainedIsBounded(t *testing.T) {
	b := start(t, Config{Users: people()})
	door := mustDial(t, b, "door-3", "knock")
	put := func(topic, payload string) {
		t.Helper()
		if err := settled(door.Publish(prefix+"/sensors/door-3/"+topic, 1, true, payload)); err != nil {
			t.Fatal(err)
		}
	}
	put("long", strings.Repeat("x", maxRetainedAt+1))
	for i := range maxRetained + 5 {
		put(fmt.Sprint(i), "x")
	}
	if n := b.server.Topics.Retained.Len(); n != maxRetained+1 { // and mochi's version in $SYS
		stored := 0
		for topic := range b.server.Topics.Retained.GetAll() {
			if strings.HasPrefix(topic, prefix) {
				stored++
			}
		}
		if stored != maxRetained {
			t.Errorf("%d topics are retained", stored)
		}
	}
	put("0", "")
	put("new", "y")
	if _, there := b.server.Topics.Retained.Get(prefix + "/sensors/door-3/new"); !there || b.Stats().Dropped != 6 {
		t.Errorf("no room after a topic was cleared; %+v", b.Stats())
	}
}

// TestGuessing: after some wrong passwords an address has to wait, whoever it
// says it is.
func TestGuessing(t *testing.T) {
	var now atomic.Int64
	b := start(t, Config{Users: people(), Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	for range failBurst {
		if _, err := dial(t, b, "wall", "guess", nil); err == nil {
			t.Fatal("let in")
		}
	}
	if _, err := dial(t, b, "wall", "screen", nil); err == nil {
		t.Error("the right password works at once")
	}
	now.Add(int64(2 * failEvery / time.Second))
	mustDial(t, b, "wall", "screen")
	for i := range 3 * maxFailing {
		b.failures.add(&net.TCPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i))})
	}
	if len(b.failures.by) > maxFailing {
		t.Errorf("%d addresses are remembered", len(b.failures.by))
	}
}

func TestTooMany(t *testing.T) {
	b := start(t, Config{Users: people(), Clients: 2})
	name := func(s string) func(*paho.ClientOptions) {
		return func(o *paho.ClientOptions) { o.SetClientID(s) }
	}
	for i, ok := range []bool{true, true, false} {
		if _, err := dial(t, b, "wall", "screen", name(fmt.Sprint(i))); (err == nil) != ok {
			t.Errorf("client %d: %v", i, err)
		}
	}
	const all, kept = 40, 16
	ended := make(chan int, all)
	for i := range all {
		c, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			_, _ = c.Read(make([]byte, 1)) // ends when the broker closes
			ended <- i
		}()
	}
	for n := range all - kept {
		if <-ended == 0 { // the first is kept for connectWithin
			t.Fatalf("%d connections that say nothing are kept", all-n)
		}
	}
}

func TestAnonymous(t *testing.T) {
	if _, err := New(Config{Listen: "0.0.0.0:0", Prefix: prefix}); !errors.Is(err, ErrAnonymous) {
		t.Errorf("got %v", err)
	}
	b := start(t, Config{})
	c := mustDial(t, b, "", "")
	if !c.subscribe(prefix+"/#") || c.subscribe("#") {
		t.Error("what anybody may read")
	}
	for topic, want := range map[string]bool{"ack/A": true, "sensors/x/y": true, "alert/grid/A": false} {
		if err := settled(mustDial(t, b, "", "").Publish(prefix+"/"+topic, 1, false, "x")); (err == nil) != want {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

// TestPortTaken: the broker says which port it is, and who waits for it can go on.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := make(chan string, 10)
	b, err := New(Config{Listen: l.Addr().String(), Prefix: prefix, Log: slog.New(slog.NewTextHandler(tell(said), nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	if s := <-said; !strings.Contains(s, "another program listens on "+l.Addr().String()) {
		t.Errorf("said %s", s)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

type tell chan string

func (c tell) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}
