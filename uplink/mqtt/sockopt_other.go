//go:build !linux

package mqtt

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// socket sets nothing where the kernel has no such options.
func socket(iface string, _ time.Duration) func(network, address string, c syscall.RawConn) error {
	return bound(iface)
}

func bound(iface string) func(network, address string, c syscall.RawConn) error {
	return func(string, string, syscall.RawConn) error {
		if iface != "" {
			return errors.New("binding to an interface works on Linux alone")
		}
		return nil
	}
}

func onWire(net.Conn) (sent, received uint64, ok bool) { return 0, 0, false }

// crowding knows nothing where the kernel does not tell.
type crowding struct{}

func (*crowding) crowded(net.Conn, time.Time) bool { return false }
