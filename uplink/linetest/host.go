//go:build linux

// Package linetest makes poor lines between hosts of its own, for tests: hosts
// are network namespaces, and a line between two of them is a pair of TUN
// devices with a program in between that carries IP packets as slowly, as late
// and as rarely as it is told. The kernel's TCP at both ends meets the delay and
// the loss of every single packet, as it does on a real line and as a TCP proxy
// cannot show. Nothing leaves the machine: the namespaces have no other way out.
//
// It needs root and /dev/net/tun.
package linetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Host is a network namespace.
type Host struct {
	t    testing.TB
	name string
}

// NewHost makes a namespace with a loopback interface. It ends with the test.
func NewHost(t testing.TB, name string) *Host {
	t.Helper()
	h := &Host{t: t, name: fmt.Sprintf("line-%d-%d-%s", os.Getpid(), serial.Add(1), name)}
	h.ip("netns", "add", h.name)
	t.Cleanup(func() { h.ip("netns", "del", h.name) })
	h.ip("-n", h.name, "link", "set", "lo", "up")
	return h
}

// serial keeps the names of namespaces apart.
var serial atomic.Int64 //nolint:gochecknoglobals // names are of the whole machine

func (h *Host) ip(args ...string) {
	h.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		h.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// IP runs the command ip inside the namespace.
func (h *Host) IP(args ...string) {
	h.t.Helper()
	h.ip(append([]string{"-n", h.name}, args...)...)
}

// Sysctl sets a kernel parameter of the namespace, such as
// net.ipv4.tcp_congestion_control.
func (h *Host) Sysctl(name, value string) {
	h.t.Helper()
	path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
	err := h.Do(func() error { return os.WriteFile(path, []byte(value), 0o600) })
	if err != nil {
		h.t.Fatalf("set %s: %v", name, err)
	}
}

// Command is a program that runs in the namespace.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.name, name}, args...)...)
}

// Do calls fn on a thread that is in the namespace. Sockets that fn makes stay
// there. Goroutines that it starts are elsewhere.
func (h *Host) Do(fn func() error) error {
	fd, err := unix.Open("/run/netns/"+h.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open namespace %s: %w", h.name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter namespace %s: %w", h.name, err)
			return
		}
		done <- fn()
	}()
	return <-done
}

// Dial connects from within the namespace to an IP address and port there.
func (h *Host) Dial(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	err = h.Do(func() (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// Listen listens within the namespace.
func (h *Host) Listen(network, addr string) (ln net.Listener, err error) {
	err = h.Do(func() (err error) {
		ln, err = net.Listen(network, addr)
		return err
	})
	return ln, err
}

// Adopt takes a network device of the machine's own namespace into the host.
func (h *Host) Adopt(device string) {
	h.t.Helper()
	h.ip("link", "set", device, "netns", h.name)
}
