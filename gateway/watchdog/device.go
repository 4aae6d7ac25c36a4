package watchdog

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The requests of linux/watchdog.h.
const (
	wdiocKeepAlive  = 0x80045705 // _IOR('W', 5, int)
	wdiocSetTimeout = 0xc0045706 // _IOWR('W', 6, int)
	wdiocGetTimeout = 0x80045707 // _IOR('W', 7, int)
)

// magic, written last, has the timer stop when the device is closed
// (Documentation/watchdog/watchdog-api.rst, "Magic Close feature").
const magic = "V"

// Device is a hardware watchdog: once it is open, it resets the box unless it is fed.
type Device struct {
	f       *os.File
	timeout time.Duration
}

// OpenDevice opens a watchdog such as /dev/watchdog and starts its timer. A device that has
// another timeout than is asked for, as many can do only a few seconds, keeps the nearest it can.
func OpenDevice(path string, timeout time.Duration) (*Device, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the watchdog: %w", err)
	}
	d := &Device{f: f, timeout: timeout}
	fd := int(f.Fd())
	// A driver may have neither call: then the timer is what it is, and is fed often enough for most.
	_ = unix.IoctlSetPointerInt(fd, wdiocSetTimeout, int(timeout/time.Second))
	if seconds, err := unix.IoctlGetInt(fd, wdiocGetTimeout); err == nil && seconds > 0 {
		d.timeout = time.Duration(seconds) * time.Second
	}
	return d, nil
}

// Timeout is after how long without food it resets the box.
func (d *Device) Timeout() time.Duration { return d.timeout }

// Feed is part of Feeder.
func (d *Device) Feed() error {
	err := unix.IoctlSetInt(int(d.f.Fd()), wdiocKeepAlive, 0)
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP) {
		_, err = d.f.Write([]byte{0}) // any byte but the magic one feeds it, too
	}
	if err != nil {
		return fmt.Errorf("feed the watchdog: %w", err)
	}
	return nil
}

// Status is part of Feeder: hardware shows nothing.
func (d *Device) Status(string) {}

// Close stops the timer, unless the kernel was built so that nothing does (nowayout).
func (d *Device) Close() error {
	_, err := d.f.WriteString(magic)
	return errors.Join(err, d.f.Close())
}
