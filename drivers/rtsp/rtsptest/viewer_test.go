package rtsptest

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// packet is what the viewer saw.
type packet struct {
	at        time.Time
	timestamp uint32
	sequence  uint16
	payload   []byte
}

// viewer is a reader made of gortsplib's client.
type viewer struct {
	client *gortsplib.Client
	desc   *description.Session

	mutex   sync.Mutex
	packets []packet
	reports []*rtcp.SenderReport
	arrival []time.Time // of the reports
}

func view(url string, change func(*gortsplib.Client)) (*viewer, error) {
	u, err := base.ParseURL(url)
	if err != nil {
		return nil, err
	}
	tcp := gortsplib.ProtocolTCP
	v := &viewer{client: &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &tcp, ReadTimeout: time.Minute}}
	if change != nil {
		change(v.client)
	}
	if err := v.client.Start(); err != nil {
		return nil, err
	}
	if err := v.play(u); err != nil {
		v.client.Close()
		return nil, err
	}
	return v, nil
}

func (v *viewer) play(u *base.URL) error {
	var err error
	if v.desc, _, err = v.client.Describe(u); err != nil {
		return err
	}
	if err := v.client.SetupAll(v.desc.BaseURL, v.desc.Medias); err != nil {
		return err
	}
	v.client.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		v.mutex.Lock()
		defer v.mutex.Unlock()
		v.packets = append(v.packets, packet{time.Now(), p.Timestamp, p.SequenceNumber, bytes.Clone(p.Payload)})
	})
	v.client.OnPacketRTCPAny(func(_ *description.Media, p rtcp.Packet) {
		v.mutex.Lock()
		defer v.mutex.Unlock()
		if sr, ok := p.(*rtcp.SenderReport); ok {
			v.reports = append(v.reports, sr)
			v.arrival = append(v.arrival, time.Now())
		}
	})
	_, err = v.client.Play(nil)
	return err
}

func (v *viewer) seen() []packet {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return append([]packet(nil), v.packets...)
}

func start(t *testing.T, s *Server) *Server {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func mustView(t *testing.T, url string, change func(*gortsplib.Client)) *viewer {
	t.Helper()
	v, err := view(url, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.client.Close)
	return v
}

// until waits for something to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 6000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not within a minute: %s", what)
}

// quiet waits until nothing has come for a while, and returns what has: a busy process takes late what was sent early.
func quiet(t *testing.T, v *viewer) []packet {
	t.Helper()
	p, still := v.seen(), 0
	until(t, "quiet", func() bool {
		before := len(p)
		p = v.seen()
		if still++; len(p) != before {
			still = 0
		}
		return still >= 30
	})
	return p
}

func one(clip Clip) map[string]Camera { return map[string]Camera{"cam": {Clip: clip}} }
