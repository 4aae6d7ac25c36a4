// Package drivertest tests drivers without their hardware: a line in memory
// that can be unplugged, a recorder and a playback of what passed over a port,
// and the suite that every driver passes.
package drivertest

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"sentrybox/drivers/port"
)

// Line is a serial line in memory. Open is the driver's end; Write and Read are
// those of the device. Bytes wait in it unread, as in a port's buffers,
// and at most LineBuffer of them: what comes beyond is lost, as in an overrun.
// It works in a testing/synctest bubble.
type Line struct {
	mu     sync.Mutex
	end    *end // the driver's end; nil while closed
	absent bool
	opened int
	toDev  *buffer
}

// LineBuffer is how many bytes wait in each direction of a Line; the kernel's tty keeps as many.
const LineBuffer = 4096

// NewLine returns a line that is plugged in.
func NewLine() *Line { return &Line{toDev: newBuffer()} }

// Open is a port.Open.
func (l *Line) Open(ctx context.Context) (port.Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.absent {
		return nil, fmt.Errorf("open test line: %w", port.ErrUnplugged)
	}
	if l.end != nil && !l.end.in.isClosed() {
		return nil, fmt.Errorf("open test line: %w", port.ErrBusy)
	}
	l.opened++
	l.end = &end{line: l, in: newBuffer()}
	return l.end, nil
}

// Opened returns how often the line was opened.
func (l *Line) Opened() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// Unplug pulls the line out: the driver's reads fail, and it opens no more.
func (l *Line) Unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent = true
	if l.end != nil {
		l.end.in.close(port.ErrUnplugged)
	}
}

// Replug plugs it in again.
func (l *Line) Replug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent = false
}

// Write is the device's: the bytes reach the driver if it has the line open, and are lost if not.
func (l *Line) Write(b []byte) (int, error) {
	l.mu.Lock()
	e := l.end
	l.mu.Unlock()
	if e != nil {
		e.in.write(b)
	}
	return len(b), nil
}

// Read is the device's: what the driver wrote. It ends with io.EOF after Close.
func (l *Line) Read(b []byte) (int, error) { return l.toDev.read(b, time.Time{}, nil) }

// Close ends the device's reads, and unplugs the line.
func (l *Line) Close() error {
	l.Unplug()
	l.toDev.close(io.EOF)
	return nil
}

// end is the driver's end.
type end struct {
	line *Line
	in   *buffer

	mu       sync.Mutex
	deadline time.Time
	moved    chan struct{} // closed when deadline changes
}

func (e *end) until() (time.Time, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.moved == nil {
		e.moved = make(chan struct{})
	}
	return e.deadline, e.moved
}

func (e *end) Read(b []byte) (int, error) {
	for {
		deadline, moved := e.until()
		n, err := e.in.read(b, deadline, moved)
		if n == 0 && err == nil && len(b) > 0 {
			continue // the deadline moved
		}
		return n, err
	}
}

func (e *end) Write(b []byte) (int, error) {
	if err := e.in.failure(); err != nil {
		return 0, err
	}
	e.line.toDev.write(b)
	return len(b), nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deadline = t
	if e.moved != nil {
		close(e.moved)
		e.moved = nil
	}
	return e.in.failure()
}

// SetWriteDeadline does nothing, as writes never wait.
func (e *end) SetWriteDeadline(time.Time) error { return e.in.failure() }

func (e *end) Close() error {
	e.in.close(os.ErrClosed)
	return nil
}

// buffer is one direction.
type buffer struct {
	mu      sync.Mutex
	data    []byte
	err     error
	changed chan struct{} // closed when data or err changes
}

func newBuffer() *buffer { return &buffer{changed: make(chan struct{})} }

func (b *buffer) write(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p[:min(len(p), LineBuffer-len(b.data))]...)
	b.tell()
}

func (b *buffer) close(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err, b.data = err, nil
	}
	b.tell()
}

// tell wakes readers. b.mu is held.
func (b *buffer) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *buffer) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *buffer) isClosed() bool { return b.failure() != nil }

// read waits for data until the deadline. It returns 0, nil when moved closes.
func (b *buffer) read(p []byte, deadline time.Time, moved <-chan struct{}) (int, error) {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		left := time.Until(deadline)
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		expired = timer.C
	}
	for {
		b.mu.Lock()
		n := copy(p, b.data)
		b.data = b.data[n:]
		err, changed := b.err, b.changed
		b.mu.Unlock()
		if n > 0 || len(p) == 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		select {
		case <-changed:
		case <-moved:
			return 0, nil
		case <-expired:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// ReadReady reads what has arrived, and does not wait, as serial ports do for port.Discard.
func (e *end) ReadReady(p []byte) (int, error) {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	n := copy(p, e.in.data)
	e.in.data = e.in.data[n:]
	return n, nil
}

// Pending returns how many bytes of the driver wait for the device.
func (l *Line) Pending() int {
	l.toDev.mu.Lock()
	defer l.toDev.mu.Unlock()
	return len(l.toDev.data)
}
