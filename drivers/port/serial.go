package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"

	"sentrybox/drivers/driver"
)

// serialPort opens a serial port of this machine.
//
// tarm/serial sets the line: speed, bits, parity, raw mode. Reading and writing
// are done on a descriptor of our own, as the library's own reads can wait neither
// less than 0.1 s nor be woken, and read an unplugged adapter as a timeout. Ours
// is in Go's poller, so it has deadlines, and Close wakes what waits.
type serialPort struct {
	config Config
	root   string // of /dev and /sys, for tests

	mu   sync.Mutex
	name string // as configured, and the stable name once it is known
}

func (s *serialPort) open(ctx context.Context) (Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := openTTY(s.name)
	if err != nil {
		return nil, err
	}
	if err := s.set(f); err != nil {
		f.Close()
		return nil, err
	}
	s.name = stable(s.root, s.name)
	return &tty{f: f}, nil
}

func openTTY(name string) (*os.File, error) {
	f, err := os.OpenFile(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EIO):
		return nil, fmt.Errorf("open %s: %w: no such port", name, ErrUnplugged)
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("open %s: %w", name, ErrBusy)
	case err != nil:
		return nil, fmt.Errorf("open serial port: %w", err)
	}
	return f, nil
}

// set takes the port for this program alone, and sets the line.
func (s *serialPort) set(f *os.File) error {
	if err := control(f, func(fd int) error { _, err := unix.IoctlGetTermios(fd, unix.TCGETS); return err }); err != nil {
		if errors.Is(err, unix.EIO) {
			return fmt.Errorf("open %s: %w", s.name, ErrUnplugged)
		}
		return driver.Permanent(fmt.Errorf("%s is no serial port: %w", s.name, err))
	}
	// TIOCEXCL does not keep root out; a lock on the file does, if the other asks.
	if err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return fmt.Errorf("lock %s: %w", s.name, ErrBusy)
	}
	c := s.config
	stop := serial.Stop1
	if c.StopBits == 2 {
		stop = serial.Stop2
	}
	set, err := serial.OpenPort(&serial.Config{
		Name: s.name, Baud: c.Baud, Size: byte(c.DataBits), StopBits: stop,
		Parity: map[Parity]serial.Parity{NoParity: serial.ParityNone, OddParity: serial.ParityOdd, EvenParity: serial.ParityEven}[c.Parity],
	})
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("set %s: %w", s.name, ErrBusy)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EIO):
		return fmt.Errorf("set %s: %w", s.name, ErrUnplugged)
	case err != nil:
		return driver.Permanent(fmt.Errorf("set %s to %d baud, %d data bits, parity %s, %d stop bits: %w",
			s.name, c.Baud, c.DataBits, c.Parity, c.StopBits, err))
	}
	if err := set.Close(); err != nil {
		return fmt.Errorf("set %s: %w", s.name, err)
	}
	if err := control(f, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) }); err != nil {
		return fmt.Errorf("take %s for this program alone: %w", s.name, err)
	}
	if c.RS485 != nil {
		if err := control(f, c.RS485.set); err != nil {
			return driver.Permanent(fmt.Errorf("%s: the kernel cannot switch the line's direction: %w", s.name, err))
		}
	}
	if err := control(f, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH) }); err != nil {
		return fmt.Errorf("discard what waits in %s: %w", s.name, err)
	}
	return nil
}

// serialRS485 is struct serial_rs485 of linux/serial.h.
type serialRS485 struct {
	flags, before, after uint32 // delays in milliseconds
	_                    [5]uint32
}

// Flags of struct serial_rs485.
const (
	rs485Enabled      = 1 << 0
	rs485RTSOnSend    = 1 << 1
	rs485RTSAfterSend = 1 << 2
)

func (r *RS485) layout() serialRS485 {
	s := serialRS485{
		flags:  rs485Enabled | rs485RTSOnSend,
		before: uint32(r.Before.Milliseconds()), after: uint32(r.After.Milliseconds()),
	}
	if r.RTSLow {
		s.flags = rs485Enabled | rs485RTSAfterSend
	}
	return s
}

func (r *RS485) set(fd int) error {
	s := r.layout()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSRS485, uintptr(unsafe.Pointer(&s))); errno != 0 {
		return errno
	}
	return nil
}

// control calls f with a file's descriptor, and leaves the file in the poller, which os.File.Fd would not.
func control(file *os.File, f func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// tty is an open serial port.
type tty struct{ f *os.File }

func (t *tty) Read(b []byte) (int, error) {
	n, err := t.f.Read(b)
	if n = arrived(t.f, b, n, err); n > 0 {
		return n, nil
	}
	return n, t.explain("read", err)
}

func (t *tty) Write(b []byte) (int, error) {
	n, err := t.f.Write(b)
	return n, t.explain("write", err)
}

// explain tells a port that is gone. A tty that was hung up reads as its end, or fails with EIO.
func (t *tty) explain(what string, err error) error {
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, os.ErrClosed):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, unix.EIO), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%s %s: %w", what, t.f.Name(), ErrUnplugged)
	}
	return fmt.Errorf("serial port: %w", err)
}

// ReadReady reads what has arrived, and does not wait.
func (t *tty) ReadReady(b []byte) (int, error) { return readReady(t.f, b) }

func (t *tty) SetReadDeadline(at time.Time) error  { return t.f.SetReadDeadline(at) }
func (t *tty) SetWriteDeadline(at time.Time) error { return t.f.SetWriteDeadline(at) }

// Close lets others open the port again.
func (t *tty) Close() error {
	// The flag is the terminal's, and outlives us if another has it open too.
	_ = control(t.f, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
	return t.f.Close()
}
