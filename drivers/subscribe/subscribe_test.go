package subscribe_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/subscribe"
	"sentrybox/drivers/subscribe/brokertest"
)

type running struct {
	driver.Tracker
	t    *testing.T
	got  chan subscribe.Message
	stop func()
}

func run(t *testing.T, b subscribe.Broker, filters ...string) *running {
	t.Helper()
	r := &running{t: t, got: make(chan subscribe.Message, 1000)}
	c, err := subscribe.New(b, filters, &r.Tracker)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, func(m subscribe.Message) { r.got <- m }) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(r.stop)
	return r
}

func (r *running) phase(p driver.Phase, reason string) {
	r.t.Helper()
	r.within(time.Minute, p, reason)
}

func (r *running) within(patience time.Duration, p driver.Phase, reason string) {
	r.t.Helper()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		s := r.State()
		if s.Phase == p && strings.Contains(s.Reason, reason) {
			return
		}
		if time.Since(begun) > patience {
			r.t.Fatalf("%+v, want %s, %s", s, p, reason)
		}
	}
}

func (r *running) next() subscribe.Message {
	r.t.Helper()
	select {
	case m := <-r.got:
		return m
	case <-time.After(time.Minute):
		r.t.Fatalf("no message; %+v", r.State())
		return subscribe.Message{}
	}
}

func broker(t *testing.T, b *brokertest.Broker) *brokertest.Broker {
	t.Helper()
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	return b
}

func publish(t *testing.T, b *brokertest.Broker, topic, payload string, retain bool) {
	t.Helper()
	if err := b.Publish(topic, []byte(payload), retain); err != nil {
		t.Fatal(err)
	}
}

func TestHears(t *testing.T) {
	b := broker(t, &brokertest.Broker{User: "gw", Password: "secret"})
	publish(t, b, "a/old", "retained", true)
	r := run(t, subscribe.Broker{URL: b.URL(), Username: "gw", Password: "secret", ClientID: "gw"}, "a/+", "b/#")
	if m := r.next(); m.Topic != "a/old" || string(m.Payload) != "retained" || !m.Retained {
		t.Errorf("%+v", m)
	}
	r.phase(driver.Silent, "subscribed")
	for i := range 500 {
		publish(t, b, "b/c/d", fmt.Sprint(i), false)
	}
	publish(t, b, "c", "not ours", false)
	for i := range 500 {
		if m := r.next(); m.Retained || string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("%d: %s", i, m.Payload)
		}
	}
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	r.phase(driver.Unplugged, b.Address)
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	r.phase(driver.Silent, "subscribed")
	publish(t, b, "a/b", "again", false)
	if m := r.next(); string(m.Payload) != "again" {
		t.Errorf("%+v", m)
	}
	if s := r.State(); s.Counts.Opened != 2 {
		t.Errorf("%+v", s)
	}
	// What is published while nobody listens waits at the broker.
	r.stop()
	publish(t, b, "a/b", "meanwhile", false)
	r = run(t, subscribe.Broker{URL: b.URL(), Username: "gw", Password: "secret", ClientID: "gw"}, "a/+", "b/#")
	m := r.next()
	for string(m.Payload) == "again" { // whose acknowledgement was cut off
		m = r.next()
	}
	if string(m.Payload) != "meanwhile" {
		t.Errorf("%+v", m)
	}
}

func TestRefused(t *testing.T) {
	b := broker(t, &brokertest.Broker{User: "gw", Password: "secret"})
	r := run(t, subscribe.Broker{URL: b.URL(), Username: "gw", Password: "wr0ng"}, "#")
	r.phase(driver.Unplugged, "not Authorized")
	if s := r.State(); strings.Contains(s.Reason, "wr0ng") {
		t.Errorf("the password is in %q", s.Reason)
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	b := broker(t, &brokertest.Broker{TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	stranger := run(t, subscribe.Broker{URL: b.URL()}, "#")
	stranger.phase(driver.Unplugged, "certificate")
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	r := run(t, subscribe.Broker{URL: b.URL(), TLS: &tls.Config{RootCAs: pool}}, "#")
	r.phase(driver.Silent, "subscribed")
	publish(t, b, "x", "y", false)
	if m := r.next(); string(m.Payload) != "y" {
		t.Errorf("%+v", m)
	}
}

// TestHostile has brokers that break the protocol; some of these end paho, and the
// program.
func TestHostile(t *testing.T) {
	const hello = "\x20\x02\x00\x00"
	for name, says := range map[string][]string{
		"nothing but bytes":     {strings.Repeat("\xff", 100)},
		"two hellos":            {hello + hello},
		"codes too many":        {hello, "\x90\x05\x00\x01\x01\x01\x01"},
		"codes too few":         {hello, "\x90\x02\x00\x01"},
		"a subscription":        {hello, "\x82\x05\x00\x01\x00\x00\x00"},
		"a packet of 256 MB":    {hello, "\x30\xff\xff\xff\x7f"},
		"a length of six bytes": {hello, "\x30\xff\xff\xff\xff\xff\x01"},
		"a topic beyond":        {hello, "\x90\x03\x00\x01\x01\x30\x04\x00\x50ab"},
		"a refusal":             {hello, "\x90\x03\x00\x01\x80"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				buf := make([]byte, 1000)
				for _, s := range says {
					if _, err := c.Read(buf); err != nil {
						break
					}
					_, _ = io.WriteString(c, s)
				}
				_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}
		}()
		r := run(t, subscribe.Broker{URL: "mqtt://" + l.Addr().String()}, "a")
		r.phase(driver.Unplugged, "broker")
		t.Log(name, r.State().Reason)
		r.stop()
		_ = l.Close()
		<-over
	}
}

// TestSilent has a broker that accepts and says nothing: who is told to end does.
func TestSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r := run(t, subscribe.Broker{URL: "mqtt://" + l.Addr().String()}, "a")
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	_ = c.Close()
}

func TestConfig(t *testing.T) {
	for _, url := range []string{"", "broker", "http://broker", "mqtt://", "mqtt://user:pass@broker", "mqtt://a b:1%"} {
		if _, err := subscribe.New(subscribe.Broker{URL: url}, []string{"#"}, nil); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := subscribe.New(subscribe.Broker{URL: "mqtt://broker"}, nil, nil); err == nil {
		t.Error("no filter is taken")
	}
}
