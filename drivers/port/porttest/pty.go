// Package porttest has serial ports that are no hardware: pseudo-terminals that can be unplugged.
package porttest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// PTY is a serial port whose other end is in this process. Name is a link that
// points to whatever terminal stands behind it now, as udev's do.
type PTY struct {
	Name string

	mu     sync.Mutex
	master *os.File // nil while unplugged
	slave  *os.File // keeps the terminal alive while nobody has it open
}

// New makes a port whose name is link, in a folder that exists.
func New(link string) (*PTY, error) {
	p := &PTY{Name: link}
	if err := p.Replug(); err != nil {
		return nil, err
	}
	return p, nil
}

// Replug makes the port appear, behind a terminal of another number perhaps.
func (p *PTY) Replug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.master != nil {
		return nil
	}
	master, err := os.OpenFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	slave, err := openSlave(master)
	if err != nil {
		master.Close()
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	// A rename, so that the name is never missing in between.
	fresh := filepath.Join(filepath.Dir(p.Name), "."+filepath.Base(p.Name))
	err = os.Symlink(slave.Name(), fresh)
	if err == nil {
		err = os.Rename(fresh, p.Name)
	}
	if err != nil {
		master.Close()
		slave.Close()
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	p.master, p.slave = master, slave
	return nil
}

// openSlave unlocks and opens a terminal's other side, and makes it raw, so that nothing is
// echoed before the driver has set the line.
func openSlave(master *os.File) (*os.File, error) {
	raw, err := master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			n, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	raw, err = slave.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			failed = unix.IoctlSetTermios(int(fd), unix.TCSETS, &unix.Termios{Cflag: unix.CREAD | unix.CLOCAL | unix.CS8 | unix.B9600})
		})
	}
	if err == nil {
		err = failed
	}
	if err != nil {
		slave.Close()
		return nil, err
	}
	return slave, nil
}

// Unplug makes the port go away: who has it open reads that it is gone.
func (p *PTY) Unplug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.master == nil {
		return nil
	}
	err := os.Remove(p.Name)
	p.master.Close()
	p.slave.Close()
	p.master, p.slave = nil, nil
	return err
}

// Close unplugs it for good.
func (p *PTY) Close() error { return p.Unplug() }

func (p *PTY) end() (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.master == nil {
		return nil, os.ErrClosed
	}
	return p.master, nil
}

// Read reads what the program wrote to the port; os.ErrClosed while it is unplugged.
func (p *PTY) Read(b []byte) (int, error) {
	f, err := p.end()
	if err != nil {
		return 0, err
	}
	return f.Read(b)
}

// Write sends bytes to the program, and waits while the terminal is full; os.ErrClosed while it is unplugged.
func (p *PTY) Write(b []byte) (int, error) {
	f, err := p.end()
	if err != nil {
		return 0, err
	}
	return f.Write(b)
}
