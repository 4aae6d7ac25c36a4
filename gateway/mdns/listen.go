package mdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

const (
	maxPacket = 9000                   // bytes (RFC 6762, 17)
	readAgain = 100 * time.Millisecond // after an error, such as of an interface that has gone
)

// listener is the sockets, and the interfaces that they have joined the group on.
type listener struct {
	v4 *ipv4.PacketConn
	v6 *ipv6.PacketConn // nil without IPv6

	mu    sync.Mutex
	nets  map[int][]netip.Prefix // guarded by mu: by interface
	joins map[int]bool           // guarded by mu
}

// The groups that multicast DNS speaks in (RFC 6762, 3).
func group4() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port} }

func group6() *net.UDPAddr { return &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port} }

// listen opens the port, which others may have open too, such as Avahi.
func listen() (*listener, error) {
	share := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) {
			err = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
		})
		return errors.Join(cerr, err)
	}}
	c4, err := share.ListenPacket(context.Background(), "udp4", fmt.Sprintf("0.0.0.0:%d", port))
	if err != nil {
		return nil, err
	}
	l := &listener{v4: ipv4.NewPacketConn(c4), nets: map[int][]netip.Prefix{}, joins: map[int]bool{}}
	err = errors.Join(l.v4.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true), l.v4.SetMulticastTTL(255), l.v4.SetMulticastLoopback(true))
	if err != nil {
		return nil, errors.Join(err, l.v4.Close())
	}
	if c6, err := share.ListenPacket(context.Background(), "udp6", fmt.Sprintf("[::]:%d", port)); err == nil {
		l.v6 = ipv6.NewPacketConn(c6)
		if err := errors.Join(l.v6.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true), l.v6.SetMulticastHopLimit(255), l.v6.SetMulticastLoopback(true)); err != nil {
			_ = l.v6.Close()
			l.v6 = nil
		}
	}
	return l, nil
}

func (l *listener) close() {
	_ = l.v4.Close()
	if l.v6 != nil {
		_ = l.v6.Close()
	}
}

// look joins the group on interfaces that are new, and notes their addresses.
func (l *listener) look() error {
	all, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("read the interfaces: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nets = map[int][]netip.Prefix{}
	for i := range all {
		ifi := &all[i]
		if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagMulticast == 0 || ifi.Flags&net.FlagLoopback != 0 || ifi.Flags&net.FlagPointToPoint != 0 {
			continue
		}
		addrs, err := ifi.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				l.nets[ifi.Index] = append(l.nets[ifi.Index], p)
			}
		}
		if l.joins[ifi.Index] || len(l.nets[ifi.Index]) == 0 {
			continue
		}
		l.joins[ifi.Index] = l.v4.JoinGroup(ifi, group4()) == nil
		if l.v6 != nil {
			_ = l.v6.JoinGroup(ifi, group6()) // it may have no IPv6
		}
	}
	for index := range l.joins {
		if l.nets[index] == nil {
			delete(l.joins, index) // it is gone, and may come again
		}
	}
	return nil
}

func (l *listener) interfaces() (all []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for index := range l.nets {
		all = append(all, index)
	}
	slices.Sort(all)
	return all
}

// known tells the state of the interfaces, to be compared.
func (l *listener) known() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.nets)
}

func (l *listener) addresses(iface int) (all []netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for index, nets := range l.nets {
		for _, p := range nets {
			if index == iface || iface == 0 {
				all = append(all, p.Addr().WithZone("").Unmap())
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// onLink says whether somebody is on the network of an interface: nobody else is
// answered (RFC 6762, 11).
func (l *listener) onLink(p packet) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := p.from.Addr().WithZone("").Unmap()
	for _, n := range l.nets[p.iface] {
		if n.Masked().Contains(from) || from.Is6() && from.IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}

// read hands on what comes, until the sockets are closed. What nobody takes in time is
// dropped: it is asked again. The channel that it returns is closed at the end.
func (l *listener) read(ctx context.Context, to chan<- packet) <-chan struct{} {
	var wg sync.WaitGroup
	take := func(n, iface int, from net.Addr, buf []byte) {
		u, ok := from.(*net.UDPAddr)
		if !ok {
			return
		}
		p := packet{data: slices.Clone(buf[:n]), from: u.AddrPort(), iface: iface}
		if !l.onLink(p) {
			return
		}
		select {
		case to <- p:
		default:
		}
	}
	wg.Go(func() {
		for buf := make([]byte, maxPacket); ctx.Err() == nil; {
			n, cm, from, err := l.v4.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && cm != nil {
				take(n, cm.IfIndex, from, buf)
			} else if err != nil {
				time.Sleep(readAgain)
			}
		}
	})
	if l.v6 != nil {
		wg.Go(func() {
			for buf := make([]byte, maxPacket); ctx.Err() == nil; {
				n, cm, from, err := l.v6.ReadFrom(buf)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err == nil && cm != nil {
					take(n, cm.IfIndex, from, buf)
				} else if err != nil {
					time.Sleep(readAgain)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	return done
}

// send sends to all that listen on an interface.
func (l *listener) send(iface int, b []byte) {
	_, _ = l.v4.WriteTo(b, &ipv4.ControlMessage{IfIndex: iface}, group4()) // asked again if it is lost
	if l.v6 != nil {
		_, _ = l.v6.WriteTo(b, &ipv6.ControlMessage{IfIndex: iface}, group6())
	}
}

// sendTo answers a packet: who sent it alone, if to is valid, or all.
func (l *listener) sendTo(p packet, b []byte, to netip.AddrPort) {
	switch {
	case !to.IsValid():
		l.send(p.iface, b)
	case to.Addr().Unmap().Is4():
		_, _ = l.v4.WriteTo(b, &ipv4.ControlMessage{IfIndex: p.iface}, net.UDPAddrFromAddrPort(to))
	case l.v6 != nil:
		_, _ = l.v6.WriteTo(b, &ipv6.ControlMessage{IfIndex: p.iface}, net.UDPAddrFromAddrPort(to))
	}
}
