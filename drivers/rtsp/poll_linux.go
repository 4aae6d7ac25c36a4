package rtsp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// readAhead is what is taken out of a socket at once, at most.
const readAhead = 32 << 10

// polled is a TCP connection outside Go's network poller, which would wake the
// program for each packet. It is read by one goroutine at a time, as
// gortsplib does, and may be written and closed by others.
type polled struct {
	poller  *Poller
	urgency *urgency
	drained func()
	local   net.Addr
	remote  net.Addr

	// life is held for reading around every use of fd, and for writing to close it.
	life   sync.RWMutex
	fd     int
	closed atomic.Bool
	gone   chan struct{} // closed with it

	ready chan struct{} // holds a token when the reader is to look
	// The reader's alone.
	buf  []byte
	rest []byte // of buf
	took int    // bytes since it waited last

	mu       sync.Mutex
	waiting  bool      // guarded by mu, as is all that follows: the reader waits
	again    bool      // much was read: look soon
	narrow   bool      // twice as much might not have had room
	since    time.Time // when it began to wait
	last     time.Time // when it was looked at last
	deadline time.Time // of reading
	writeBy  time.Time // deadline of writing
}

// newPolled takes a connection over. It returns nil if it is none that can be polled.
func newPolled(conn net.Conn, u *urgency, drained func()) (*polled, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var dupErr error
	// Closing the first descriptor takes the socket out of Go's poller and leaves it open.
	err = raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, dupErr); err != nil {
		return nil, err
	}
	_ = tcp.Close() // the socket lives on in fd
	if drained == nil {
		drained = func() {}
	}
	return &polled{
		urgency: u, drained: drained, local: tcp.LocalAddr(), remote: tcp.RemoteAddr(),
		fd: fd, ready: make(chan struct{}, 1), gone: make(chan struct{}), buf: make([]byte, readAhead),
	}, nil
}

// due returns when the connection is to be looked at next, given when polling began.
func (c *polled) due(base time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	every := c.urgency.interval()
	if every > pollLate && c.narrow {
		every = pollLate
	}
	switch {
	case !c.waiting:
		return slot(base, time.Now(), every)
	case c.again:
		return c.since.Add(pollAgain)
	}
	at := slot(base, later(c.since, c.last), every)
	if !c.deadline.IsZero() {
		at = earlier(at, c.deadline)
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// look tells the readers of those connections that have something.
func look(due []*polled, now time.Time) {
	fds := make([]unix.PollFd, len(due))
	for i, c := range due {
		c.life.RLock()
		fds[i] = unix.PollFd{Fd: int32(c.fd), Events: unix.POLLIN} // a descriptor is small
	}
	_, err := unix.Poll(fds, 0)
	for i, c := range due {
		c.life.RUnlock()
		c.mu.Lock()
		c.last, c.again = now, false
		if c.waiting && (err != nil || fds[i].Revents != 0 || !c.deadline.IsZero() && !now.Before(c.deadline)) {
			c.wake()
		}
		c.mu.Unlock()
	}
}

// wake is called with mu held.
func (c *polled) wake() {
	c.waiting = false
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// Read implements net.Conn.
func (c *polled) Read(p []byte) (int, error) {
	for {
		if len(c.rest) > 0 {
			n := copy(p, c.rest)
			c.rest = c.rest[n:]
			return n, nil
		}
		n, err := c.receive()
		switch {
		case n > 0:
			c.rest = c.buf[:n]
			c.took += n
			continue
		case err == nil:
			return 0, io.EOF
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EAGAIN):
			return 0, c.fail("read", err)
		}
		c.drained()
		if err := c.wait(); err != nil {
			return 0, c.fail("read", err)
		}
	}
}

func (c *polled) receive() (int, error) {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	n, _, err := unix.Recvfrom(c.fd, c.buf, unix.MSG_DONTWAIT)
	return n, err
}

// wait waits until the poller has seen something, or the deadline has passed.
func (c *polled) wait() error {
	c.mu.Lock()
	now := time.Now()
	if !c.deadline.IsZero() && !now.Before(c.deadline) {
		c.mu.Unlock()
		return os.ErrDeadlineExceeded
	}
	select {
	case <-c.ready: // of a wait before
	default:
	}
	c.waiting, c.since = true, now
	c.again, c.narrow = c.full()
	again := c.again
	c.took = 0
	c.mu.Unlock()
	if again {
		c.poller.sooner()
	}
	select {
	case <-c.ready:
		return nil
	case <-c.gone:
		return net.ErrClosed
	}
}

// full says whether so much was read that the socket may have been full, and the camera
// have had to wait, and whether it might have been with twice as much: about half of its buffer is for data, and
// it grows as it is needed.
func (c *polled) full() (now, soon bool) {
	c.life.RLock()
	defer c.life.RUnlock()
	size, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	room := size * 3 / 8
	return err == nil && c.took > room, err != nil || 2*c.took > room
}

// Write implements net.Conn. Cameras are told little: it hardly ever has to wait.
func (c *polled) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := c.send(p[done:])
		done += max(n, 0)
		switch {
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if err := c.room(); err != nil {
				return done, c.fail("write", err)
			}
		default:
			return done, c.fail("write", err)
		}
	}
	return done, nil
}

func (c *polled) send(p []byte) (int, error) {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	return unix.SendmsgN(c.fd, p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// room waits until the socket takes something.
func (c *polled) room() error {
	c.mu.Lock()
	by := c.writeBy
	c.mu.Unlock()
	if !by.IsZero() && !time.Now().Before(by) {
		return os.ErrDeadlineExceeded
	}
	select {
	case <-c.gone:
		return net.ErrClosed
	case <-time.After(pollAgain):
		return nil
	}
}

func (c *polled) fail(op string, err error) error {
	switch {
	case errors.Is(err, net.ErrClosed):
	case errors.Is(err, os.ErrDeadlineExceeded):
	default:
		err = os.NewSyscallError(op, err)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close implements net.Conn.
func (c *polled) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return c.fail("close", net.ErrClosed)
	}
	close(c.gone)
	c.poller.remove(c)
	c.life.Lock()
	defer c.life.Unlock()
	fd := c.fd
	c.fd = -1
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close a connection: %w", err)
	}
	return nil
}

// LocalAddr implements net.Conn.
func (c *polled) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *polled) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *polled) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *polled) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	passed := c.waiting && !t.IsZero() && !time.Now().Before(t)
	if passed {
		c.wake()
	}
	c.mu.Unlock()
	if !passed && !t.IsZero() {
		c.poller.sooner()
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *polled) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeBy = t
	return nil
}
