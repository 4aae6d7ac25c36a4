package rtsptest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"sentrybox/drivers/mp4/mp4test"
)

func TestStall(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: one(Bytes(mp4test.MJPEG()))})
	v := mustView(t, s.URL("cam"), nil)
	until(t, "packets", func() bool { return len(v.seen()) > 0 })
	if err := s.Stall("cam"); err != nil {
		t.Fatal(err)
	}
	n := len(quiet(t, v)) // what was on its way has come
	time.Sleep(700 * time.Millisecond)
	if m := len(v.seen()); m != n {
		t.Fatalf("%d packets while it was stalled", m-n)
	}
	if s.Readers("cam") != 1 {
		t.Fatal("the reader is gone")
	}
	if err := s.Resume("cam"); err != nil {
		t.Fatal(err)
	}
	until(t, "packets again", func() bool { return len(v.seen()) > n })
	p := v.seen()
	if p[n].sequence != p[n-1].sequence+1 {
		t.Errorf("sequence %d after %d", p[n].sequence, p[n-1].sequence)
	}
	if gap := p[n].timestamp - p[n-1].timestamp; gap <= clockRate/5 { // the step of one picture
		t.Errorf("timestamps go on after %d ticks", gap)
	}
}

// TestResumeWithKeyframe checks that what comes after a stall can be decoded.
func TestResumeWithKeyframe(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: one(Bytes(mp4test.H264()))})
	v := mustView(t, s.URL("cam"), nil)
	for range 2 {
		until(t, "packets", func() bool { return len(v.seen()) > 3 })
		if err := s.Stall("cam"); err != nil {
			t.Fatal(err)
		}
		n := len(quiet(t, v))
		if err := s.Resume("cam"); err != nil {
			t.Fatal(err)
		}
		until(t, "packets again", func() bool { return len(v.seen()) > n })
		if p := v.seen()[n].payload; p[0]&0x1f != 7 && (p[0]&0x1f != 24 || p[3]&0x1f != 7) {
			t.Fatalf("after a stall comes % x", p[:4])
		}
	}
}

func TestDropConnections(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: one(Bytes(mp4test.MJPEG()))})
	udp := gortsplib.ProtocolUDP
	for _, change := range []func(*gortsplib.Client){nil, func(c *gortsplib.Client) { c.Protocol = &udp }} {
		v := mustView(t, s.URL("cam"), change)
		until(t, "packets", func() bool { return len(v.seen()) > 0 })
		ended := make(chan error, 1)
		go func() { ended <- v.client.Wait() }()
		s.DropConnections()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the client still plays")
		}
		until(t, "no reader", func() bool { return s.Readers("cam") == 0 })
	}
	mustView(t, s.URL("cam"), nil)
}

func TestRefuseConnections(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: one(Bytes(mp4test.MJPEG()))})
	v := mustView(t, s.URL("cam"), nil)
	for range 2 {
		if err := errors.Join(s.RefuseConnections(true), s.RefuseConnections(true)); err != nil {
			t.Fatal(err)
		}
		if _, err := view(s.URL("cam"), nil); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("a new connection: %v", err)
		}
		n := len(v.seen())
		until(t, "the old connection goes on", func() bool { return len(v.seen()) > n })
		if err := errors.Join(s.RefuseConnections(false), s.RefuseConnections(false)); err != nil {
			t.Fatal(err)
		}
		mustView(t, s.URL("cam"), nil)
	}
}

func TestPacketLoss(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: one(Bytes(mp4test.MJPEG()))})
	if err := s.PacketLoss("cam", 0.3, 7); err != nil {
		t.Fatal(err)
	}
	v := mustView(t, s.URL("cam"), nil)
	until(t, "12 packets", func() bool { return len(v.seen()) > 12 })
	p := v.seen()
	sent := int(p[len(p)-1].sequence-p[0].sequence) + 1
	if lost := float64(sent-len(p)) / float64(sent); lost < 0.05 || lost > 0.65 {
		t.Errorf("%d of %d packets came", len(p), sent)
	}
	if err := s.PacketLoss("cam", 1, 7); err != nil {
		t.Fatal(err)
	}
	n := len(quiet(t, v))
	time.Sleep(500 * time.Millisecond)
	if len(v.seen()) != n {
		t.Error("packets came though all are lost")
	}
	if err := s.PacketLoss("other", 1, 7); err == nil {
		t.Error("no error for a camera that is not there")
	}
}

// TestSwitchParameterSets goes over to another size in mid-stream.
func TestSwitchParameterSets(t *testing.T) {
	t.Parallel()
	first := uint32(0)
	s := start(t, &Server{Cameras: map[string]Camera{"cam": {Clip: Bytes(mp4test.H264()), FirstTimestamp: &first}}})
	v := mustView(t, s.URL("cam"), nil)
	until(t, "packets", func() bool { return len(v.seen()) > 3 })
	before := v.desc.Medias[0].Formats[0].(*format.H264).SPS
	if err := s.SwitchParameterSets("cam", Bytes(mp4test.H265())); err == nil {
		t.Error("went over to another codec")
	}
	if err := s.SwitchParameterSets("cam", nil); err == nil {
		t.Error("went over to nothing")
	}
	if err := s.SwitchParameterSets("cam", Bytes(mp4test.Walker())); err != nil {
		t.Fatal(err)
	}
	after := mustView(t, s.URL("cam"), nil).desc.Medias[0].Formats[0].(*format.H264).SPS
	if bytes.Equal(before, after) {
		t.Fatal("the description did not change")
	}
	at := -1
	until(t, "the new parameter sets in the stream", func() bool {
		for i, p := range v.seen() {
			if at < 0 && bytes.Contains(p.payload, after) {
				at = i
			}
		}
		return at >= 0
	})
	p := v.seen()
	if bytes.Contains(p[at-1].payload, after) || p[at].sequence != p[at-1].sequence+1 {
		t.Errorf("sequence %d after %d", p[at].sequence, p[at-1].sequence)
	}
	latest := uint32(0)
	for _, q := range p[:at] {
		latest = max(latest, q.timestamp)
	}
	if step := int32(p[at].timestamp - latest); step <= 0 || step > clockRate {
		t.Errorf("the timestamp goes on by %d ticks", step)
	}
}

// TestCorrupt sends rubbish of all kinds in all codecs: the server survives, and recovers.
func TestCorrupt(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: map[string]Camera{
		"h264": {Clip: Bytes(mp4test.H264())}, "h265": {Clip: Bytes(mp4test.H265())}, "mjpeg": {Clip: Bytes(mp4test.MJPEG())},
	}})
	for path := range s.Cameras {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			v := mustView(t, s.URL(path), nil)
			mark := []byte("poison")
			var calls atomic.Int32
			err := s.Corrupt(path, func(au []byte) []byte {
				if path == "mjpeg" && calls.Add(1)%2 == 0 {
					return au[:len(au)/3]
				}
				return append(au, mark...)
			})
			if err != nil {
				t.Fatal(err)
			}
			until(t, "poison", func() bool {
				for _, p := range v.seen() {
					if bytes.HasSuffix(p.payload, mark) {
						return true
					}
				}
				return false
			})
			r := rand.New(rand.NewPCG(1, 1))
			calls.Store(0)
			err = s.Corrupt(path, func(au []byte) []byte {
				n := calls.Add(1)
				for range n {
					au[r.IntN(len(au))] = byte(r.IntN(256))
				}
				return au[:r.IntN(len(au))]
			})
			if err != nil {
				t.Fatal(err)
			}
			until(t, "more poison", func() bool { return calls.Load() >= 5 })
			if err := s.Corrupt(path, nil); err != nil {
				t.Fatal(err)
			}
			n := len(v.seen())
			until(t, "packets after the poison", func() bool { return len(v.seen()) > n+3 })
		})
	}
}

// FuzzPackets puts rubbish into every packetiser.
func FuzzPackets(f *testing.F) {
	var list []*packetiser
	for _, b := range [][]byte{mp4test.H264(), mp4test.H265(), mp4test.MJPEG()} {
		p, err := newPlayer(Bytes(b), 0, 0)
		if err != nil {
			f.Fatal(err)
		}
		defer p.close()
		f.Add(p.queue[0].Data)
		pk, err := newPacketiser(p.queue[0])
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, pk)
	}
	f.Add([]byte{0xff, 0xd8, 0xff, 0xdb})
	f.Add([]byte{0, 0, 1, 0, 0, 1, 0x67})
	f.Fuzz(func(t *testing.T, au []byte) {
		for _, p := range list {
			packets, err := p.packets(au)
			if err == nil && len(packets) == 0 {
				t.Fatalf("%s: neither packets nor an error", p.codec)
			}
			for _, pk := range packets {
				if len(pk.Payload) == 0 || len(pk.Payload) > 1460 {
					t.Fatalf("%s: a payload of %d bytes", p.codec, len(pk.Payload))
				}
				p.format.PTSEqualsDTS(pk)
			}
		}
	})
}
