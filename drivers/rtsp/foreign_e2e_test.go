//go:build e2e

package rtsp_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/rtsp"
	"sentrybox/hack/foreign"
)

// TestForeign reads from GStreamer's and VLC's servers.
func TestForeign(t *testing.T) {
	const odd = "p@:/ %?#é"
	clip := func(t *testing.T, lib string) string {
		path := filepath.Join(t.TempDir(), "clip.mp4")
		out, err := exec.Command("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=320x240:r=25:d=3",
			"-c:v", lib, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", path).CombinedOutput()
		if err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		return path
	}
	for _, c := range []struct {
		name  string
		serve func(testing.TB, foreign.Options) string
		opts  foreign.Options
		file  string // encoder of a clip to play
		proto rtsp.Transport
		want  media.Info
		auth  string
	}{
		{"GStreamer H.264", foreign.GStreamer, foreign.Options{}, "", rtsp.Auto, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25, Transport: "tcp"}, "none"},
		{"GStreamer H.264 UDP digest", foreign.GStreamer, foreign.Options{User: "admin", Password: odd}, "", rtsp.UDP, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25, Transport: "udp"}, "digest MD5"},
		{"GStreamer H.265 basic", foreign.GStreamer, foreign.Options{Codec: "h265", User: "ad min", Password: odd, Basic: true}, "", rtsp.TCP, media.Info{Codec: media.H265, Width: 640, Height: 360, FPS: 25, Transport: "tcp"}, "basic"},
		{"GStreamer H.265 UDP", foreign.GStreamer, foreign.Options{Codec: "h265"}, "", rtsp.UDP, media.Info{Codec: media.H265, Width: 640, Height: 360, FPS: 25, Transport: "udp"}, "none"},
		{"GStreamer MJPEG", foreign.GStreamer, foreign.Options{Codec: "mjpeg"}, "", rtsp.Auto, media.Info{Codec: media.MJPEG, Width: 640, Height: 360, Transport: "tcp"}, "none"},
		{"GStreamer refuses TCP", foreign.GStreamer, foreign.Options{Transport: "udp"}, "", rtsp.Auto, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25, Transport: "udp"}, "none"},
		{"GStreamer file", foreign.GStreamer, foreign.Options{}, "libx264", rtsp.TCP, media.Info{Codec: media.H264, Width: 320, Height: 240, FPS: 25, Transport: "tcp"}, "none"},
		{"VLC H.264", foreign.VLC, foreign.Options{}, "", rtsp.Auto, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25}, "none"},
		{"VLC H.264 basic", foreign.VLC, foreign.Options{User: "admin", Password: "s3cret"}, "", rtsp.UDP, media.Info{Codec: media.H264, Width: 640, Height: 360, FPS: 25, Transport: "udp"}, "basic"},
		{"VLC H.265", foreign.VLC, foreign.Options{Codec: "h265"}, "", rtsp.Auto, media.Info{Codec: media.H265, Width: 640, Height: 360, FPS: 25}, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				c.opts.File = clip(t, c.file)
			}
			url := c.serve(t, c.opts)
			readForeign(t, url, c.proto, c.want, strings.HasPrefix(c.name, "VLC"))
			rep, err := rtsp.Probe(t.Context(), rtsp.Config{URL: url, Transport: c.proto, ProbeTime: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", rep)
			if rep.Auth != c.auth || rep.FPS < 20 || rep.FPS > 30 || rep.Pictures == 0 {
				t.Errorf("probe: auth %q, %v pictures a second, %d pictures", rep.Auth, rep.FPS, rep.Pictures)
			}
			if c.opts.User != "" {
				wrong := strings.Replace(url, "@127", "x@127", 1)
				_, err := rtsp.Probe(t.Context(), rtsp.Config{URL: wrong})
				var e *rtsp.Error
				if !errors.As(err, &e) || e.Phase != media.Refused {
					t.Errorf("wrong password: %v", err)
				}
			}
		})
	}
}

// readForeign reads for longer than the clips are. seam says that timestamps
// leap back where a clip begins anew.
func readForeign(t *testing.T, url string, proto rtsp.Transport, want media.Info, seam bool) {
	t.Helper()
	var mu sync.Mutex
	var units []media.AccessUnit
	var info media.Info
	var states []media.State
	s, err := rtsp.New(rtsp.Config{URL: url, Transport: proto, Poller: &rtsp.Poller{}, OnState: func(st media.State) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, st)
		if st.Phase == media.Online {
			info = st.Info
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := s.Run(ctx, func(au media.AccessUnit) {
		if age := time.Since(au.Wall); age.Abs() > 20*time.Second {
			t.Errorf("picture %d is %v old when it comes", len(units), age)
		}
		if units = append(units, au); len(units) == 130 {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, with %d pictures, states %v", err, len(units), states)
	}
	if want.Transport == "" {
		want.Transport = info.Transport
	}
	if info != want {
		t.Errorf("info %+v, want %+v", info, want)
	}
	keys := 0
	var high time.Duration
	for i, au := range units {
		if au.Keyframe {
			keys++
		}
		// What stands still loses datagrams.
		if (au.Gap && (!seam && info.Transport != "udp" || !au.Keyframe)) || au.PTS < high-2*time.Second {
			t.Errorf("picture %d: gap %v, at %v after %v, %v", i, au.Gap, au.PTS, high, au.Wall)
		}
		high = max(high, au.PTS)
	}
	if !units[0].Keyframe || keys < 3 {
		t.Errorf("%d keyframes in %d pictures", keys, len(units))
	}
	t.Logf("%d pictures, %d keyframes, %+v, %+v", len(units), keys, info, s.Stats())
}
