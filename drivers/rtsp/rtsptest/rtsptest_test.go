package rtsptest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"image/jpeg"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"sentrybox/drivers/mp4/mp4test"
)

func TestPlay(t *testing.T) {
	t.Parallel()
	udp := gortsplib.ProtocolUDP
	s := start(t, &Server{Cameras: map[string]Camera{
		"h264":    {Clip: Bytes(mp4test.H264())},
		"h265":    {Clip: Bytes(mp4test.H265())},
		"mjpeg":   {Clip: Bytes(mp4test.MJPEG())},
		"a/b/102": {Clip: Bytes(mp4test.Walker())},
	}})
	for path, codec := range map[string]string{"h264": "H264", "h265": "H265", "mjpeg": "M-JPEG", "a/b/102": "H264"} {
		for name, change := range map[string]func(*gortsplib.Client){"tcp": nil, "udp": func(c *gortsplib.Client) { c.Protocol = &udp }} {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				v := mustView(t, s.URL(path), change)
				f := v.desc.Medias[0].Formats[0]
				if f.Codec() != codec {
					t.Fatalf("codec %s", f.Codec())
				}
				if h, ok := f.(*format.H264); ok && (len(h.SPS) == 0 || len(h.PPS) == 0) {
					t.Fatal("no parameter sets in the description")
				}
				if h, ok := f.(*format.H265); ok && (len(h.VPS) == 0 || len(h.SPS) == 0 || len(h.PPS) == 0) {
					t.Fatal("no parameter sets in the description")
				}
				until(t, "packets", func() bool { return len(v.seen()) > 2 })
				if s.Readers(path) == 0 {
					t.Error("no reader counted")
				}
			})
		}
	}
}

// TestLoop plays a clip of 2 s for longer, with a timestamp that wraps: time goes on evenly over both.
func TestLoop(t *testing.T) {
	t.Parallel()
	first := uint32(1<<32 - 90000)
	s := start(t, &Server{Cameras: map[string]Camera{
		"cam": {Clip: Bytes(mp4test.MJPEG()), FirstTimestamp: &first, ClockError: -time.Hour},
	}})
	began := time.Now()
	v := mustView(t, s.URL("cam"), nil)
	until(t, "3 s of pictures", func() bool {
		p := v.seen()
		return len(p) > 0 && p[len(p)-1].timestamp-p[0].timestamp > 3*clockRate
	})
	p := v.seen()
	if int32(p[0].timestamp) > 0 || int32(p[len(p)-1].timestamp) < 0 {
		t.Errorf("timestamps %d to %d do not wrap", p[0].timestamp, p[len(p)-1].timestamp)
	}
	for i := 1; i < len(p); i++ {
		step := p[i].timestamp - p[i-1].timestamp
		if step != 0 && step != clockRate/5 {
			t.Fatalf("timestamp %d after %d", p[i].timestamp, p[i-1].timestamp)
		}
		if p[i].sequence != p[i-1].sequence+1 {
			t.Fatalf("sequence %d after %d", p[i].sequence, p[i-1].sequence)
		}
	}
	// Never faster than it was filmed, and not much slower. What came first may have been seen late.
	media, wall := float64(p[len(p)-1].timestamp-p[0].timestamp)/clockRate, p[len(p)-1].at.Sub(began).Seconds()
	if d := media - wall; d > 0.7 || d < -60 {
		t.Errorf("%.2f s of media in %.2f s", media, wall)
	}
	until(t, "a sender report", func() bool { v.mutex.Lock(); defer v.mutex.Unlock(); return len(v.reports) > 0 })
	sr, came := v.reports[0], v.arrival[0]
	clock := time.Unix(int64(sr.NTPTime>>32)-2208988800, int64(sr.NTPTime&(1<<32-1)*1e9>>32)).Add(time.Hour)
	if clock.Before(began) || clock.After(came) {
		t.Errorf("the camera's clock says %v, between %v and %v", clock, began, came)
	}
	// The report's RTP time is that of the picture that was due when it was sent, after those that came before it.
	least, most := 0.0, clock.Sub(began).Seconds()
	for _, x := range v.seen() {
		if x.at.Before(came) {
			least = float64(x.timestamp-p[0].timestamp) / clockRate
		}
	}
	if media := float64(sr.RTPTime-p[0].timestamp) / clockRate; media < least-0.5 || media > most+0.5 {
		t.Errorf("sender report at %.2f s of media, want %.2f to %.2f", media, least, most)
	}
}

// TestOffset checks that two cameras from one file show different things.
func TestOffset(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: map[string]Camera{
		"0": {Clip: Bytes(mp4test.MJPEG())}, "1": {Clip: Bytes(mp4test.MJPEG()), Offset: time.Second}, "3": {Clip: Bytes(mp4test.MJPEG()), Offset: 3 * time.Second},
	}})
	first := make(map[string][]byte)
	for path := range s.Cameras {
		p, err := newPlayer(s.Cameras[path].Clip, s.Cameras[path].Offset, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		first[path] = p.queue[0].Data
	}
	if bytes.Equal(first["0"], first["1"]) || !bytes.Equal(first["1"], first["3"]) {
		t.Fatal("offset of 1 s should differ from none and, in a clip of 2 s, equal one of 3 s")
	}
}

// TestMJPEG checks that what a reader puts together is a whole picture, with a
// table for luma and one for chroma.
func TestMJPEG(t *testing.T) {
	t.Parallel()
	p, err := newPlayer(Bytes(mp4test.MJPEG()), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	pk, err := newPacketiser(p.queue[0])
	if err != nil {
		t.Fatal(err)
	}
	list, err := pk.packets(p.queue[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := pk.format.(*format.MJPEG).CreateDecoder()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range list {
		b, err := decoder.Decode(p)
		if i < len(list)-1 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want, err := jpeg.Decode(bytes.NewReader(mp4test.MJPEG()[bytes.Index(mp4test.MJPEG(), []byte("\xff\xd8\xff")):]))
		if err != nil {
			t.Fatal(err)
		}
		for y := range 120 {
			for x := range 160 {
				if got.At(x, y) != want.At(x, y) {
					t.Fatalf("at %d, %d: %v, want %v", x, y, got.At(x, y), want.At(x, y))
				}
			}
		}
	}
	if b := twoTables(twoTables(p.queue[0].Data)); !bytes.Equal(b, twoTables(p.queue[0].Data)) {
		t.Error("a third table")
	}
}

// TestOrder checks that B-pictures go out in decoding order and evenly, but not
// before a camera has seen what they are made of.
func TestOrder(t *testing.T) {
	t.Parallel()
	p, err := newPlayer(Bytes(mp4test.H264()), 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	shown := make(map[time.Duration]bool)
	var last time.Duration
	reordered := 0
	for i := range 100 {
		au, due, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		want := time.Minute + time.Duration(i)*100*time.Millisecond
		if i > 0 {
			want += 200 * time.Millisecond
		}
		if due != want || au.PTS > due || shown[au.PTS] {
			t.Fatalf("picture %d: due %v, pts %v, want due %v", i, due, au.PTS, want)
		}
		if au.PTS < last {
			reordered++
		}
		shown[au.PTS], last = true, au.PTS
	}
	if reordered == 0 {
		t.Error("no B-picture among them")
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		methods []auth.VerifyMethod
		header  string
	}{
		{"digest by default", nil, "Digest"},
		{"SHA-256", []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}, `algorithm="SHA-256"`},
		{"basic", []auth.VerifyMethod{auth.VerifyMethodBasic}, "Basic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, &Server{Cameras: one(Bytes(mp4test.MJPEG())), User: "admin", Password: "p@ss/wörd", AuthMethods: c.methods})
			if strings.Contains(s.BareURL("cam"), "@") {
				t.Error(s.BareURL("cam"))
			}
			var header string
			mustView(t, s.URL("cam"), func(cl *gortsplib.Client) {
				cl.OnResponse = func(r *base.Response) {
					if h := r.Header["WWW-Authenticate"]; len(h) > 0 {
						header = strings.Join(h, ", ")
					}
				}
			})
			if !strings.Contains(header, c.header) {
				t.Errorf("asked with %q", header)
			}
			if _, err := view(s.BareURL("cam"), nil); err == nil {
				t.Error("let in without a password")
			}
			if _, err := view(strings.Replace(s.URL("cam"), "p%40ss", "pass", 1), nil); err == nil {
				t.Error("let in with a wrong password")
			}
			s.RefusePassword(true)
			if _, err := view(s.URL("cam"), nil); err == nil {
				t.Error("let in though passwords are refused")
			}
			s.RefusePassword(false)
			mustView(t, s.URL("cam"), nil)
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := start(t, &Server{Cameras: one(Bytes(mp4test.MJPEG())), TLS: true, User: "u", Password: "p"})
	if !strings.HasPrefix(s.URL("cam"), "rtsps://u:p@") {
		t.Fatal(s.URL("cam"))
	}
	if _, err := view(s.URL("cam"), func(c *gortsplib.Client) { c.TLSConfig = &tls.Config{ServerName: "127.0.0.1"} }); err == nil {
		t.Fatal("the certificate was believed without reason")
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	udp := gortsplib.ProtocolUDP
	for _, protocol := range []*gortsplib.Protocol{nil, &udp} {
		v := mustView(t, s.URL("cam"), func(c *gortsplib.Client) {
			c.TLSConfig = &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
			if protocol != nil {
				c.Protocol = protocol
			}
		})
		until(t, "packets", func() bool { return len(v.seen()) > 1 })
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Camera{
		"no clip":       {},
		"no file":       {Clip: File("does-not-exist.mp4")},
		"not a video":   {Clip: Bytes([]byte("hello"))},
		"not a picture": {Clip: Bytes(mp4test.H264()[:2000])},
	} {
		s := &Server{Cameras: map[string]Camera{"cam": c}}
		if err := s.Start(); err == nil || !strings.Contains(err.Error(), `camera "cam"`) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Server{Cameras: one(Bytes(mp4test.MJPEG())), Address: l.Addr().String()}
	if err := s.Start(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("address in use: %v", err)
	}
	if err := (&Server{}).Start(); err == nil {
		t.Error("started without cameras")
	}
}

// TestClose checks that nothing is left of a server that was in full use.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	udp := gortsplib.ProtocolUDP
	s := &Server{Cameras: map[string]Camera{"a": {Clip: Bytes(mp4test.H264())}, "b": {Clip: Bytes(mp4test.MJPEG())}}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	var viewers []*viewer
	for path, p := range map[string]*gortsplib.Protocol{"a": nil, "b": &udp} {
		v, err := view(s.URL(path), func(c *gortsplib.Client) {
			if p != nil {
				c.Protocol = p
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		viewers = append(viewers, v)
		until(t, "packets", func() bool { return len(v.seen()) > 0 })
	}
	if err := s.RefuseConnections(true); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if err := s.SwitchParameterSets("a", Bytes(mp4test.Walker())); err == nil {
		t.Error("a closed camera went over to another clip")
	}
	if err := s.RefuseConnections(false); err == nil {
		t.Error("a closed server listens again")
	}
	for _, v := range viewers {
		v.client.Close()
	}
	until(t, "the goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
}
