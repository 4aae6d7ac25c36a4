package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
)

// Driver is the user agent and registrar.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg    Config
	parser *sip.Parser
	users  map[string]party // who has a password here

	// Of a Run.
	limits *limiter
	nonces *nonces
	udp    *net.UDPConn
	tcp    net.Listener
	bound  netip.AddrPort
	work   sync.WaitGroup
	ctx    context.Context // of the Run, for what comes by the socket

	saying sync.Mutex // emit's
	emit   func(call.Event)

	mu       sync.Mutex // guards what follows
	friends  map[netip.Addr]time.Time
	bindings map[string]binding  // by id
	missing  map[string]*missing // who has registered, or should, and is away
	seen     map[string]bool     // who has registered
	conns    map[*conn]peer
	calls    map[string]*conversation // by each Call-ID of theirs
	busy     int                      // calls that go on, and
	each     map[string]int           // of each station
	lately   map[string]*sip.Response // answers to requests outside of calls, by sender and transaction
	order    []string                 // of lately, the oldest first
	named    uint64                   // calls so far
}

// party is who has signed in: a station or a phone.
type party struct {
	station *Station
	phone   *Phone
}

func (p party) id() string {
	if p.phone != nil {
		return p.phone.ID
	}
	return p.station.ID
}

func (p party) user() string {
	if p.phone != nil {
		return p.phone.User
	}
	return p.station.User
}

func (p party) password() string {
	if p.phone != nil {
		return p.phone.Password
	}
	return p.station.Password
}

// algorithm is that of the party's Digest, MD5 of nobody's.
func (p party) algorithm() string {
	if p.station != nil && p.station.SHA256 || p.phone != nil && p.phone.SHA256 {
		return "SHA-256"
	}
	return "MD5"
}

// New checks the configuration.
func New(cfg Config) (*Driver, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, parser: sip.NewParser(), users: map[string]party{}}
	for i := range cfg.Stations {
		if s := &cfg.Stations[i]; s.Password != "" {
			d.users[s.User] = party{station: s}
		}
	}
	for i := range cfg.Phones {
		if p := &cfg.Phones[i]; p.Address == "" {
			d.users[p.User] = party{phone: p}
		}
	}
	return d, nil
}

// Run listens until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	wait := 100 * time.Millisecond
	for {
		if err = d.open(ctx); err == nil {
			break
		}
		if permanent(err) {
			return d.Ended(driver.Permanent(err))
		}
		d.Enter(driver.Unplugged, err.Error()) // another holds the port, or the address is not there yet
		select {
		case <-ctx.Done():
			return d.Ended(nil)
		case <-time.After(wait):
			wait = min(2*wait, 10*time.Second)
		}
	}
	d.start(emit)
	d.ctx = ctx
	d.Opened()
	for i := range d.cfg.Stations {
		d.Device(d.cfg.Stations[i].ID, driver.Silent, "not heard yet")
	}
	for i := range d.cfg.Phones {
		if d.cfg.Phones[i].Address == "" {
			d.Device(d.cfg.Phones[i].ID, driver.Silent, "not registered")
		}
	}
	d.work.Go(d.readUDP)
	d.work.Go(func() { d.accept(ctx) })
	d.watch(ctx)
	d.close()
	d.work.Wait()
	return d.Ended(nil)
}

func permanent(err error) bool {
	var dns *net.DNSError
	var addr *net.AddrError
	return errors.As(err, &addr) || errors.As(err, &dns) && dns.IsNotFound || errors.Is(err, syscall.EACCES)
}

// open listens on UDP, and on TCP at the same port.
func (d *Driver) open(ctx context.Context) error {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp", d.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", d.cfg.Listen, err)
	}
	udp, _ := pc.(*net.UDPConn)
	_ = udp.SetReadBuffer(1 << 20) // so that a flood is read, and not lost with what matters in it
	local, _ := udp.LocalAddr().(*net.UDPAddr)
	host, _, _ := net.SplitHostPort(d.cfg.Listen)
	tcp, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(local.Port)))
	if err != nil {
		_ = udp.Close()
		return fmt.Errorf("listen on %s: %w", d.cfg.Listen, err)
	}
	bound := local.AddrPort()
	d.mu.Lock()
	d.udp, d.tcp = udp, tcp
	d.bound = netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	d.mu.Unlock()
	return nil
}

// Addr is where it listens, while it runs.
func (d *Driver) Addr() netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bound
}

func (d *Driver) start(emit func(call.Event)) {
	d.limits, d.nonces, d.emit = newLimiter(), newNonces(), emit
	d.mu.Lock()
	defer d.mu.Unlock()
	d.friends, d.bindings, d.conns = map[netip.Addr]time.Time{}, map[string]binding{}, map[*conn]peer{}
	d.calls, d.lately, d.order, d.busy = map[string]*conversation{}, map[string]*sip.Response{}, nil, 0
	d.each, d.missing, d.seen = map[string]int{}, map[string]*missing{}, map[string]bool{}
	for i := range d.cfg.Stations {
		if s := &d.cfg.Stations[i]; s.Password != "" && !s.Address.IsValid() {
			d.missing[s.ID] = &missing{since: time.Now().Add(d.cfg.First)}
		}
	}
}

// close closes what is open. Calls have been told by their context before.
func (d *Driver) close() {
	d.mu.Lock()
	var calls []*conversation
	for _, c := range d.calls {
		calls = append(calls, c)
	}
	d.mu.Unlock()
	for _, c := range calls {
		<-c.over // it has said goodbye
	}
	_ = d.udp.Close()
	d.tcp.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.Close()
	}
	d.conns = nil
}

// watch lets registrations run out, until ctx ends.
func (d *Driver) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, id := range d.expired(now) {
				d.gone(id, "its registration has run out")
			}
			d.report(now)
		}
	}
}

// tell emits an event, one at a time.
func (d *Driver) tell(e call.Event) {
	e.At = time.Now()
	d.saying.Lock()
	defer d.saying.Unlock()
	d.emit(e)
}

func (d *Driver) rejected() { d.Count(func(c *driver.Counts) { c.Rejected++ }) }

func (d *Driver) discarded() { d.Count(func(c *driver.Counts) { c.Discarded++ }) }
