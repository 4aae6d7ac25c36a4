package mqtt

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unsent is how many bytes the kernel holds of what it has not sent yet, before
// it takes no more (TCP_NOTSENT_LOWAT): a full segment or two wait there, and all
// else with us, where an alert can go before it. It asks for more at half of it.
const unsent = 4 << 10

// rtoMax bounds the time between two repetitions of a lost packet, in
// milliseconds (TCP_RTO_MAX_MS, Linux 6.15). The kernel doubles it up to two
// minutes, as if the line were full; where a fifth of the packets is lost on the
// air, that costs minutes.
const rtoMax = 3000

const optRTOMax = 44 // TCP_RTO_MAX_MS, which x/sys does not have yet

// socket returns what is set on a socket before it connects.
//
// TCP_USER_TIMEOUT (RFC 5482) has the kernel give up a connection when bytes
// stay unacknowledged for so long, instead of after a quarter of an hour. The
// others are for a line that loses packets, and do no harm where the kernel
// lacks them: BBR does not take a loss for a full line, and linear timeouts do
// not double the wait for one of a few packets that is lost twice.
func socket(iface string, giveUp time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var serr error
		err := c.Control(func(fd uintptr) {
			serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(giveUp.Milliseconds()))
			tune(int(fd))
			serr = errors.Join(serr, bindTo(int(fd), iface))
		})
		return errors.Join(err, serr)
	}
}

func tune(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_THIN_LINEAR_TIMEOUTS, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, optRTOMax, rtoMax)
	_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "bbr")
}

// bound returns what binds a socket of any kind to an interface.
func bound(iface string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var serr error
		err := c.Control(func(fd uintptr) { serr = bindTo(int(fd), iface) })
		return errors.Join(err, serr)
	}
}

func bindTo(fd int, iface string) error {
	if iface == "" {
		return nil
	}
	if err := unix.BindToDevice(fd, iface); err != nil {
		return fmt.Errorf("bind to the interface %s (Linux 5.7 or CAP_NET_RAW): %w", iface, err)
	}
	return nil
}

// onWire returns what a connection has put on the line and taken from it, in
// bytes of IP packets: what TCP sent, repetitions included, and a header for
// each segment. Received repetitions count with their headers alone.
func onWire(conn net.Conn) (sent, received uint64, ok bool) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return 0, 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	var info *unix.TCPInfo
	if cerr := raw.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	}); cerr != nil || err != nil || info.Segs_out == 0 {
		return 0, 0, false
	}
	header := uint64(20 + 20 + 12) // IPv4, TCP, timestamps
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok && a.IP.To4() == nil {
		header += 20
	}
	return info.Bytes_sent + uint64(info.Segs_out)*header, info.Bytes_received + uint64(info.Segs_in)*header, true
}
