package subscribe

import (
	"errors"
	"io"
	"net"
	"time"
)

// Types of packets (MQTT 3.1.1, 2.2.1), in the upper half of the first byte.
const (
	connack  = 2
	publish  = 3
	suback   = 9
	pingresp = 13
)

// maxPacket is the longest packet that is taken, in bytes.
const maxPacket = 1 << 20

var errBroker = errors.New("the broker breaks the protocol")

// guard lets pass what a broker may say to one who subscribes, and bounds how long
// a write takes. paho reads from one goroutine.
type guard struct {
	net.Conn
	filters int // of the one SUBSCRIBE that is sent

	greeted, subscribed bool
	head                []byte // of a packet, to be read first
	left                int    // of its rest
}

// errDropped is a connection that we have closed. paho takes net.ErrClosed for its
// own doing, and then does not notice.
var errDropped = errors.New("connection given up")

// Read gives bytes of packets that pass.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.read(p)
	if errors.Is(err, net.ErrClosed) {
		err = errDropped
	}
	return n, err
}

func (g *guard) read(p []byte) (int, error) {
	if len(g.head) == 0 && g.left == 0 {
		if err := g.begin(); err != nil {
			return 0, err
		}
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.Conn.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// begin reads the fixed header of a packet (2.2).
func (g *guard) begin() error {
	var b [5]byte
	if _, err := io.ReadFull(g.Conn, b[:2]); err != nil {
		return err
	}
	n, size := 2, int(b[1]&0x7f)
	for b[n-1]&0x80 != 0 {
		if n == len(b) {
			return errBroker
		}
		if _, err := io.ReadFull(g.Conn, b[n:n+1]); err != nil {
			return err
		}
		size |= int(b[n]&0x7f) << (7 * (n - 1))
		n++
	}
	if !g.admit(b[0]>>4, size) {
		return errBroker
	}
	g.head, g.left = b[:n:n], size
	return nil
}

// admit says whether a packet is one that may come now.
func (g *guard) admit(kind byte, size int) bool {
	if (kind == connack) == g.greeted {
		return false
	}
	switch kind {
	case connack:
		g.greeted = true
		return size == 2
	case publish:
		return size <= maxPacket
	case suback:
		fits := !g.subscribed && size == 2+g.filters
		g.subscribed = true
		return fits
	case pingresp:
		return size == 0
	}
	return false
}

// Write writes, or fails after a while.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}
