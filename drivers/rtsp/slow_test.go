package rtsp

import (
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// late answers as a good camera does, after a while, and wants a login.
func late(wait time.Duration) func(*camera, *base.Request) *base.Response {
	return func(_ *camera, r *base.Request) *base.Response {
		time.Sleep(wait)
		if r.Method == base.Describe && len(r.Header["Authorization"]) == 0 {
			return &base.Response{StatusCode: 401, Header: base.Header{"WWW-Authenticate": base.HeaderValue{`Digest realm="x", nonce="y"`}}}
		}
		return nil
	}
}

// TestSlowCamera has cameras that are in no hurry, each of whose answers comes within the time that
// an answer has.
func TestSlowCamera(t *testing.T) {
	const url = "rtsp://admin:s3cret@10.0.0.11/"
	forever := func(l *link) { l.pictures(time.Hour, 0) }
	for _, c := range []struct {
		name string
		cam  *camera
	}{
		{"answers after 4 s", &camera{answer: late(4 * time.Second), alive: 4 * time.Second, play: forever}},
		{"answers after 9.9 s", &camera{answer: late(9900 * time.Millisecond), play: forever}},
		{"byte by byte", &camera{answer: late(time.Second), pieces: true, alive: 4 * time.Second, play: forever}},
		{"plays before it says so", &camera{answer: late(time.Second), play: forever, early: func(l *link) {
			if l.pictures(4*time.Second, 0) == 0 {
				t.Error("nobody reads")
			}
		}}},
		{"plays 9 s after it said so", &camera{answer: late(time.Second), play: func(l *link) {
			time.Sleep(9 * time.Second)
			forever(l)
		}}},
		{"pauses in the middle of a picture", &camera{answer: late(time.Second), play: func(l *link) {
			ts := l.pictures(time.Second, 0)
			whole := l.picture(ts, idr264)
			_ = l.send(whole[:len(whole)-1]...) // seen by what follows
			time.Sleep(9 * time.Second)
			_ = l.send(whole[len(whole)-1])
			l.pictures(time.Hour, ts+3600)
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cam.sdp = sdp264()
			live(t, c.cam, Config{URL: url}, 3*time.Minute, func(w *watcher, s *Source) {
				check(t, "phases", w.phases(), "connecting online")
				check(t, "reconnects", s.Stats().Reconnects, 0)
				check(t, "damaged", s.Stats().Damaged, 0)
				if n := len(w.pictures()); n < 3000 {
					t.Errorf("%d pictures", n)
				}
			})
		})
	}
}

// TestSlowFirstPacket has a camera that agrees, and takes longer until it sends something than
// both transports together have at first.
func TestSlowFirstPacket(t *testing.T) {
	c := &camera{sdp: sdp264(), answer: func(_ *camera, r *base.Request) *base.Response {
		if r.Method == base.Setup && !strings.Contains(r.Header["Transport"][0], "TCP") {
			return &base.Response{StatusCode: base.StatusUnsupportedTransport}
		}
		return nil
	}, play: func(l *link) {
		time.Sleep(25 * time.Second)
		l.pictures(time.Hour, 0)
	}}
	for _, transport := range []Transport{Auto, TCP} {
		live(t, c, Config{Transport: transport}, 4*time.Minute, func(w *watcher, _ *Source) {
			check(t, string(transport), w.phases(), "connecting stalled online")
		})
	}
}
