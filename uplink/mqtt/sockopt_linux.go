package mqtt

import (
	"errors"
	"fmt"
	"math"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unsent is how many bytes the kernel holds of what it has not sent yet, before
// it takes no more (TCP_NOTSENT_LOWAT): a full segment or two wait there, and all
// else with us, where an alert can go before it. It asks for more at half of it.
// See crowding for what that leaves open.
const unsent = 4 << 10

// few is how many bytes on the line are never too many, and peakTime in how many
// seconds the rate of the line is forgotten; see crowding.
const (
	few      = 16 << 10
	peakTime = 20
)

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
	info := tcpInfo(conn)
	if info == nil || info.Segs_out == 0 {
		return 0, 0, false
	}
	header := uint64(20 + 20 + 12) // IPv4, TCP, timestamps
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok && a.IP.To4() == nil {
		header += 20
	}
	return info.Bytes_sent + uint64(info.Segs_out)*header, info.Bytes_received + uint64(info.Segs_in)*header, true
}

// crowding judges whether the kernel has enough to send for now.
// TCP_NOTSENT_LOWAT alone does not bound what it holds, for small writes may fill
// up a buffer of 64 KiB that was begun below it. And BBR, which takes a line that
// loses a fifth for a faster one, fills queues of seconds, in which each
// repetition of a lost packet waits too.
type crowding struct {
	peak float64   // bytes a second that arrived at most, of late
	at   time.Time // when peak was right
	anew time.Time // when BBR began anew
}

// crowded reports whether the kernel has unsent or more that it has not sent, or
// has on the line more than few and two and a half times what that takes: the rate that arrived
// times the shortest round trip.
func (c *crowding) crowded(conn net.Conn, now time.Time) bool {
	info := tcpInfo(conn)
	if info == nil {
		return false
	}
	c.peak *= math.Exp(-now.Sub(c.at).Seconds() / peakTime)
	c.peak, c.at = max(c.peak, float64(info.Delivery_rate)), now
	// Best while nothing is lost, for BBR goes slowly at first in a recovery.
	if age := now.Sub(c.anew); age > anewAfter && info.Ca_state == 0 || age > anewAfter+time.Second {
		beginAnew(conn)
		c.anew = now
	}
	if info.Notsent_bytes >= unsent {
		return true
	}
	// As the kernel counts (tcp_packets_in_flight): neither what has arrived nor
	// what is known to be lost, unless it was repeated.
	packets := int64(info.Unacked) + int64(info.Retrans) - int64(info.Sacked) - int64(info.Lost)
	flying := packets*int64(info.Snd_mss) + int64(info.Notsent_bytes)
	return flying > max(few, int64(2.5*c.peak*float64(info.Min_rtt)/1e6))
}

// anewAfter is less than the 10 s after which BBR drains the line to measure its
// round trip (PROBE_RTT, draft-cardwell-iccrg-bbr-congestion-control-00, 4.3.5).
const anewAfter = 8 * time.Second

// beginAnew has BBR forget when it measured the round trip. On a line that loses
// packets it waits with four on their way until those that are lost have been
// repeated, which leaves the line idle for seconds out of ten. TCP itself keeps the
// shortest round trip of the last five minutes, with which BBR begins.
func beginAnew(conn net.Conn) {
	control(conn, func(fd int) {
		if name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION); err != nil || name != "bbr" {
			return
		}
		if unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno") == nil {
			_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "bbr")
		}
	})
}

// tcpInfo returns what the kernel says of a connection, nil if it says nothing.
func tcpInfo(conn net.Conn) (info *unix.TCPInfo) {
	control(conn, func(fd int) {
		if i, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			info = i
		}
	})
	return info
}

// control calls fn with the socket of a TCP connection that is open.
func control(conn net.Conn, fn func(fd int)) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { fn(int(fd)) }) // fails when closed
	}
}
