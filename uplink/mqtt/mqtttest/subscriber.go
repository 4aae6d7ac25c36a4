package mqtttest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Message is what a subscriber got.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
	At       time.Time
}

// SubscriberOptions says how to reach the broker.
type SubscriberOptions struct {
	Username, Password string
	Certs              *Certs // for mqtts
	Host               Host   // where it is; this machine when nil
}

// Subscriber is a duty room of sorts: it takes everything under a filter,
// remembers it, and comes back at once when the broker does.
type Subscriber struct {
	t      testing.TB
	client paho.Client

	mu   sync.Mutex
	got  []Message     // guarded by mu
	more chan struct{} // guarded by mu: closed and replaced on each message
	ups  int           // guarded by mu: granted subscriptions
}

// Subscribe connects to a broker, given as mqtt://host:port or mqtts://host:port,
// and returns once it is subscribed at QoS 1. It ends with the test.
func Subscribe(t testing.TB, broker, filter string, opts ...SubscriberOptions) *Subscriber {
	t.Helper()
	s := &Subscriber{t: t, more: make(chan struct{})}
	o := paho.NewClientOptions().AddBroker(broker).SetClientID(fmt.Sprintf("subscriber-%d", time.Now().UnixNano())).
		SetProtocolVersion(4).SetAutoReconnect(true).SetMaxReconnectInterval(50 * time.Millisecond).
		SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).
		SetKeepAlive(10 * time.Minute).SetWriteTimeout(time.Minute) // a broker must not lose it for being late
	for _, opt := range opts {
		o.SetUsername(opt.Username).SetPassword(opt.Password)
		if opt.Certs != nil {
			o.SetTLSConfig(opt.Certs.Client())
		}
		if opt.Host != nil {
			o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
				return opt.Host.Dial(context.Background(), "tcp", u.Host)
			})
		}
	}
	o.SetOnConnectHandler(func(c paho.Client) {
		if tok := c.Subscribe(filter, 1, s.take); tok.WaitTimeout(time.Minute) && tok.Error() == nil {
			s.mu.Lock()
			s.ups++
			s.wake()
			s.mu.Unlock()
		}
	})
	s.client = paho.NewClient(o)
	s.client.Connect()
	t.Cleanup(func() { s.client.Disconnect(100) })
	s.WaitUp(1)
	return s
}

// wake is called with mu held.
func (s *Subscriber) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

func (s *Subscriber) take(_ paho.Client, m paho.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, Message{m.Topic(), bytes.Clone(m.Payload()), m.Retained(), time.Now()})
	s.wake()
}

// WaitUp waits until it has subscribed for the nth time.
func (s *Subscriber) WaitUp(n int) {
	s.t.Helper()
	s.wait(time.Minute, fmt.Sprintf("subscription %d", n), func() bool { return s.ups >= n })
}

// Messages returns what has come, in order.
func (s *Subscriber) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// Wait waits until done says that what has come is enough, and returns it. It
// fails the test after d, naming what it waited for.
func (s *Subscriber) Wait(d time.Duration, what string, done func([]Message) bool) []Message {
	s.t.Helper()
	s.wait(d, what, func() bool { return done(s.got) })
	return s.Messages()
}

// WaitTopic waits for a message on a topic and returns the first.
func (s *Subscriber) WaitTopic(d time.Duration, topic string) Message {
	s.t.Helper()
	is := func(m Message) bool { return m.Topic == topic }
	all := s.Wait(d, "a message on "+topic, func(got []Message) bool { return slices.ContainsFunc(got, is) })
	return all[slices.IndexFunc(all, is)]
}

// wait calls done with mu held.
func (s *Subscriber) wait(d time.Duration, what string, done func() bool) {
	s.t.Helper()
	deadline := time.After(d)
	for {
		s.mu.Lock()
		ok, more, n := done(), s.more, len(s.got)
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-more:
		case <-deadline:
			s.t.Fatalf("no %s within %v; %d messages came", what, d, n)
		}
	}
}

// Publish publishes at QoS 1 and waits for the broker's acknowledgement.
func (s *Subscriber) Publish(topic string, retain bool, payload []byte) {
	s.t.Helper()
	tok := s.client.Publish(topic, 1, retain, payload)
	if !tok.WaitTimeout(time.Minute) {
		s.t.Fatalf("publish on %s: no acknowledgement", topic)
	}
	if err := tok.Error(); err != nil {
		s.t.Fatalf("publish on %s: %v", topic, err)
	}
}
