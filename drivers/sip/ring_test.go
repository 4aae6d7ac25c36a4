package sip_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/sip"
	"sentrybox/drivers/sip/siptest"
)

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
	r, p, _ := ringRig(t, "udp", sip.Config{Ring: 10 * time.Second, Wait: true, Phones: []sip.Phone{
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
