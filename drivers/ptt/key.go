package ptt

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// line is what keys a transmitter, opened.
type line interface {
	set(on bool) error
	Close() error
}

// open opens the line of a configuration. A serial port's lines are raised by the kernel when it is
// opened, so it is opened to be keyed only.
func open(c Config, modem modemControl) (line, error) {
	switch {
	case c.RTS != "":
		return openSerial(c.RTS, unix.TIOCM_RTS, unix.TIOCM_DTR, modem)
	case c.DTR != "":
		return openSerial(c.DTR, unix.TIOCM_DTR, unix.TIOCM_RTS, modem)
	case c.CM108 != "":
		return openPin(c.CM108, c.Pin)
	}
	return nil, errors.New("nothing to key")
}

// modemControl raises some of a port's lines and lowers others.
type modemControl func(fd, raise, lower int) error

func setModem(fd, raise, lower int) error {
	for _, x := range []struct {
		request uint
		bits    int
	}{{unix.TIOCMBIC, lower}, {unix.TIOCMBIS, raise}} {
		if x.bits == 0 {
			continue
		}
		if err := unix.IoctlSetPointerInt(fd, x.request, x.bits); err != nil {
			return fmt.Errorf("set the lines of the port: %w", err)
		}
	}
	return nil
}

// port is a serial port of which one line keys.
type port struct {
	f        *os.File
	key, off int
	modem    modemControl
}

func openSerial(name string, key, other int, modem modemControl) (line, error) {
	f, err := os.OpenFile(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open the port that keys: %w", err)
	}
	fd := int(f.Fd())
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		// With HUPCL the kernel drops RTS and DTR when the last that has the port open is
		// gone; without CRTSCTS it leaves RTS to us.
		t.Cflag |= unix.HUPCL | unix.CLOCAL
		t.Cflag &^= unix.CRTSCTS
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	if err == nil {
		// Nobody else may open it, and so keep it open.
		err = unix.IoctlSetInt(fd, unix.TIOCEXCL, 0)
	}
	if err == nil {
		err = modem(fd, 0, key|other)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s cannot key: %w", name, err)
	}
	return &port{f: f, key: key, off: other, modem: modem}, nil
}

func (p *port) set(on bool) error {
	if on {
		return p.modem(int(p.f.Fd()), p.key, p.off)
	}
	return p.modem(int(p.f.Fd()), 0, p.key|p.off)
}

func (p *port) Close() error {
	_ = unix.IoctlSetInt(int(p.f.Fd()), unix.TIOCNXCL, 0)
	return p.f.Close()
}

// pin is one of a CM108's four or eight.
type pin struct {
	f    *os.File
	mask byte
}

func openPin(name string, number int) (line, error) {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the adapter that keys: %w", err)
	}
	return &pin{f: f, mask: 1 << (number - 1)}, nil
}

// set writes an output report (C-Media CM108 data sheet, HID interface): the report's number, and
// HID_OR0 to 3: 0, the pins' levels, which of them are outputs, 0.
func (p *pin) set(on bool) error {
	report := []byte{0, 0, 0, p.mask, 0}
	if on {
		report[2] = p.mask
	}
	if _, err := p.f.Write(report); err != nil {
		return fmt.Errorf("set the adapter's pin: %w", err)
	}
	return nil
}

func (p *pin) Close() error { return p.f.Close() }
