package sip_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/sip"
	"sentrybox/drivers/sip/siptest"
)

// TestHostile sends what is bad from several addresses, over UDP and TCP, while a station calls for help.
func TestHostile(t *testing.T) {
	r := run(t, sip.Config{Help: []string{"120"}, Stations: []sip.Station{station()}})
	station := r.dial("udp", "", "1001", "secret")
	r.ask(station, &siptest.Request{Method: "REGISTER"}, 200)
	stop := make(chan struct{})
	done := make(chan int)
	for i := range 3 {
		p := r.dial("udp", fmt.Sprintf("127.0.0.%d:0", 20+i), "1001", "")
		go func() { done <- flood(p, uint64(i), stop) }()
	}
	go func() { done <- hold(r.Addr().String(), stop) }()
	for range 3 {
		q := help(station)
		m := r.ask(station, q, 200)
		station.Ack(q, m)
		r.hear(call.Emergency)
		r.ask(station, station.Within(q, m, "BYE"), 200)
		r.hear(call.End)
	}
	close(stop)
	sent := 0
	for range 4 {
		sent += <-done
	}
	c := r.State().Counts
	t.Logf("%d bad packets and connections; %d rejected, %d discarded", sent, c.Rejected, c.Discarded)
	r.none(call.Emergency)
	if sent > 1000 && c.Rejected+c.Discarded == 0 {
		t.Error("nothing was rejected")
	}
}

// flood sends bad packets until stop, 4000 at most.
func flood(p *siptest.Phone, seed uint64, stop chan struct{}) int {
	rnd := rand.New(rand.NewPCG(seed, 1))
	good := p.Text(&siptest.Request{Method: "INVITE", Target: "sip:120@" + p.To})
	for i := range 4000 {
		select {
		case <-stop:
			return i
		default:
		}
		b := []byte(good)
		switch i % 6 {
		case 0: // some bytes are others
			for range 5 {
				b[rnd.IntN(len(b))] = byte(rnd.UintN(256))
			}
		case 1:
			b = b[:rnd.IntN(len(b))]
		case 2:
			b = []byte(strings.Repeat("Via: ;;;\r\n", 900))
		case 3:
			b = []byte(strings.Replace(good, "Max-Forwards: 70", `Authorization: Digest username="1001", realm="sentrybox", nonce="x", uri="sip:a", response="0"`, 1))
		case 4:
			b = []byte(strings.Replace(good, "Call-ID", strings.Repeat("x", 7000), 1))
		}
		_ = p.Write(b)
		if i%100 == 0 {
			time.Sleep(time.Millisecond) // the machine has other work too
		}
	}
	return 4000
}

// hold opens connections that say little, and keeps them.
func hold(addr string, stop chan struct{}) int {
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for i := range 200 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i))}, Timeout: time.Second}
		c, err := d.Dial("tcp", addr) // it has a limit
		if err != nil {
			continue
		}
		all = append(all, c)
		_, _ = c.Write([]byte([]string{"INVITE sip:a", "Content-Length: 99999999\r\n\r\n", "\r\n\r\n", strings.Repeat("A", 9000)}[i%4]))
	}
	<-stop
	return len(all)
}
