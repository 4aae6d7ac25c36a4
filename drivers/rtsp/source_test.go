package rtsp

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

func status(code base.StatusCode, header base.Header) func(*camera, *base.Request) *base.Response {
	return func(*camera, *base.Request) *base.Response {
		return &base.Response{StatusCode: code, Header: header}
	}
}

func redirect(to string) func(*camera, *base.Request) *base.Response {
	return func(_ *camera, r *base.Request) *base.Response {
		if r.Method != base.Describe {
			return nil
		}
		return &base.Response{StatusCode: base.StatusFound, Header: base.Header{"Location": base.HeaderValue{to}}}
	}
}

func TestSourceReads(t *testing.T) {
	c := &camera{sdp: sdp264(), play: func(l *link) { l.pictures(time.Hour, 0xfffff000) }}
	live(t, c, Config{}, 20*time.Second, func(w *watcher, s *Source) {
		check(t, "phases", w.phases(), "connecting online")
		check(t, "info", w.last().Info, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25, Transport: "tcp"})
		units := w.pictures()
		if len(units) < 490 {
			t.Fatalf("%d pictures", len(units))
		}
		for i, au := range units {
			check(t, "gap", au.Gap, false)
			check(t, "pts", au.PTS, time.Duration(i)*40*time.Millisecond) // over the wrap
			check(t, "keyframe", au.Keyframe, i%5 == 0)
			want := annexB(p264)
			if au.Keyframe {
				want = annexB(sps264a, pps264, idr264)
			}
			if !bytes.Equal(au.Data, want) {
				t.Fatalf("picture %d is %.40x", i, au.Data)
			}
		}
		st := s.Stats()
		check(t, "stats", st, Stats{AccessUnits: uint64(len(units)), Keyframes: uint64(len(units)+4) / 5, Bytes: st.Bytes})
		c.mu.Lock()
		defer c.mu.Unlock()
		check(t, "last request", c.requests[0], "OPTIONS")
		check(t, "dials", len(c.dials), 1)
	})
}

// The connection breaks off after 5 s each time, with other timestamps and other
// parameter sets the next time.
func TestSourceReconnects(t *testing.T) {
	n := 0
	c := &camera{sdp: sdp264(), play: func(l *link) {
		n++
		if n == 2 {
			l.send(l.picture(5, sps264b, pps264)...) //nolint:errcheck // seen by what follows
		}
		l.seq = uint16(n * 9000)
		l.pictures(5*time.Second, uint32(n)*3_000_000_000)
	}}
	live(t, c, Config{Waits: keep.Waits{Rand: func() float64 { return 0.5 }}}, 25*time.Second, func(w *watcher, s *Source) {
		check(t, "phases", w.phases(), "connecting online connecting online connecting online connecting online")
		units := w.pictures()
		gaps, second := 0, 0
		for i := 1; i < len(units); i++ {
			step := units[i].PTS - units[i-1].PTS
			if units[i].Gap {
				gaps++
				if !units[i].Keyframe || step < time.Second || step > 7*time.Second {
					t.Errorf("after gap %d: keyframe %v, %v later", gaps, units[i].Keyframe, step)
				}
			} else if step != 40*time.Millisecond {
				t.Errorf("picture %d comes %v after the one before", i, step)
			}
			if bytes.HasPrefix(units[i].Data, annexB(sps264b)) {
				second++
			}
		}
		check(t, "gaps", gaps, 3)
		if second == 0 {
			t.Error("no keyframe has the new parameter sets")
		}
		check(t, "reconnects", s.Stats().Reconnects, 3)
	})
}

func TestSourceBackoff(t *testing.T) {
	c := &camera{refuse: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)}
	live(t, c, Config{}, 10*time.Minute, func(w *watcher, _ *Source) {
		check(t, "phases", w.phases(), "connecting unreachable")
		c.mu.Lock()
		defer c.mu.Unlock()
		want := []float64{1, 2, 4, 8, 16, 24, 24}
		for i := 1; i < len(c.dials); i++ {
			lo := want[min(i-1, len(want)-1)]
			if d := c.dials[i].Sub(c.dials[i-1]).Seconds(); d < lo || d > lo*1.25+0.001 {
				t.Errorf("wait %d is %.2f s, want %v to %v", i, d, lo, lo*1.25)
			}
		}
		if n := len(c.dials); n < 20 || n > 30 {
			t.Errorf("%d tries in 10 minutes", n)
		}
		for _, st := range w.states[1:] {
			if st.Err == nil || !strings.Contains(st.Err.Error(), "nothing listens") || st.Retry < time.Second || st.Retry > 30*time.Second {
				t.Errorf("state %v, retry %v", st.Err, st.Retry)
			}
		}
	})
}

// After a minute of pictures the next failure is a first one.
func TestSourceBackoffBeginsAnew(t *testing.T) {
	long := 0
	c := &camera{sdp: sdp264(), play: func(l *link) {
		long++
		if long == 6 {
			l.pictures(70*time.Second, 0)
		}
	}}
	live(t, c, Config{}, 4*time.Minute, func(_ *watcher, _ *Source) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if d := c.dials[5].Sub(c.dials[4]); d < 15*time.Second {
			t.Errorf("fifth wait is %v", d)
		}
		if d := c.dials[6].Sub(c.dials[5]) - 70*time.Second; d < time.Second || d > 2*time.Second {
			t.Errorf("wait after a minute of pictures is %v", d)
		}
	})
}

func TestSourceFailures(t *testing.T) {
	other := func(s string) string {
		return strings.Replace(sdp264(), "H264/90000", s, 1)
	}
	audio, _, _ := strings.Cut(sdp264(), "m=video")
	keyless := func(l *link) {
		for ts := uint32(0); l.send(l.picture(ts, p264)...) == nil; ts += 3600 {
			time.Sleep(40 * time.Millisecond)
		}
	}
	digest := base.Header{"WWW-Authenticate": base.HeaderValue{`Digest realm="x", nonce="y"`}}
	locked := func(_ *camera, r *base.Request) *base.Response {
		if len(r.Header["Authorization"]) > 0 {
			return nil
		}
		return &base.Response{StatusCode: 401, Header: digest}
	}
	for _, c := range []struct {
		name  string
		cam   *camera
		url   string
		phase string // all of them
		text  string // of the last error
		every [2]time.Duration
	}{
		{"password refused", &camera{answer: status(401, digest)}, "rtsp://admin:s3cret@10.0.0.11/", "connecting refused", "refuses this user or password", [2]time.Duration{60 * time.Second, 6 * time.Minute}},
		{"no password", &camera{answer: status(401, digest)}, "", "connecting refused", "its URL has none", [2]time.Duration{60 * time.Second, 6 * time.Minute}},
		{"forbidden", &camera{answer: status(403, nil)}, "rtsp://admin:s3cret@10.0.0.11/", "connecting refused", "403", [2]time.Duration{60 * time.Second, 6 * time.Minute}},
		{"unknown login", &camera{answer: status(401, base.Header{"WWW-Authenticate": base.HeaderValue{`Negotiate x`}})}, "rtsp://admin:s3cret@10.0.0.11/", "connecting refused", "not supported", [2]time.Duration{60 * time.Second, 6 * time.Minute}},
		{"no such path", &camera{answer: status(404, nil)}, "", "connecting no_video", "check the path", [2]time.Duration{time.Second, 31 * time.Second}},
		{"server error", &camera{answer: status(503, nil)}, "", "connecting unreachable", "503", [2]time.Duration{time.Second, 31 * time.Second}},
		{"audio only", &camera{sdp: audio}, "", "connecting no_video", "only audio", [2]time.Duration{time.Second, 31 * time.Second}},
		{"unknown codec", &camera{sdp: other("VP8/90000")}, "", "connecting codec", "VP8", [2]time.Duration{time.Second, 31 * time.Second}},
		{"description is junk", &camera{sdp: "GIF89a"}, "", "connecting unreachable", "SDP", [2]time.Duration{time.Second, 31 * time.Second}},
		{"track address is none", &camera{sdp: strings.Replace(sdp264(), "track2", "track2#x", 1), answer: locked}, "rtsp://admin:s3cret@10.0.0.11/", "connecting no_video", "address that is none", [2]time.Duration{time.Second, 31 * time.Second}},
		{"never answers", &camera{silent: true}, "", "connecting unreachable", "no answer within 10s", [2]time.Duration{11 * time.Second, 41 * time.Second}},
		{"sends nothing", &camera{sdp: sdp264(), play: func(*link) { time.Sleep(time.Hour) }}, "", "connecting stalled", "sends nothing for ", [2]time.Duration{21 * time.Second, 91 * time.Second}},
		{"closes at once", &camera{sdp: sdp264(), play: func(*link) {}}, "", "connecting unreachable", "closed the connection", [2]time.Duration{time.Second, 31 * time.Second}},
		{"never a keyframe", &camera{sdp: sdp264(), play: keyless}, "", "connecting stalled", "no keyframe for 1m", [2]time.Duration{61 * time.Second, 91 * time.Second}},
		{"redirects to itself", &camera{answer: redirect("rtsp://10.0.0.11/x")}, "", "connecting unreachable", "redirects without end", [2]time.Duration{0, 31 * time.Second}},
		{"redirects a password elsewhere", &camera{answer: redirect("rtsp://6.6.6.6/")}, "rtsp://admin:s3cret@10.0.0.11/", "connecting unreachable", "no password from us", [2]time.Duration{0, 31 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			live(t, c.cam, Config{URL: c.url}, 5*time.Minute, func(w *watcher, _ *Source) {
				check(t, "phases", w.phases(), c.phase)
				for i, st := range w.states {
					if st.Err == nil {
						continue
					}
					if text := st.Err.Error(); !strings.Contains(text, c.text) || strings.Contains(text, "s3cret") {
						t.Errorf("error %q, want one with %q", text, c.text)
					}
					if i > 1 {
						if d := w.at[i].Sub(w.at[i-1]); d < c.every[0] || d > c.every[1] {
							t.Errorf("try %d after %v, want %v to %v", i, d, c.every[0], c.every[1])
						}
					}
				}
				if len(w.states) < 3 {
					t.Errorf("%d states only", len(w.states))
				}
				check(t, "pictures", len(w.units), 0)
			})
		})
	}
}

func TestSourceStall(t *testing.T) {
	c := &camera{sdp: sdp264(), play: func(l *link) {
		l.pictures(4*time.Second, 0)
		time.Sleep(time.Hour)
	}}
	live(t, c, Config{}, 30*time.Second, func(w *watcher, _ *Source) {
		check(t, "phases", w.phases(), "connecting online stalled online stalled")
		if d := w.at[2].Sub(w.at[1]); d < 13*time.Second || d > 15*time.Second {
			t.Errorf("stall after %v", d)
		}
		check(t, "codec of the stalled stream", w.states[2].Info.Codec, media.H264)
	})
}

func TestSourceGoodbye(t *testing.T) {
	c := &camera{sdp: sdp264(), play: func(l *link) {
		l.pictures(4*time.Second, 0)
		l.frame(1, goodbyeFrame()) //nolint:errcheck // seen by what follows
		time.Sleep(time.Hour)
	}}
	live(t, c, Config{}, 9*time.Second, func(w *watcher, _ *Source) {
		check(t, "phases", w.phases(), "connecting online connecting online")
	})
}

// A description that the library refuses, for a reason that is not the video's.
func TestSourceMendsDescription(t *testing.T) {
	bad := strings.Replace(sdp264(), "m=audio 0 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 97\r\n", 1) // without rtpmap
	bad = strings.Replace(bad, b64(pps264), b64(pps264)+","+b64([]byte{0x68, 0x40, 0x80})+",%%%", 1)
	c := &camera{sdp: bad, play: func(l *link) { l.pictures(time.Hour, 0) }}
	live(t, c, Config{}, 5*time.Second, func(w *watcher, _ *Source) {
		check(t, "phases", w.phases(), "connecting online")
		if !bytes.HasPrefix(w.units[0].Data, annexB(sps264a, pps264, []byte{0x68, 0x40, 0x80}, idr264)) {
			t.Errorf("first picture is %x", w.units[0].Data[:60])
		}
	})
}

// Auto goes on to UDP when TCP is refused, and says what failed when both are.
func TestSourceAutoBothFail(t *testing.T) {
	c := &camera{sdp: sdp264(), answer: func(_ *camera, r *base.Request) *base.Response {
		if r.Method == base.Setup {
			return &base.Response{StatusCode: base.StatusUnsupportedTransport}
		}
		return nil
	}}
	live(t, c, Config{Transport: Auto}, 20*time.Second, func(w *watcher, _ *Source) {
		check(t, "phases", w.phases(), "connecting unreachable")
		text := w.last().Err.Error()
		if !strings.Contains(text, "set up tcp: the camera answered 461") || !strings.Contains(text, "set up udp: the camera answered 461") {
			t.Errorf("error %q", text)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if n := strings.Count(strings.Join(c.requests, " "), "SETUP"); n != 4*len(c.dials)/2 {
			t.Errorf("%d SETUPs over %d connections", n, len(c.dials))
		}
	})
}

// TestStrongestLogin: whatever else a camera offers, and in whatever order, Digest with SHA-256 goes first and
// Basic, which is the password itself, last.
func TestStrongestLogin(t *testing.T) {
	const basic, md5, sha256 = `Basic realm="r"`, `Digest realm="r", nonce="n", algorithm="MD5"`, `Digest realm="r", nonce="n", algorithm="SHA-256"`
	for _, c := range []struct {
		offers base.HeaderValue
		want   string
	}{
		{base.HeaderValue{basic, md5, sha256}, "SHA-256"},
		{base.HeaderValue{sha256, md5, basic}, "SHA-256"},
		{base.HeaderValue{md5, sha256}, "SHA-256"},
		{base.HeaderValue{basic, md5}, "Digest"},
		{base.HeaderValue{md5, basic}, "Digest"},
		{base.HeaderValue{"Junk x", md5}, "Digest"},
	} {
		var sent atomic.Value
		sent.Store("")
		ask := func(_ *camera, r *base.Request) *base.Response {
			if a := r.Header["Authorization"]; len(a) > 0 {
				sent.Store(a[0])
				return &base.Response{StatusCode: base.StatusNotFound}
			}
			return &base.Response{StatusCode: base.StatusUnauthorized, Header: base.Header{"WWW-Authenticate": c.offers}}
		}
		live(t, &camera{answer: ask}, Config{URL: "rtsp://admin:s3cret@10.0.0.11/ch1"}, time.Second, func(*watcher, *Source) {})
		if got := sent.Load().(string); !strings.Contains(got, c.want) || strings.HasPrefix(got, "Basic") {
			t.Errorf("of %q it takes %q", c.offers, got)
		}
	}
}

func TestSourceSecrets(t *testing.T) {
	echo := func(_ *camera, r *base.Request) *base.Response {
		if a := r.Header["Authorization"]; len(a) > 0 {
			return &base.Response{StatusCode: 500, StatusMessage: "rtsp://admin:p%40ss%2Fw0rd@10.0.0.11/ p@ss/w0rd " + a[0]}
		}
		return &base.Response{StatusCode: 401, Header: base.Header{"WWW-Authenticate": base.HeaderValue{`Basic realm="p@ss/w0rd"`}}}
	}
	var log bytes.Buffer
	cfg := Config{URL: "rtsp://admin:p%40ss%2Fw0rd@10.0.0.11/ch1", Log: textLog(&log)}
	live(t, &camera{answer: echo}, cfg, time.Minute, func(w *watcher, s *Source) {
		text := log.String() + s.String()
		for _, st := range w.states {
			text += fmt.Sprintf("%v %+v %#v\n", st, st.Err, st.Err)
		}
		for _, leak := range []string{"ss/w0rd", "ss%2F", "ss%2f", "YWRtaW46cEBzcy93MHJk", "w0rd"} {
			if strings.Contains(text, leak) {
				t.Errorf("%q is in\n%s", leak, text)
			}
		}
		if !strings.Contains(text, "the camera answered 500") {
			t.Errorf("the answer is missing in\n%s", text)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{URL: "http://a:s3cret@h/"}, "rtsp://"},
		{Config{URL: "rtsp://a:s3cret@h:x/"}, "malformed"},
		{Config{URL: "rtsp://h/", Transport: "quic"}, "transport"},
		{Config{URL: "rtsp://h/", Stall: -1}, "negative"},
	} {
		_, err := New(c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: %v", c.cfg.URL, err)
		}
	}
}

// Nonces that serve once: each request is answered 401 with a new one, and must
// be made again.
func TestSourceStaleNonces(t *testing.T) {
	nonce := 0
	c := &camera{sdp: sdp264(), play: func(l *link) { l.pictures(time.Hour, 0) }}
	c.answer = func(_ *camera, r *base.Request) *base.Response {
		if r.Method == base.Options {
			return nil
		}
		if auth := r.Header["Authorization"]; len(auth) > 0 && strings.Contains(auth[0], fmt.Sprintf(`nonce="n%d"`, nonce)) {
			nonce++
			return nil
		}
		return &base.Response{StatusCode: 401, Header: base.Header{"WWW-Authenticate": base.HeaderValue{
			fmt.Sprintf(`Digest realm="x", nonce="n%d", stale="true"`, nonce)}}}
	}
	live(t, c, Config{URL: "rtsp://admin:s3cret@10.0.0.11/"}, 5*time.Second, func(w *watcher, s *Source) {
		check(t, "phases", w.phases(), "connecting online")
		check(t, "reconnects", s.Stats().Reconnects, 0)
	})
}

// Wall time follows the camera's sender reports.
func TestSourceSenderReports(t *testing.T) {
	c := &camera{sdp: sdp264(), play: func(l *link) {
		ts := l.pictures(time.Second, 1000)
		captured := time.Now().Add(-700 * time.Millisecond)
		sr := rtcp.SenderReport{SSRC: 7, NTPTime: ntp.Encode(captured), RTPTime: ts}
		b, err := sr.Marshal()
		if err != nil {
			panic(err)
		}
		l.frame(1, b) //nolint:errcheck // seen by what follows
		l.pictures(time.Hour, ts)
	}}
	live(t, c, Config{}, 3*time.Second, func(w *watcher, _ *Source) {
		units := w.pictures()
		early, late := units[0], units[len(units)-1]
		media, wall := late.PTS-early.PTS, late.Wall.Sub(early.Wall)
		if d := wall - media + 700*time.Millisecond; d.Abs() > time.Millisecond {
			t.Errorf("wall time went on by %v in %v of media time", wall, media)
		}
	})
}
