// Package duty is the duty room's console: one program for many gateways, which hears
// their alerts at a broker, shows them on one page to any number of browsers, and
// carries what people answer back.
//
// The page follows what is known of alarms and of older users: few and large
// controls, a word and a shape beside every colour, a sound until somebody has
// answered, and data that never looks current when it is not.
package duty

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/gateway/brake"
	"sentrybox/gateway/config"
	"sentrybox/gateway/duty/feed"
	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/password"
	"sentrybox/gateway/web/cert"
	"sentrybox/uplink/mqtt"
)

const (
	answerWithin = 30 * time.Second
	stopWithin   = 2 * time.Second
	mostStreams  = 200
	maxBody      = 64 << 10
	pollEvery    = 500 * time.Millisecond // of a ledger that others write to
	sweepEvery   = time.Hour
	hashesAtOnce = 2
)

// Console is a duty room's. Set the fields, then Run.
type Console struct {
	Config *config.Duty
	Log    *slog.Logger
	Now    func() time.Time // time.Now when nil
	// Listening hears of the page's address; nil for nobody.
	Listening func(net.Addr)

	ledger *ledger.Ledger
	feeds  []*feed.Feed
	// devices are those of each feed.
	devices []*devices
	pages   *pages.Set
	users   map[string]user
	nobody  password.Hash // stands in for users that are not there
	brake   brake.Brake
	clips   *clips
	secure  bool

	hashing chan struct{}
	streams chan struct{}

	seq atomic.Int64 // of the last change that is known

	mu      sync.Mutex
	changed chan struct{} // guarded by mu: closed and replaced at each change
}

type user struct {
	role string
	hash password.Hash
}

// Run runs the console until ctx ends.
func (c *Console) Run(ctx context.Context) (err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.ledger.Close()) }()
	handler, err := c.handler()
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, f := range c.feeds {
		g.Go(func() error { return f.Run(gctx) })
	}
	g.Go(func() error { return c.serve(gctx, handler) })
	g.Go(func() error { return c.tidy(gctx) })
	g.Go(func() error { return c.clips.run(gctx) })
	if c.ledger.Shared() {
		g.Go(func() error { return c.poll(gctx) })
	}
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (c *Console) open(ctx context.Context) (err error) {
	c.changed = make(chan struct{})
	c.hashing, c.streams = make(chan struct{}, hashesAtOnce), make(chan struct{}, mostStreams)
	c.users = map[string]user{}
	for _, u := range c.Config.Users {
		h, err := password.Parse(u.Hash.Reveal())
		if err != nil {
			return fmt.Errorf("user %s: %w", u.Name, err)
		}
		c.users[u.Name] = user{u.Role, h}
	}
	if c.nobody, err = password.Parse(password.New("")); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Config.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	place := c.Config.Database.Reveal()
	if place == "" {
		place = c.Config.Data
	}
	if c.ledger, err = ledger.Open(ctx, place, c.Now); err != nil {
		return err
	}
	c.clips = newClips(c, filepath.Join(c.Config.Data, "clips"))
	id, err := clientID(c.Config.Data)
	if err != nil {
		return errors.Join(err, c.ledger.Close())
	}
	for i, b := range c.Config.Brokers {
		f, err := c.feed(b, fmt.Sprintf("%s%d", id, i))
		if err != nil {
			return errors.Join(fmt.Errorf("brokers[%d]: %w", i, err), c.ledger.Close())
		}
		c.feeds = append(c.feeds, f)
	}
	return nil
}

func (c *Console) feed(b config.DutyBroker, id string) (*feed.Feed, error) {
	broker := mqtt.Broker{URL: b.URL.Reveal(), Username: b.Username, Password: b.Password.Reveal()}
	if b.CA != "" || b.Cert != "" || b.Pin != "" {
		var err error
		if broker.TLS, err = mqtt.LoadTLS(b.CA, b.Cert, b.Key, b.Pin); err != nil {
			return nil, err
		}
	}
	all := &devices{}
	c.devices = append(c.devices, all)
	return feed.New(feed.Config{
		Broker: broker, Prefix: c.Config.Prefix, Scope: b.Scope, Level: c.Config.Level, ClientID: id, Share: b.Share,
		Ledger: c.ledger, Changed: c.heard, Piece: c.clips.piece, Device: all.take, Fresh: all.reset, Log: c.Log.With("part", "feed"),
	}), nil
}

// heard hears that the ledger or a broker's state has changed.
func (c *Console) heard(seq int64) {
	for {
		have := c.seq.Load()
		if seq <= have || c.seq.CompareAndSwap(have, seq) {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// next returns a channel that is closed at the next change.
func (c *Console) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// poll looks for what other consoles have written.
func (c *Console) poll(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		seq, err := c.ledger.Seq(ctx)
		if err == nil && seq > c.seq.Load() {
			c.heard(seq)
		}
	}
}

// tidy deletes what is old.
func (c *Console) tidy(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := c.ledger.Sweep(ctx, c.Now().Add(-time.Duration(c.Config.KeepDays)*24*time.Hour)); err != nil && ctx.Err() == nil {
			c.Log.Error("what is old stays", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (c *Console) serve(ctx context.Context, handler http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen for browsers: %w", err)
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: answerWithin, WriteTimeout: 4 * answerWithin,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog:    slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug), // handshakes of scanners
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	if c.secure {
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.certificate()}
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
	})
	c.Log.Info("the duty room's page listens", "address", l.Addr().String(), "tls", c.secure)
	if c.Listening != nil {
		c.Listening(l.Addr())
	}
	if c.secure {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	if !stop() {
		<-stopped
	}
	return err
}

// certificate returns the configured certificate, or one that is made here.
func (c *Console) certificate() func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if t := c.Config.TLS; t.Cert != "" {
		return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { // read anew, since it is renewed
			pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
			return &pair, err
		}
	}
	box := &cert.Box{Dir: filepath.Join(c.Config.Data, "tls"), Name: c.Config.Name, Now: c.Now, Hosts: hosts}
	return box.Get
}

// hosts are the names and addresses of this machine.
func hosts() (names []string, addresses []net.IP) {
	names = []string{"localhost"}
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		names = append(names, name)
	}
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			addresses = append(addresses, n.IP)
		}
	}
	slices.SortFunc(addresses, func(a, b net.IP) int { return slices.Compare(a, b) })
	return names, addresses
}
