package mqtttest

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// NewFake is StartFake without the kernel: the broker is reached by Dial alone. In a
// bubble of testing/synctest nothing of it takes time but what its script waits for.
func NewFake(t testing.TB, script func(*FakeConn)) *Fake {
	t.Helper()
	f := &Fake{script: script}
	t.Cleanup(f.Close)
	return f
}

// Dial connects to a broker of NewFake.
func (f *Fake) Dial(context.Context, string) (net.Conn, error) {
	ours, fromTheirs := net.Pipe()
	theirs, fromOurs := net.Pipe()
	a, b := newEnd(ours), newEnd(theirs)
	f.wg.Go(func() { a.carry(fromOurs, f.silent.Load) })
	f.wg.Go(func() { b.carry(fromTheirs, f.silent.Load) })
	f.take(b)
	return a, nil
}

// Silence holds back every byte in both directions while connections stay. It is for brokers of NewFake.
func (f *Fake) Silence(silent bool) { f.silent.Store(silent) }

// Cut closes every connection.
func (f *Fake) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
}

// end is an end of a connection in memory. It takes what is written at once, as the kernel does.
type end struct {
	net.Conn // what is read
	written  chan []byte
	closed   chan struct{}
	close    func()
}

func newEnd(c net.Conn) *end {
	e := &end{Conn: c, written: make(chan []byte, 4096), closed: make(chan struct{})}
	e.close = sync.OnceFunc(func() { close(e.closed) })
	return e
}

func (e *end) Write(p []byte) (int, error) {
	select {
	case <-e.closed:
		return 0, io.ErrClosedPipe
	default:
	}
	select {
	case e.written <- bytes.Clone(p):
		return len(p), nil
	case <-e.closed:
		return 0, io.ErrClosedPipe
	}
}

func (e *end) Close() error {
	e.close()
	return e.Conn.Close()
}

// carry takes what is written to the other end until this one is closed and all has come.
func (e *end) carry(to io.WriteCloser, silent func() bool) {
	defer func() { _ = to.Close() }()
	defer e.close()
	for {
		var p []byte
		select {
		case p = <-e.written:
		case <-e.closed:
			select {
			case p = <-e.written:
			default:
				return
			}
		}
		for silent() {
			time.Sleep(5 * time.Millisecond)
		}
		if _, err := to.Write(p); err != nil {
			return
		}
	}
}
