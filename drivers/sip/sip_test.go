package sip_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/sip"
	"sentrybox/drivers/sip/siptest"
)

// rig is a driver that runs, and what it has said.
type rig struct {
	*testing.T
	*sip.Driver
	mu   sync.Mutex
	said []call.Event
	more chan struct{}
}

func station() sip.Station {
	return sip.Station{ID: "gate", Name: "东门", User: "1001", Password: "secret"}
}

func run(t *testing.T, cfg sip.Config) *rig {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	d, err := sip.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, Driver: d, more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, r.emit) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	for !d.Addr().IsValid() {
		time.Sleep(time.Millisecond)
	}
	return r
}

func (r *rig) emit(e call.Event) {
	if err := e.Check(); err != nil {
		r.Errorf("%v in %+v", err, e)
	}
	r.mu.Lock()
	r.said = append(r.said, e)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// hear waits for an event of the kind.
func (r *rig) hear(kind call.Kind) call.Event {
	r.Helper()
	deadline := time.After(time.Minute)
	for {
		r.mu.Lock()
		for i, e := range r.said {
			if e.Kind == kind {
				r.said = append(r.said[:i], r.said[i+1:]...)
				r.mu.Unlock()
				return e
			}
		}
		r.mu.Unlock()
		select {
		case <-r.more:
		case <-deadline:
			r.Fatalf("no %s; there is %+v", kind, r.said)
		}
	}
}

func (r *rig) none(kind call.Kind) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.said {
		if e.Kind == kind {
			r.Errorf("there is %+v", e)
		}
	}
}

func (r *rig) dial(network, from, user, password string) *siptest.Phone {
	r.Helper()
	p, err := siptest.Dial(network, from, r.Addr().String(), user, password)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(p.Close)
	return p
}

// ask fails if the final response is not of the status.
func (r *rig) ask(p *siptest.Phone, q *siptest.Request, want int) *siptest.Message {
	r.Helper()
	m, err := p.Ask(q)
	if err != nil || m.Status() != want {
		r.Fatalf("%s: %+v, %v; want %d", q.Method, m, err, want)
	}
	return m
}

func help(p *siptest.Phone) *siptest.Request {
	return &siptest.Request{Method: "INVITE", Target: "sip:120@" + p.To, Type: "application/sdp", Body: p.SDP("8 0 101")}
}

func TestConform(t *testing.T) {
	calltest.Conform(t, func(t *testing.T) calltest.Rig {
		port := freePort(t)
		d, err := sip.New(sip.Config{Listen: port, Stations: []sip.Station{station()}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := siptest.Dial("udp", "", port, "1001", "secret")
		if err != nil {
			t.Fatal(err)
		}
		p.Wait = 300 * time.Millisecond
		t.Cleanup(p.Close)
		return calltest.Rig{
			Source: d,
			Say: func() {
				_, _ = p.Ask(&siptest.Request{Method: "MESSAGE", Target: "sip:120@" + port, Type: "text/plain", Body: "救命"})
			},
			Valid: func(e call.Event) bool { return e.From == "1001" && e.Text == "救命" },
			Noise: func(b []byte) { _ = p.Write(b) },
		}
	})
}

// freePort returns an address of this process's own, which nobody else is given a port of.
func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.%d.%d.2:0", 1+os.Getpid()>>8%250, os.Getpid()%256))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func TestSHA256(t *testing.T) {
	s := station()
	s.SHA256 = true
	r := run(t, sip.Config{Stations: []sip.Station{s}})
	p := r.dial("udp", "", "1001", "secret")
	q := &siptest.Request{Method: "REGISTER"}
	r.ask(p, q, 200)
	if !strings.Contains(strings.Join(q.Header, ""), "algorithm=SHA-256") {
		t.Errorf("signed in by %q", q.Header)
	}
	// MD5 is no way in then.
	q = &siptest.Request{Method: "REGISTER"}
	_ = p.Write([]byte(p.Text(q)))
	m, err := p.Final("REGISTER")
	if err != nil {
		t.Fatal(err)
	}
	offer := strings.ReplaceAll(m.Header.Get("Www-Authenticate"), "SHA-256", "MD5")
	m.Header.Set("Www-Authenticate", offer)
	if err := p.Sign(q, m, "secret"); err != nil {
		t.Fatal(err)
	}
	_ = p.Write([]byte(p.Text(q)))
	if m, err := p.Final("REGISTER"); err != nil || m.Status() != 403 {
		t.Errorf("%v, %v", m, err)
	}
}

func TestRegister(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			r := run(t, sip.Config{Stations: []sip.Station{station()}})
			p := r.dial(network, "", "1001", "secret")
			m := r.ask(p, &siptest.Request{Method: "REGISTER", Header: []string{"Expires: 60"}}, 200)
			if c := m.Header.Get("Contact"); !strings.Contains(c, p.Addr()) || !strings.Contains(c, "expires=60") {
				t.Errorf("contact %q", c)
			}
			if s := r.State(); s.Phase != driver.Online || s.Devices["gate"].Phase != driver.Online {
				t.Errorf("%+v", s)
			}
			r.ask(p, &siptest.Request{Method: "OPTIONS"}, 200)
			r.ask(p, &siptest.Request{Method: "REGISTER", Header: []string{"Expires: 5"}}, 423)
			r.ask(p, &siptest.Request{Method: "REGISTER", Header: []string{"Expires: 0"}}, 200)
			if s := r.State().Devices["gate"]; s.Phase != driver.Silent {
				t.Errorf("signed off: %+v", s)
			}
		})
	}
}

// TestMoved: a phone that has got another address takes the old one back after it, or in the same request. It is still
// there, and what it takes back last is.
func TestMoved(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station()}})
	p := r.dial("udp", "", "1001", "secret")
	const old = "<sip:1001@192.0.2.7:5060>;expires=0"
	bound := func(header ...string) string {
		return r.ask(p, &siptest.Request{Method: "REGISTER", Header: header}, 200).Header.Get("Contact")
	}
	for _, header := range []string{"Contact: " + old, "m: " + old} {
		if c := bound("Expires: 60", header); !strings.Contains(c, p.Addr()) {
			t.Errorf("with %s: %q", header, c)
		}
	}
	p.Contact = "\"Gate, east\" " + old + ", <sip:1001@192.0.2.8:5070>;expires=90"
	if c := bound(); !strings.Contains(c, "192.0.2.8:5070") {
		t.Errorf("the old one first: %q", c)
	}
	p.Contact = old
	if c := bound(); !strings.Contains(c, "192.0.2.8:5070") || r.State().Devices["gate"].Phase != driver.Online {
		t.Errorf("the old one after it: %q", c)
	}
	p.Contact = "*"
	if c := bound("Expires: 0"); c != "" || r.State().Devices["gate"].Phase != driver.Silent {
		t.Errorf("all: %q", c)
	}
	p.Contact = "<tel:120>"
	r.ask(p, &siptest.Request{Method: "REGISTER"}, 400)
}

func TestStrangers(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station(), {ID: "pole", User: "1002", Address: netip.MustParsePrefix("127.0.0.9/32")}}})
	for name, p := range map[string]*siptest.Phone{
		"a wrong password": r.dial("udp", "127.0.0.2:0", "1001", "wrong"), "nobody": r.dial("udp", "127.0.0.3:0", "1009", "secret"),
		"another's address": r.dial("udp", "127.0.0.4:0", "1002", "x"),
	} {
		m, err := p.Ask(help(p))
		if err != nil || m.Status() != 403 {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	// Without credentials there is a challenge, and nothing else; without a name there is nothing at all.
	p := r.dial("udp", "127.0.0.5:0", "1001", "")
	m := r.ask(p, help(p), 401)
	if offers := m.Header.Values("Www-Authenticate"); len(offers) != 1 || !strings.Contains(offers[0], "algorithm=MD5") {
		t.Errorf("offers %q", offers)
	}
	p.Wait = 50 * time.Millisecond
	for _, method := range []string{"OPTIONS", "BYE", "SUBSCRIBE", "CANCEL"} {
		if m, err := p.Ask(&siptest.Request{Method: method}); err == nil {
			t.Errorf("%s of a stranger: %v", method, m)
		}
	}
	r.none(call.Begin)
	r.none(call.Emergency)
	// Credentials count once, and only from where they were made for.
	p = r.dial("udp", "127.0.0.6:0", "1001", "secret")
	q := &siptest.Request{Method: "MESSAGE", Target: "sip:1@" + p.To, Type: "text/plain", Body: "x"}
	_ = p.Write([]byte(p.Text(q)))
	m, err := p.Final("MESSAGE")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Sign(q, m, "secret"); err != nil {
		t.Fatal(err)
	}
	other := r.dial("udp", "127.0.0.7:0", "1001", "")
	_ = other.Write([]byte(other.Text(q)))
	if m, err = other.Final("MESSAGE"); err != nil || m.Status() != 401 || !strings.Contains(m.Header.Get("Www-Authenticate"), "stale=true") {
		t.Errorf("stolen credentials: %v, %v", m, err)
	}
	for _, want := range []int{200, 401} {
		q.Seq = 0
		_ = p.Write([]byte(p.Text(q)))
		if m, err = p.Final("MESSAGE"); err != nil || m.Status() != want {
			t.Errorf("%v, %v; want %d", m, err, want)
		}
	}
	// The station without a password calls from its address.
	pole := r.dial("udp", "127.0.0.9:0", "1002", "")
	r.ask(pole, help(pole), 200)
	if e := r.hear(call.Emergency); e.Station != "pole" || e.From != "1002" || e.To != "120" {
		t.Errorf("%+v", e)
	}
}

func TestGuessing(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station()}})
	p := r.dial("udp", "127.0.0.2:0", "1001", "wrong")
	p.Wait = 50 * time.Millisecond
	refused, begun := 0, time.Now()
	for n := 0; n < 20 || refused == 0 && n < 1000; n++ { // a busy machine answers too late for the first
		if m, err := p.Ask(&siptest.Request{Method: "REGISTER"}); err == nil && m.Status() == 403 {
			refused++
		}
	}
	if most := 11 + int(time.Since(begun)/(6*time.Second)); refused > most || refused == 0 {
		t.Errorf("%d guesses were looked at, want at most %d", refused, most)
	}
	if s := r.State().Devices["gate"]; s.Phase != driver.Refused || !strings.Contains(s.Reason, "127.0.0.2") || strings.Contains(s.Reason, "wrong:") {
		t.Errorf("%+v", s)
	}
	good := r.dial("udp", "127.0.0.3:0", "1001", "secret")
	r.ask(good, &siptest.Request{Method: "REGISTER"}, 200)
}

func TestMessageOnce(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station()}})
	p := r.dial("udp", "", "1001", "secret")
	q := &siptest.Request{Method: "MESSAGE", Target: "sip:120@" + p.To, Type: "text/plain", Body: "水管\r\n爆了"}
	_ = p.Write([]byte(p.Text(q)))
	m, err := p.Final("MESSAGE")
	if err != nil || p.Sign(q, m, "secret") != nil {
		t.Fatal(m, err)
	}
	text := []byte(p.Text(q))
	for range 3 { // as if the answer were lost
		_ = p.Write(text)
		if m, err = p.Final("MESSAGE"); err != nil || m.Status() != 200 {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if e := r.hear(call.Text); e.Text != "水管  爆了" || e.Station != "gate" {
		t.Errorf("%+v", e)
	}
	r.ask(p, &siptest.Request{Method: "MESSAGE", Type: "text/html", Body: "<b>"}, 415)
	r.ask(p, &siptest.Request{Method: "INFO", Target: "sip:120@" + p.To, Type: "application/dtmf-relay", Body: "Signal=11\r\nDuration=100\r\n"}, 200)
	if e := r.hear(call.Digits); e.Digits != "#" {
		t.Errorf("%+v", e)
	}
	r.none(call.Text)
}

// TestLost: who had registered and is away for a while is told of, and so is its return.
func TestLost(t *testing.T) {
	r := run(t, sip.Config{Stations: []sip.Station{station()}, Lost: time.Second})
	p := r.dial("udp", "", "1001", "secret")
	for i, active := range []bool{false, true, false} {
		if i != 1 {
			r.ask(p, &siptest.Request{Method: "REGISTER"}, 200)
		} else {
			r.ask(p, &siptest.Request{Method: "REGISTER", Header: []string{"Expires: 0"}}, 200)
		}
		if e := r.hear(call.Input); e.Input != sip.Lost || e.Station != "gate" || e.Active != active {
			t.Errorf("%+v, want %v", e, active)
		}
	}
}

// TestDeadFromTheStart: a station that is not there when the gateway starts is told of too, and so is its return, whether it
// registers or only asks for something; not one that is reached at its address.
func TestDeadFromTheStart(t *testing.T) {
	calls, fixed := station(), station()
	calls.ID, calls.User = "yard", "1002"
	fixed.ID, fixed.User, fixed.Address = "wall", "1003", netip.MustParsePrefix("127.0.0.0/8")
	r := run(t, sip.Config{Stations: []sip.Station{station(), calls, fixed}, Lost: time.Second, First: time.Millisecond})
	lost := map[string]bool{}
	for range 2 {
		e := r.hear(call.Input)
		lost[e.Station] = e.Input == sip.Lost && e.Active
	}
	if !lost["gate"] || !lost["yard"] {
		t.Errorf("lost are %v", lost)
	}
	r.ask(r.dial("udp", "", "1001", "secret"), &siptest.Request{Method: "REGISTER"}, 200)
	if e := r.hear(call.Input); e.Input != sip.Lost || e.Station != "gate" || e.Active {
		t.Errorf("%+v", e)
	}
	r.ask(r.dial("udp", "", "1002", "secret"), &siptest.Request{Method: "MESSAGE", Type: "text/plain", Body: "x"}, 200)
	if e := r.hear(call.Input); e.Input != sip.Lost || e.Station != "yard" || e.Active {
		t.Errorf("%+v", e)
	}
	r.none(call.Input)
}

func ExampleDriver() {
	_, err := sip.New(sip.Config{Stations: []sip.Station{{ID: "gate", User: "1001"}}})
	fmt.Println(err)
	// Output: station gate: a user, and a password or an address
}
