package config

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

// SIP is where help points, door stations and the duty room's phones register and call.
type SIP struct {
	Listen string `yaml:"listen"` // host:port, UDP and TCP; :5060 when empty
	Realm  string `yaml:"realm"`
	// Help are the numbers that are calls for help; every number when empty.
	Help []string `yaml:"help"`
	// Stations may call, by their users.
	Stations map[string]SIPStation `yaml:"stations"`
	// Phones are rung one after the other.
	Phones  []SIPPhone `yaml:"phones"`
	Ring    Duration   `yaml:"ring"`    // each phone
	Answer  string     `yaml:"answer"`  // at_once, or with_phone
	Ports   string     `yaml:"ports"`   // UDP, of audio: 20000-20039
	Calls   int        `yaml:"calls"`   // at a time
	Longest Duration   `yaml:"longest"` // a call
}

// SIPStation is a help point or a door station. It has a password, or an address, or both.
type SIPStation struct {
	Name         string `yaml:"name"`
	Place        string `yaml:"place"`
	Grid         string `yaml:"grid"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	Digest       string `yaml:"digest"`  // md5, or sha-256
	Address      string `yaml:"address"` // or addresses: 10.0.0.0/24
}

// SIPPhone is a telephone of the duty room: one that registers with a user and a password, or one that is
// called at an address.
type SIPPhone struct {
	Name         string `yaml:"name"` // the user or the number when empty
	User         string `yaml:"user"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	Digest       string `yaml:"digest"`  // md5, or sha-256; of one that registers
	Address      string `yaml:"address"` // host or host:port
	Number       string `yaml:"number"`
}

// Title is what the phone is called.
func (p *SIPPhone) Title() string {
	for _, s := range []string{p.Name, p.User, p.Number} {
		if s != "" {
			return s
		}
	}
	return p.Address
}

// ISAPI is the event stream of a device of Hikvision's.
type ISAPI struct {
	URL      URL      `yaml:"url"`      // http://user:password@host
	Insecure bool     `yaml:"insecure"` // accept any certificate
	Place    string   `yaml:"place"`
	Motion   bool     `yaml:"motion"` // tell what its own video analysis sees
	Calls    Duration `yaml:"calls"`  // how often to ask a door station whether it calls; never when 0
}

// ONVIF is the events of a device by a pull point.
type ONVIF struct {
	URL      URL    `yaml:"url"`      // http://user:password@host
	Insecure bool   `yaml:"insecure"` // accept any certificate
	Place    string `yaml:"place"`
	Motion   bool   `yaml:"motion"` // tell what its own video analysis sees
}

const (
	sipListen    = ":5060"
	sipRing      = Duration(20 * time.Second)
	sipPorts     = "20000-20039"
	sipCalls     = 8
	sipLongest   = Duration(30 * time.Minute)
	maxSIPUsers  = 500
	maxSIPPhones = 8
	maxSIPCalls  = 32
)

var (
	sipUser  = regexp.MustCompile(`^[A-Za-z0-9_.+*#-]{1,64}$`)
	sipRealm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// intercom says whether a call is one for help.
func (r *Radio) intercom() bool { return r.SIP != nil || r.ISAPI != nil || r.ONVIF != nil }

func (d *document) finishSIP(_ *Config, r *Radio, path string) {
	s := r.SIP
	if s.Listen == "" {
		s.Listen = sipListen
	}
	if d.Sound(path+".listen") && !validListen(s.Listen) {
		d.Fault(path+".listen", "config.listen")
	}
	if s.Realm == "" {
		s.Realm = "sentrybox"
	}
	if d.Sound(path+".realm") && !sipRealm.MatchString(s.Realm) {
		d.Fault(path+".realm", "config.sip.user")
	}
	if s.Answer == "" {
		s.Answer = "at_once"
	}
	d.OneOf(path+".answer", s.Answer, "at_once", "with_phone")
	s.Ring, s.Longest = d.or(path+".ring", s.Ring, sipRing), d.or(path+".longest", s.Longest, sipLongest)
	d.Span(path+".ring", s.Ring, Duration(time.Second), Duration(5*time.Minute))
	d.Span(path+".longest", s.Longest, Duration(time.Minute), Duration(24*time.Hour))
	if s.Calls == 0 && d.Sound(path+".calls") {
		s.Calls = sipCalls
	}
	d.Between(path+".calls", s.Calls, 1, maxSIPCalls)
	if s.Ports == "" {
		s.Ports = sipPorts
	}
	if _, ok := s.PortRange(); !ok && d.Sound(path+".ports") {
		d.Fault(path+".ports", "config.sip.ports", 4*s.Calls)
	}
	for i, n := range s.Help {
		if at := strict.Element(path+".help", i); d.Sound(at) && !sipUser.MatchString(n) {
			d.Fault(at, "config.sip.user")
		}
	}
	taken := map[string]string{}
	d.finishSIPStations(r, path+".stations", taken)
	d.finishSIPPhones(s, path+".phones", taken)
}

// or is v, or its default where the file has none.
func (d *document) or(path string, v, otherwise Duration) Duration {
	if v == 0 && d.Sound(path) {
		return otherwise
	}
	return v
}

// PortRange returns the first and the last port of audio, and whether they are enough for the
// calls: four each.
func (s *SIP) PortRange() (ports [2]int, ok bool) {
	a, b, _ := strings.Cut(s.Ports, "-")
	for i, p := range []string{a, b} {
		n, err := strconv.ParseUint(strings.TrimSpace(p), 10, 16)
		if err != nil || n < 1024 {
			return ports, false
		}
		ports[i] = int(n)
	}
	return ports, ports[1]-ports[0]+1 >= 4*s.Calls
}

func (d *document) finishSIPStations(r *Radio, path string, taken map[string]string) {
	stations := r.SIP.Stations
	if !d.Required(path, len(stations) == 0) {
		return
	}
	if len(stations) > maxSIPUsers {
		d.Fault(path, "config.many", len(stations), maxSIPUsers)
		return
	}
	for _, user := range names(stations) {
		x, at := stations[user], strict.Member(path, user)
		if d.Sound(at) && !sipUser.MatchString(user) {
			d.Fault(at, "config.sip.user")
		}
		taken[user] = at
		d.secretFile(at, "password", &x.Password, "password_file", &x.PasswordFile)
		if x.Address != "" && d.Sound(at+".address") {
			if _, ok := x.Prefix(); !ok {
				d.Fault(at+".address", "config.sip.address")
			}
		}
		if x.Address == "" && x.Password.Reveal() == "" && d.Sound(at+".password_file") {
			d.Required(at+".password", true)
		}
		d.finishDigest(at+".digest", &x.Digest)
		d.finishSIPUnit(r, user, &x, at)
		stations[user] = x
	}
}

// finishDigest checks by what hash one signs in: MD5 where nothing is said, since that is all that many know.
func (d *document) finishDigest(path string, s *string) {
	if *s == "" {
		*s = "md5"
	}
	d.OneOf(path, *s, "md5", "sha-256")
}

// finishSIPUnit makes a unit of a station, if it is none by itself.
func (d *document) finishSIPUnit(r *Radio, user string, x *SIPStation, at string) {
	for _, p := range []struct{ key, s string }{{".name", x.Name}, {".place", x.Place}} {
		if p.s != "" {
			d.unitName(at+p.key, p.s)
		}
	}
	if x.Grid != "" {
		d.name(at+".grid", x.Grid, false)
	}
	if _, known := r.Units[user]; known || x.Name == "" && x.Place == "" && x.Grid == "" {
		return
	}
	if r.Units == nil {
		r.Units = map[string]Unit{}
	}
	u := Unit{Name: x.Name, Place: x.Place, Grid: x.Grid}
	if u.Name == "" {
		u.Name = user
	}
	r.Units[user] = u
}

// Prefix returns the addresses of a station; not valid if it has none.
func (x *SIPStation) Prefix() (p netip.Prefix, ok bool) {
	if x.Address == "" {
		return p, true
	}
	if a, err := netip.ParseAddr(x.Address); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	p, err := netip.ParsePrefix(x.Address)
	return p.Masked(), err == nil && p.Bits() > 0
}

func (d *document) finishSIPPhones(s *SIP, path string, taken map[string]string) {
	if len(s.Phones) > maxSIPPhones {
		d.Fault(path, "config.many", len(s.Phones), maxSIPPhones)
		return
	}
	for i := range s.Phones {
		p, at := &s.Phones[i], strict.Element(path, i)
		if !d.Sound(at) {
			continue
		}
		d.secretFile(at, "password", &p.Password, "password_file", &p.PasswordFile)
		d.finishDigest(at+".digest", &p.Digest)
		if p.Name != "" {
			d.unitName(at+".name", p.Name)
		}
		for _, x := range []struct{ key, s string }{{".user", p.User}, {".number", p.Number}} {
			if x.s != "" && d.Sound(at+x.key) && !sipUser.MatchString(x.s) {
				d.Fault(at+x.key, "config.sip.user")
			}
		}
		switch {
		case p.Address == "":
			d.Required(at+".user", p.User == "")
			d.Required(at+".password", p.Password.Reveal() == "" && d.Sound(at+".password_file"))
		case d.Sound(at+".address") && !validHost(p.Address):
			d.Fault(at+".address", "config.sip.host")
		default:
			d.Required(at+".number", p.Number == "" && p.User == "")
		}
		if other := taken[p.Title()]; other != "" && d.Sound(at) {
			d.Fault(at, "config.sip.twice", other)
		}
		taken[p.Title()] = at
		if p.Address == "" && p.User != p.Title() {
			if other := taken[p.User]; other != "" && d.Sound(at+".user") {
				d.Fault(at+".user", "config.sip.twice", other)
			}
			taken[p.User] = at
		}
	}
}

// validHost reports whether s is a host, or host:port.
func validHost(s string) bool {
	host := s
	if h, port, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return false
		}
		host = h
	}
	return host != "" && len(host) < 254 && !strings.ContainsAny(host, " /@;?<>\"\\\r\n")
}

func (d *document) finishISAPI(_ *Config, r *Radio, path string) {
	x := r.ISAPI
	d.deviceURL(path+".url", x.URL)
	if x.Place != "" {
		d.unitName(path+".place", x.Place)
	}
	if x.Calls != 0 {
		d.Span(path+".calls", x.Calls, Duration(500*time.Millisecond), Duration(time.Minute))
	}
}

func (d *document) finishONVIF(_ *Config, r *Radio, path string) {
	d.deviceURL(path+".url", r.ONVIF.URL)
	if r.ONVIF.Place != "" {
		d.unitName(path+".place", r.ONVIF.Place)
	}
}

// deviceURL checks the address of a device, with its user and password.
func (d *document) deviceURL(path string, u URL) {
	if !d.Required(path, u.IsZero()) {
		return
	}
	if p := d.address(path, u, "http", "https"); p != nil && p.User.Username() == "" {
		d.Fault(path, "config.intercom.user")
	}
}
