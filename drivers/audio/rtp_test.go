package audio

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func packet(seq uint16, stamp, ssrc uint32, kind uint8, payload ...byte) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: kind, SequenceNumber: seq, Timestamp: stamp, SSRC: ssrc}, Payload: payload}
}

// tagged is a packet of four samples of µ-law that are told apart by their first.
func tagged(seq uint16, ssrc uint32) *rtp.Packet {
	return packet(seq, uint32(seq)*4, ssrc, 0, byte(seq), 0xFF, 0xFF, 0xFF)
}

// heard returns which packets were played, 0xFF for silence in their place.
func heard(out []int16) (tags []byte) {
	for i := 0; i+3 < len(out); i += 4 {
		tags = append(tags, MuLaw(out[i]))
	}
	return tags
}

func TestOrder(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		seq  []uint16
		want []byte
	}{
		"in order":              {[]uint16{1, 2, 3}, []byte{1, 2, 3}},
		"swapped":               {[]uint16{1, 3, 2, 4}, []byte{1, 2, 3, 4}},
		"twice":                 {[]uint16{1, 1, 2, 2}, []byte{1, 2}},
		"one lost, later on":    {[]uint16{1, 3, 4}, []byte{1, 0xFF, 3, 4}},
		"many lost":             {[]uint16{1, 30}, append(append([]byte{1}, bytes.Repeat([]byte{0xFF}, 28)...), 30)},
		"late":                  {[]uint16{5, 6, 3, 7}, []byte{5, 6, 7}},
		"over the end":          {[]uint16{65534, 65535, 0, 1}, []byte{0xFE, 0xFF, 0, 1}},
		"damage is passed over": {[]uint16{1, 30000, 2}, []byte{1, 2}},
		"a sender begins anew":  {[]uint16{1, 2, 30000, 30001, 30002}, nil},
	} {
		o := newOrder(Rate)
		for _, seq := range c.seq {
			p := tagged(seq, 7)
			if c.seq[0] > 60000 && seq < 100 {
				p.Timestamp = 65536*4 + uint32(seq)*4
			}
			o.put(p, now)
		}
		out := make([]int16, 1000)
		out = out[:o.take(out, now.Add(time.Second))]
		if c.want == nil {
			if tags := heard(out); !slices.Contains(tags, 30002&0xFF) {
				t.Errorf("%s: %x", name, tags)
			}
			continue
		}
		if got := heard(out); !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x", name, got, c.want)
		}
	}
}

// A second sender is not heard while the first sends, and takes its place when it is silent.
func TestOneSender(t *testing.T) {
	now := time.Now()
	o := newOrder(Rate)
	o.put(tagged(1, 7), now)
	o.put(tagged(2, 8), now)
	o.put(tagged(2, 7), now)
	out := make([]int16, 100)
	if got := heard(out[:o.take(out, now)]); !bytes.Equal(got, []byte{1, 2}) || o.dropped != 1 {
		t.Errorf("%x, %d dropped", got, o.dropped)
	}
	now = now.Add(2 * time.Second)
	o.put(tagged(9, 8), now)
	if got := heard(out[:o.take(out, now)]); !bytes.Equal(got, []byte{9}) {
		t.Errorf("%x", got)
	}
}

// A flood that nobody reads takes no more than maxWaiting.
func TestFlood(t *testing.T) {
	o := newOrder(Rate)
	for i := range 20_000 {
		p := packet(uint16(i), uint32(i)*1400, 7, 0, make([]byte, 1400)...)
		o.put(p, time.Now())
	}
	if len(o.out) > maxWaiting || cap(o.out) > 4*maxWaiting {
		t.Errorf("%d samples wait, in room for %d", len(o.out), cap(o.out))
	}
}

func TestReceiver(t *testing.T) {
	s := open(t, Config{RTP: &RTP{Listen: "127.0.0.1:0"}, Rate: 16000})
	c := dial(t, s)
	send := func(p *rtp.Packet) {
		t.Helper()
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, junk := range [][]byte{{}, {1}, make([]byte, maxDatagram+100), bytes.Repeat([]byte{0xFF}, 200)} {
		if _, err := c.Write(junk); err != nil {
			t.Fatal(err)
		}
	}
	send(packet(1, 0, 7, 10, 1, 2, 3, 4)) // L16 at 44100 in stereo is not understood
	send(packet(1, 160, 7, 0, 0x80, 0x80))
	send(packet(2, 162, 7, 8, 0xAA, 0xAA))
	if got := read(t, s, 4); !slices.Equal(got, []int16{32124, 32124, 32256, 32256}) {
		t.Errorf("%v", got)
	}
	// L16 at 16000: half as many samples.
	for i := range 4 {
		send(packet(uint16(3+i), uint32(164+320*i), 7, 97, make([]byte, 640)...))
	}
	read(t, s, 4*160)
	_ = s.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := s.Read(make([]int16, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
	if r := s.(*receiver); r.order.dropped < 4 {
		t.Errorf("%d dropped", r.order.dropped)
	}
}

// Strangers are not heard.
func TestStrangers(t *testing.T) {
	s := open(t, Config{RTP: &RTP{Listen: "127.0.0.1:0", From: netip.MustParseAddr("127.0.0.2")}})
	c := dial(t, s)
	b, _ := tagged(1, 7).Marshal()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	_ = s.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := s.Read(make([]int16, 8)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d samples of a stranger, %v", n, err)
	}
}

// FuzzOrder: whatever comes, no more is kept than may be.
func FuzzOrder(f *testing.F) {
	good, _ := tagged(1, 7).Marshal()
	later, _ := tagged(20, 7).Marshal()
	f.Add(good, later)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		o := newOrder(2 * Rate)
		now := time.Now()
		for range 3 {
			for _, in := range [][]byte{a, b, good} {
				var p rtp.Packet
				if p.Unmarshal(in) == nil {
					o.put(&p, now)
				}
				now = now.Add(50 * time.Millisecond)
			}
		}
		out := make([]int16, 100)
		for o.take(out, now.Add(time.Second)) > 0 {
		}
		if len(o.out) > maxWaiting {
			t.Errorf("%d samples wait", len(o.out))
		}
	})
}
