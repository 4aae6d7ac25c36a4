package mdns

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func testZone() *zone {
	return &zone{
		name: "sentrybox-1a2b", host: "sentrybox-1a2b.local", port: 8443, services: []string{"_https._tcp.local.", "_sentrybox._tcp.local."},
		text: []string{"path=/"}, addresses: func(iface int) []netip.Addr {
			all := []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("fe80::5")}
			if iface == 0 {
				all = append(all, netip.MustParseAddr("10.1.0.5"))
			}
			return all
		},
	}
}

func question(name string, t dnsmessage.Type, answers ...dnsmessage.Resource) []byte {
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Answers: answers, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name), Type: t, Class: dnsmessage.ClassINET},
	}}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func from(data []byte, port uint16) packet {
	return packet{data: data, from: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.9"), port), iface: 2}
}

func parse(t *testing.T, b []byte) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAnswers(t *testing.T) {
	z := testZone()
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		want int // answers
	}{
		{"sentrybox-1a2b.local.", dnsmessage.TypeA, 1}, {"SENTRYBOX-1A2B.local.", dnsmessage.TypeAAAA, 1}, {"sentrybox-1a2b.local.", dnsmessage.TypeALL, 2},
		{"_https._tcp.local.", dnsmessage.TypePTR, 1}, {"_sentrybox._tcp.local.", dnsmessage.TypePTR, 1}, {enumeration, dnsmessage.TypePTR, 2},
		{"sentrybox-1a2b._https._tcp.local.", dnsmessage.TypeSRV, 1}, {"sentrybox-1a2b._https._tcp.local.", dnsmessage.TypeTXT, 1},
		{"other.local.", dnsmessage.TypeA, 0}, {"_http._tcp.local.", dnsmessage.TypePTR, 0}, {"sentrybox-1a2b.local.", dnsmessage.TypeMX, 0},
	} {
		out, to, ok := z.answer(from(question(c.name, c.kind), port))
		if ok != (c.want > 0) || to.IsValid() {
			t.Errorf("%s %s: %v to %v", c.name, c.kind, ok, to)
			continue
		}
		if !ok {
			continue
		}
		m := parse(t, out)
		if len(m.Answers) != c.want || m.ID != 0 || !m.Response || !m.Authoritative || len(m.Questions) > 0 {
			t.Errorf("%s %s: %s", c.name, c.kind, m.GoString())
		}
	}
	out, _, _ := z.answer(from(question("sentrybox-1a2b.local.", dnsmessage.TypeA), port))
	a := parse(t, out).Answers[0]
	if a.Header.Class != dnsmessage.ClassINET|unique || a.Header.TTL != lifeHost || a.Body.(*dnsmessage.AResource).A != [4]byte{10, 0, 0, 5} {
		t.Errorf("%s", a.GoString())
	}
	// Who knows it is not told again, but for half of its life.
	a.Header.Class = dnsmessage.ClassINET
	if _, _, ok := z.answer(from(question("sentrybox-1a2b.local.", dnsmessage.TypeA, a), port)); ok {
		t.Error("a known answer is given")
	}
	a.Header.TTL = 10
	if _, _, ok := z.answer(from(question("sentrybox-1a2b.local.", dnsmessage.TypeA, a), port)); !ok {
		t.Error("an answer that is nearly over is not given anew")
	}
}

// TestLegacy: who asks as one asks a name server gets an answer as from one.
func TestLegacy(t *testing.T) {
	p := from(question("sentrybox-1a2b.local.", dnsmessage.TypeA), 40000)
	out, to, ok := testZone().answer(p)
	if !ok || to != p.from {
		t.Fatalf("%v to %v", ok, to)
	}
	m := parse(t, out)
	if m.ID != 7 || len(m.Questions) != 1 || m.Answers[0].Header.Class != dnsmessage.ClassINET || m.Answers[0].Header.TTL > lifeLegacy {
		t.Errorf("%s", m.GoString())
	}
}

func TestConflicts(t *testing.T) {
	z := testZone()
	says := func(addr string, answer bool, life uint32) []byte {
		r := dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("Sentrybox-1a2b.local."), Class: dnsmessage.ClassINET, TTL: life},
			Body:   &dnsmessage.AResource{A: netip.MustParseAddr(addr).As4()},
		}
		m := dnsmessage.Message{Header: dnsmessage.Header{Response: answer}}
		if answer {
			m.Answers = append(m.Answers, r)
		} else {
			m.Authorities = append(m.Authorities, r)
		}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		what string
		data []byte
		want heard
	}{
		{"somebody else's", says("10.0.0.9", true, 120), taken}, {"our own", says("10.0.0.5", true, 120), nothing},
		{"our own of another interface", says("10.1.0.5", true, 120), nothing}, {"a goodbye", says("10.0.0.9", true, 0), nothing},
		{"a probe that goes before ours", says("10.0.0.9", false, 120), lost}, {"one that does not", says("10.0.0.4", false, 120), nothing},
		{"our own probe", says("10.0.0.5", false, 120), nothing}, {"nonsense", []byte("hello"), nothing},
	} {
		if got := z.hear(from(c.data, port)); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
	if got := z.hear(from(says("10.0.0.9", true, 120), 40000)); got != nothing {
		t.Errorf("from a port that anybody can use: %v", got)
	}
}

func TestFlood(t *testing.T) {
	var b bucket
	now := time.Unix(1000, 0)
	n := 0
	for range 100 {
		if b.take(2, now) {
			n++
		}
	}
	if n != answersMost || !b.take(3, now) || !b.take(2, now.Add(time.Second)) {
		t.Errorf("%d answers", n)
	}
}

// FuzzPacket: whatever comes, what is answered is a message, and about the box.
func FuzzPacket(f *testing.F) {
	z := testZone()
	f.Add(question("sentrybox-1a2b.local.", dnsmessage.TypeALL), uint16(port))
	f.Add(question("_https._tcp.local.", dnsmessage.TypePTR), uint16(40000))
	if b, err := z.probe(2); err == nil {
		f.Add(b, uint16(port))
	}
	if b, err := z.announcement(2, false); err == nil {
		f.Add(b, uint16(port))
	}
	f.Fuzz(func(t *testing.T, data []byte, p uint16) {
		z.hear(from(data, p))
		out, _, ok := z.answer(from(data, p))
		if !ok {
			return
		}
		m := parse(t, out)
		for _, r := range m.Answers {
			if !strings.Contains(r.Header.Name.String(), "sentrybox") && !strings.HasSuffix(r.Header.Name.String(), "._udp.local.") && !strings.HasSuffix(r.Header.Name.String(), "._tcp.local.") {
				t.Errorf("%s", r.GoString())
			}
		}
		if len(out) > maxPacket {
			t.Errorf("%d bytes", len(out))
		}
	})
}
