package onvif

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// DiscoveryPort is the UDP port of WS-Discovery.
const DiscoveryPort = 3702

const (
	maxDatagram = 32 << 10
	maxFound    = 512
	probes      = 3 // since UDP loses some, as SOAP-over-UDP 1.1 section 3.4 has it
	nsDiscovery = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
	nsAddress   = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	nsNetwork   = "http://www.onvif.org/ver10/network/wsdl"
)

// Group is WS-Discovery's multicast address.
func Group() netip.Addr { return netip.AddrFrom4([4]byte{239, 255, 255, 250}) }

// Found is a device that answered a probe or said hello.
type Found struct {
	Addr     netip.Addr // that its word came from
	Service  string     // URL of its device service, on Addr
	Endpoint string     // what it calls itself, mostly urn:uuid:…
	Name     string     // of its scopes, as are the next two
	Hardware string
	Location string
	Hello    bool // it said hello, and was not asked
	// Stated is the host that it names as its own, if it does not name Addr.
	Stated string
}

// Options say where to look.
type Options struct {
	// Interfaces to probe on by multicast: all that are up and can multicast if nil, none if empty.
	Interfaces []net.Interface
	// Hosts are asked by unicast, besides.
	Hosts []netip.Addr
	// Hello listens for devices that come up, too, unless UDP port 3702 is another's.
	Hello bool
}

// Discover probes for devices and returns who answered until ctx ends, each once. What
// answers is a stranger; nothing is connected to. Its error says what could not be asked;
// devices that were found come with it.
func Discover(ctx context.Context, opt Options) ([]Found, error) {
	if opt.Interfaces == nil {
		all, err := net.Interfaces()
		if err != nil {
			return nil, fmt.Errorf("list interfaces: %w", err)
		}
		opt.Interfaces = append([]net.Interface{}, all...)
	}
	opt.Interfaces = slices.DeleteFunc(slices.Clone(opt.Interfaces), func(i net.Interface) bool {
		return i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0
	})
	s := &search{id: newUUID(), options: opt, seen: map[netip.Addr]Found{}}
	var failures []error
	var wg sync.WaitGroup
	pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", ":0")
	if err != nil {
		return nil, fmt.Errorf("listen for answers: %w", err)
	}
	wg.Go(func() { s.collect(ctx, pc) })
	if opt.Hello {
		switch hello, err := s.join(ctx); {
		case err == nil:
			wg.Go(func() { s.collect(ctx, hello) })
		case !errors.Is(err, syscall.EADDRINUSE):
			failures = append(failures, err)
		}
	}
	if err := s.ask(ctx, ipv4.NewPacketConn(pc)); err != nil {
		failures = append(failures, err)
	}
	wg.Wait()
	return s.found(), errors.Join(failures...)
}

type search struct {
	id      string
	options Options

	mu   sync.Mutex
	seen map[netip.Addr]Found // guarded by mu
}

// join listens for hellos.
func (s *search) join(ctx context.Context) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }); e != nil {
			return e
		}
		return err
	}}
	pc, err := lc.ListenPacket(ctx, "udp4", fmt.Sprintf("%s:%d", Group(), DiscoveryPort))
	if err != nil {
		return nil, fmt.Errorf("listen for hellos: %w", err)
	}
	for _, ifi := range s.options.Interfaces {
		_ = ipv4.NewPacketConn(pc).JoinGroup(&ifi, &net.UDPAddr{IP: Group().AsSlice()}) // an interface without an address
	}
	return pc, nil
}

// ask sends the probes.
func (s *search) ask(ctx context.Context, pc *ipv4.PacketConn) error {
	msg := probe(s.id)
	var last error
	reached := false
	sent := func(what string, err error) {
		if err != nil {
			last = fmt.Errorf("probe %s: %w", what, err)
		}
		reached = reached || err == nil
	}
	_ = pc.SetMulticastTTL(1) // a site, no further
	for i := range probes {
		for _, ifi := range s.options.Interfaces {
			err := pc.SetMulticastInterface(&ifi)
			if err == nil {
				_, err = pc.WriteTo(msg, nil, &net.UDPAddr{IP: Group().AsSlice(), Port: DiscoveryPort})
			}
			sent("on "+ifi.Name, err)
		}
		for _, host := range s.options.Hosts {
			_, err := pc.WriteTo(msg, nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, DiscoveryPort)))
			sent(host.String(), err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(i+1) * 300 * time.Millisecond):
		}
	}
	if reached {
		return nil
	}
	return last
}

// collect takes answers until ctx ends, and closes pc.
func (s *search) collect(ctx context.Context, pc net.PacketConn) {
	stop := context.AfterFunc(ctx, func() { _ = pc.SetReadDeadline(time.Now()) })
	defer stop()
	defer pc.Close()
	b := make([]byte, maxDatagram)
	for {
		n, from, err := pc.ReadFrom(b)
		if ctx.Err() != nil {
			return
		}
		addr, ok := from.(*net.UDPAddr)
		if err != nil || !ok {
			// An ICMP error of a host that was asked by unicast; do not spin on another.
			if !errors.Is(err, syscall.ECONNREFUSED) {
				time.Sleep(10 * time.Millisecond)
			}
			continue
		}
		if f, ok := ParseAnswer(b[:n], addr.AddrPort().Addr().Unmap(), s.id); ok {
			s.add(f)
		}
	}
}

func (s *search) add(f Found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, twice := s.seen[f.Addr]; twice && (!old.Hello || f.Hello) || len(s.seen) >= maxFound {
		return
	}
	s.seen[f.Addr] = f
}

func (s *search) found() []Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Found
	for _, f := range s.seen {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Found) int { return cmp.Or(a.Addr.Compare(b.Addr), strings.Compare(a.Service, b.Service)) })
	return all
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562 section 5.4
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func probe(id string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + nsEnvelope + `" xmlns:a="` + nsAddress + `"><s:Header>` +
		`<a:Action s:mustUnderstand="1">` + nsDiscovery + `/Probe</a:Action><a:MessageID>` + id + `</a:MessageID>` +
		`<a:ReplyTo><a:Address>` + nsAddress + `/role/anonymous</a:Address></a:ReplyTo>` +
		`<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body>` +
		`<d:Probe xmlns:d="` + nsDiscovery + `"><d:Types xmlns:n="` + nsNetwork + `">n:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>`)
}

// match is a device in an answer or a hello.
type match struct {
	EndpointReference struct{ Address string }
	Types             string
	Scopes            string
	XAddrs            string
}

// ParseAnswer reads a datagram that came from an address: the answer to the probe
// with that MessageID, or a hello. Others, and what is no video device, it does not take.
func ParseAnswer(b []byte, from netip.Addr, id string) (Found, bool) {
	var env struct {
		Header struct{ RelatesTo string }
		Body   struct {
			ProbeMatches *struct{ ProbeMatch []match }
			Hello        *match
		}
	}
	if len(b) > maxDatagram || decode(b, &env) != nil {
		return Found{}, false
	}
	var m match
	switch {
	case env.Body.ProbeMatches != nil && len(env.Body.ProbeMatches.ProbeMatch) > 0 && strings.TrimSpace(env.Header.RelatesTo) == id:
		m = env.Body.ProbeMatches.ProbeMatch[0]
	case env.Body.Hello != nil:
		m = *env.Body.Hello
	default:
		return Found{}, false
	}
	if !isVideo(m) {
		return Found{}, false
	}
	f := Found{Addr: from, Endpoint: clean(m.EndpointReference.Address), Hello: env.Body.Hello != nil}
	f.Service, f.Stated = serviceOn(from, m.XAddrs)
	for i, scope := range strings.Fields(m.Scopes) {
		if i == 64 {
			break
		}
		f.scope(scope)
	}
	return f, true
}

// isVideo says whether a device calls itself one of ONVIF's: by its type, or, since
// some name none, by its scopes.
func isVideo(m match) bool {
	for t := range strings.FieldsSeq(m.Types) {
		if _, local, _ := strings.Cut(t, ":"); local == "NetworkVideoTransmitter" || local == "Device" {
			return true
		}
	}
	return strings.Contains(m.Scopes, "onvif://www.onvif.org/")
}

// serviceOn picks the address of a device's service that is on the host that told
// of it, or makes one. stated is the host that was named, if only others were.
func serviceOn(from netip.Addr, xaddrs string) (service, stated string) {
	host := from.WithZone("").String()
	if from.Is6() {
		host = "[" + host + "]"
	}
	path, port := "/onvif/device_service", ""
	for i, raw := range strings.Fields(xaddrs) {
		u, err := url.Parse(raw)
		if err != nil || i == 16 || len(raw) > 500 || u.Scheme != "http" && u.Scheme != "https" || u.Path == "" {
			continue
		}
		a, err := netip.ParseAddr(u.Hostname())
		if err == nil && a.Unmap() == from {
			u.User, u.RawQuery, u.Fragment = nil, "", ""
			return u.String(), ""
		}
		if stated == "" && u.Scheme == "http" {
			stated, path = clean(u.Hostname()), u.EscapedPath()
			if u.Port() != "" && u.Port() != "80" {
				port = ":" + u.Port()
			}
		}
	}
	return "http://" + host + port + path, stated
}

// scope takes what a scope says (ONVIF Core 7.3.2).
func (f *Found) scope(s string) {
	rest, ok := strings.CutPrefix(s, "onvif://www.onvif.org/")
	if !ok {
		return
	}
	what, value, _ := strings.Cut(rest, "/")
	if decoded, err := url.PathUnescape(value); err == nil {
		value = decoded
	}
	value = clean(value)
	switch strings.ToLower(what) {
	case "name":
		f.Name = value
	case "hardware":
		f.Hardware = value
	case "location":
		if f.Location == "" {
			f.Location = value
		}
	}
}
