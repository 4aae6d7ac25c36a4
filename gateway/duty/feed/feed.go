// Package feed listens to the gateways at one broker for a duty room, and carries
// its answers back.
//
// A message is acknowledged to the broker once the ledger has it, and the broker keeps the
// session while the console is away, so that nothing is missed which the broker did not lose
// itself. An answer goes out until its alert shows that the gateway has heard it. Of an alert
// that a broker no longer keeps, or of which nothing was heard for long, the gateway is
// asked.
package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/gateway/duty/ledger"
	"sentrybox/uplink/mqtt"
)

const (
	// longest is the longest payload that is taken: a thumbnail has 12 KiB.
	longest   = 64 << 10
	batchMost = 200
	batchWait = 5 * time.Millisecond
	// queue is how many messages wait for the ledger. When it is full the broker has to wait.
	queue     = 400
	keepAlive = 15 * time.Second
	backoff   = time.Second
	mostOff   = 20 * time.Second
	stable    = 15 * time.Second
	sayEvery  = time.Second
	sayMost   = 100
	// askEvery is how long a gateway that is online may say nothing of an open alert that was not
	// in what the broker kept, and then how often it is asked.
	askEvery = time.Minute
	sendTime = 10 * time.Second
)

// Config says what a Feed listens to. Log may not be nil.
type Config struct {
	Broker mqtt.Broker
	Prefix string // of all topics, such as sentrybox/v1
	// Scope is street, community and gateway, each + for all: "+/+/+".
	Scope    string
	Level    string // grid, community or street
	ClientID string // of this console alone, at most 23 letters and digits
	// Share is a name under which several consoles share the load, empty for one alone. Its broker must
	// know shared subscriptions ($share).
	Share  string
	Ledger *ledger.Ledger
	// Changed hears that the ledger has changed, with the number of the change.
	Changed func(seq int64)
	// Piece takes a message below evidence/ or a command's result, with the topic below the gateway.
	Piece func(ctx context.Context, g ledger.Gateway, topic string, payload []byte)
	// Device takes what the broker keeps of a device, and says whether that is worth showing; Fresh hears before
	// all of it comes anew. Both may be nil.
	Device func(g ledger.Gateway, id string, payload []byte) bool
	Fresh  func()
	Log    *slog.Logger
}

// State is how it stands with the broker.
type State struct {
	Broker string
	Online bool
	Since  time.Time
	Err    string // why not, without secrets
}

// Feed is a broker's. Run it.
type Feed struct {
	cfg Config

	mu    sync.Mutex
	state State       // guarded by mu
	link  paho.Client // guarded by mu; nil while there is none

	refused atomic.Uint64
}

// New returns a Feed.
func New(cfg Config) *Feed {
	return &Feed{cfg: cfg, state: State{Broker: cfg.Broker.String(), Since: time.Now()}}
}

// State returns how it stands with the broker.
func (f *Feed) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Refused counts messages that were not what they should be.
func (f *Feed) Refused() uint64 { return f.refused.Load() }

func (f *Feed) setState(online bool, link paho.Client, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	why := ""
	if err != nil {
		why = err.Error()
	}
	if f.state.Online != online {
		f.state.Since = time.Now()
		f.cfg.Log.Info("broker", "broker", f.state.Broker, "online", online, "error", why)
	}
	f.state.Online, f.state.Err, f.link = online, why, link
}

// Run listens until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	wait := backoff
	for {
		began := time.Now()
		err := f.session(ctx)
		f.setState(false, nil, err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.cfg.Changed != nil {
			f.cfg.Changed(0)
		}
		if time.Since(began) > stable {
			wait = backoff
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, mostOff)
	}
}

// session is one connection from begin to end.
func (f *Feed) session(ctx context.Context) error {
	messages := make(chan paho.Message, queue)
	gone := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := f.connect(ctx, f.cfg.ClientID, false, func(m paho.Message) {
		select {
		case messages <- m:
		case <-ctx.Done():
		}
	}, func(err error) { gone <- err })
	if err != nil {
		return err
	}
	defer client.Disconnect(100)
	if err := f.subscribe(client); err != nil {
		return err
	}
	f.setState(true, client, nil)
	if f.cfg.Changed != nil {
		f.cfg.Changed(0)
	}
	work, workCtx := make(chan error, 3), ctx
	go func() { work <- f.keep(workCtx, messages) }()
	go func() { work <- f.say(workCtx, client) }()
	go func() { work <- f.kept(workCtx) }()
	running := 3
	select {
	case err = <-gone:
	case err = <-work:
		running--
	case <-ctx.Done():
		err = ctx.Err()
	}
	cancel()
	for range running {
		<-work
	}
	return err
}

func (f *Feed) connect(ctx context.Context, id string, clean bool, take func(paho.Message), lost func(error)) (paho.Client, error) {
	user, password, err := f.cfg.Broker.Credentials()
	if err != nil {
		return nil, err
	}
	opt := paho.NewClientOptions().AddBroker("tcp://broker").SetClientID(id).SetUsername(user).SetPassword(password).
		SetProtocolVersion(4).SetCleanSession(clean).SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(true).
		SetAutoAckDisabled(true).SetKeepAlive(keepAlive).SetPingTimeout(keepAlive).SetWriteTimeout(sendTime).SetStore(paho.NewMemoryStore()).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { take(m) }).
		SetConnectionLostHandler(func(_ paho.Client, err error) { lost(err) })
	var dialErr error
	opt.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		var c net.Conn
		c, dialErr = mqtt.Open(ctx, f.cfg.Broker, longest)
		return c, dialErr
	})
	client := paho.NewClient(opt)
	token := client.Connect()
	<-token.Done()
	switch err := token.Error(); {
	case dialErr != nil:
		return nil, dialErr
	case err != nil:
		return nil, err
	}
	return client, nil
}

func (f *Feed) below(rest string) string { return f.cfg.Prefix + "/" + f.cfg.Scope + "/" + rest }

// subscribe asks for everything. Alerts and pictures may be shared with other consoles.
func (f *Feed) subscribe(c paho.Client) error {
	filters := map[string]byte{f.below("status"): 1, f.below("plans"): 1, f.below("cmd/+/result"): 1}
	share := ""
	if f.cfg.Share != "" {
		share = "$share/" + f.cfg.Share + "/"
	}
	filters[share+f.below("alert/"+f.cfg.Level+"/+")] = 1
	filters[share+f.below("thumb/+")] = 1
	token := c.SubscribeMultiple(filters, nil)
	if !token.WaitTimeout(sendTime) {
		return errors.New("the broker does not answer a subscription")
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	sub, _ := token.(*paho.SubscribeToken)
	for filter, code := range sub.Result() {
		if code > 1 {
			return fmt.Errorf("the broker refuses the subscription to %s: give this user the right to read there", filter)
		}
	}
	return f.subscribeDevices(c)
}

// subscribeDevices asks for the states of devices. A user who may not read them gets alerts all the same. At QoS 0,
// since the broker says all of them again when we are back: they must not fill the queue that it keeps alerts in.
func (f *Feed) subscribeDevices(c paho.Client) error {
	if f.cfg.Device == nil {
		return nil
	}
	if f.cfg.Fresh != nil {
		f.cfg.Fresh()
	}
	filter := f.below("device/+")
	token := c.Subscribe(filter, 0, nil)
	if !token.WaitTimeout(sendTime) {
		return errors.New("the broker does not answer a subscription")
	}
	if sub, ok := token.(*paho.SubscribeToken); ok && sub.Result()[filter] > 1 {
		f.cfg.Log.Warn("the broker refuses the subscription to the states of devices: nobody is told of cameras that fail", "filter", filter)
		return nil
	}
	return token.Error()
}

// split takes a topic apart: prefix, three levels of the gateway, and the rest.
func (f *Feed) split(topic string) (g ledger.Gateway, rest string, ok bool) {
	below, ok := strings.CutPrefix(topic, f.cfg.Prefix+"/")
	parts := strings.SplitN(below, "/", 4)
	if !ok || len(parts) != 4 {
		return "", "", false
	}
	return ledger.Gateway(topic[:len(topic)-len(parts[3])-1]), parts[3], true
}

// keep takes messages down in batches and acknowledges them.
func (f *Feed) keep(ctx context.Context, messages <-chan paho.Message) error {
	for {
		batch, err := collect(ctx, messages)
		if err != nil {
			return err
		}
		var all []ledger.Message
		now, shown := time.Now(), false
		for _, m := range batch {
			g, rest, ok := f.split(m.Topic())
			switch {
			case !ok:
				f.refused.Add(1)
			case strings.HasPrefix(rest, "evidence/"), strings.HasPrefix(rest, "cmd/"):
				f.answered(ctx, g, rest, m.Payload())
			case strings.HasPrefix(rest, "device/"):
				shown = f.cfg.Device != nil && f.cfg.Device(g, strings.TrimPrefix(rest, "device/"), m.Payload()) || shown
			default:
				all = append(all, ledger.Message{Gateway: g, Topic: rest, Payload: m.Payload(), At: now})
			}
		}
		if len(all) > 0 {
			h, err := f.cfg.Ledger.Hear(ctx, all)
			if err != nil {
				return err // the broker sends it again
			}
			f.heard(ctx, h)
		}
		if shown && f.cfg.Changed != nil {
			f.cfg.Changed(0)
		}
		for _, m := range batch {
			m.Ack()
		}
	}
}

// collect returns the next messages: those that come within some milliseconds of the first.
func collect(ctx context.Context, messages <-chan paho.Message) (batch []paho.Message, err error) {
	var until <-chan time.Time
	for len(batch) < batchMost {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case m := <-messages:
			batch = append(batch, m)
			if until == nil {
				until = time.After(batchWait)
			}
		case <-until:
			return batch, nil
		}
	}
	return batch, nil
}

func (f *Feed) heard(ctx context.Context, h ledger.Heard) {
	if h.Refused > 0 {
		f.refused.Add(uint64(h.Refused)) // a count
		f.cfg.Log.Warn("messages were passed over: they are not what they should be", "count", h.Refused)
	}
	for _, id := range h.Doubt {
		if c, err := f.cfg.Ledger.Alert(ctx, id); err == nil {
			f.ask(c.Where, c.ID)
		}
	}
	if h.Seq > 0 && f.cfg.Changed != nil {
		f.cfg.Changed(h.Seq)
	}
}
