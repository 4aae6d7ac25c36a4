package mdns

import (
	"bytes"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// How long what is told may be believed, in seconds (RFC 6762, 10).
const (
	lifeHost   = 120
	lifeOther  = 4500
	lifeLegacy = 10 // to who does not speak multicast DNS (6.7)
)

// unique marks records of which there are no others of the name (10.2).
const unique = 1 << 15

const enumeration = "_services._dns-sd._udp.local." // RFC 6763, 9

// zone is what the box knows of itself.
type zone struct {
	name, host string // sentrybox-1a2b, sentrybox-1a2b.local
	port       uint16
	services   []string // _https._tcp.local.
	text       []string
	addresses  func(iface int) []netip.Addr // of an interface; of all for 0
}

type heard int

const (
	nothing heard = iota
	taken         // somebody else has the name
	lost          // somebody else asks for it at the same time, and goes before us
)

func (z *zone) instance(service string) string { return z.name + "." + service }

// records are all that the box tells on an interface.
func (z *zone) records(iface int) (all []dnsmessage.Resource) {
	add := func(name string, class dnsmessage.Class, life uint32, body dnsmessage.ResourceBody) {
		if n, err := dnsmessage.NewName(name); err == nil {
			all = append(all, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: n, Class: class, TTL: life}, Body: body})
		}
	}
	fqdn := z.host + "."
	for _, a := range z.addresses(iface) {
		if a.Is4() {
			add(fqdn, dnsmessage.ClassINET|unique, lifeHost, &dnsmessage.AResource{A: a.As4()})
		} else {
			add(fqdn, dnsmessage.ClassINET|unique, lifeHost, &dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	target, err := dnsmessage.NewName(fqdn)
	if err != nil {
		return nil
	}
	for _, s := range z.services {
		service, serr := dnsmessage.NewName(s)
		instance, ierr := dnsmessage.NewName(z.instance(s))
		if serr != nil || ierr != nil {
			continue
		}
		add(enumeration, dnsmessage.ClassINET, lifeOther, &dnsmessage.PTRResource{PTR: service})
		add(s, dnsmessage.ClassINET, lifeOther, &dnsmessage.PTRResource{PTR: instance})
		add(z.instance(s), dnsmessage.ClassINET|unique, lifeHost, &dnsmessage.SRVResource{Port: z.port, Target: target})
		text := z.text
		if len(text) == 0 {
			text = []string{""}
		}
		add(z.instance(s), dnsmessage.ClassINET|unique, lifeOther, &dnsmessage.TXTResource{TXT: text})
	}
	return all
}

// kind is the type of a record, which its header has only once it was read.
func kind(b dnsmessage.ResourceBody) dnsmessage.Type {
	switch b.(type) {
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		return dnsmessage.TypeAAAA
	case *dnsmessage.PTRResource:
		return dnsmessage.TypePTR
	case *dnsmessage.SRVResource:
		return dnsmessage.TypeSRV
	}
	return dnsmessage.TypeTXT
}

// probe asks whether somebody has the name, and says what it would be (8.1).
func (z *zone) probe(iface int) ([]byte, error) {
	n, err := dnsmessage.NewName(z.host + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypeALL, Class: dnsmessage.ClassINET | unique}}}
	for _, r := range z.records(iface) {
		if t := kind(r.Body); t == dnsmessage.TypeA || t == dnsmessage.TypeAAAA {
			r.Header.Class = dnsmessage.ClassINET // 8.2: without the mark
			m.Authorities = append(m.Authorities, r)
		}
	}
	return m.Pack()
}

// announcement tells all, or with life false that it is over.
func (z *zone) announcement(iface int, life bool) ([]byte, error) {
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}, Answers: z.records(iface)}
	if !life {
		for i := range m.Answers {
			m.Answers[i].Header.TTL = 0
		}
	}
	return m.Pack()
}

// answer is what is told who asks, and to whom: to all that listen where to is not
// valid. ok is false where there is nothing to say.
func (z *zone) answer(p packet) (out []byte, to netip.AddrPort, ok bool) {
	var m dnsmessage.Message
	if m.Unpack(p.data) != nil || m.Response || m.OpCode != 0 || m.RCode != 0 {
		return nil, to, false
	}
	all := z.records(p.iface)
	reply := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}}
	legacy := p.from.Port() != port
	chosen := make([]bool, len(all))
	for _, q := range m.Questions {
		if c := q.Class &^ unique; c != dnsmessage.ClassINET && c != dnsmessage.ClassANY {
			continue
		}
		for i, r := range all {
			fits := strings.EqualFold(r.Header.Name.String(), q.Name.String()) && (q.Type == dnsmessage.TypeALL || q.Type == kind(r.Body))
			chosen[i] = chosen[i] || fits && !known(&m, r)
		}
		if legacy {
			reply.Questions = append(reply.Questions, q)
		}
	}
	for i, r := range all {
		switch {
		case chosen[i]:
			reply.Answers = append(reply.Answers, r)
		case kind(r.Body) != dnsmessage.TypePTR: // what is asked for next (RFC 6763, 12)
			reply.Additionals = append(reply.Additionals, r)
		}
	}
	if len(reply.Answers) == 0 {
		return nil, to, false
	}
	if legacy {
		to, reply.ID = p.from, m.ID
		for _, part := range [][]dnsmessage.Resource{reply.Answers, reply.Additionals} {
			for i := range part {
				part[i].Header.Class &^= unique
				part[i].Header.TTL = min(part[i].Header.TTL, lifeLegacy)
			}
		}
	}
	out, err := reply.Pack()
	return out, to, err == nil
}

// known says whether who asks knows the answer, for at least half of its life (7.1).
func known(m *dnsmessage.Message, r dnsmessage.Resource) bool {
	for _, a := range m.Answers {
		if same(a, r) && a.Header.TTL >= r.Header.TTL/2 {
			return true
		}
	}
	return false
}

func same(a, b dnsmessage.Resource) bool {
	return a.Header.Type == kind(b.Body) && strings.EqualFold(a.Header.Name.String(), b.Header.Name.String()) && bytes.Equal(data(a.Body), data(b.Body))
}

// data is what is compared of a record.
func data(b dnsmessage.ResourceBody) []byte {
	switch b := b.(type) {
	case *dnsmessage.AResource:
		return b.A[:]
	case *dnsmessage.AAAAResource:
		return b.AAAA[:]
	case *dnsmessage.PTRResource:
		return bytes.ToLower([]byte(b.PTR.String()))
	case *dnsmessage.SRVResource:
		return append([]byte{byte(b.Port >> 8), byte(b.Port)}, strings.ToLower(b.Target.String())...)
	}
	return nil
}

// hear listens for others who have the name, or ask for it.
func (z *zone) hear(p packet) heard {
	var m dnsmessage.Message
	if m.Unpack(p.data) != nil || m.OpCode != 0 || m.RCode != 0 {
		return nothing
	}
	if m.Response {
		if p.from.Port() == port && z.others(append(m.Answers, m.Additionals...)) != nil {
			return taken
		}
		return nothing
	}
	// A probe at the same time as ours: the later in order goes on (8.2).
	theirs := z.others(m.Authorities)
	if theirs == nil {
		return nothing
	}
	for _, r := range z.records(p.iface) {
		if t := kind(r.Body); t == dnsmessage.TypeA && bytes.Compare(theirs, data(r.Body)) > 0 {
			return lost
		}
	}
	return nothing
}

// others returns the address of somebody else under our name.
func (z *zone) others(all []dnsmessage.Resource) []byte {
	for _, r := range all {
		t := r.Header.Type
		if t != dnsmessage.TypeA && t != dnsmessage.TypeAAAA || r.Header.TTL == 0 || !strings.EqualFold(r.Header.Name.String(), z.host+".") {
			continue
		}
		theirs := data(r.Body)
		ours := false
		for _, a := range z.addresses(0) { // also of another interface on the same network
			ours = ours || bytes.Equal(a.AsSlice(), theirs)
		}
		if !ours && theirs != nil {
			return theirs
		}
	}
	return nil
}
