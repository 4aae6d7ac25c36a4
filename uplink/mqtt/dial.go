package mqtt

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialTime is how long TCP alone has, once the name is resolved. The kernel repeats a SYN each second at
// first and ever more rarely later: a new attempt finds a line that has come back
// sooner than an old one.
const dialTime = 6 * time.Second

const (
	hedgeAfter = 500 * time.Millisecond // more than most lines take
	hedges     = 3
)

// reach connects to a broker by TCP. ctx bounds all of it.
func reach(ctx context.Context, t target, timing Timing) (net.Conn, error) {
	d := net.Dialer{
		Timeout:         dialTime,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	// The kernel counts from the first loss that is not made good, and where a fifth
	// is lost there always is one: it gives up long after we would have.
	giveUp := 3 * timing.Ack
	if ip := net.ParseIP(t.iface); ip != nil {
		d.LocalAddr, d.Control = &net.TCPAddr{IP: ip}, socket("", giveUp)
	} else {
		d.Control, d.Resolver = socket(t.iface, giveUp), resolver(t.iface)
	}
	addrs, err := resolve(ctx, &d, t.addr)
	if err != nil {
		return nil, err
	}
	return hedge(ctx, &d, addrs)
}

// dial connects to a broker, with TLS where it says so. ctx bounds all of it.
func (c *Client) dial(ctx context.Context, t target) (*conn, error) {
	tcp, err := c.reach(ctx, t, c.cfg.Timing)
	if err != nil {
		return nil, err
	}
	return newConn(ctx, tcp, t, c.cfg.Timing, &c.count)
}

// newConn makes a connection of one by TCP, and closes that if it can't.
func newConn(ctx context.Context, tcp net.Conn, t target, timing Timing, count *counters) (*conn, error) {
	raw := &counted{Conn: tcp, meter: t.meter}
	c := &conn{Conn: raw, raw: raw, timeout: timing.Write, longest: MaxIncoming, count: count, acks: map[uint16]struct{}{}, subs: map[uint16]int{}, ends: map[uint16]struct{}{},
		written: make(chan struct{}, 1)}
	c.heard.Store(time.Now().UnixNano())
	if t.secure {
		tc, err := handshake(ctx, raw, t)
		if err != nil {
			raw.account()
			_ = raw.Close()
			return nil, fmt.Errorf("tls: %w", err)
		}
		c.Conn = tc
	}
	c.r = newReader(c)
	return c, nil
}

// maxAddrs bounds how many addresses of a name are tried.
const maxAddrs = 8

// resolve returns the addresses of host:port that the dialer can reach, in the order to try them. ctx alone
// bounds it: where the first of two name servers is dead, a name takes more than 5 s.
func resolve(ctx context.Context, d *net.Dialer, addr string) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("resolve: %w", err)
	}
	if net.ParseIP(host) != nil {
		return []string{addr}, nil
	}
	r := d.Resolver
	if r == nil {
		r = net.DefaultResolver
	}
	network := "ip"
	if local, ok := d.LocalAddr.(*net.TCPAddr); ok {
		network = "ip6"
		if local.IP.To4() != nil {
			network = "ip4"
		}
	}
	ips, err := r.LookupNetIP(ctx, network, host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	var all []string
	for _, ip := range ips {
		if len(all) < maxAddrs {
			all = append(all, net.JoinHostPort(ip.Unmap().String(), port))
		}
	}
	return all, nil
}

// hedge dials the first address, and again beside the attempts that are not answered, the addresses in turn, and
// takes the first that is. The kernel repeats a lost SYN after a second, and the broker's
// lost answer as late; an attempt costs a packet of 60 bytes.
func hedge(ctx context.Context, d *net.Dialer, addrs []string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, max(hedges, len(addrs)))
	begun, running := 0, 0
	begin := func() {
		addr := addrs[begun%len(addrs)]
		begun, running = begun+1, running+1
		go func() {
			conn, err := d.DialContext(ctx, "tcp", addr)
			results <- result{conn, err}
		}()
	}
	begin()
	again := time.NewTicker(hedgeAfter)
	defer again.Stop()
	var won net.Conn
	var failed error // of the first: it had the most time
	for running > 0 {
		more := again.C
		if won != nil || begun >= len(addrs) && (begun >= hedges || failed != nil) {
			more = nil
		}
		select {
		case <-more:
			begin()
		case r := <-results:
			running--
			switch {
			case r.err == nil && won == nil:
				won = r.conn
				cancel()
			case r.err == nil:
				_ = r.conn.Close() // too late
			default:
				if failed == nil {
					failed = r.err
				}
				if won == nil && begun < len(addrs) && ctx.Err() == nil {
					begin() // an address that nobody has tried
				}
			}
		}
	}
	if won != nil {
		return won, nil
	}
	return nil, failed
}

func handshake(ctx context.Context, raw net.Conn, t target) (*tls.Conn, error) {
	cfg := &tls.Config{}
	if t.tls != nil {
		cfg = t.tls.Clone()
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.ServerName == "" {
		cfg.ServerName = t.host
	}
	tc := tls.Client(raw, cfg)
	return tc, tc.HandshakeContext(ctx)
}

// resolver asks for names over the interface that the connection is to leave
// by: the way that the routing table prefers may be the one that is dead.
func resolver(iface string) *net.Resolver {
	if iface == "" {
		return nil
	}
	d := net.Dialer{Control: bound(iface)}
	return &net.Resolver{PreferGo: true, Dial: d.DialContext}
}

// counted is a TCP connection that says what it has moved over the line.
type counted struct {
	net.Conn
	meter     Meter
	out, in   atomic.Uint64 // payload, for where the kernel does not tell
	mu        sync.Mutex
	sent, got uint64 // guarded by mu: what the meter knows
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.in.Add(uint64(max(n, 0)))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.out.Add(uint64(max(n, 0)))
	return n, err
}

// account tells the meter what has come since the last time.
func (c *counted) account() {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, got, ok := onWire(c.Conn)
	if !ok {
		sent, got = c.out.Load(), c.in.Load()
	}
	if sent > c.sent || got > c.got { // a closed connection knows nothing any more
		c.meter.Add(sent-min(c.sent, sent), got-min(c.got, got))
		c.sent, c.got = max(c.sent, sent), max(c.got, got)
	}
}

// Close accounts for the rest and closes.
func (c *counted) Close() error {
	c.account()
	return c.Conn.Close()
}
