package rtsp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"sentrybox/drivers/media"
)

// server is gortsplib's own, on loopback, with one endless stream.
type server struct {
	codec     media.Codec
	user      string
	pass      string
	methods   []auth.VerifyMethod
	noUDP     bool        // answers 461 to UDP
	noTCP     bool        // answers 461 to TCP
	silentTCP atomic.Bool // accepts TCP and sends nothing
	mute      atomic.Bool // sends nothing at all
	cert      *tls.Certificate

	lib    gortsplib.Server
	stream *gortsplib.ServerStream
	quiet  *gortsplib.ServerStream // of the same kind, and never written to
	addr   string
	ready  chan struct{} // closed once there are streams
}

func (s *server) authorized(c *gortsplib.ServerConn, r *base.Request) (*base.Response, error) {
	if s.user == "" || c.VerifyCredentials(r, s.user, s.pass) {
		return nil, nil
	}
	return &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
}

func (s *server) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := s.authorized(c.Conn, c.Request); res != nil {
		return res, nil, err
	}
	<-s.ready
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *server) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := s.authorized(c.Conn, c.Request); res != nil {
		return res, nil, err
	}
	tcp := c.Transport.Protocol == gortsplib.ProtocolTCP
	if (tcp && s.noTCP) || (!tcp && s.noUDP) {
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	if tcp && s.silentTCP.Load() {
		return &base.Response{StatusCode: base.StatusOK}, s.quiet, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *server) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (s *server) format() format.Format {
	switch s.codec {
	case media.H265:
		return &format.H265{PayloadTyp: 96, VPS: vps265, SPS: sps265a, PPS: pps265}
	case media.MJPEG:
		return &format.MJPEG{}
	default:
		return &format.H264{PayloadTyp: 96, SPS: sps264a, PPS: pps264, PacketizationMode: 1}
	}
}

// start serves until the test ends, and returns the URL of the stream, without
// credentials.
func (s *server) start(t *testing.T) string {
	t.Helper()
	scheme := "rtsp"
	s.ready = make(chan struct{})
	if s.cert != nil {
		scheme = "rtsps"
		s.lib.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*s.cert}}
	}
	s.lib.Handler, s.lib.AuthMethods, s.lib.RTSPAddress = s, s.methods, "127.0.0.1:0"
	s.lib.Listen = func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err == nil {
			s.addr = l.Addr().String()
		}
		return l, err
	}
	err := errors.New("no UDP ports")
	for range 20 {
		port := 20000 + 2*mrand.IntN(10000)
		s.lib.UDPRTPAddress, s.lib.UDPRTCPAddress = fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", port+1)
		if err = s.lib.Start(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	desc := func() *description.Session {
		return &description.Session{Medias: []*description.Media{
			{Type: description.MediaTypeAudio, Formats: []format.Format{&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}}},
			{Type: description.MediaTypeVideo, Formats: []format.Format{s.format()}},
		}}
	}
	s.stream = &gortsplib.ServerStream{Server: &s.lib, Desc: desc()}
	s.quiet = &gortsplib.ServerStream{Server: &s.lib, Desc: desc()}
	for _, st := range []*gortsplib.ServerStream{s.stream, s.quiet} {
		if err := st.Initialize(); err != nil {
			t.Fatal(err)
		}
	}
	close(s.ready)
	stop := make(chan struct{})
	var tasks sync.WaitGroup
	tasks.Go(func() { s.send(t, stop) })
	t.Cleanup(func() {
		close(stop)
		tasks.Wait()
		s.stream.Close()
		s.quiet.Close()
		s.lib.Close()
	})
	return scheme + "://" + s.addr + "/live"
}

// send sends pictures at 100 a second, every fifth a keyframe.
func (s *server) send(t *testing.T, stop <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	k := packer{mtu: 150}
	for ts, i := uint32(0), 0; ; ts, i = ts+900, i+1 {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if s.mute.Load() {
			continue
		}
		medi := s.stream.Desc.Medias[1]
		for _, p := range k.pack(s.codec, ts, s.picture(i)...) {
			p.PayloadType = medi.Formats[0].PayloadType()
			if err := s.stream.WritePacketRTP(medi, p); err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	}
}

func (s *server) picture(i int) [][]byte {
	switch {
	case s.codec == media.MJPEG:
		return [][]byte{append([]byte{0, 0, 0, 0, 1, 50, 80, 45}, append(bytes.Repeat([]byte{1}, 90), 0xff, 0xd9)...)}
	case s.codec == media.H265 && i%5 == 0:
		return [][]byte{idr265}
	case s.codec == media.H265:
		return [][]byte{p265}
	case i%5 == 0:
		return [][]byte{idr264}
	}
	return [][]byte{p264}
}

func certificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "camera"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
