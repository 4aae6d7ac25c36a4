package audio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtp"

	"sentrybox/drivers/driver"
)

const (
	maxDatagram = 2048
	socketSize  = 256 << 10
)

// open listens for the stream. rate is that of L16 of a dynamic payload type.
func (r *RTP) open(rate int) Open {
	return func(ctx context.Context) (Stream, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at, err := netip.ParseAddrPort(r.Listen)
		if err != nil {
			return nil, driver.Permanent(err)
		}
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, fmt.Errorf("listen for RTP: %w", err)
		}
		_ = conn.SetReadBuffer(socketSize) // a favour
		return &receiver{conn: conn, from: r.From, buf: make([]byte, maxDatagram), order: newOrder(rate)}, nil
	}
}

// receiver reads a stream from the network. Strangers' packets cost a look at their address.
type receiver struct {
	conn  *net.UDPConn
	from  netip.Addr
	buf   []byte
	order *order
	until time.Time // the reader's deadline
}

// Address returns where it listens.
func (r *receiver) Address() net.Addr { return r.conn.LocalAddr() }

func (r *receiver) SetReadDeadline(t time.Time) error {
	r.until = t
	return r.conn.SetReadDeadline(t)
}

func (r *receiver) Close() error { return r.conn.Close() }

func (r *receiver) Read(p []int16) (int, error) {
	for {
		if n := r.order.take(p, time.Now()); n > 0 {
			return n, nil
		}
		// Packets that wait for one that is lost do not wait for the next to arrive.
		wake := r.until
		if due := r.order.due(); !due.IsZero() && (wake.IsZero() || due.Before(wake)) {
			wake = due
		}
		if err := r.conn.SetReadDeadline(wake); err != nil {
			return 0, err
		}
		n, from, err := r.conn.ReadFromUDPAddrPort(r.buf)
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() && (r.until.IsZero() || time.Now().Before(r.until)) {
				continue
			}
			return 0, err
		}
		if r.from.IsValid() && from.Addr().Unmap() != r.from.Unmap() || n == len(r.buf) {
			r.order.dropped++
			continue
		}
		var packet rtp.Packet
		if packet.Unmarshal(r.buf[:n]) != nil {
			r.order.dropped++
			continue
		}
		r.order.put(&packet, time.Now())
	}
}
