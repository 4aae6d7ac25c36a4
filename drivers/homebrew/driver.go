package homebrew

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
)

const (
	defaultTimeout = 60 * time.Second
	tickEvery      = 250 * time.Millisecond
	receiveBuffer  = 1 << 20
	leastID        = 1000
)

// Config says where to listen, and to whom.
type Config struct {
	Listen string // host:port, UDP
	// Repeaters are the passwords of those that may log in, by their ids.
	Repeaters map[uint32]string
	// Timeout is how long a repeater may be silent, 60 s when 0.
	Timeout time.Duration
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Source is a master.
type Source struct {
	driver.Tracker
	driver.Life
	cfg    Config
	secret [32]byte // of salts
	calls  uint64   // named so far; of Run alone

	mu   sync.Mutex
	addr netip.AddrPort // guarded by mu: where it listens
}

// New checks the configuration.
func New(c Config) (*Source, error) {
	if _, err := net.ResolveUDPAddr("udp", c.Listen); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if len(c.Repeaters) == 0 || len(c.Repeaters) > maxRepeaters {
		return nil, fmt.Errorf("%d repeaters: want 1 to %d", len(c.Repeaters), maxRepeaters)
	}
	for id, password := range c.Repeaters {
		if id < leastID || password == "" {
			return nil, fmt.Errorf("repeater %d: an id of four digits or more and a password are needed", id)
		}
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{cfg: c}
	_, _ = rand.Read(s.secret[:]) // never fails
	return s, nil
}

// Addr returns where the master listens; it is not valid while it does not.
func (s *Source) Addr() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

func (s *Source) setAddr(a netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = a
}

// Run listens until ctx ends.
func (s *Source) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return s.Ended(s.listen(ctx, emit))
}

func (s *Source) listen(ctx context.Context, emit func(call.Event)) error {
	pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", s.cfg.Listen)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("homebrew: %w", err)
	}
	conn := pc.(*net.UDPConn)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
	defer func() {
		stop()
		s.setAddr(netip.AddrPort{})
		_ = conn.Close()
	}()
	_ = conn.SetReadBuffer(receiveBuffer) // as much of it as there may be
	s.setAddr(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	s.Opened()
	m := newMaster(s, conn, emit, time.Now())
	defer m.close()
	buf := make([]byte, maxPacket+1)
	for next := time.Now(); ; {
		if now := time.Now(); !now.Before(next) {
			m.tick(now)
			next = now.Add(tickEvery)
			if err := conn.SetReadDeadline(next); err != nil {
				return fmt.Errorf("homebrew: %w", err)
			}
		}
		if ctx.Err() != nil { // after the deadline was set
			return nil
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			m.take(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now())
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("homebrew: %w", err)
		default: // an ICMP message of somebody who is gone
			s.Count(func(c *driver.Counts) { c.Rejected++ })
		}
	}
}

func name(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
