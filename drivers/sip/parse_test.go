package sip

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func seedMessages() []string {
	return []string{
		"INVITE sip:120@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK1\r\nFrom: \"门口\" <sip:1001@10.0.0.1>;tag=a\r\nTo: <sip:120@10.0.0.1>\r\nCall-ID: x@y\r\nCSeq: 1 INVITE\r\n" +
			"Contact: <sip:1001@10.0.0.9:5060;transport=udp>;expires=60\r\nRecord-Route: <sip:10.0.0.2;lr>\r\nContent-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0",
		"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP [::1]:5060;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=a\r\nt: <sip:a@b>;tag=b\r\ni: x\r\nCSeq: 1 INVITE\r\nm: *\r\nl: 0\r\n\r\n",
		"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h:99999;branch=\r\nFrom: <sip:a@b;x?y=z>\r\nTo: sip:[::1\r\nCall-ID: \r\nCSeq: 99999999999 OPTIONS\r\n\r\n",
		"\r\n\r\n", "INVITE", strings.Repeat("A", 9000), "REGISTER sip:a SIP/2.0\r\n" + strings.Repeat("Via: x\r\n", 100) + "\r\n",
	}
}

// FuzzMessage parses what strangers send, and makes of it all that is made of it.
func FuzzMessage(f *testing.F) {
	for _, s := range seedMessages() {
		f.Add([]byte(s))
	}
	parser := sip.NewParser()
	from := netip.MustParseAddrPort("10.0.0.9:5060")
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(parser, b)
		if err != nil {
			return
		}
		r, ok := m.(*sip.Request)
		if !ok {
			return
		}
		res := respond(r, from, 200, "OK", "t").String()
		if again, err := parse(parser, []byte(res)); err == nil && again.CallID().Value() != r.CallID().Value() {
			t.Fatalf("a response of another call: %q", res)
		}
		_ = replyTo(r, from)
		_ = transaction(r)
		if all, err := contacts(r); err == nil {
			for i := range all {
				_ = expires(r, &all[i])
				_ = all[i].Address.Clone().String()
			}
		}
		_ = refusal(r, respond(r, from, 486, "Busy", "t")).String()
		_ = cancel(r).String()
		if s := number(r); strings.ContainsAny(s, "\r\n") {
			t.Fatalf("number %q", s)
		}
	})
}

// FuzzFrame reads messages out of a stream.
func FuzzFrame(f *testing.F) {
	for _, s := range seedMessages() {
		f.Add([]byte(s + s))
	}
	f.Add([]byte("A\r\nl: 4\r\nContent-Length: 4\r\n\r\nabcd"))
	f.Add([]byte("A\r\nl: 99999999999999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(b), 64)
		for {
			got, err := frame(r)
			if err != nil {
				return
			}
			if len(got) > maxMessage {
				t.Fatalf("a message of %d bytes", len(got))
			}
		}
	})
}

// TestFrame reads messages of a stream whose lines are longer than the reader's buffer.
func TestFrame(t *testing.T) {
	message := "OPTIONS sip:a SIP/2.0\r\nX: " + strings.Repeat("y", 61) + "\r\nX: " + strings.Repeat("z", 300) + "\r\nContent-Length: 4\r\n\r\nbody"
	r := bufio.NewReaderSize(strings.NewReader("\r\n\r\n"+message+message), 64)
	var got []string
	for {
		b, err := frame(r)
		if err != nil {
			break
		}
		if len(b) > 0 {
			got = append(got, string(b))
		}
	}
	if len(got) != 2 || got[0] != message || got[1] != message {
		t.Errorf("%q", got)
	}
}

func FuzzSDP(f *testing.F) {
	f.Add([]byte("v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\nc=IN IP4 10.0.0.9\r\nm=audio 4000 RTP/AVP 96 0 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\nm=video 5000 RTP/AVP 97\r\nc=IN IP4 10.0.0.7\r\na=inactive\r\n"))
	f.Add([]byte("m=audio 0 RTP/AVP 0\nm=audio 70000/2 RTP/AVP 0\nc=IN IP6 ::1/1\n"))
	f.Add([]byte("m=audio 1 RTP/AVPF 8 256 -1\na=rtpmap:8 PCMA/8000/1\na=sendonly"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSDP(b)
		if err != nil {
			return
		}
		if len(s.codecs) == 0 || s.port < 1 || s.port > 65535 || len(s.media) > maxMedia {
			t.Fatalf("%+v", s)
		}
		d := description{addr: netip.MustParseAddr("10.0.0.1"), port: 20000, formats: s.codecs[:1], event: s.event, answers: s}
		if again, err := parseSDP(d.bytes()); err != nil || again.codecs[0] != s.codecs[0] || again.event != s.event || len(again.media) != len(s.media) {
			t.Fatalf("answer %q to %q: %v", d.bytes(), b, err)
		}
	})
}

func FuzzRTP(f *testing.F) {
	f.Add([]byte{0x80, 0x65, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 9, 0x8a, 0, 160})
	f.Add([]byte{0xb1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 1, 2, 3, 4, 0, 0, 0, 1, 5, 6, 7, 8, 9, 0, 0, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parseRTP(b)
		if !ok {
			return
		}
		_, _ = parseEvent(p.data)
		again, ok := parseRTP(p.append(nil))
		if !ok || again.payload != p.payload || again.timestamp != p.timestamp || !bytes.Equal(again.data, p.data) {
			t.Fatalf("%+v, then %+v", p, again)
		}
	})
}

func FuzzInfo(f *testing.F) {
	f.Add("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")
	f.Add("application/dtmf", "*")
	f.Add("application/dtmf-relay", "signal = 11")
	f.Fuzz(func(t *testing.T, kind, body string) {
		if got := parseInfo(kind, []byte(body)); got != "" && (len(got) != 1 || !strings.Contains("0123456789*#ABCD", got)) {
			t.Fatalf("%q", got)
		}
	})
}

func TestSDP(t *testing.T) {
	s, err := parseSDP([]byte("v=0\r\nc=IN IP4 10.0.0.9\r\nm=video 5000 RTP/AVP 97\r\nc=IN IP4 10.0.0.7\r\nm=audio 4000 RTP/AVP 18 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"))
	if err != nil || s.addr.String() != "10.0.0.9" || s.port != 4000 || s.codecs[0].codec != pcma || len(s.codecs) != 2 || s.event != 101 || !s.sends || s.receives || s.audio != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{
		"", "m=audio", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/SAVP 0", "m=audio 4000 RTP/AVP 18", "m=video 4000 RTP/AVP 0",
		"m=audio 99999 RTP/AVP 0", strings.Repeat("m=audio 1 RTP/AVP 0\n", 20), strings.Repeat("a=x\n", 300) + "m=audio 1 RTP/AVP 0\n",
		"m=audio 1 RTP/AVP 0 \x01",
	} {
		if s, err := parseSDP([]byte(bad)); err == nil {
			t.Errorf("%.40q: %+v", bad, s)
		}
	}
	hold, err := parseSDP([]byte("c=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\n"))
	if err != nil || hold.receives {
		t.Errorf("hold of RFC 2543: %+v, %v", hold, err)
	}
}

// TestG711 holds the codec against itself and the levels of ITU-T G.711, tables 1 and 2.
func TestG711(t *testing.T) {
	for _, c := range []codec{pcmu, pcma} {
		for b := range 256 {
			v := c.decode(byte(b))
			if again := c.decode(c.encode(v)); again != v {
				t.Fatalf("%s: %#x is %d, and back %d", c, b, v, again)
			}
		}
		for v := -32768; v <= 32767; v += 7 {
			off := int(c.decode(c.encode(int16(v)))) - v
			if most := max(16, abs(v)/16); abs(off) > most && abs(v) < 32000 {
				t.Fatalf("%s: %d is off by %d", c, v, off)
			}
		}
	}
	for _, v := range []struct {
		c    codec
		b    byte
		want int16
	}{{pcmu, 0xff, 0}, {pcmu, 0x80, 32124}, {pcmu, 0x00, -32124}, {pcma, 0xd5, 8}, {pcma, 0xaa, 32256}, {pcma, 0x2a, -32256}} {
		if got := v.c.decode(v.b); got != v.want {
			t.Errorf("%s %#x = %d, want %d", v.c, v.b, got, v.want)
		}
	}
}

func abs(v int) int { return max(v, -v) }

// TestLimits: strangers do not use up what is kept for the known, however many they are.
func TestLimits(t *testing.T) {
	l := newLimiter()
	now := time.Now()
	known := netip.MustParseAddr("10.0.0.9")
	passed := 0
	a := netip.MustParseAddr("172.16.0.0")
	for range 100000 {
		a = a.Next()
		if l.admit(a, false, now) {
			passed++
		}
	}
	if passed != crowdBurst || len(l.all) > maxAddresses || len(l.order) > maxAddresses {
		t.Errorf("%d passed, %d are counted", passed, len(l.all))
	}
	for range knownBurst {
		if !l.admit(known, true, now) {
			t.Fatal("a known address pays for strangers")
		}
	}
	if l.admit(known, true, now) || !l.admit(known, true, now.Add(time.Second)) {
		t.Error("a known address has no budget of its own")
	}
	one := netip.MustParseAddr("10.1.1.1")
	for range tryBurst {
		if !l.mayTry(one, false, now) {
			t.Fatal("no tries")
		}
		l.wrong(one, false, now)
	}
	if l.mayTry(one, false, now) || !l.mayTry(one, false, now.Add(tryEvery)) {
		t.Error("tries without end, or none ever")
	}
}

// BenchmarkStranger is what a packet of a stranger costs: one that is looked at, and one whose address has
// used up what it may send.
func BenchmarkStranger(b *testing.B) {
	d, err := New(Config{Stations: []Station{{ID: "1001", User: "1001", Password: "x"}}})
	if err != nil {
		b.Fatal(err)
	}
	d.start(nil)
	bad := []byte(strings.Replace(seedMessages()[0], "To:", "Too:", 1))
	from := peer{addr: netip.MustParseAddrPort("10.0.0.9:5060")}
	b.Run("parsed", func(b *testing.B) {
		for b.Loop() {
			_, _ = parse(d.parser, bad)
		}
	})
	b.Run("over its limit", func(b *testing.B) {
		for b.Loop() {
			d.take(bad, from)
		}
	})
}

// TestConnections: strangers have few, and leave room for every station, of which many may be behind one address.
func TestConnections(t *testing.T) {
	d := &Driver{cfg: Config{Stations: []Station{{Address: netip.MustParsePrefix("10.0.0.0/16")}}}, conns: map[*conn]peer{}}
	count := func(n int, from func(int) string) (entered int) {
		for i := range n {
			if d.enter(peer{addr: netip.AddrPortFrom(netip.MustParseAddr(from(i)), 5060), conn: &conn{}}) {
				entered++
			}
		}
		return entered
	}
	if n := count(100, func(int) string { return "192.0.2.1" }); n != maxConnsEach {
		t.Errorf("%d of one stranger", n)
	}
	if n := count(200, func(i int) string { return fmt.Sprint("192.0.2.", 2+i) }); n != maxStrangerConns-maxConnsEach {
		t.Errorf("%d of the other strangers", n)
	}
	if n := count(100, func(int) string { return "10.0.0.1" }); n != maxKnownEach {
		t.Errorf("%d behind a NAT", n)
	}
	if n := count(maxStations-maxKnownEach, func(i int) string { return fmt.Sprintf("10.0.%d.%d", 1+i/250, i%250) }); n != maxStations-maxKnownEach {
		t.Errorf("%d of the stations", n)
	}
}

// TestNonces: they are bound to the address and the time.
func TestNonces(t *testing.T) {
	n := newNonces()
	now := time.Now()
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	nonce := n.make(a, now)
	for _, c := range []struct {
		nonce string
		from  netip.Addr
		at    time.Time
		fresh bool
	}{
		{nonce, a, now, true}, {nonce, b, now, false}, {nonce, a, now.Add(nonceLife), false},
		{"A" + nonce[1:], a, now, false}, {"", a, now, false}, {newNonces().make(a, now), a, now, false},
	} {
		if fresh := n.fresh(c.nonce, c.from, c.at); fresh != c.fresh {
			t.Errorf("%s: %v", c.nonce, fresh)
		}
	}
}
