package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// maxDials bounds the connections of one session: a redirection may need a
// second, and a camera that redirects to itself would take them without end.
const maxDials = 4

var (
	errCut       = errors.New("connection given up")
	errRedirects = errors.New("the camera redirects without end")
	errElsewhere = errors.New("the camera redirects to another host, which gets no password from us")
	errNotTCP    = errors.New("UDP needs a TCP connection to the camera")
)

// wire is the connections of one session. The library waits without a deadline
// in some places, such as a TLS handshake that is never answered; cutting the
// wire ends every wait.
type wire struct {
	dialer func(ctx context.Context, network, address string) (net.Conn, error)
	host   string // that the password is for, "" if there is no password
	udp    bool
	adopt  func(net.Conn) net.Conn // nil for connections that stay as they are

	mu    sync.Mutex
	conns []net.Conn
	dials int
	done  chan struct{} // closed when cut
}

func newWire(cfg *Config, addr *address, udp bool) *wire {
	w := &wire{dialer: cfg.Dial, udp: udp, done: make(chan struct{})}
	if addr.credentials() {
		w.host = addr.host
	}
	return w
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("camera address: %w", err)
	}
	if w.host != "" && host != w.host {
		return nil, errElsewhere
	}
	w.mu.Lock()
	w.dials++
	n := w.dials
	w.mu.Unlock()
	if n > maxDials {
		return nil, errRedirects
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-w.done:
			cancel()
		case <-stop:
		}
	})
	conn, err := w.dialer(ctx, network, address)
	close(stop)
	watch.Wait()
	if err != nil {
		return nil, err
	}
	if _, ok := conn.RemoteAddr().(*net.TCPAddr); !ok && w.udp {
		conn.Close()
		return nil, errNotTCP
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
		conn.Close()
		return nil, errCut
	default:
		if w.adopt != nil {
			conn = w.adopt(conn)
		}
		w.conns = append(w.conns, conn)
		return conn, nil
	}
}

// cut closes every connection. It may be called more than once.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
		return
	default:
	}
	close(w.done)
	for _, c := range w.conns {
		c.Close()
	}
}

// listenPacket opens a UDP port with room for the burst of a keyframe, as far as
// the system grants it.
func listenPacket(network, address string) (net.PacketConn, error) {
	pc, err := net.ListenPacket(network, address)
	if err != nil {
		return nil, err
	}
	if u, ok := pc.(*net.UDPConn); ok {
		_ = u.SetReadBuffer(4 << 20) // best effort
	}
	return pc, nil
}
