package sip

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// What TCP connections may be.
const (
	maxConns         = maxStations + 2*maxStrangerConns // at a time, and
	maxStrangerConns = 32                               // of strangers among them, and
	maxConnsEach     = 4                                // of one address, or
	maxKnownEach     = 64                               // of one that is known: behind a NAT there are many
	messageWithin    = 10 * time.Second
	strangerIdle     = 30 * time.Second // without a message
	knownIdle        = 2 * time.Hour
	writeWithin      = 2 * time.Second
)

// peer is where a message came from, and where an answer goes.
type peer struct {
	addr netip.AddrPort
	conn *conn // nil for UDP
}

func (p peer) network() string {
	if p.conn != nil {
		return "TCP"
	}
	return "UDP"
}

// conn is a TCP connection.
type conn struct {
	net.Conn
	write    sync.Mutex
	stranger bool // guarded by the Driver's mu
}

// send sends a message. Over UDP what is lost is lost: who sent it sends it again.
func (d *Driver) send(to peer, m sip.Message) {
	b := []byte(m.String())
	if to.conn == nil {
		if d.udp != nil {
			_, _ = d.udp.WriteToUDPAddrPort(b, to.addr)
		}
		return
	}
	to.conn.write.Lock()
	defer to.conn.write.Unlock()
	_ = to.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := to.conn.Write(b); err != nil {
		to.conn.Close()
	}
}

// answer sends a response to a request.
func (d *Driver) answer(r *sip.Request, from peer, res *sip.Response) {
	if from.conn == nil {
		from.addr = replyTo(r, from.addr)
	}
	d.send(from, res)
}

// readUDP takes datagrams until the socket is closed.
func (d *Driver) readUDP() {
	buffer := make([]byte, maxMessage+1)
	for {
		n, from, err := d.udp.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP message about an earlier datagram
		}
		d.take(buffer[:n], peer{addr: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())})
	}
}

// accept takes connections until the listener is closed.
func (d *Driver) accept(ctx context.Context) {
	for {
		c, err := d.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of files
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		from, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil {
			c.Close()
			continue
		}
		p := peer{addr: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), conn: &conn{Conn: c}}
		if !d.enter(p) {
			c.Close()
			continue
		}
		d.work.Go(func() {
			defer d.leave(p)
			d.readTCP(p)
		})
	}
}

// enter says whether there is room for a connection, and counts it.
func (d *Driver) enter(p peer) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	each, strangers, most := 0, 0, maxConnsEach
	for c, other := range d.conns {
		if other.addr.Addr() == p.addr.Addr() {
			each++
		}
		if c.stranger = c.stranger && !d.knownLocked(other.addr.Addr(), now); c.stranger {
			strangers++
		}
	}
	if p.conn.stranger = !d.knownLocked(p.addr.Addr(), now); !p.conn.stranger {
		most = maxKnownEach
	}
	if d.conns == nil || each >= most || len(d.conns) >= maxConns || p.conn.stranger && strangers >= maxStrangerConns {
		return false
	}
	d.conns[p.conn] = p
	return true
}

// leave forgets a connection, and who was registered over it.
func (d *Driver) leave(p peer) {
	p.conn.Close()
	d.mu.Lock()
	delete(d.conns, p.conn)
	var lost []string
	for id, b := range d.bindings {
		if b.peer.conn == p.conn {
			delete(d.bindings, id)
			lost = append(lost, id)
		}
	}
	d.mu.Unlock()
	for _, id := range lost {
		d.gone(id, "its connection is closed")
	}
}

// readTCP takes messages of a connection until it ends or breaks the rules.
func (d *Driver) readTCP(p peer) {
	r := bufio.NewReaderSize(p.conn, 2048)
	for {
		idle := strangerIdle
		if d.known(p.addr.Addr()) {
			idle = knownIdle
		}
		_ = p.conn.SetReadDeadline(time.Now().Add(idle))
		if _, err := r.Peek(1); err != nil {
			return
		}
		_ = p.conn.SetReadDeadline(time.Now().Add(messageWithin))
		b, err := frame(r)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				d.rejected()
			}
			return
		}
		if len(b) == 0 { // a ping (RFC 5626 section 4.4.1)
			p.conn.write.Lock()
			_ = p.conn.SetWriteDeadline(time.Now().Add(writeWithin))
			_, err = p.conn.Write([]byte("\r\n"))
			p.conn.write.Unlock()
			if err != nil {
				return
			}
		}
		if !d.take(b, p) {
			return
		}
	}
}

// frame reads one message from a stream (RFC 3261 section 18.3), or nothing for CRLF CRLF.
func frame(r *bufio.Reader) ([]byte, error) {
	var b []byte
	length, seen := 0, false
	start := 0 // of the present line
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("read a message: %w", err)
		}
		if len(b)+len(line) > maxMessage {
			return nil, errMalformed
		}
		b = append(b, line...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		text, first := string(bytes.TrimRight(b[start:], "\r\n")), start == 0
		start = len(b)
		switch {
		case text == "" && first: // before a message
			return nil, nil
		case text == "":
			if !seen {
				return nil, errMalformed
			}
			body := make([]byte, length)
			if _, err := io.ReadFull(r, body); err != nil {
				return nil, fmt.Errorf("read a body: %w", err)
			}
			return append(b, body...), nil
		default:
			key, value, _ := strings.Cut(text, ":")
			if key = strings.ToLower(strings.TrimSpace(key)); key != "content-length" && key != "l" {
				continue
			}
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
			if err != nil || seen || n > maxMessage {
				return nil, errMalformed
			}
			length, seen = int(n), true
			if len(b)+length > maxMessage {
				return nil, errMalformed
			}
		}
	}
}

// localAddr is our address as the peer sees it.
func (d *Driver) localAddr(to peer) netip.Addr {
	if to.conn != nil {
		if a, err := netip.ParseAddrPort(to.conn.LocalAddr().String()); err == nil {
			return a.Addr().Unmap()
		}
	}
	if a := d.bound.Addr(); !a.IsUnspecified() {
		return a
	}
	c, err := net.Dial("udp", to.addr.String()) // asks the routing table, and sends nothing
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer c.Close()
	a, _ := netip.ParseAddrPort(c.LocalAddr().String())
	return a.Addr().Unmap()
}
