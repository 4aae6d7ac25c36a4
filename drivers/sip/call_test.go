package sip_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/sip"
	"sentrybox/drivers/sip/siptest"
	"sentrybox/drivers/tone/dtmf"
)

// rtp makes a packet.
func rtp(payload byte, seq uint16, timestamp, ssrc uint32, data ...byte) []byte {
	b := []byte{0x80, payload}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return append(b, data...)
}

// press sends the events of a key (RFC 4733): three at its begin, three at its end.
func press(p *siptest.Phone, to *net.UDPAddr, key byte, at uint32) {
	for i := range 6 {
		end := byte(10)
		if i > 2 {
			end |= 0x80
		}
		_, _ = p.Media().WriteToUDP(rtp(101, uint16(at)+uint16(i), at, 7, key, end, 0, byte(160)), to)
	}
}

func audioOf(t *testing.T, m *siptest.Message) *net.UDPAddr {
	t.Helper()
	port := siptest.AudioPort(m.Body)
	if port == 0 {
		t.Fatalf("no audio in %q", m.Body)
	}
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
}

// hears waits for a packet of the payload type whose data fit.
func hears(t *testing.T, p *siptest.Phone, payload byte, fits func([]byte) bool) {
	t.Helper()
	b := make([]byte, 2000)
	_ = p.Media().SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		n, err := p.Media().Read(b)
		if err != nil {
			t.Fatalf("the audio is not heard: %v", err)
		}
		if n > 12 && b[1]&0x7f == payload && fits(b[12:n]) {
			return
		}
	}
}

// TestHelp is a call to the help number, with nobody there to take it.
func TestHelp(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			r := run(t, sip.Config{Help: []string{"120"}, Stations: []sip.Station{station()}})
			p := r.dial(network, "", "1001", "secret")
			q := help(p)
			m := r.ask(p, q, 200)
			p.Ack(q, m)
			begin, emergency := r.hear(call.Begin), r.hear(call.Emergency)
			if begin.Call == "" || !begin.Urgent || !emergency.Active || emergency.Call != begin.Call || emergency.Station != "gate" || emergency.To != "120" {
				t.Errorf("%+v, %+v", begin, emergency)
			}
			if !strings.Contains(m.Body, " RTP/AVP 8 101\r\n") || !strings.Contains(m.Body, "a=sendrecv") {
				t.Errorf("answer %q", m.Body)
			}
			to := audioOf(t, m)
			hears(t, p, 8, func(b []byte) bool { return loud(b) }) // the tone that says: noted
			press(p, to, 9, 1000)
			press(p, to, 1, 3000)
			press(p, to, 1, 5000)
			r.ask(p, p.Within(q, m, "OPTIONS"), 200)
			info := p.Within(q, m, "INFO")
			info.Type, info.Body = "application/dtmf", "#"
			if e := r.hear(call.Digits); e.Digits != "911" || e.Call != begin.Call {
				t.Errorf("%+v", e)
			}
			r.ask(p, info, 200)
			if e := r.hear(call.Digits); e.Digits != "#" {
				t.Errorf("%+v", e)
			}
			r.ask(p, p.Within(q, m, "BYE"), 200)
			if e := r.hear(call.End); e.Call != begin.Call || e.Lost {
				t.Errorf("%+v", e)
			}
		})
	}
}

// loud says whether A-law audio is not silence.
func loud(b []byte) bool {
	for _, one := range b {
		if math.Abs(float64(int(one^0x55)&0x7f)) > 0x40 {
			return true
		}
	}
	return false
}

// TestInband presses keys of a caller whose telephone knows no events.
func TestInband(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station()}})
	p := r.dial("udp", "", "1001", "secret")
	q := help(p)
	q.Body = strings.ReplaceAll(p.SDP("0"), "a=rtpmap:101 telephone-event/8000\r\n", "")
	m := r.ask(p, q, 200)
	p.Ack(q, m)
	to := audioOf(t, m)
	sound, err := dtmf.Append(make([]float32, 800), 8000, "91#", dtmf.Sending{Level: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	sound = append(sound, make([]float32, 1600)...)
	var data []byte
	for i, v := range sound {
		data = append(data, muLaw(v))
		if len(data) == 160 {
			_, _ = p.Media().WriteToUDP(rtp(0, uint16(i/160), uint32(i), 9, data...), to)
			data = data[:0]
			time.Sleep(10 * time.Millisecond)
		}
	}
	if e := r.hear(call.Digits); e.Digits != "91#" {
		t.Errorf("%+v", e)
	}
	r.ask(p, p.Within(q, m, "BYE"), 200)
}

// muLaw encodes a sample, slowly: it is the byte that is nearest by G.711's definition.
func muLaw(v float32) byte {
	best, at := math.Inf(1), byte(0)
	for b := range 256 {
		inv := ^byte(b)
		x := float64((int(inv&15)<<3+132)<<(inv>>4&7) - 132)
		if inv&0x80 != 0 {
			x = -x
		}
		if d := math.Abs(x - float64(v)*32768); d < best {
			best, at = d, byte(b)
		}
	}
	return at
}

// TestOtherNumbers are no calls for help.
func TestOtherNumbers(t *testing.T) {
	r := run(t, sip.Config{Help: []string{"120"}, Stations: []sip.Station{station()}})
	p := r.dial("udp", "", "1001", "secret")
	q := help(p)
	q.Target = "sip:8000@" + p.To
	m := r.ask(p, q, 200)
	p.Ack(q, m)
	if e := r.hear(call.Begin); e.Urgent || e.To != "8000" {
		t.Errorf("%+v", e)
	}
	r.ask(p, p.Within(q, m, "BYE"), 200)
	r.hear(call.End)
	r.none(call.Emergency)
}

// TestAlertStands when the call itself cannot be.
func TestAlertStands(t *testing.T) {
	r := run(t, sip.Config{Calls: 1, Stations: []sip.Station{station()}})
	p := r.dial("udp", "", "1001", "secret")
	q := help(p)
	q.Body = "v=0\r\nm=audio 4000 RTP/SAVP 0\r\n"
	p.Ack(q, r.ask(p, q, 488))
	r.hear(call.Emergency)
	r.hear(call.End)
	q = help(p)
	q.Header = []string{"Require: 100rel"}
	p.Ack(q, r.ask(p, q, 420))
	r.hear(call.Emergency)
	r.hear(call.End)
	q = help(p)
	first := r.ask(p, q, 200)
	p.Ack(q, first)
	r.hear(call.Emergency)
	q2 := help(p) // no room for a second one
	p.Ack(q2, r.ask(p, q2, 486))
	r.hear(call.Emergency)
	r.hear(call.End)
	r.ask(p, p.Within(q, first, "BYE"), 200)
}

// TestCancel is a caller who thinks better of it.
func TestCancel(t *testing.T) {
	r, p, phone := ringRig(t, "udp", sip.Config{Wait: true})
	q := help(p)
	_ = p.Write([]byte(p.Text(q)))
	m, err := p.Final("INVITE")
	if err != nil || p.Sign(q, m, "secret") != nil {
		t.Fatal(m, err)
	}
	p.Ack(q, m)
	_ = p.Write([]byte(p.Text(q)))
	if _, err := p.Await(func(m *siptest.Message) bool { return m.Status() == 180 }); err != nil {
		t.Fatal(err)
	}
	invite := invited(t, phone)
	phone.Answer(invite, 180, "Ringing", "b", "", "")
	cancel := p.Text(&siptest.Request{Method: "CANCEL", Target: q.Target, CallID: q.CallID, FromTag: q.FromTag, Seq: q.Seq})
	cancel = branchOf(cancel, q.Branch)
	_ = p.Write([]byte(cancel))
	if m, err := p.Final("CANCEL"); err != nil || m.Status() != 200 {
		t.Fatal(m, err)
	}
	if m, err = p.Final("INVITE"); err != nil || m.Status() != 487 {
		t.Fatal(m, err)
	}
	p.Ack(q, m)
	c, err := phone.Await(func(m *siptest.Message) bool { return m.Method() == "CANCEL" })
	if err != nil || c.Header.Get("Cseq") != "1 CANCEL" {
		t.Fatal(c, err)
	}
	phone.Answer(c, 200, "OK", "b", "", "")
	phone.Answer(invite, 487, "Request Terminated", "b", "", "")
	if _, err := phone.Await(func(m *siptest.Message) bool { return m.Method() == "ACK" }); err != nil {
		t.Fatal(err)
	}
	r.hear(call.Emergency)
	r.hear(call.End)
}

func branchOf(text, branch string) string {
	a := strings.Index(text, "branch=") + 7
	b := a + strings.Index(text[a:], "\r\n")
	return text[:a] + branch + text[b:]
}

// ringRig is a driver with a station and a phone that has registered.
func ringRig(t *testing.T, network string, cfg sip.Config) (*rig, *siptest.Phone, *siptest.Phone) {
	t.Helper()
	cfg.Stations = []sip.Station{station()}
	cfg.Phones = append(cfg.Phones, sip.Phone{ID: "duty", User: "2001", Password: "duty-secret"})
	r := run(t, cfg)
	phone := r.dial(network, "127.0.0.8:0", "2001", "duty-secret")
	r.ask(phone, &siptest.Request{Method: "REGISTER"}, 200)
	return r, r.dial("udp", "", "1001", "secret"), phone
}

func invited(t *testing.T, phone *siptest.Phone) *siptest.Message {
	t.Helper()
	m, err := phone.Await(func(m *siptest.Message) bool { return m.Method() == "INVITE" })
	if err != nil {
		t.Fatal("the phone is not rung: ", err)
	}
	return m
}

// TestRingOn is a call that the duty room's phone takes, with audio both ways.
func TestRingOn(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) { ringOn(t, network) })
	}
}

// ringOn is TestRingOn with a phone that has registered over the network.
func ringOn(t *testing.T, network string) {
	r, p, phone := ringRig(t, network, sip.Config{})
	q := help(p)
	m := r.ask(p, q, 200)
	p.Ack(q, m)
	hears(t, p, 8, loud) // it rings
	invite := invited(t, phone)
	if from := invite.Header.Get("From"); !strings.Contains(from, `"东门"`) || !strings.Contains(from, "sip:1001@") {
		t.Errorf("the phone shows %s", from)
	}
	phone.Answer(invite, 180, "Ringing", "b", "", "")
	phone.Answer(invite, 200, "OK", "b", "application/sdp", phone.SDP("0 101")) // the other codec
	if _, err := phone.Await(func(m *siptest.Message) bool { return m.Method() == "ACK" }); err != nil {
		t.Fatal(err)
	}
	phone.Answer(invite, 200, "OK", "b", "application/sdp", phone.SDP("0 101")) // as if the ACK were lost
	if _, err := phone.Await(func(m *siptest.Message) bool { return m.Method() == "ACK" }); err != nil {
		t.Fatal(err)
	}
	toP, toPhone := audioOf(t, m), audioOf(t, invite)
	stop := make(chan struct{})
	defer close(stop)
	go talk(p, toP, 8, 0x2a, stop)         // A-law: some level
	go talk(phone, toPhone, 0, 0x1f, stop) // mu-law
	// Both hear the other in their own codec.
	hears(t, phone, 0, func(b []byte) bool { return len(b) == 160 && b[0] == b[159] && b[0] != 0xff })
	hears(t, p, 8, func(b []byte) bool { return len(b) == 160 && b[0] == b[159] && b[0] != 0xd5 })
	press(p, toP, 5, 90000)
	hears(t, phone, 101, func(b []byte) bool { return b[0] == 5 })
	press(phone, toPhone, 11, 90000) // opens the gate
	hears(t, p, 101, func(b []byte) bool { return b[0] == 11 })
	if e := r.hear(call.Digits); e.Digits != "5" {
		t.Errorf("%+v", e)
	}
	// On hold, and back.
	again := p.Within(q, m, "INVITE")
	again.Type, again.Body = "application/sdp", p.SDP("8 101")+"a=sendonly\r\n"
	m2 := r.ask(p, again, 200)
	p.Ack(again, m2)
	if !strings.Contains(m2.Body, "a=recvonly") || audioOf(t, m2).Port != toP.Port {
		t.Errorf("hold: %q", m2.Body)
	}
	// An offer of ours, since there is none of theirs.
	again = p.Within(q, m, "INVITE")
	m2 = r.ask(p, again, 200)
	if !strings.Contains(m2.Body, "RTP/AVP 8 0 101") {
		t.Errorf("offer: %q", m2.Body)
	}
	// The phone hangs up.
	_, fromTag, _ := strings.Cut(invite.Header.Get("From"), "tag=")
	bye := &siptest.Request{
		Method: "BYE", Target: "sip:1001@" + phone.To, CallID: invite.Header.Get("Call-Id"), FromTag: "b", ToTag: fromTag,
	}
	r.ask(phone, bye, 200)
	m, err := p.Await(func(m *siptest.Message) bool { return m.Method() == "BYE" })
	if err != nil {
		t.Fatal(err)
	}
	p.Answer(m, 200, "OK", "", "", "")
	r.hear(call.End)
}

// talk sends audio of one level until stop is closed, at the pace of audio.
func talk(p *siptest.Phone, to *net.UDPAddr, payload, level byte, stop chan struct{}) {
	data := make([]byte, 160)
	for i := range data {
		data[i] = level
	}
	for i := uint32(1); ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		_, _ = p.Media().WriteToUDP(rtp(payload, uint16(i), i*160, uint32(payload)+1, data...), to)
	}
}

// TestNextPhone rings one after the other: not there, busy, silent, and at last one that
// wants a password.
func TestNextPhone(t *testing.T) {
	busy, silent, exchange := far(t), far(t), far(t)
	r, p, _ := ringRig(t, "udp", sip.Config{Ring: 4 * time.Second, Wait: true, Phones: []sip.Phone{
		{ID: "away", User: "2009", Password: "x"}, {ID: "busy", Address: busy.Addr(), Number: "1"}, {ID: "silent", Address: silent.Addr(), Number: "2"},
		{ID: "exchange", Address: exchange.Addr(), User: "gw", Password: "pbx-secret", Number: "8001"},
	}})
	q := help(p)
	go func() {
		invite := invited(t, busy)
		busy.Answer(invite, 486, "Busy Here", "x", "", "")
		first := invited(t, exchange)
		exchange.Answer(first, 401, "Unauthorized\r\nWWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"", "y", "", "")
		second := invited(t, exchange)
		if a := second.Header.Get("Authorization"); !strings.Contains(a, `username="gw"`) {
			t.Errorf("credentials %q", a)
		}
		exchange.Answer(second, 200, "OK", "y", "application/sdp", exchange.SDP("8 101"))
	}()
	m := r.ask(p, q, 200)
	p.Ack(q, m)
	r.hear(call.Emergency)
	r.ask(p, p.Within(q, m, "BYE"), 200)
	if _, err := exchange.Await(func(m *siptest.Message) bool { return m.Method() == "BYE" }); err != nil {
		t.Error(err)
	}
	r.hear(call.End)
}

// TestSlowName has a phone whose name takes long to be resolved, and one whose name is not known: the call
// goes on meanwhile, and the first is rung all the same.
func TestSlowName(t *testing.T) {
	exchange := far(t)
	_, port, err := net.SplitHostPort(exchange.Addr())
	if err != nil {
		t.Fatal(err)
	}
	asked, resume := make(chan struct{}), make(chan struct{})
	r, p, _ := ringRig(t, "udp", sip.Config{
		Phones: []sip.Phone{{ID: "gone", Address: "gone.example", Number: "1"}, {ID: "exchange", Address: "pbx.example:" + port, Number: "8001"}},
		Resolve: func(ctx context.Context, _, host string) ([]netip.Addr, error) {
			if host != "pbx.example" {
				return nil, errors.New("no such host")
			}
			close(asked)
			select {
			case <-resume:
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	})
	q := help(p)
	m := r.ask(p, q, 200)
	p.Ack(q, m)
	<-asked
	r.ask(p, p.Within(q, m, "OPTIONS"), 200) // the call is not held up
	time.Sleep(2500 * time.Millisecond)      // a resolver that asks once more
	close(resume)
	invite := invited(t, exchange)
	exchange.Answer(invite, 200, "OK", "y", "application/sdp", exchange.SDP("8 101"))
	if _, err := exchange.Await(func(m *siptest.Message) bool { return m.Method() == "ACK" }); err != nil {
		t.Error(err)
	}
	r.hear(call.Emergency)
	r.ask(p, p.Within(q, m, "BYE"), 200)
	r.hear(call.End)
}

// far is a phone that does not register.
func far(t *testing.T) *siptest.Phone {
	t.Helper()
	p, err := siptest.Listen("127.0.0.1:0", "duty")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
