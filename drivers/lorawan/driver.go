package lorawan

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	// Devices are those that are heard, at least one.
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
	if len(cfg.Devices) == 0 {
		return nil, errors.New("no devices")
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
		conn.Close()
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

func (d *Driver) reject() { d.Count(func(c *driver.Counts) { c.Rejected++ }) }

// datagram takes one datagram.
func (d *Driver) datagram(b []byte, from netip.AddrPort) {
	dg, err := parseDatagram(b)
	if err != nil {
		d.reject()
		return
	}
	if d.allowed != nil && !d.allowed[dg.eui] {
		d.Count(func(c *driver.Counts) { c.Discarded++ })
		return
	}
	if dg.kind == txAck {
		if reason := txError(dg.body); reason != "" {
			d.cfg.Log.Warn("a gateway did not send an answer", "gateway", dg.eui.String(), "reason", reason)
		}
		return
	}
	// Confirmed whatever is in it: the same again would be no better.
	_ = d.send(dg.confirm(), from)
	if !d.called(&dg, from) || dg.kind != pushData {
		return
	}
	var p push
	if err := json.Unmarshal(dg.body, &p); err != nil {
		d.reject()
		return
	}
	if p.Stat != nil {
		d.mu.Lock()
		d.gateways[dg.eui].Status = *p.Stat
		d.mu.Unlock()
	}
	for _, raw := range p.RXPK {
		var rx rxpk
		if json.Unmarshal(raw, &rx) != nil {
			d.reject()
			continue
		}
		d.heard(dg.eui, &rx)
	}
}

// called notes that a gateway is there. It returns false if there are too many.
func (d *Driver) called(dg *datagram, from netip.AddrPort) bool {
	d.mu.Lock()
	g := d.gateways[dg.eui]
	if g == nil {
		if len(d.gateways) >= maxGateways {
			d.mu.Unlock()
			return false
		}
		g = &Gateway{EUI: dg.eui}
		d.gateways[dg.eui] = g
		d.cfg.Log.Info("a packet forwarder calls", "gateway", dg.eui.String(), "from", from.String())
	}
	g.Called = time.Now()
	if dg.kind == pullData {
		g.Pull = from
	}
	d.mu.Unlock()
	if d.calling.Swap(present) != present {
		d.Enter(driver.Silent, "a packet forwarder calls, no device heard yet")
	}
	return true
}

// heard takes one packet.
func (d *Driver) heard(eui EUI, rx *rxpk) {
	if rx.Stat != 1 { // devices send with a CRC
		d.reject()
		return
	}
	packet, err := rx.packet()
	if err != nil {
		d.reject()
		return
	}
	u, err := parseUplink(packet)
	if err != nil {
		if errors.Is(err, errOther) {
			d.Count(func(c *driver.Counts) { c.Discarded++ })
		} else {
			d.reject()
		}
		return
	}
	now := time.Now()
	s, counter, err := d.sessions.take(&u, now)
	switch {
	case errors.Is(err, errDuplicate):
		d.answer(eui, rx, s, &u, now)
		return
	case errors.Is(err, errUnknown):
		d.Count(func(c *driver.Counts) { c.Discarded++ })
		return
	case err != nil:
		d.reject()
		if !errors.Is(err, errReplay) {
			d.cfg.Log.Error("a packet was dropped", "error", err)
		}
		return
	}
	d.answer(eui, rx, s, &u, now)
	if u.port >= 1 && u.port <= maxAppPort {
		d.emit(d.message(s, counter, &u, rx, now))
		d.Heard(s.ID)
	} else { // MAC commands, or a sign of life
		d.Device(s.ID, driver.Online, "")
	}
	if u.confirmed { // the device holds it for important
		if err := d.guard.Flush(); err != nil {
			d.cfg.Log.Error("what sensors were heard last was not kept", "error", err)
		}
	}
}

// maxAppPort is the last FPort of applications (1.0.4, 4.3.2).
const maxAppPort = 223

func (d *Driver) message(s *session, counter uint32, u *uplink, rx *rxpk, now time.Time) driver.Message {
	m := driver.Message{
		Device: s.ID, Port: u.port, Data: s.crypt(up, s.Addr, counter, u.port, u.payload), At: now, Counter: &counter, SNR: rx.LSNR,
	}
	if rx.RSSI != 0 {
		m.RSSI = &rx.RSSI
	}
	return m
}
