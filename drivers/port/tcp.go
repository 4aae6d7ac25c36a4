package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dial opens a line of a serial server.
func dial(ctx context.Context, address string) (Port, error) {
	d := net.Dialer{
		Timeout: dialTimeout,
		// A server that loses its power says nothing: a line that only listens would wait for ever.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serial server: %w: %w", ErrUnplugged, err)
	}
	return &stream{c.(*net.TCPConn)}, nil
}

// stream is a line of a serial server.
type stream struct{ c *net.TCPConn }

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.c.Read(b)
	if n = arrived(s.c, b, n, err); n > 0 {
		return n, nil
	}
	return n, s.explain(err)
}

func (s *stream) Write(b []byte) (int, error) {
	n, err := s.c.Write(b)
	return n, s.explain(err)
}

func (s *stream) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
		return err
	case errors.Is(err, io.EOF):
		return fmt.Errorf("serial server %v: %w: it closed the connection", s.c.RemoteAddr(), ErrUnplugged)
	}
	return fmt.Errorf("serial server: %w: %w", ErrUnplugged, err)
}

// ReadReady reads what has arrived, and does not wait.
func (s *stream) ReadReady(b []byte) (int, error) { return readReady(s.c, b) }

func (s *stream) SetReadDeadline(at time.Time) error  { return s.c.SetReadDeadline(at) }
func (s *stream) SetWriteDeadline(at time.Time) error { return s.c.SetWriteDeadline(at) }
func (s *stream) Close() error                        { return s.c.Close() }

// arrived reads what is there when a read has run into its deadline. On a machine that is too busy
// to look in time, an answer that came well before it is no late one.
func arrived(f syscall.Conn, b []byte, n int, err error) int {
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n
	}
	n, _ = readReady(f, b) // what fails here fails in the next read
	return max(n, 0)
}

// readReady reads once from a descriptor that does not block.
func readReady(f syscall.Conn, b []byte) (int, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	var failed error
	if err := raw.Control(func(fd uintptr) { n, failed = unix.Read(int(fd), b) }); err != nil {
		return 0, err
	}
	if failed != nil {
		if errors.Is(failed, unix.EAGAIN) || errors.Is(failed, unix.EINTR) {
			failed = nil
		}
		return 0, failed
	}
	return n, nil
}

// Discard throws away what has arrived on a port and was not read, and returns how
// many bytes that were. It does not wait.
func Discard(p Port) int {
	ready, ok := p.(interface{ ReadReady(b []byte) (int, error) })
	if !ok {
		return 0
	}
	buf := make([]byte, 512)
	for total := 0; ; {
		n, err := ready.ReadReady(buf)
		total += max(n, 0)
		if n <= 0 || err != nil || total > 1<<16 {
			return total // what fails here fails in the next Read too
		}
	}
}
