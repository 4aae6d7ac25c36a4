package watchdog

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Systemd tells systemd of a service's state, by the protocol of sd_notify(3). The zero value
// tells nobody.
type Systemd struct {
	socket string
	every  time.Duration // within which it must be fed; 0 where it has no watchdog
}

// NewSystemd takes what systemd has given the process: NOTIFY_SOCKET, and WATCHDOG_USEC if
// WATCHDOG_PID is this process or not given.
func NewSystemd(getenv func(string) string) Systemd {
	s := Systemd{socket: getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	pid := getenv("WATCHDOG_PID")
	if s.socket != "" && err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.every = time.Duration(usec) * time.Microsecond
	}
	return s
}

// Within is the time within which systemd must be fed; 0 if it need not be.
func (s Systemd) Within() time.Duration { return s.every }

// Notify sends assignments such as READY=1. Without a systemd it does nothing.
func (s Systemd) Notify(assignments ...string) error {
	if s.socket == "" {
		return nil
	}
	name := s.socket
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:] // an abstract one
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte(strings.Join(assignments, "\n"))); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}

// Ready says that the service has come up, or has come up again after Reloading.
func (s Systemd) Ready() error { return s.Notify("READY=1", "STATUS=running") }

// Reloading says that the configuration is being replaced.
func (s Systemd) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	return s.Notify("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/1000, 10))
}

// Stopping says that the service is about to end.
func (s Systemd) Stopping() error { return s.Notify("STOPPING=1", "STATUS=stopping") }

// Feed is part of Feeder.
func (s Systemd) Feed() error {
	if s.every == 0 {
		return nil
	}
	return s.Notify("WATCHDOG=1")
}

// Status is part of Feeder.
func (s Systemd) Status(text string) { _ = s.Notify("STATUS=" + strings.ReplaceAll(text, "\n", " ")) } // it is for people alone

// Close is part of Feeder: systemd itself knows when a service ends.
func (s Systemd) Close() error { return nil }
