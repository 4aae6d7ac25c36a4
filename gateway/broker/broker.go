// Package broker is the gateway's own MQTT broker, for the duty room and the
// sensors on the same network: they go on when the world outside is gone.
//
// It is mochi-mqtt with a listener and rules of ours. What the gateway publishes
// is kept as long as the process lives; after a restart the gateway publishes
// every open alert and every state again, which is why nothing is on disk.
//
// # An acknowledgement is worth something
//
// A message on ack/+ or cmd/+ is handed to the gateway before the broker
// acknowledges it: PUBACK means that the answer is in the database. If it cannot
// be kept there is none, and the sender sends again.
//
// # Limits
//
// Connections, packets, sessions, retained messages of clients and wrong
// passwords are bounded; see Config and the constants. Nobody signs in without a
// name unless the broker listens on loopback and has no users.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
)

const (
	maxPacket     = 64 << 10         // bytes, from a client
	connectWithin = 10 * time.Second // TLS and CONNECT together
	sessionsLive  = 24 * 3600        // seconds that a session outlives its connection
	pendingWrites = 4096             // messages that wait for a slow client
	maxRetained   = 1000             // topics that clients may keep messages on
	maxRetainedAt = 4 << 10          // bytes of one of them
	listenAgain   = 15 * time.Second // after the port was taken
)

// ErrAnonymous means that a broker for everybody was asked for on an address
// that others can reach.
var ErrAnonymous = errors.New("a broker without users may listen on loopback only")

// Config says how the broker is to be.
type Config struct {
	Listen string      // host:port
	TLS    *tls.Config // none when nil; TLS 1.2 at least
	Users  []User      // anybody, if the broker listens on loopback, when empty
	// Clients is how many may be connected at once; 64 when 0.
	Clients int
	Prefix  string // of the gateway's topics, without a slash at its end
	// Roots are filters outside the prefix, such as homeassistant/#, that the gateway
	// publishes on too, and that Duty and Reader may read; and write status there.
	Roots []string
	// Handle takes messages of clients, by topic relative to the prefix, before they
	// are acknowledged. An error makes the client send again. It is called from
	// several goroutines.
	Handle func(ctx context.Context, topic string, payload []byte) error
	Log    *slog.Logger
	Now    func() time.Time // time.Now when nil
}

// Broker is an MQTT broker. Publish works from New on; clients can connect while
// Run runs.
type Broker struct {
	cfg      Config
	server   *mochi.Server
	hook     *hook
	users    *users
	failures *failures
	open     atomic.Int64 // connections, signed in or not

	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu; nil once the broker is closed
	addr  net.Addr              // guarded by mu; nil while it does not listen
	wg    sync.WaitGroup
}

// Stats is what the broker counts.
type Stats struct {
	Clients  int    // connected now
	Refused  uint64 // sign-ins refused, wrong passwords and those that had to wait
	Received uint64 // messages from clients
	Dropped  uint64 // messages not delivered to a slow client, or not retained
}

// New returns a broker that does not listen yet.
func New(cfg Config) (*Broker, error) {
	if len(cfg.Users) == 0 && !Loopback(cfg.Listen) {
		return nil, fmt.Errorf("broker on %s: %w", cfg.Listen, ErrAnonymous)
	}
	if cfg.Clients <= 0 {
		cfg.Clients = 64
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	u, err := newUsers(&cfg)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	b := &Broker{cfg: cfg, users: u, failures: newFailures(cfg.Now), conns: map[net.Conn]struct{}{}}
	limits := mochi.NewDefaultServerCapabilities()
	limits.MaximumClients = int64(cfg.Clients)
	limits.MaximumPacketSize = maxPacket
	limits.MaximumClientWritesPending = pendingWrites
	limits.MaximumSessionExpiryInterval = sessionsLive
	limits.MaximumInflight = pendingWrites
	// Zero is for ever: an open alert may be open for days, and a clock that is
	// set leaps over fifty years.
	limits.MaximumMessageExpiryInterval = 0
	limits.TopicAliasMaximum = 0
	limits.SharedSubAvailable = 0
	// mochi logs whole packets, passwords and all.
	b.server = mochi.New(&mochi.Options{Capabilities: limits, InlineClient: true, Logger: slog.New(slog.DiscardHandler), SysTopicResendInterval: 60})
	b.hook = &hook{broker: b, rights: map[*mochi.Client]*rights{}, retained: map[string]struct{}{}}
	for _, h := range []mochi.Hook{b.hook, NewPacketIDs()} {
		if err := b.server.AddHook(h, nil); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
	}
	if err := b.server.Serve(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return b, nil
}

// Loopback reports whether only this machine can reach host:port.
func Loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Publish publishes on a topic relative to the prefix, or below one of the
// roots. An empty retained payload clears the topic.
func (b *Broker) Publish(topic string, retain bool, payload []byte) error {
	full := b.cfg.Prefix + "/" + topic
	for _, root := range b.cfg.Roots {
		if covers(root, topic) {
			full = topic
		}
	}
	if err := b.server.Publish(full, payload, retain, 1); err != nil {
		return fmt.Errorf("publish %s at the local broker: %w", topic, err)
	}
	return nil
}

// Addr returns where the broker listens, nil while it does not.
func (b *Broker) Addr() net.Addr {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addr
}

// Stats returns what has been counted.
func (b *Broker) Stats() Stats {
	return Stats{
		Clients: int(atomic.LoadInt64(&b.server.Info.ClientsConnected)), Refused: b.hook.refused.Load(),
		Received: b.hook.received.Load(), Dropped: b.hook.dropped.Load(),
	}
}

// Run listens until ctx ends, and closes the broker then. A port that is taken
// is an error in the log and tried again: the gateway has more to do than this.
func (b *Broker) Run(ctx context.Context) error {
	defer b.close()
	b.hook.ctx.Store(&ctx)
	for {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.cfg.Listen)
		if err == nil {
			err = b.serve(ctx, l)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("another program listens on %s: stop it or choose another broker.listen", b.cfg.Listen)
		}
		b.cfg.Log.Error("the local broker does not listen, trying again", "listen", b.cfg.Listen, "error", err, "after", listenAgain)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(listenAgain):
		}
	}
}

// serve takes connections until ctx ends or the listener fails.
func (b *Broker) serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }()
	b.setAddr(l.Addr())
	defer b.setAddr(nil)
	b.cfg.Log.Info("the local broker listens", "address", l.Addr().String(), "tls", b.cfg.TLS != nil, "users", len(b.cfg.Users))
	for {
		c, err := l.Accept()
		var temporary interface{ Temporary() bool }
		if errors.As(err, &temporary) && temporary.Temporary() { // out of descriptors
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		b.take(c)
	}
}

func (b *Broker) setAddr(a net.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addr = a
}

// take gives a connection to mochi, unless there are too many or its address has
// guessed too often.
func (b *Broker) take(c net.Conn) {
	if b.failures.blocked(c.RemoteAddr()) {
		b.hook.refused.Add(1)
		_ = c.Close()
		return
	}
	// Room for some that have not signed in.
	if b.open.Load() >= int64(b.cfg.Clients)+16 {
		b.hook.refused.Add(1)
		_ = c.Close()
		return
	}
	if b.cfg.TLS != nil {
		c = tls.Server(c, b.cfg.TLS)
	}
	_ = c.SetDeadline(time.Now().Add(connectWithin)) // until mochi sets one by the keep-alive
	b.mu.Lock()
	if b.conns == nil {
		b.mu.Unlock()
		_ = c.Close()
		return
	}
	b.conns[c] = struct{}{}
	b.mu.Unlock()
	b.open.Add(1)
	b.wg.Go(func() {
		defer func() {
			_ = c.Close()
			b.open.Add(-1)
			b.mu.Lock()
			delete(b.conns, c)
			b.mu.Unlock()
		}()
		_ = b.server.EstablishConnection("sentrybox", c) // how it ended is of no interest
	})
}

// close ends every connection and waits until nothing of the broker is running.
func (b *Broker) close() {
	b.mu.Lock()
	for c := range b.conns {
		_ = c.Close()
	}
	b.conns = nil
	b.mu.Unlock()
	b.wg.Wait()
	_ = b.server.Close() // says nothing
}

// relative returns a topic without the prefix.
func (b *Broker) relative(topic string) (string, bool) {
	return strings.CutPrefix(topic, b.cfg.Prefix+"/")
}
