package find

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/onvif"
)

// Ports are those that a scan looks at: HTTP with ONVIF at 80, 8000 and 8899, RTSP at
// 554 and 8554, DVRIP at 34567, Dahua's own at 37777.
func Ports() []uint16 { return []uint16{80, 554, 8000, 8554, 8899, dvrip.Port, 37777} }

const (
	maxScan    = 1024                    // addresses: a /22
	scanRate   = 250                     // connections a second
	scanWait   = 2500 * time.Millisecond // for a connection: the kernel asks once more after a second
	scanAtOnce = 640                     // as many as wait for an address where nobody is, at that rate
	greetWait  = 6 * time.Second         // for an answer: recorders are busy
	callWait   = 10 * time.Second        // for a connection to an address that somebody has named
)

// ErrRange means that a scan was asked for that is too large, or of addresses that are
// not private.
var ErrRange = errors.New("only private addresses are scanned, a /22 (1024) at a time")

// ScanOptions say what to scan, and how fast.
type ScanOptions struct {
	Prefix netip.Prefix
	Public bool // addresses that are not private, too
	Rate   int  // connections a second; 250 if 0
	// Progress hears how many of the connections have been tried.
	Progress  func(done, all int)
	Templates []Template
}

// Scan connects to the ports of every address of a subnet, asks what answers there who
// it is, without a password, and returns what may be cameras.
func Scan(ctx context.Context, opt ScanOptions) ([]Candidate, error) {
	addrs, err := addresses(opt.Prefix, opt.Public)
	if err != nil {
		return nil, err
	}
	s := &scanner{opt: opt, found: map[netip.Addr]*Candidate{}, all: len(addrs) * len(Ports())}
	if opt.Rate <= 0 {
		s.opt.Rate = scanRate
	}
	tick := time.NewTicker(time.Second / time.Duration(s.opt.Rate))
	defer tick.Stop()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(scanAtOnce)
	for _, port := range Ports() { // one port of all, so that no address gets a burst
		for _, addr := range addrs {
			select {
			case <-gctx.Done():
			case <-tick.C:
			}
			if gctx.Err() != nil {
				break
			}
			g.Go(func() error {
				s.look(gctx, netip.AddrPortFrom(addr, port))
				return nil
			})
		}
	}
	_ = g.Wait()
	return s.candidates(), ctx.Err()
}

// Scannable says whether a subnet may be scanned: ErrRange if not.
func Scannable(p netip.Prefix) error {
	_, err := addresses(p, false)
	return err
}

// ErrAddress means that a text is no IP address, nor one with a port.
var ErrAddress = errors.New("an address is an IP address, such as 192.168.1.64, or one with a port, 192.168.1.64:8554")

// ParseAddress reads what a person types for a device: an IP address, or one with a port. The port is 0
// where there is none.
func ParseAddress(s string) (netip.AddrPort, error) {
	s = strings.TrimSpace(s)
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at, nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.AddrPort{}, ErrAddress
	}
	return netip.AddrPortFrom(addr, 0), nil
}

// At asks what speaks at one port, which may be one that a scan does not look at: RTSP or
// ONVIF, and DVRIP where something is that speaks neither. It returns false if nobody is there.
func At(ctx context.Context, at netip.AddrPort, templates []Template) (Candidate, bool) {
	s := &scanner{found: map[netip.Addr]*Candidate{}}
	dialling, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(dialling, "tcp", at.String())
	if err != nil {
		return Candidate{}, false
	}
	defer conn.Close()
	c := &Candidate{Addr: at.Addr(), Open: []uint16{at.Port()}}
	s.found[at.Addr()] = c
	if server, ok := rtspOptions(conn, at); ok {
		c.RTSP = []uint16{at.Port()}
		c.banner(server)
	} else if s.http(ctx, at); c.ONVIF == "" {
		c.DVRIP = at.Port()
	}
	c.setBrand(templates)
	return *c, true
}

// addresses lists the hosts of a subnet that may be scanned.
func addresses(p netip.Prefix, public bool) ([]netip.Addr, error) {
	p = p.Masked()
	if !p.IsValid() || p.Addr().BitLen()-p.Bits() > 10 {
		return nil, ErrRange
	}
	a := p.Addr()
	if private := a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback(); !private && !public || a.IsMulticast() {
		return nil, ErrRange
	}
	var list []netip.Addr
	for ; p.Contains(a) && len(list) < maxScan; a = a.Next() {
		list = append(list, a)
	}
	if p.Addr().Is4() && len(list) > 2 {
		list = list[1 : len(list)-1] // network and broadcast
	}
	return list, nil
}

type scanner struct {
	opt ScanOptions
	all int

	mu    sync.Mutex // guards what follows
	done  int
	found map[netip.Addr]*Candidate
}

// look tries one port.
func (s *scanner) look(ctx context.Context, at netip.AddrPort) {
	defer s.tried()
	dialling, cancel := context.WithTimeout(ctx, scanWait)
	conn, err := (&net.Dialer{}).DialContext(dialling, "tcp", at.String())
	cancel()
	if err != nil {
		return
	}
	defer conn.Close()
	s.note(at.Addr(), func(c *Candidate) { c.Open = append(c.Open, at.Port()) })
	switch at.Port() {
	case 554, 8554:
		if server, ok := rtspOptions(conn, at); ok {
			s.note(at.Addr(), func(c *Candidate) { c.RTSP = append(c.RTSP, at.Port()); c.banner(server) })
		}
	case dvrip.Port:
		s.note(at.Addr(), func(c *Candidate) { c.DVRIP = at.Port() })
	case 80, 8000, 8899:
		_ = conn.Close()
		s.http(ctx, at)
	}
}

func (s *scanner) tried() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	if s.opt.Progress != nil {
		s.opt.Progress(s.done, s.all)
	}
}

func (s *scanner) note(addr netip.Addr, change func(*Candidate)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.found[addr]
	if c == nil {
		c = &Candidate{Addr: addr, Ways: []Way{ByScan}}
		s.found[addr] = c
	}
	change(c)
}

func (s *scanner) candidates() []Candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Candidate
	for _, c := range s.found {
		if c.ONVIF == "" && len(c.RTSP) == 0 && c.DVRIP == 0 && !slices.Contains(c.Open, 37777) {
			continue // some other web server
		}
		slices.Sort(c.Open)
		slices.Sort(c.RTSP)
		c.setBrand(s.opt.Templates)
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Candidate) int { return a.Addr.Compare(b.Addr) })
	return list
}

// banner keeps a word by which a device introduced itself.
func (c *Candidate) banner(s string) {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80])
	}
	if s != "" && len(c.Banners) < 8 && !slices.Contains(c.Banners, s) {
		c.Banners = append(c.Banners, s)
	}
}

// rtspOptions asks by OPTIONS (RFC 2326 section 10.1) whether that is RTSP, and
// returns how the server calls itself.
func rtspOptions(conn net.Conn, at netip.AddrPort) (server string, ok bool) {
	_ = conn.SetDeadline(time.Now().Add(greetWait))
	if _, err := fmt.Fprintf(conn, "OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: sentrybox\r\n\r\n", at); err != nil {
		return "", false
	}
	r := bufio.NewReader(io.LimitReader(conn, 8<<10))
	line, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "RTSP/") {
		return "", false
	}
	for range 64 {
		if line, err = r.ReadString('\n'); err != nil || strings.TrimSpace(line) == "" {
			break
		}
		key, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(key, "Server") || strings.EqualFold(key, "WWW-Authenticate") {
			server += value
		}
	}
	return server, true
}

// http looks for ONVIF, and for how a web server calls itself.
func (s *scanner) http(ctx context.Context, at netip.AddrPort) {
	ctx, cancel := context.WithTimeout(ctx, 2*greetWait)
	defer cancel()
	client, err := onvif.New(onvif.Config{Address: at.String(), Timeout: greetWait})
	if err != nil {
		return
	}
	defer client.Close()
	_, err = client.Clock(ctx)
	var own *onvif.Error
	if err == nil || errors.As(err, &own) && (own.Kind == onvif.Fault) {
		s.note(at.Addr(), func(c *Candidate) {
			if c.ONVIF == "" || at.Port() == 80 {
				c.ONVIF = "http://" + at.String() + "/onvif/device_service"
				if at.Port() == 80 {
					c.ONVIF = "http://" + host(at.Addr()) + "/onvif/device_service"
				}
			}
		})
	}
	if server := httpServer(ctx, at); server != "" {
		s.note(at.Addr(), func(c *Candidate) { c.banner(server) })
	}
}

func host(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.WithZone("").String() + "]"
	}
	return a.String()
}

// httpServer returns what GET / tells in its headers.
func httpServer(ctx context.Context, at netip.AddrPort) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.String()+"/", nil)
	if err != nil {
		return ""
	}
	req.Header.Set("User-Agent", "sentrybox")
	t := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, ResponseHeaderTimeout: greetWait}
	res, err := t.RoundTrip(req) // which follows nothing
	if err != nil {
		return ""
	}
	_ = res.Body.Close()
	return strings.TrimSpace(res.Header.Get("Server") + " " + res.Header.Get("WWW-Authenticate"))
}
