package rtsp

import (
	"bytes"
	"context"
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
	"net/url"
	"runtime"
	"strings"
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

// read runs a Source until enough says so, and checks that nothing is left of it.
func read(t *testing.T, cfg Config, enough func(w *watcher) bool) (*watcher, *Source) {
	t.Helper()
	before := runtime.NumGoroutine()
	w := &watcher{}
	cfg.OnState = w.state
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := s.Run(ctx, w.sink); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	for !enough(w) && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	reached := enough(w)
	stopped := time.Now()
	cancel()
	run.Wait()
	if !reached {
		t.Fatalf("not enough after 10 s: %d pictures, phases %s, last %v", len(w.pictures()), w.phases(), w.last().Err)
	}
	if d := time.Since(stopped); d > 2*time.Second {
		t.Errorf("Run took %v to end", d)
	}
	settle(t, before)
	return w, s
}

// settle waits until no more goroutines run than before. The server needs a
// moment to see that a connection has gone.
func settle(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, before %d\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

func pictures(n int) func(*watcher) bool {
	return func(w *watcher) bool { return len(w.pictures()) >= n && strings.Contains(w.phases(), "online") }
}

func TestServer(t *testing.T) {
	digest := []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
	silent := &server{codec: media.H264}
	silent.silentTCP.Store(true)
	for _, c := range []struct {
		name  string
		srv   *server
		proto Transport
		want  media.Info
	}{
		{"H.264 TCP", &server{codec: media.H264}, TCP, media.Info{Codec: media.H264, Transport: "tcp"}},
		{"H.264 UDP", &server{codec: media.H264}, UDP, media.Info{Codec: media.H264, Transport: "udp"}},
		{"H.265 TCP digest MD5", &server{codec: media.H265, user: "admin", pass: "12345", methods: digest}, TCP, media.Info{Codec: media.H265, Transport: "tcp"}},
		{"H.265 UDP digest SHA-256", &server{codec: media.H265, user: "admin", pass: "12345", methods: []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}}, UDP, media.Info{Codec: media.H265, Transport: "udp"}},
		{"MJPEG TCP basic", &server{codec: media.MJPEG, user: "admin", pass: "12345", methods: []auth.VerifyMethod{auth.VerifyMethodBasic}}, Auto, media.Info{Codec: media.MJPEG, Transport: "tcp"}},
		{"MJPEG UDP", &server{codec: media.MJPEG}, UDP, media.Info{Codec: media.MJPEG, Transport: "udp"}},
		{"odd password, basic", &server{codec: media.H264, user: "a@b c", pass: "p@/ %?#é", methods: []auth.VerifyMethod{auth.VerifyMethodBasic}}, Auto, media.Info{Codec: media.H264, Transport: "tcp"}},
		{"odd password, digest", &server{codec: media.H264, user: "a@b:c", pass: "p@:/ %?#é", methods: digest}, UDP, media.Info{Codec: media.H264, Transport: "udp"}},
		{"rtsps", &server{codec: media.H264, cert: certificate(t)}, Auto, media.Info{Codec: media.H264, Transport: "tcp", Secure: true}},
		{"rtsps UDP", &server{codec: media.H264, cert: certificate(t)}, UDP, media.Info{Codec: media.H264, Transport: "udp", Secure: true}},
		{"TCP refused", &server{codec: media.H264, noTCP: true}, Auto, media.Info{Codec: media.H264, Transport: "udp"}},
		{"TCP silent", silent, Auto, media.Info{Codec: media.H264, Transport: "udp"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse(c.srv.start(t))
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Transport: c.proto, Stall: 2 * time.Second}
			if c.srv.user != "" {
				u.User = url.UserPassword(c.srv.user, c.srv.pass)
			}
			if c.srv.cert != nil {
				cfg.RootCAs = x509.NewCertPool()
				cfg.RootCAs.AddCert(c.srv.cert.Leaf)
			}
			cfg.URL = u.String()
			w, s := read(t, cfg, pictures(20))
			got := w.last().Info
			c.want.Width, c.want.Height, c.want.FPS = 640, 360, 25
			if c.want.Codec == media.MJPEG {
				c.want.FPS = 0
			}
			check(t, "info", got, c.want)
			check(t, "phases", w.phases(), "connecting online")
			units := w.pictures()
			if !units[0].Keyframe {
				t.Error("first picture is no keyframe")
			}
			for i := 1; i < len(units); i++ {
				if units[i].Gap || units[i].PTS <= units[i-1].PTS || units[i].Wall.IsZero() {
					t.Fatalf("picture %d: gap %v, at %v after %v", i, units[i].Gap, units[i].PTS, units[i-1].PTS)
				}
			}
			st := s.Stats()
			if st.PacketsLost+st.Damaged+st.DecodeErrors > 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// After a stall over UDP the next try is TCP.
func TestServerUDPStalls(t *testing.T) {
	srv := &server{codec: media.H264}
	srv.silentTCP.Store(true)
	u := srv.start(t)
	w, _ := read(t, Config{URL: u, Stall: 400 * time.Millisecond, Backoff: 10 * time.Millisecond}, func(w *watcher) bool {
		switch n := len(w.pictures()); {
		case n > 20 && strings.HasSuffix(w.phases(), "online") && w.last().Info.Transport == "udp":
			srv.mute.Store(true)
		case strings.HasSuffix(w.phases(), "stalled"):
			srv.silentTCP.Store(false)
			srv.mute.Store(false)
		}
		return strings.HasSuffix(w.phases(), "stalled online") && w.last().Info.Transport == "tcp"
	})
	check(t, "phases", w.phases(), "connecting online stalled online")
}

func TestServerRefusesCertificate(t *testing.T) {
	srv := &server{codec: media.H264, cert: certificate(t)}
	u := srv.start(t)
	w, _ := read(t, Config{URL: u}, func(w *watcher) bool { return strings.Contains(w.phases(), "unreachable") })
	if text := w.last().Err.Error(); !strings.Contains(text, "certificate is not trusted") {
		t.Errorf("error %q", text)
	}
	read(t, Config{URL: u, InsecureTLS: true}, pictures(5))
}

// A server that accepts connections and then holds still, in front of TLS too,
// must not hold us.
func TestServerHoldsStill(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a listener
	var conns []net.Conn
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
		}
	})
	for _, scheme := range []string{"rtsp", "rtsps"} {
		w, _ := read(t, Config{URL: scheme + "://" + l.Addr().String() + "/", Timeout: 100 * time.Millisecond}, func(w *watcher) bool {
			return strings.Contains(w.phases(), "unreachable")
		})
		if text := w.last().Err.Error(); !strings.Contains(text, "no answer within 100ms") {
			t.Errorf("error %q", text)
		}
		// And when the context ends in the middle of it.
		started := time.Now()
		read(t, Config{URL: scheme + "://" + l.Addr().String() + "/"}, func(*watcher) bool { return time.Since(started) > 50*time.Millisecond })
	}
	l.Close() //nolint:errcheck // a listener
	tasks.Wait()
	for _, c := range conns {
		c.Close() //nolint:errcheck // a test double
	}
}

func TestProbe(t *testing.T) {
	srv := &server{codec: media.H265, user: "admin", pass: "s3cret", methods: []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}, noTCP: true}
	u := srv.start(t)
	before := runtime.NumGoroutine()
	rep, err := Probe(t.Context(), Config{URL: strings.Replace(u, "://", "://admin:s3cret@", 1), ProbeTime: 600 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	settle(t, before)
	check(t, "url", rep.URL, u)
	check(t, "auth", rep.Auth, "digest SHA-256")
	check(t, "transport", rep.Transport, UDP)
	check(t, "info", rep.Info, media.Info{Codec: media.H265, Width: 640, Height: 360, FPS: 25, Transport: "udp"})
	check(t, "medias", fmt.Sprint(rep.Medias), "[{audio [PCMA/8000] false} {video [H.265] true}]")
	check(t, "interval", rep.KeyframeInterval, 50*time.Millisecond)
	if rep.FPS < 99 || rep.FPS > 101 || rep.Pictures < 30 || rep.Bitrate < 80_000 || rep.Bitrate > 200_000 {
		t.Errorf("%+v", rep)
	}
	if len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "461") {
		t.Errorf("problems %q", rep.Problems)
	}

	for url, want := range map[string]string{
		strings.Replace(u, "://", "://admin:wr0ng@", 1): "Check user and password",
		u:                           "Put user and password",
		"rtsp://127.0.0.1:1/s3cret": "Check that the camera is on",
	} {
		_, err := Probe(t.Context(), Config{URL: url})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s: %v", url, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Probe(ctx, Config{URL: u}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	settle(t, before)
}
