package mqtttest

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Fake is a broker that does what a script says, and only that.
type Fake struct {
	ln     net.Listener // nil for one of NewFake
	script func(*FakeConn)
	silent atomic.Bool
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns []*FakeConn // guarded by mu: every one there was
	got   []Message   // guarded by mu
}

// FakeConn is one connection to a Fake. The script owns it until it returns;
// then it is closed.
type FakeConn struct {
	net.Conn
	N    int // counted from 1
	fake *Fake
}

// StartFake starts a broker on a free port that runs script for each
// connection. It ends with the test.
func StartFake(t testing.TB, script func(*FakeConn)) *Fake {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &Fake{ln: ln, script: script}
	f.wg.Go(f.accept)
	t.Cleanup(f.Close)
	return f
}

func (f *Fake) accept() {
	for {
		c, err := f.ln.Accept()
		if err != nil {
			return
		}
		f.take(c)
	}
}

func (f *Fake) take(c net.Conn) {
	f.mu.Lock()
	fc := &FakeConn{Conn: c, N: len(f.conns) + 1, fake: f}
	f.conns = append(f.conns, fc)
	f.mu.Unlock()
	f.wg.Go(func() {
		defer func() { _ = c.Close() }()
		f.script(fc)
	})
}

// Close ends the broker and its connections.
func (f *Fake) Close() {
	if f.ln != nil {
		_ = f.ln.Close()
	}
	f.Silence(false)
	f.Cut()
	f.wg.Wait()
}

// URL returns the broker's URL.
func (f *Fake) URL() string { return "mqtt://" + f.ln.Addr().String() }

// Connections returns how many connections there have been.
func (f *Fake) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns)
}

// Published returns what clients have published, acknowledged or not.
func (f *Fake) Published() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// Greet reads the CONNECT and accepts it. It reports whether that worked.
func (c *FakeConn) Greet() bool {
	if _, err := packets.ReadPacket(c); err != nil {
		return false
	}
	return c.Send(0x20, 2, 0, 0)
}

// Send writes bytes, whatever they mean, and reports whether that worked.
func (c *FakeConn) Send(b ...byte) bool {
	_, err := c.Write(b)
	return err == nil
}

// Puback acknowledges a PUBLISH.
func (c *FakeConn) Puback(id uint16) bool { return c.Send(0x40, 2, byte(id>>8), byte(id)) }

// Serve reads packets until the connection ends: it grants subscriptions,
// answers pings, remembers what is published, and calls publish for it, which
// acknowledges or does not. It returns when publish returns false.
func (c *FakeConn) Serve(publish func(*packets.PublishPacket) bool) {
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		ok := true
		switch p := p.(type) {
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, p.Qoss
			ok = ack.Write(c) == nil
		case *packets.PingreqPacket:
			ok = c.Send(0xd0, 0)
		case *packets.PublishPacket:
			c.fake.mu.Lock()
			c.fake.got = append(c.fake.got, Message{Topic: p.TopicName, Payload: p.Payload, Retained: p.Retain, At: time.Now()})
			c.fake.mu.Unlock()
			ok = publish(p)
		case *packets.DisconnectPacket:
			return
		}
		if !ok {
			return
		}
	}
}

// Drain reads and forgets until the connection ends.
func (c *FakeConn) Drain() { _, _ = io.Copy(io.Discard, c) }

// Reset ends the connection with a TCP RST, at once and in the middle of
// whatever there is.
func (c *FakeConn) Reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// WaitClosed waits until the other side has closed.
func (c *FakeConn) WaitClosed(d time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(d))
	if _, err := io.Copy(io.Discard, c); err != nil {
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			return err
		}
	}
	return nil
}
