package sip_test

import (
	"encoding/binary"
	"math"
	"net"
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
	_ = p.Media().SetReadDeadline(time.Now().Add(time.Minute))
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

// TestAsksForLess is a caller who is refused, and calls again at once by the same Call-ID.
func TestAsksForLess(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station()}})
	p := r.dial("udp", "", "1001", "secret")
	q := help(p)
	q.Header = []string{"Require: 100rel"}
	p.Ack(q, r.ask(p, q, 420))
	r.hear(call.Emergency)
	first := r.hear(call.Begin)
	q.Header, q.Seq = nil, 0
	m := r.ask(p, q, 200)
	p.Ack(q, m)
	if second := r.hear(call.Begin); second.Call == first.Call || r.hear(call.End).Call != first.Call {
		t.Errorf("%+v after %+v", second, first)
	}
	r.ask(p, p.Within(q, m, "BYE"), 200)
	r.hear(call.End)
}
