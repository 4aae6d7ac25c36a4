// Package mqtt brings the items of an outbox to an MQTT 3.1.1 broker and takes
// messages from there.
//
// # What an acknowledgement is worth
//
// The client below is paho.mqtt.golang, whose tokens say that all is well in
// cases where nothing was acknowledged, depending on its options. The ones used
// here are those under which a token's error tells the truth: a client for each
// connection, a clean session, no reconnecting of its own, no store on disk.
// Every connection is wrapped besides, because paho trusts its broker: a SUBACK
// with one return code too many ends the whole process, a length field makes it
// allocate 256 MiB, and an acknowledgement counts before its message was
// written. The wrapper lets whole, well-formed and expected packets through and
// gives every write a deadline.
//
// An item leaves the outbox when a PUBACK came for it on the connection that
// carried it, and stays in every other case. What was on its way when a
// connection ended is sent again on the next.
//
// # Brokers that do not answer
//
// A broker that takes messages and acknowledges none is given up after
// Timing.Ack and the next one is tried. Each broker has a back-off of its own,
// which only an acknowledgement resets, so none is stormed, not even by way of
// accepting connections.
package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"sentrybox/uplink/outbox"
)

// Source is the outbox as a sender needs it. *outbox.Box is one.
type Source interface {
	// Changed returns a channel that is closed when there is something new.
	Changed() <-chan struct{}
	// Next returns at most n items that may be sent now, down to the lane
	// lowest, none of them in skip.
	Next(ctx context.Context, n int, lowest outbox.Lane, skip map[int64]struct{}) ([]outbox.Item, error)
	// Sending is called before an item's first byte leaves.
	Sending(ctx context.Context, seqs ...int64) error
	// Done removes acknowledged items. Removing one twice is no error.
	Done(ctx context.Context, seqs ...int64) error
}

// Broker is one way to the world.
type Broker struct {
	// URL is mqtt:// or tcp://, default port 1883, or mqtts:// or ssl://,
	// default port 8883. A user and password in it count if Username is empty.
	URL      string
	Username string
	Password string
	// TLS is used with mqtts and ssl; the system's roots when nil. Its lowest
	// version is raised to TLS 1.2, and an empty ServerName becomes the host.
	TLS *tls.Config
	// Interface is the network interface that connections leave by, such as
	// wwan0, or an IP address of this machine that they come from; the routing
	// table decides when empty. Binding to an interface needs Linux 5.7 or
	// CAP_NET_RAW. Names are asked for over it too.
	Interface string
	// Meter counts what goes over the line and keeps to its budget; nil does
	// neither.
	Meter Meter
}

// Meter is the budget of a line. Its methods may be called from several
// goroutines. *budget.Meter is one.
type Meter interface {
	// Add counts bytes on the line, headers and repetitions included.
	Add(sent, received uint64)
	// Spend takes bytes that are about to be sent out of the bucket.
	Spend(n int)
	// Wait returns how long what is not urgent has to wait for the bucket.
	Wait() time.Duration
	// Lowest returns the lowest lane that the budget of the month lets through.
	Lowest() outbox.Lane
}

// String returns the broker's address without user and password.
func (b Broker) String() string {
	u, err := url.Parse(b.URL)
	if err != nil {
		return "(bad URL)"
	}
	return u.Scheme + "://" + u.Host
}

// GoString is String, so that no way of printing shows the password.
func (b Broker) GoString() string { return b.String() }

// LogValue is String, for slog.
func (b Broker) LogValue() slog.Value { return slog.StringValue(b.String()) }

// Delivery says what attempt at an item this is.
type Delivery struct {
	Attempt int // from 1
	// Replayed is whether an earlier attempt may have reached a broker.
	Replayed bool
}

// Subscription is interest in a kind of incoming message.
type Subscription struct {
	// Filter is a topic filter relative to the prefix, such as ack/+.
	Filter string
	// Handle gets the topic relative to the prefix, and at most MaxIncoming
	// bytes, which are its own. Messages come one at a time in the order of the
	// broker. While it runs, a few wait and more are dropped and counted.
	Handle func(ctx context.Context, topic string, payload []byte)
}

// MaxIncoming is the longest payload that is taken from a broker, in bytes.
// Longer ones are acknowledged and dropped.
const MaxIncoming = 8 << 10

// Phase is how a client stands with its brokers.
type Phase int

// The phases.
const (
	Offline Phase = iota // no broker reached, or lost; trying
	Online               // a broker has acknowledged our status
	Refused              // a broker refuses user, password or client id; tried again slowly
	BadTLS               // certificates do not fit; tried again slowly
	Standby              // left in order for a broker that is preferred
)

// String returns the phase in lower case.
func (p Phase) String() string {
	switch p {
	case Offline:
		return "offline"
	case Online:
		return "online"
	case Refused:
		return "refused"
	case BadTLS:
		return "tls"
	case Standby:
		return "standby"
	default:
		return fmt.Sprintf("phase(%d)", int(p))
	}
}

// State is what OnState gets.
type State struct {
	Phase  Phase
	Broker string // address without secrets; empty before the first attempt
	Uplink int    // index of the broker in Config.Brokers
	Err    error  // why, without secrets; nil when Online
	// Contest says whether somebody else pushes us off this broker, also while we are on it.
	Contest Contest
}

// Timing is every interval, each with a default for zero. KeepAlive is in whole
// seconds.
type Timing struct {
	Connect    time.Duration // name, TCP, TLS and CONNACK together; 30 s
	Write      time.Duration // one packet; 10 s
	KeepAlive  time.Duration // silence before a ping; 15 s
	Ping       time.Duration // answer to a ping; 15 s
	Ack        time.Duration // no acknowledgement for what is on its way; 30 s, and more for many bytes
	BackoffMin time.Duration // 1 s
	BackoffMax time.Duration // 20 s
	Refused    time.Duration // after refused credentials or certificates; 60 s, doubled each time up to RefusedMax
	RefusedMax time.Duration // 15 min
	Stable     time.Duration // a connection that lived so long starts the back-off anew; 15 s
	Grace      time.Duration // for what is on its way at the end; 2 s
	Cut        time.Duration // a connection that the broker ends sooner than that was cut; 20 s, which two that push each other off stay below
	Calm       time.Duration // that a connection lives for a contest to be over; 1 min
	Echo       time.Duration // between messages to ourselves, which show that subscriptions stand; 2 min
	EchoWithin time.Duration // such a message must come back; 1 min

	// Of several brokers.
	Check   time.Duration // silence before a path is checked by a ping; 4 s
	Suspect time.Duration // no answer to anything; then another broker is tried beside; 4 s
	Stagger time.Duration // before the next broker is tried beside one that does not answer; 4 s
	Probe   time.Duration // between looks at a preferred broker; 10 s, and more after failures
	Hold    time.Duration // that a preferred broker must answer without a gap; 30 s, doubled each time it was in vain
	HoldMax time.Duration // 1 h
}

func (t Timing) withDefaults() Timing {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&t.Connect, 30*time.Second)
	def(&t.Write, 10*time.Second)
	def(&t.KeepAlive, 15*time.Second)
	def(&t.Ping, 15*time.Second)
	def(&t.Ack, 30*time.Second)
	def(&t.BackoffMin, time.Second)
	def(&t.BackoffMax, 20*time.Second)
	def(&t.Refused, time.Minute)
	def(&t.RefusedMax, 15*time.Minute)
	def(&t.Check, 4*time.Second)
	def(&t.Suspect, 4*time.Second)
	def(&t.Stagger, 4*time.Second)
	def(&t.Probe, 10*time.Second)
	def(&t.Hold, 30*time.Second)
	def(&t.HoldMax, time.Hour)
	def(&t.Stable, 15*time.Second)
	def(&t.Echo, 2*time.Minute)
	def(&t.EchoWithin, time.Minute)
	def(&t.Grace, 2*time.Second)
	def(&t.Cut, 20*time.Second)
	def(&t.Calm, time.Minute)
	t.KeepAlive = max(t.KeepAlive.Truncate(time.Second), time.Second)
	return t
}

// Config is what a Client needs. Prefix, ClientID and Source must be
// given.
type Config struct {
	Brokers []Broker // in order of preference; without any nothing is sent
	Prefix  string   // of every topic, without a slash at its ends
	// Roots are the beginnings of topics that stand at the broker's root, not below
	// Prefix: what lies below one of them.
	Roots    []string
	ClientID string
	Source   Source
	// Render gives an item the form in which it is sent now; nil sends the
	// payload as it is. It is not called for an empty payload, which clears a
	// topic. An item that cannot be rendered waits for a minute.
	Render        func(outbox.Item, Delivery) ([]byte, error)
	Subscriptions []Subscription
	// Sweep is asked, when a broker is used that was not used before it, about
	// every message below Swept that the broker has kept from an earlier time. It
	// is called like a Subscription's Handle, with the topic relative to the
	// prefix. Nothing is swept when it is nil.
	Sweep func(ctx context.Context, topic string)
	Swept string // a filter, such as alert/+/+
	// OnState is called on every change of state, from Run. It must not block.
	OnState func(State)
	Log     *slog.Logger // discards when nil
	Timing  Timing
}

// check returns every problem of c.
func (c *Config) check() error {
	var errs []error
	if c.ClientID == "" || len(c.ClientID) > 128 || !utf8.ValidString(c.ClientID) {
		errs = append(errs, fmt.Errorf("client id %.130q", c.ClientID))
	}
	if c.Source == nil {
		errs = append(errs, errors.New("no source"))
	}
	if c.Prefix == "" || strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/") ||
		strings.ContainsAny(c.Prefix, "+#\x00") || !utf8.ValidString(c.Prefix) || len(c.Prefix) > 1024 {
		errs = append(errs, fmt.Errorf("prefix %.100q", c.Prefix))
	}
	if c.Sweep != nil && !validFilter(c.Swept) {
		errs = append(errs, fmt.Errorf("swept filter %.100q", c.Swept))
	}
	for _, s := range c.Subscriptions {
		if s.Handle == nil || !validFilter(s.Filter) {
			errs = append(errs, fmt.Errorf("subscription %.100q", s.Filter))
		}
	}
	return errors.Join(errs...)
}

// target is a broker's URL, taken apart.
type target struct {
	addr     string // host:port
	host     string
	secure   bool
	username string
	password string
	tls      *tls.Config
	name     string // for people
	index    int
	iface    string
	meter    Meter // never nil
}

// newTarget takes a broker's URL apart. Its errors do not repeat the URL, which
// may hold a password.
func newTarget(b Broker) (target, error) {
	u, err := url.Parse(b.URL)
	if err != nil {
		return target{}, errors.New("the broker's URL cannot be read")
	}
	t := target{host: u.Hostname(), username: b.Username, password: b.Password, tls: b.TLS, name: b.String(), iface: b.Interface, meter: b.Meter}
	if t.meter == nil {
		t.meter = unmetered{}
	}
	port := "1883"
	switch u.Scheme {
	case "mqtt", "tcp":
	case "mqtts", "ssl":
		t.secure, port = true, "8883"
	default:
		return target{}, fmt.Errorf("broker with scheme %q: use mqtt or mqtts", u.Scheme)
	}
	if t.host == "" {
		return target{}, errors.New("the broker's URL has no host")
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return target{}, fmt.Errorf("broker %s: a path, query or fragment means nothing here", t.name)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	t.addr = net.JoinHostPort(t.host, port)
	if t.username == "" && u.User != nil {
		t.username = u.User.Username()
		t.password, _ = u.User.Password()
	}
	if t.username == "" && t.password != "" {
		return target{}, fmt.Errorf("broker %s: a password without a user", t.name)
	}
	return t, nil
}

// unmetered is a line without a budget that nobody counts on.
type unmetered struct{}

func (unmetered) Add(_, _ uint64)     {}
func (unmetered) Spend(int)           {}
func (unmetered) Wait() time.Duration { return 0 }
func (unmetered) Lowest() outbox.Lane { return outbox.Lane(outbox.Lanes - 1) }

// full returns the whole topic of a relative one.
func (c *Config) full(topic string) string {
	for _, root := range c.Roots {
		if strings.HasPrefix(topic, root+"/") {
			return topic
		}
	}
	return c.Prefix + "/" + topic
}
