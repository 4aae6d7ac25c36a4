package mqtt

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// minRate is the slowest line that is not taken for a dead one, in bytes a
// second.
const minRate = 2 << 10

// errAborted ends a connection that we gave up without a reason of its own.
var errAborted = errors.New("connection given up")

// counters are what conns count for their client.
type counters struct {
	oversized atomic.Uint64 // incoming messages that are too long
	strayAcks atomic.Uint64 // PUBACKs for what was not sent
}

// conn is a connection on which nothing arrives but whole, well-formed packets
// that answer to something, and no write lasts for ever. paho reads from one
// goroutine and writes whole packets from several.
type conn struct {
	net.Conn          // TCP, or TLS over raw
	raw      *counted // TCP
	timeout  time.Duration
	longest  int // payload of an incoming message
	count    *counters

	// Of the reader alone.
	r       *bufio.Reader
	pending []byte // of a packet that was let through
	greeted bool   // CONNACK is past

	wmu  sync.Mutex          // held while a packet is written
	acks map[uint16]struct{} // guarded by wmu: ids written and not acknowledged
	subs map[uint16]int      // guarded by wmu: filters of SUBSCRIBEs not answered
	ends map[uint16]struct{} // guarded by wmu: UNSUBSCRIBEs not answered

	handed  atomic.Int32  // publications that paho has and that are not written
	writing atomic.Int32  // packets that are being written
	written chan struct{} // holds a token when one has been
	heard   atomic.Int64  // when the broker was last heard of, in Unix nanoseconds

	abortOnce sync.Once
	aborted   atomic.Pointer[error]
}

// reader is what packets are read from. It notes when the broker was last heard
// of.
func newReader(c *conn) *bufio.Reader { return bufio.NewReaderSize(heard{c}, 4096) }

type heard struct{ c *conn }

func (h heard) Read(p []byte) (int, error) {
	n, err := h.c.Conn.Read(p)
	if n > 0 {
		h.c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// Read gives bytes of packets that have passed.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		pk, err := readPacket(c.r, c.longest)
		if err == nil {
			err = c.admit(pk)
		}
		if err != nil {
			return 0, c.reason(err)
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// admit makes pk pending, swallows it, or refuses it with an error.
func (c *conn) admit(pk packet) error {
	if c.greeted == (pk.kind == typeConnack) { // 3.2: CONNACK is the first, and only once
		return violation("type %#x at the wrong time", pk.kind)
	}
	c.greeted = true
	switch pk.kind {
	case typePublish:
		if pk.raw == nil {
			c.count.oversized.Add(1)
			return c.acknowledge(pk)
		}
	case typePuback:
		c.wmu.Lock()
		_, ok := c.acks[pk.id]
		delete(c.acks, pk.id)
		c.wmu.Unlock()
		if !ok {
			c.count.strayAcks.Add(1)
			return nil
		}
	case typeSuback:
		c.wmu.Lock()
		n, ok := c.subs[pk.id]
		delete(c.subs, pk.id)
		c.wmu.Unlock()
		if !ok || n != len(pk.codes) {
			return violation("SUBACK with %d codes for %d filters", len(pk.codes), n)
		}
	case typeUnsuback:
		// paho takes one for the end of whatever has its id, a publication too.
		c.wmu.Lock()
		_, ok := c.ends[pk.id]
		delete(c.ends, pk.id)
		c.wmu.Unlock()
		if !ok {
			return violation("UNSUBACK for nothing that was ended")
		}
	}
	c.pending = pk.raw
	return nil
}

// acknowledge answers a message that paho does not get to see, since a broker
// stops sending when too many are open.
func (c *conn) acknowledge(pk packet) error {
	if pk.qos == 0 {
		return nil
	}
	_, err := c.Write([]byte{typePuback, 2, byte(pk.id >> 8), byte(pk.id)})
	return err
}

// Write writes one whole packet. What it may be answered with is noted only
// once it is written, so that nothing can be acknowledged before it was sent.
func (c *conn) Write(p []byte) (int, error) {
	o := parseOutgoing(p)
	c.writing.Add(1)
	defer c.wrote(o.kind)
	c.wmu.Lock()
	defer c.wmu.Unlock()
	allow := c.timeout + time.Duration(len(p))*time.Second/minRate
	if err := c.Conn.SetWriteDeadline(time.Now().Add(allow)); err != nil {
		return 0, c.reason(err)
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		// Half a packet may be out: nothing sensible can follow.
		c.abort(err)
		return n, c.reason(err)
	}
	switch o.kind {
	case typePublish:
		c.acks[o.id] = struct{}{}
	case typeSubscribe:
		c.subs[o.id] = o.filters
	case typeUnsubscribe:
		c.ends[o.id] = struct{}{}
	}
	return n, nil
}

func (c *conn) wrote(kind byte) {
	c.writing.Add(-1)
	if kind == typePublish {
		c.handed.Add(-1)
	}
	select {
	case c.written <- struct{}{}:
	default:
	}
}

// ping asks the broker for a sign of life.
func (c *conn) ping() error {
	_, err := c.Write([]byte{typePingreq, 0})
	return err
}

// lastHeard returns when the broker was last heard of.
func (c *conn) lastHeard() time.Time { return time.Unix(0, c.heard.Load()) }

// SetDeadline sets the deadline of reads. Each write has its own, and paho,
// which clears the deadline after a PUBLISH, must not clear that of a ping.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing; see SetDeadline.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// abort ends the connection without a word to the broker, so that it publishes
// our last will. TLS gets no chance to say goodbye, which could block.
func (c *conn) abort(why error) {
	c.abortOnce.Do(func() {
		c.aborted.Store(&why)
		_ = c.raw.Close()
	})
}

// reason returns why the connection was aborted, if it was. paho takes the
// error of a closed connection for one that it closed itself, and would go on
// as if nothing had happened.
func (c *conn) reason(err error) error {
	why := c.aborted.Load()
	switch {
	case why == nil:
		return err
	case errors.Is(*why, net.ErrClosed):
		return errAborted
	default:
		return *why
	}
}
