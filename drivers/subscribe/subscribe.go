// Package subscribe hears what an MQTT broker tells, for the drivers whose devices
// are behind one.
//
// It connects again by itself, after 1 s at first and 60 s at last. With a client id
// the session outlives the connection: what is published meanwhile waits at the
// broker, as far as that keeps it. paho is used as it is safe: no reconnecting of its
// own, writes with a deadline, and nothing of the broker's reaches it that is not a
// packet of sane size that answers to something, as paho trusts brokers too much
// (a SUBACK with a code too many ends the program).
package subscribe

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/drivers/driver"
)

// Broker says which broker to hear, and how.
type Broker struct {
	// URL is mqtt://host:port or mqtts://host:port; without a port 1883 and 8883.
	URL string
	// Username and Password are not in URL.
	Username, Password string
	// ClientID names the session; without it nothing waits at the broker while
	// nobody listens.
	ClientID string
	// TLS is for mqtts; the system's certificate authorities when nil.
	TLS *tls.Config
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Message is what was published.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool // it was published before we subscribed, nobody knows when
}

const (
	firstWait  = time.Second
	lastWait   = time.Minute
	stable     = time.Minute // of a connection, until waits begin anew
	dialTime   = 10 * time.Second
	answerTime = 30 * time.Second // for the broker, to a connection and to a subscription
	keepAlive  = 15 * time.Second
	pingTime   = 15 * time.Second
	writeTime  = 10 * time.Second
	waiting    = 1000 // messages between the broker and us
	handTime   = 2 * time.Second
	qos        = 1
	dropTime   = 5 * time.Second
	maxFilters = 1000
)

// Client hears a broker.
type Client struct {
	broker  Broker
	filters map[string]byte
	addr    string
	tls     *tls.Config // nil without
	tracker *driver.Tracker
}

// New checks the configuration. Its errors do not show the password. The tracker
// learns what becomes of the connection.
func New(b Broker, filters []string, tracker *driver.Tracker) (*Client, error) {
	u, err := url.Parse(b.URL)
	if err != nil {
		return nil, errors.New("broker: not a URL") // the error may show a password
	}
	if u.User != nil {
		return nil, errors.New("broker: user and password are apart from the URL")
	}
	port := map[string]string{"mqtt": "1883", "mqtts": "8883"}[u.Scheme]
	if port == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("broker %q: want mqtt://host:port or mqtts://host:port", b.URL)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	c := &Client{broker: b, filters: map[string]byte{}, addr: net.JoinHostPort(u.Hostname(), port), tracker: tracker}
	if u.Scheme == "mqtts" {
		c.tls = &tls.Config{}
		if b.TLS != nil {
			c.tls = b.TLS.Clone()
		}
		c.tls.MinVersion = max(c.tls.MinVersion, tls.VersionTLS12)
		if c.tls.ServerName == "" {
			c.tls.ServerName = u.Hostname()
		}
	}
	for _, f := range filters {
		c.filters[f] = qos
	}
	if len(c.filters) == 0 || len(c.filters) > maxFilters {
		return nil, fmt.Errorf("%d topic filters: want 1 to %d", len(c.filters), maxFilters)
	}
	if c.broker.Log == nil {
		c.broker.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Run hears the broker until ctx ends, and returns nil then. Calls of got do not
// overlap; got may block for a moment.
func (c *Client) Run(ctx context.Context, got func(Message)) error {
	wait := firstWait
	for {
		begun := time.Now()
		err := c.session(ctx, got)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(begun) > stable {
			wait = firstWait
		}
		c.tracker.Enter(driver.Unplugged, err.Error())
		timer := time.NewTimer(wait - time.Duration(mathrand.Float64()*float64(wait)/5))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, lastWait)
	}
}

// session is one connection. It returns why it ended when nothing of it is
// running any more.
func (c *Client) session(ctx context.Context, got func(Message)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lost := make(chan error, 1)
	queue := make(chan Message, waiting)
	opt := c.options()
	opt.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
		c.enqueue(ctx, queue, Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained()})
	})
	opt.SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err })
	var raw *guard
	var dialErr error
	opt.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := c.dial(ctx)
		if err != nil {
			dialErr = err
			return nil, err
		}
		raw = &guard{Conn: conn, filters: len(c.filters)}
		// A broker that accepts and says nothing must be left when ctx ends.
		context.AfterFunc(ctx, func() { _ = raw.Close() })
		return raw, nil
	})
	client := paho.NewClient(opt)
	token := client.Connect()
	<-token.Done()
	if err := token.Error(); err != nil {
		if dialErr != nil {
			err = dialErr
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && dialErr == nil {
			return fmt.Errorf("broker %s: no answer to the connection within %v", c.addr, answerTime)
		}
		return fmt.Errorf("broker %s: %w", c.addr, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case m := <-queue:
				got(m)
			}
		}
	})
	err := c.hold(ctx, client, lost)
	cancel() // closes the connection
	select { // until paho has noticed
	case <-lost:
	case <-time.After(dropTime): // not known to happen
		client.Disconnect(0)
	}
	wg.Wait()
	return err
}

// hold subscribes and waits until the connection ends.
func (c *Client) hold(ctx context.Context, client paho.Client, lost chan error) error {
	token := client.SubscribeMultiple(c.filters, nil).(*paho.SubscribeToken)
	select {
	case <-token.Done():
	case err := <-lost:
		lost <- err
		return fmt.Errorf("broker %s: %w", c.addr, err)
	case <-time.After(answerTime):
		return fmt.Errorf("broker %s: no answer to the subscription within %v", c.addr, answerTime)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		select {
		case why := <-lost: // says more
			lost <- why
			err = why
		case <-time.After(time.Second):
		}
		return fmt.Errorf("broker %s: subscribing: %w", c.addr, err)
	}
	for filter, code := range token.Result() {
		if code > 2 {
			return fmt.Errorf("broker %s: it refuses the subscription to %s", c.addr, filter)
		}
	}
	c.tracker.Opened()
	c.tracker.Enter(driver.Silent, "subscribed, nothing heard yet")
	select {
	case err := <-lost:
		lost <- err
		return fmt.Errorf("broker %s: %w", c.addr, err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enqueue waits a moment for the one who takes messages, and then drops.
func (c *Client) enqueue(ctx context.Context, queue chan<- Message, m Message) {
	select {
	case queue <- m:
		return
	default:
	}
	timer := time.NewTimer(handTime)
	defer timer.Stop()
	select {
	case queue <- m:
	case <-ctx.Done():
	case <-timer.C:
		c.tracker.Count(func(n *driver.Counts) { n.Discarded++ })
	}
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	d := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	if c.tls != nil {
		return (&tls.Dialer{NetDialer: d, Config: c.tls}).DialContext(ctx, "tcp", c.addr)
	}
	return d.DialContext(ctx, "tcp", c.addr)
}

func (c *Client) options() *paho.ClientOptions {
	id := c.broker.ClientID
	if id == "" {
		b := make([]byte, 8)
		_, _ = rand.Read(b) // never fails
		id = "sentrybox-" + hex.EncodeToString(b)
	}
	opt := paho.NewClientOptions()
	opt.AddBroker("tcp://" + c.addr) // only a name: the connection is ours
	opt.SetClientID(id)
	opt.SetUsername(c.broker.Username)
	opt.SetPassword(c.broker.Password)
	opt.SetProtocolVersion(4) // no falling back to 3.1
	opt.SetCleanSession(c.broker.ClientID == "")
	opt.SetAutoReconnect(false)
	opt.SetConnectRetry(false)
	opt.SetStore(paho.NewMemoryStore())
	opt.SetConnectTimeout(answerTime)
	opt.SetWriteTimeout(writeTime)
	opt.SetKeepAlive(keepAlive)
	opt.SetPingTimeout(pingTime)
	opt.SetOrderMatters(true)
	return opt
}
