//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/uplink/linetest"
)

// browse is a phone: python-zeroconf, a multicast DNS that is not ours, resolves the
// name and lists the services.
const browse = `
import sys, time, socket
from zeroconf import Zeroconf, ServiceBrowser, ServiceInfo
z = Zeroconf(interfaces=["10.79.0.9"])
class Seen:
    def add_service(self, z, kind, name):
        info = z.get_service_info(kind, name, 180000)
        if info: print(name, info.server, info.port, [socket.inet_ntoa(a) for a in info.addresses], info.properties, flush=True)
    def update_service(self, *a): pass
    def remove_service(self, z, kind, name): print("gone", name, flush=True)
b = ServiceBrowser(z, ["_https._tcp.local.", "_sentrybox._tcp.local."], Seen())
for line in sys.stdin: pass
z.close()
`

// TestName: two boxes with the same serial number come up on one network. Each has a name
// of its own, which a phone finds and the box's certificate is for, and says goodbye.
func TestName(t *testing.T) {
	street, phone := linetest.NewHost(t, "lan"), linetest.NewHost(t, "phone")
	street.IP("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
	street.IP("link", "set", "br0", "up")
	plug := func(host *linetest.Host, n int) {
		a, b := fmt.Sprintf("n%d.%d", n, os.Getpid()%10000), fmt.Sprintf("m%d.%d", n, os.Getpid()%10000)
		ip(t, "link", "add", a, "type", "veth", "peer", "name", b)
		street.Adopt(a)
		street.IP("link", "set", a, "master", "br0", "up")
		host.Adopt(b)
		host.IP("link", "set", b, "name", "eth0")
		host.IP("addr", "add", fmt.Sprintf("10.79.0.%d/24", n), "brd", "+", "dev", "eth0")
		host.IP("link", "set", "eth0", "up")
	}
	plug(phone, 9)
	boxes := make([]*gateway, 2)
	hosts := make([]*linetest.Host, 2)
	names := make([]string, 2)
	for i := range boxes {
		hosts[i] = linetest.NewHost(t, fmt.Sprintf("box%d", i+1))
		plug(hosts[i], i+1)
		boxes[i] = startNamed(t, hosts[i])
		names[i] = boxes[i].name()
	}
	// Who stands still while it is asked may lose its name to the other.
	eventually(t, "two names", func() bool {
		names[0], names[1] = boxes[0].name(), boxes[1].name()
		slices.Sort(names)
		ok := names[0] == strings.TrimSuffix(names[1], ".local")+"-2.local"
		names[0], names[1] = boxes[0].name(), boxes[1].name()
		return ok
	})
	script := filepath.Join(t.TempDir(), "browse.py")
	if err := os.WriteFile(script, []byte(browse), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := &logBuffer{}
	cmd := phone.Command("/usr/bin/python3", script)
	cmd.Stdout, cmd.Stderr = seen, seen
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	for i, name := range names {
		short := strings.TrimSuffix(name, ".local")
		for _, service := range []string{"_https", "_sentrybox"} {
			hears(t, seen, fmt.Sprintf("%s.%s._tcp.local. %s. 8443 ['10.79.0.%d']", short, service, name, i+1))
		}
		certificateFor(t, phone, fmt.Sprintf("10.79.0.%d:8443", i+1), name)
	}
	boxes[0].stop()
	hears(t, seen, "gone "+strings.TrimSuffix(names[0], ".local")+"._https._tcp.local.")
}

func startNamed(t *testing.T, host *linetest.Host) *gateway {
	t.Helper()
	dir := t.TempDir()
	g := &gateway{t: t, config: filepath.Join(dir, "config.yaml"), log: &logBuffer{}}
	g.cmd = host.Command(filepath.Join(programs, "sentrybox"), "run", "--config", g.config, "--data", filepath.Join(dir, "data"))
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.stop()
		if t.Failed() {
			t.Logf("a box said:\n%s", g.log)
		}
	})
	return g
}

// name waits for the name that the box has taken, and returns the newest.
func (g *gateway) name() string {
	g.t.Helper()
	hears(g.t, g.log, "the box has a name on the network")
	all := strings.Split(g.log.String(), "the box has a name on the network")
	_, rest, _ := strings.Cut(all[len(all)-1], "name=")
	name, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(name)
}

func hears(t testing.TB, log *logBuffer, what string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if strings.Contains(log.String(), what) {
			return
		}
	}
	t.Fatalf("never: %s\n%s", what, log)
}

// certificateFor checks that the certificate at an address is for a name.
func certificateFor(t *testing.T, from *linetest.Host, addr, name string) {
	t.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		raw, err := from.Dial(t.Context(), "tcp", addr)
		if err != nil {
			last = err
			continue
		}
		last = func(raw net.Conn) error {
			defer raw.Close()
			c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) // the authority is the box's own, which is in what it sends
			if err := c.HandshakeContext(t.Context()); err != nil {
				return err
			}
			chain := c.ConnectionState().PeerCertificates
			roots := x509.NewCertPool()
			roots.AddCert(chain[len(chain)-1])
			_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
			return err
		}(raw)
		if last == nil {
			return
		}
	}
	t.Errorf("the certificate at %s is not for %s: %v", addr, name, last)
}
