package find

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/drivers/rtsp/rtsptest"
)

// peer serves one connection after the other.
func peer(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func options(t *testing.T, at netip.AddrPort) (string, bool) {
	t.Helper()
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return rtspOptions(conn, at)
}

func TestRTSPOptions(t *testing.T) {
	s := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{"x": {Clip: rtsptest.Bytes(mp4test.H264())}}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if server, ok := options(t, s.Addr().(*net.TCPAddr).AddrPort()); !ok || !strings.Contains(server, "gortsplib") {
		t.Errorf("%q, %v", server, ok)
	}
	for name, say := range map[string]string{
		"HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH": "SSH-2.0-x\r\n", "nothing": "", "one long line": strings.Repeat("RTSP/1.0", 1<<20),
	} {
		at := peer(t, func(c net.Conn) { _, _ = io.WriteString(c, say) })
		if server, ok := options(t, at); ok && len(server) > 0 {
			t.Errorf("%s: %q", name, server)
		}
	}
	at := peer(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "RTSP/1.0 200 OK\r\n"+strings.Repeat("Server: "+strings.Repeat("x\x1b", 50)+"\r\n", 1000))
	})
	server, ok := options(t, at)
	var c Candidate
	c.banner(server)
	if !ok || len(server) > 8<<10 || strings.Contains(c.Banners[0], "\x1b") || len(c.Banners[0]) > 80 {
		t.Errorf("%d bytes, %q", len(server), c.Banners)
	}
}

// TestSlowOptions: a recorder that is busy answers late, and in pieces with pauses.
func TestSlowOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		go func() {
			defer far.Close()
			if _, err := bufio.NewReader(far).ReadString('\n'); err != nil {
				t.Error(err)
			}
			go func() { _, _ = io.Copy(io.Discard, far) }()
			time.Sleep(4 * time.Second)
			for _, c := range []byte("RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: slow\r\n\r\n") {
				time.Sleep(20 * time.Millisecond)
				_, _ = far.Write([]byte{c})
			}
		}()
		if server, ok := rtspOptions(near, netip.MustParseAddrPort("192.168.1.64:554")); !ok || server != " slow\r\n" {
			t.Errorf("%q, %v", server, ok)
		}
	})
}

func TestScanHTTP(t *testing.T) {
	device := &onviftest.Server{User: "admin", Password: "x"}
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	for name, c := range map[string]struct {
		at    netip.AddrPort
		onvif bool
	}{
		"a device": {netip.MustParseAddrPort(device.Addr()), true},
		"a web server that asks for a password": {peer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nServer: router\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}), false},
		"endless headers": {peer(t, func(c net.Conn) {
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(c, "X: "+strings.Repeat("y", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}), false},
	} {
		s := &scanner{found: map[netip.Addr]*Candidate{}}
		s.http(t.Context(), c.at)
		found := s.found[c.at.Addr()]
		if got := found != nil && found.ONVIF != ""; got != c.onvif {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if device.Tries() != 0 {
		t.Error("a password was tried")
	}
}

func TestAddresses(t *testing.T) {
	for prefix, n := range map[string]int{"192.168.1.0/24": 254, "10.0.0.0/22": 1022, "192.168.1.7/32": 1, "192.168.1.8/31": 2, "169.254.0.0/25": 126, "fe80::/126": 4} {
		got, err := addresses(netip.MustParsePrefix(prefix), false)
		if err != nil || len(got) != n {
			t.Errorf("%s: %d, %v", prefix, len(got), err)
		}
	}
	if _, err := addresses(netip.MustParsePrefix("203.0.113.7/32"), true); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Scan(ctx, ScanOptions{Prefix: netip.MustParsePrefix("127.0.0.0/24")}); err == nil {
		t.Error("a scan that was ended says nothing")
	}
}
