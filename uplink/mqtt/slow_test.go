package mqtt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"sentrybox/uplink/linetest/freeport"
)

// serveName answers a question for an address, with what a stream has in front of it (RFC 1035 section 4.2.2).
func serveName(t *testing.T, c net.Conn, after time.Duration) {
	defer c.Close()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	var m dnsmessage.Message
	if _, err := io.ReadFull(c, b); err != nil || m.Unpack(b) != nil {
		t.Errorf("no question: %v", err)
		return
	}
	time.Sleep(after)
	m.Response = true
	q := m.Questions[0]
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
		Body:   &dnsmessage.AResource{A: netip.MustParseAddr("192.0.2.7").As4()},
	}}
	m.Additionals = nil
	b, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)) // nobody may wait any more
}

// TestSlowName: a name is resolved, though the first question is lost and the answer to the second takes longer
// than TCP has.
func TestSlowName(t *testing.T) {
	if b, _ := os.ReadFile("/etc/resolv.conf"); bytes.Contains(b, []byte("timeout:")) {
		t.Skip("the machine's resolver does not ask again after 5 s")
	}
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		d := &net.Dialer{Timeout: dialTime, LocalAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, Resolver: &net.Resolver{
			PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				after := 4 * time.Second
				if asked.Add(1) == 1 {
					after = 5500 * time.Millisecond // too late for who asked
				}
				go serveName(t, far, after)
				return near, nil
			},
		}}
		begun := time.Now()
		got, err := resolve(t.Context(), d, "broker.example.:1883")
		if err != nil || !slices.Equal(got, []string{"192.0.2.7:1883"}) || time.Since(begun) <= dialTime {
			t.Errorf("%v, %v after %v", got, err, time.Since(begun))
		}
		time.Sleep(time.Minute) // the first answer comes to nobody
	})
}

// TestHedgeGoesOn: of the addresses of a name, each is tried: one where nothing listens does not end it.
func TestHedgeGoesOn(t *testing.T) {
	port, err := freeport.TCP()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, nobody := &net.Dialer{Timeout: dialTime}, fmt.Sprintf("127.0.0.1:%d", port)
	c, err := hedge(t.Context(), d, []string{nobody, nobody, nobody, nobody, l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if c, err := hedge(t.Context(), d, []string{nobody}); err == nil {
		_ = c.Close()
		t.Error("connected to nobody")
	}
}
