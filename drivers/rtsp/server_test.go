package rtsp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

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
	const patience = time.Minute
	deadline := time.Now().Add(patience)
	for !enough(w) && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	reached := enough(w)
	cancel()
	run.Wait()
	if !reached {
		t.Fatalf("not enough after %v: %d pictures, phases %s, last %v", patience, len(w.pictures()), w.phases(), w.last().Err)
	}
	settle(t, before)
	return w, s
}

// settle waits until no more goroutines run than before. The server needs a
// moment to see that a connection has gone.
func settle(t *testing.T, before int) {
	t.Helper()
	for range 3000 {
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
		{"H.264 TCP as it comes", &server{codec: media.H264}, TCP, media.Info{Codec: media.H264, Transport: "tcp"}},
		{"rtsps as it comes", &server{codec: media.H264, cert: certificate(t)}, Auto, media.Info{Codec: media.H264, Transport: "tcp", Secure: true}},
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
			cfg := Config{Transport: c.proto}
			if c.srv == silent {
				cfg.Stall = 4 * time.Second
			}
			if !strings.Contains(c.name, "as it comes") {
				cfg.Poller = &Poller{}
			}
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
	w, _ := read(t, Config{URL: u, Stall: 2 * time.Second, Waits: keep.Waits{Backoff: 10 * time.Millisecond}}, func(w *watcher) bool {
		switch n := len(w.pictures()); {
		case n > 20 && strings.HasSuffix(w.phases(), "online") && w.last().Info.Transport == "udp":
			srv.mute.Store(true)
		case strings.HasSuffix(w.phases(), "stalled"):
			srv.silentTCP.Store(false)
			srv.mute.Store(false)
		}
		return strings.HasSuffix(w.phases(), "stalled online") && w.last().Info.Transport == "tcp"
	})
	check(t, "phases", strings.HasPrefix(w.phases(), "connecting online stalled"), true)
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
	defer l.Close()
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
	l.Close()
	tasks.Wait()
	for _, c := range conns {
		c.Close()
	}
}

// A server that closes its half of the connection in mid-stream, and keeps the
// other open.
func TestServerHalfCloses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	cam := &camera{sdp: sdp264(), play: func(k *link) {
		k.pictures(300*time.Millisecond, 0)
		_ = k.Conn.(*spoken).Conn.(*net.TCPConn).CloseWrite() // the last one may be gone already
		<-stop
	}}
	cam.tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			cam.tasks.Go(func() { cam.serve(c) })
		}
	})
	w := &watcher{}
	s, err := New(Config{URL: "rtsp://" + l.Addr().String() + "/", Transport: TCP, Waits: keep.Waits{Backoff: 10 * time.Millisecond}, OnState: w.state})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	gaps := 0
	if err := s.Run(ctx, func(au media.AccessUnit) {
		if au.Gap {
			if gaps++; gaps == 2 {
				cancel()
			}
		}
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v with %d gaps", err, gaps)
	}
	l.Close()
	close(stop)
	cam.tasks.Wait()
	check(t, "phases", strings.HasPrefix(w.phases(), "connecting online connecting online connecting"), true)
}

func TestProbe(t *testing.T) {
	srv := &server{codec: media.H265, user: "admin", pass: "s3cret", methods: []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}, noTCP: true}
	u := srv.start(t)
	before := runtime.NumGoroutine()
	var rep Report
	for range 20 { // while both stand still, nothing is sent
		var err error
		if rep, err = Probe(t.Context(), Config{URL: strings.Replace(u, "://", "://admin:s3cret@", 1), ProbeTime: 600 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		if rep.Pictures >= 6 {
			break
		}
	}
	settle(t, before)
	check(t, "url", rep.URL, u)
	check(t, "auth", rep.Auth, "digest SHA-256")
	check(t, "transport", rep.Transport, UDP)
	check(t, "info", rep.Info, media.Info{Codec: media.H265, Width: 640, Height: 360, FPS: 25, Transport: "udp"})
	check(t, "medias", fmt.Sprint(rep.Medias), "[{audio [PCMA/8000] false} {video [H.265] true}]")
	check(t, "interval", rep.KeyframeInterval, 50*time.Millisecond)
	if rep.FPS < 99 || rep.FPS > 101 || rep.Pictures < 6 || rep.Bitrate < 80_000 || rep.Bitrate > 200_000 {
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
