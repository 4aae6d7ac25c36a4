//go:build linux

// Package freeport finds ports for servers that have to be told theirs, in tests
// that run beside others: a port that the kernel gave and that was given back may
// be anybody's by the time the server listens.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// lowest and above are the ports to choose from. The kernel gives none of them to
// a connection, or to who asks for any (ip(7), ip_local_port_range).
const lowest, above = 10000, 30000

// TCP returns a port of the loopback interface that nobody listens on. No other process
// is told it here until this one ends.
func TCP() (int, error) {
	var last error
	for range 1000 {
		port := lowest + rand.IntN(above-lowest)
		if last = claim(port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// claim takes a port's name in the abstract namespace of unix(7), which the kernel gives back when this
// process has ended: the socket is never closed, and those that are started do not inherit it.
func claim(port int) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: fmt.Sprintf("@sentrybox-port-%d", port)}); err != nil {
		return errors.Join(os.NewSyscallError("bind", err), unix.Close(fd))
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	return l.Close()
}
