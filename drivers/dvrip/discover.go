package dvrip

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// DiscoveryPort is the UDP port that searches and their answers are broadcast to.
const DiscoveryPort = 34569

const (
	maxDatagram = 8 << 10
	maxDevices  = 512
	searches    = 3 // since UDP loses some
)

// Device is a device that answered a search.
type Device struct {
	// Addr is where the answer came from, with the port that the device names for DVRIP.
	// Devices answer by broadcast also when their address is of another subnet, as it is
	// when they come from the factory.
	Addr     netip.AddrPort
	Name     string // what its owner called it
	Serial   string
	MAC      string
	Channels int
	// Stated is the address that the device says it has, if that is another.
	Stated netip.Addr
}

// Discover broadcasts a search on the interfaces, all that are up and can broadcast
// if there are none named, and returns who answered until ctx ends, without those who
// answered twice. Answers are whatever a stranger sends; nothing is connected to.
func Discover(ctx context.Context, interfaces []net.Interface) ([]Device, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), // the device finder of a desk may run beside
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
			)
		}); e != nil {
			return e
		}
		return err
	}}
	pc, err := lc.ListenPacket(ctx, "udp4", fmt.Sprintf("0.0.0.0:%d", DiscoveryPort))
	if err != nil {
		return nil, fmt.Errorf("listen for devices: %w", err)
	}
	defer pc.Close()
	stop := context.AfterFunc(ctx, func() { _ = pc.SetReadDeadline(time.Now()) })
	defer stop()
	sent := make(chan error, 1)
	go func() { sent <- search(ctx, ipv4.NewPacketConn(pc), interfaces) }()
	devices := collect(pc)
	return devices, <-sent
}

// search sends the question, and again after half a second and a second.
func search(ctx context.Context, pc *ipv4.PacketConn, interfaces []net.Interface) error {
	if len(interfaces) == 0 {
		var err error
		if interfaces, err = net.Interfaces(); err != nil {
			return fmt.Errorf("list interfaces: %w", err)
		}
	}
	question := Message{ID: IDSearch}.Append(nil)
	var last error
	reached := false
	for i := range searches {
		for _, ifi := range interfaces {
			if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagBroadcast == 0 {
				continue
			}
			_, err := pc.WriteTo(question, &ipv4.ControlMessage{IfIndex: ifi.Index}, &net.UDPAddr{IP: net.IPv4bcast, Port: DiscoveryPort})
			if err != nil {
				last = fmt.Errorf("search on %s: %w", ifi.Name, err)
			}
			reached = reached || err == nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(i+1) * 500 * time.Millisecond):
		}
	}
	if reached {
		return nil // an interface without an address is no failure
	}
	return last
}

func collect(pc net.PacketConn) []Device {
	var found []Device
	b := make([]byte, maxDatagram)
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			slices.SortFunc(found, func(a, b Device) int { return cmp.Or(a.Addr.Compare(b.Addr), strings.Compare(a.MAC, b.MAC)) })
			return found
		}
		addr, ok := from.(*net.UDPAddr)
		if !ok || len(found) >= maxDevices {
			continue
		}
		d, ok := ParseDevice(b[:n], addr.AddrPort().Addr().Unmap())
		if ok && !slices.Contains(found, d) {
			found = append(found, d)
		}
	}
}

// ParseDevice reads an answer to a search that came from an address.
func ParseDevice(b []byte, from netip.Addr) (Device, bool) {
	m, size, err := parseHeader(b)
	if err != nil || m.ID != IDSearch+1 || size > len(b)-headerLen {
		return Device{}, false
	}
	var a struct {
		Common struct {
			HostIP     string
			HostName   string
			MAC        string
			SN         string
			TCPPort    int
			ChannelNum int
		} `json:"NetWork.NetCommon"`
	}
	if err := unmarshal(b[headerLen:headerLen+size], &a); err != nil {
		return Device{}, false
	}
	c := a.Common
	if c.TCPPort < 1 || c.TCPPort > 65535 {
		c.TCPPort = Port
	}
	d := Device{
		Addr: netip.AddrPortFrom(from, uint16(c.TCPPort)), Name: printable(c.HostName), Serial: printable(c.SN), MAC: printable(c.MAC),
		Channels: min(max(c.ChannelNum, 0), maxChannel+1),
	}
	if stated, ok := hexAddr(c.HostIP); ok && stated != from {
		d.Stated = stated
	}
	return d, true
}

// hexAddr reads an address as devices write it: the bytes of 192.168.1.10 as a number in
// the order of a little-endian machine, 0x0A01A8C0.
func hexAddr(s string) (netip.Addr, bool) {
	if !strings.HasPrefix(s, "0x") || len(s) != 10 {
		return netip.Addr{}, false
	}
	n, err := strconv.ParseUint(s[2:], 16, 32)
	if err != nil || n == 0 {
		return netip.Addr{}, false
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(n))
	return netip.AddrFrom4(b), true
}

// HexAddr writes an address as devices do.
func HexAddr(a netip.Addr) string {
	b := a.As4()
	return fmt.Sprintf("0x%08X", binary.LittleEndian.Uint32(b[:]))
}
