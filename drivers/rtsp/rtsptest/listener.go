package rtsptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// gate is a TCP listener that can be shut and opened again at the same address.
// While it is shut, connecting is refused by the operating system.
type gate struct {
	addr net.Addr

	mutex   sync.Mutex
	changed *sync.Cond
	open    net.Listener // nil while shut
	held    bool         // until the server is whole; connections wait
	closed  bool
}

func newGate(address string) (*gate, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", address, err)
	}
	g := &gate{addr: l.Addr(), open: l, held: true}
	g.changed = sync.NewCond(&g.mutex)
	return g, nil
}

// Accept implements net.Listener. It waits while the gate is shut.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.mutex.Lock()
		for (g.open == nil || g.held) && !g.closed {
			g.changed.Wait()
		}
		l := g.open
		g.mutex.Unlock()
		if l == nil {
			return nil, net.ErrClosed
		}
		c, err := l.Accept()
		if err == nil {
			return c, nil
		}
		g.mutex.Lock()
		shut := g.open != l
		g.mutex.Unlock()
		if !shut {
			return nil, err
		}
	}
}

// release lets the first connections in.
func (g *gate) release() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.held = false
	g.changed.Broadcast()
}

// Close implements net.Listener.
func (g *gate) Close() error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.closed = true
	g.changed.Broadcast()
	if g.open == nil {
		return nil
	}
	l := g.open
	g.open = nil
	return l.Close()
}

// Addr implements net.Listener.
func (g *gate) Addr() net.Addr { return g.addr }

func (g *gate) shut(shut bool) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	switch {
	case g.closed:
		return net.ErrClosed
	case shut && g.open != nil:
		l := g.open
		g.open = nil
		return l.Close()
	case !shut && g.open == nil:
		l, err := net.Listen("tcp", g.addr.String())
		if err != nil {
			return fmt.Errorf("listen again at %s: %w", g.addr, err)
		}
		g.open = l
		g.changed.Broadcast()
	}
	return nil
}

// udpPair holds the two sockets of RTP and RTCP, on an even port and the one
// after it (RFC 3550 section 11), until the server takes them.
type udpPair struct{ rtp, rtcp *net.UDPConn }

func newUDPPair(at net.Addr) (*udpPair, error) {
	ip := at.(*net.TCPAddr).IP
	var last error
	for range 64 {
		a, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip})
		if err != nil {
			return nil, fmt.Errorf("listen for RTP: %w", err)
		}
		port := a.LocalAddr().(*net.UDPAddr).Port
		b, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip, Port: port ^ 1})
		if err != nil {
			_ = a.Close()
			last = err
			continue
		}
		if port%2 != 0 {
			a, b = b, a
		}
		return &udpPair{a, b}, nil
	}
	return nil, fmt.Errorf("find two free UDP ports in a row: %w", last)
}

// take hands over the socket with an address.
func (p *udpPair) take(_, address string) (net.PacketConn, error) {
	for _, c := range []*net.UDPConn{p.rtp, p.rtcp} {
		if c.LocalAddr().String() == address {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no socket at %s", address)
}

func (p *udpPair) close() {
	_ = p.rtp.Close()
	_ = p.rtcp.Close()
}

// selfSigned makes a certificate for an address and for localhost.
func selfSigned(at net.Addr) (tls.Certificate, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "simulated camera"},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(365 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{at.(*net.TCPAddr).IP, net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("read the certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}, cert, nil
}
