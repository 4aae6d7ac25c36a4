package lorawan

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/replay"
)

// Plan is where and how a device listens in its first receive window.
type Plan string

// The plans. Data rates are the uplink's, the delay is a second, as devices have
// it that nobody has told otherwise.
const (
	NoAnswer    Plan = ""      // nothing is sent
	SameChannel Plan = "same"  // on the uplink's frequency: EU868, EU433, AS923, IN865, KR920
	CN470       Plan = "cn470" // 96 uplink channels from 470.3 MHz, 48 downlink channels from 500.3 MHz
)

// Config says where to listen, and to whom.
type Config struct {
	// Listen is the UDP address, "host:port"; ":1700", the protocol's usual port, if empty.
	Listen string
	// Gateways are the EUIs that may send, in hexadecimal digits; all if empty.
	Gateways []string
	// Devices are those that are heard. Others are strangers.
	Devices []Device
	// Answer confirms uplinks that ask for it.
	Answer Plan
	// Power of an answer in dBm EIRP; 14 if 0.
	Power int
	// Counters keeps counters over restarts; without it they are kept in memory.
	Counters replay.Store
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Timing of the gateways' side.
const (
	defaultListen = ":1700"
	absent        = 90 * time.Second // without a PULL_DATA, which come each few seconds
	maxGateways   = 256
)

// Driver listens to packet forwarders.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg      Config
	allowed  map[EUI]bool // nil for all
	sessions *sessions
	guard    *replay.Guard
	downs    downCounters

	mu       sync.Mutex
	addr     net.Addr         // guarded by mu; nil while Run does not run
	gateways map[EUI]*Gateway // guarded by mu

	calling atomic.Int32 // whether gateways call

	// Of Run alone.
	send  func(b []byte, to netip.AddrPort) error
	emit  func(driver.Message)
	token uint16
}

// Whether gateways call.
const (
	unknown = iota
	present
	gone
)

// Gateway is a packet forwarder that has called.
type Gateway struct {
	EUI EUI
	// Pull is from where it waits for downlinks; zero if it does not.
	Pull netip.AddrPort
	// Called is when it last asked for downlinks or sent anything.
	Called time.Time
	// Status is its last report.
	Status Status
}

// New checks the configuration.
func New(cfg Config) (*Driver, error) {
	if cfg.Listen == "" {
		cfg.Listen = defaultListen
	}
	if _, port, err := net.SplitHostPort(cfg.Listen); err != nil || port == "" {
		return nil, fmt.Errorf("address %q: want host:port", cfg.Listen)
	}
	switch cfg.Answer {
	case NoAnswer, SameChannel, CN470:
	default:
		return nil, fmt.Errorf("answer %q: must be empty, same or cn470", cfg.Answer)
	}
	if cfg.Power == 0 {
		cfg.Power = 14
	}
	if cfg.Power < -10 || cfg.Power > 30 {
		return nil, fmt.Errorf("power %d dBm: want -10 to 30", cfg.Power)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Driver{cfg: cfg, gateways: map[EUI]*Gateway{}}
	d.guard = &replay.Guard{Store: cfg.Counters, Prefix: "lorawan/", Log: cfg.Log}
	d.downs = downCounters{store: cfg.Counters}
	for _, s := range cfg.Gateways {
		b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
		if err != nil || len(b) != 8 {
			return nil, fmt.Errorf("gateway %q: want an EUI of 16 hexadecimal digits", s)
		}
		if d.allowed == nil {
			d.allowed = map[EUI]bool{}
		}
		d.allowed[EUI(b)] = true
	}
	var err error
	d.sessions, err = newSessions(cfg.Devices, d.guard)
	return d, err
}

// Addr returns where Run listens; nil while it does not.
func (d *Driver) Addr() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addr
}

// Gateways returns the gateways that have called, by EUI.
func (d *Driver) Gateways() []Gateway {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Gateway, 0, len(d.gateways))
	for _, g := range d.gateways {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Gateway) int { return slices.Compare(a.EUI[:], b.EUI[:]) })
	return all
}

// Run listens until ctx ends. It fails if the address cannot be had.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.Ended(d.listen(ctx, emit))
}

func (d *Driver) listen(ctx context.Context, emit func(driver.Message)) error {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, "udp", d.cfg.Listen)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("listening to packet forwarders: %w", err)
	}
	conn := pc.(*net.UDPConn)
	_ = conn.SetReadBuffer(1 << 20) // the kernel may grant less
	d.emit, d.send = emit, func(b []byte, to netip.AddrPort) error {
		_, err := conn.WriteToUDPAddrPort(b, to)
		return err
	}
	d.mu.Lock()
	d.addr = conn.LocalAddr()
	d.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { d.guard.Run(ctx) })
	wg.Go(func() { d.watch(ctx) })
	wg.Go(func() {
		<-ctx.Done()
		_ = conn.Close()
	})
	defer wg.Wait()
	defer cancel()
	defer func() {
		d.mu.Lock()
		d.addr = nil
		d.mu.Unlock()
	}()
	d.calling.Store(unknown)
	d.Opened()
	d.Enter(driver.Silent, "listening, no packet forwarder has called yet")
	buf := make([]byte, 65535)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("hearing packet forwarders: %w", err)
		}
		d.datagram(buf[:n], from)
	}
}

// watch says when no gateway calls any more.
func (d *Driver) watch(ctx context.Context) {
	tick := time.NewTicker(absent / 6)
	defer tick.Stop()
	begun := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		last := begun
		for _, g := range d.Gateways() {
			if g.Called.After(last) {
				last = g.Called
			}
		}
		if time.Since(last) > absent && d.calling.Swap(gone) != gone {
			d.Enter(driver.Unplugged, "no packet forwarder calls")
		}
	}
}
