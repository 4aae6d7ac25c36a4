package dvrip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/dvrip/dvriptest"
	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
	"sentrybox/drivers/mp4/mp4test"
)

// TestMain is also the session's process of these tests.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == dvrip.Command {
		if err := dvrip.ServeProcess(0); err != nil {
			fmt.Fprintln(os.Stderr, "sentrybox:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == "crash" {
		panic("as vdk's client does, with the " + password)
	}
	if len(os.Args) == 2 && os.Args[1] == "lies" {
		fmt.Print("\x02\x01\x01\x00\x00\x00\x00\x00\xff\xff\xff\xff and so on")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const password = `p@ss:w/rd%41?`

func clip(t testing.TB, b []byte) *dvriptest.Clip {
	t.Helper()
	c, err := dvriptest.MP4(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func recorder(t testing.TB, change func(*dvriptest.Server)) *dvriptest.Server {
	t.Helper()
	s := &dvriptest.Server{User: "admin", Password: password, Channels: []dvriptest.Channel{
		{Main: clip(t, mp4test.H264())},
		{Main: clip(t, mp4test.H265()), Sub: clip(t, mp4test.Walker())},
	}}
	if change != nil {
		change(s)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// watch runs a source and keeps what it says.
type watch struct {
	t      testing.TB
	source *dvrip.Source
	log    bytes.Buffer

	mu     sync.Mutex
	units  []media.AccessUnit
	states []media.State
	told   chan struct{}
}

func start(t testing.TB, cfg dvrip.Config) *watch {
	t.Helper()
	w := &watch{t: t, told: make(chan struct{}, 1)}
	poke := func() {
		select {
		case w.told <- struct{}{}:
		default:
		}
	}
	cfg.Log = slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.OnState = func(s media.State) {
		w.mu.Lock()
		w.states = append(w.states, s)
		w.mu.Unlock()
		poke()
	}
	var err error
	if w.source, err = dvrip.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- w.source.Run(ctx, func(au media.AccessUnit) {
			w.mu.Lock()
			w.units = append(w.units, au)
			w.mu.Unlock()
			poke()
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		for _, secret := range []string{password, dvrip.Hash(password), "p%40ss"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds %q:\n%s", secret, &w.log)
			}
		}
		if t.Failed() {
			t.Logf("log:\n%s", &w.log)
		}
	})
	return w
}

// until waits until ok says so of what came.
func (w *watch) until(what string, ok func(units []media.AccessUnit, states []media.State) bool) {
	w.t.Helper()
	limit := time.After(time.Minute)
	for {
		w.mu.Lock()
		well := ok(w.units, w.states)
		w.mu.Unlock()
		if well {
			return
		}
		select {
		case <-w.told:
		case <-limit:
			w.t.Fatalf("never: %s; states %v", what, w.states)
		}
	}
}

func (w *watch) untilPhase(p media.Phase, text string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s %q", p, text), func(_ []media.AccessUnit, states []media.State) bool {
		for _, s := range states {
			if s.Phase == p && (text == "" || s.Err != nil && strings.Contains(s.Err.Error(), text)) {
				return true
			}
		}
		return false
	})
}

func quick(url string) dvrip.Config {
	return dvrip.Config{URL: url, Waits: keep.Waits{
		Backoff: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond, RefusedWait: time.Hour, RefusedMax: time.Hour,
	}}
}

// TestStreams: both codings, both streams, several channels; pictures whole, with
// their sizes and growing times, and the device's clock is left alone.
func TestStreams(t *testing.T) {
	s := recorder(t, nil)
	for _, c := range []struct {
		channel, stream int
		codec           media.Codec
		width, height   int
		want            []byte
	}{
		{0, 0, media.H264, 320, 240, mp4test.H264()},
		{1, 0, media.H265, 320, 240, mp4test.H265()},
		{1, 1, media.H264, mp4test.WalkerWidth, mp4test.WalkerHeight, mp4test.Walker()},
	} {
		t.Run(fmt.Sprint(c.channel, c.stream), func(t *testing.T) {
			w := start(t, quick(s.URL(c.channel, c.stream)))
			w.until("15 pictures", func(u []media.AccessUnit, _ []media.State) bool { return len(u) >= 15 })
			w.mu.Lock()
			defer w.mu.Unlock()
			if !w.units[0].Keyframe || w.units[0].Gap {
				t.Errorf("begins with keyframe %v, gap %v", w.units[0].Keyframe, w.units[0].Gap)
			}
			for i, u := range w.units {
				if u.Codec != c.codec || !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1}) || i > 0 && u.PTS <= w.units[i-1].PTS {
					t.Fatalf("picture %d: %v at %v, %x", i, u.Codec, u.PTS, u.Data[:8])
				}
			}
			last := w.states[len(w.states)-1]
			if last.Phase != media.Online || last.Info.Width != c.width || last.Info.Height != c.height || last.Info.Codec != c.codec {
				t.Errorf("state %+v", last)
			}
			if st := w.source.Stats(); st.AccessUnits < 15 || st.Keyframes == 0 || st.Damaged != 0 || st.Crashes != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
	if n := s.Counts(); n.SetTimes != 0 {
		t.Errorf("the device's clock was set %d times", n.SetTimes)
	}
}

// TestSlowDevice has answers that take longer than vdk's client waits, 5 s, as those of a recorder
// that is busy with playback.
func TestSlowDevice(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]uint16{"login": dvrip.IDLogin + 1, "claim": dvrip.IDClaim + 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := recorder(t, func(s *dvriptest.Server) {
				s.Mangle = func(m dvrip.Message) []byte {
					if m.ID == id {
						time.Sleep(5500 * time.Millisecond)
					}
					return m.Append(nil)
				}
			})
			cfg := quick(s.URL(0, 0))
			cfg.Timeout = 30 * time.Second
			w := start(t, cfg)
			w.until("pictures", func(units []media.AccessUnit, _ []media.State) bool { return len(units) > 1 })
			if n := s.Counts().Logins; n != 1 {
				t.Errorf("%d logins", n)
			}
		})
	}
	t.Run("refusal", func(t *testing.T) {
		t.Parallel()
		s := recorder(t, func(s *dvriptest.Server) {
			s.Mangle = func(m dvrip.Message) []byte {
				time.Sleep(1500 * time.Millisecond)
				return m.Append(nil)
			}
		})
		_, err := dvrip.Probe(t.Context(), dvrip.Config{URL: strings.Replace(s.URL(0, 0), "admin:", "nobody:", 1)})
		var e *dvrip.Error
		if !errors.As(err, &e) || e.Phase != media.Refused {
			t.Errorf("a slow refusal: %v", err)
		}
	})
	t.Run("no answer to the claim", func(t *testing.T) {
		t.Parallel()
		s := recorder(t, func(s *dvriptest.Server) {
			s.Mangle = func(m dvrip.Message) []byte {
				if m.ID == dvrip.IDClaim+1 {
					return nil
				}
				return m.Append(nil)
			}
		})
		cfg := quick(s.URL(0, 0))
		cfg.Timeout = 2 * time.Second
		start(t, cfg).untilPhase(media.Stalled, "no answer to the request for video within 2s")
	})
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	s := recorder(t, func(s *dvriptest.Server) { s.KeepAlive = 2 * time.Second })
	w := start(t, quick(s.URL(0, 0)))
	// Longer than the device is patient.
	w.until("100 pictures", func(u []media.AccessUnit, _ []media.State) bool { return len(u) >= 100 })
	if n, st := s.Counts(), w.source.Stats(); n.KeepAlives == 0 || st.Reconnects != 0 {
		t.Errorf("%+v, %+v", n, st)
	}
}

func TestRefusals(t *testing.T) {
	t.Run("wrong password", func(t *testing.T) {
		s := recorder(t, nil)
		w := start(t, quick(strings.Replace(s.URL(0, 0), "p%40ss", "other", 1)))
		w.untilPhase(media.Refused, "refuses this user or password")
		if n := s.Counts().Logins; n != 1 {
			t.Errorf("%d logins were tried", n)
		}
	})
	t.Run("locked", func(t *testing.T) {
		s := recorder(t, func(s *dvriptest.Server) { s.LockAfter = 1 })
		bad := strings.Replace(s.URL(0, 0), "p%40ss", "other", 1)
		_, err := dvrip.Probe(t.Context(), dvrip.Config{URL: bad})
		var e *dvrip.Error
		if !errors.As(err, &e) || e.Phase != media.Refused || e.Locked() {
			t.Errorf("first: %v", err)
		}
		_, err = dvrip.Probe(t.Context(), dvrip.Config{URL: s.URL(0, 0)})
		if !errors.As(err, &e) || e.Phase != media.Refused || !e.Locked() {
			t.Errorf("second: %v", err)
		}
	})
	t.Run("no such channel", func(t *testing.T) {
		start(t, quick(recorder(t, nil).URL(7, 0))).untilPhase(media.NoVideo, "no channel 7")
	})
	t.Run("no such stream", func(t *testing.T) {
		start(t, quick(recorder(t, nil).URL(0, 1))).untilPhase(media.NoVideo, "Extra1")
	})
	t.Run("an empty password", func(t *testing.T) {
		s := recorder(t, func(s *dvriptest.Server) { s.Password = "" })
		start(t, quick(s.URL(0, 0))).untilPhase(media.Online, "")
	})
	t.Run("nobody there", func(t *testing.T) {
		s := recorder(t, nil)
		url := s.URL(0, 0)
		s.Close()
		start(t, quick(url)).untilPhase(media.Unreachable, "connection refused")
	})
}

// TestComesBack: unplugged, and silent, and each time there again with a gap.
func TestComesBack(t *testing.T) {
	t.Parallel()
	s := recorder(t, nil)
	cfg := quick(s.URL(0, 0))
	cfg.Stall = 3 * time.Second
	w := start(t, cfg)
	w.untilPhase(media.Online, "")
	s.DropConnections()
	w.until("a gap", func(u []media.AccessUnit, _ []media.State) bool { return countGaps(u) > 0 })
	s.Stall(true)
	w.untilPhase(media.Stalled, "no picture for")
	w.mu.Lock()
	gaps := countGaps(w.units)
	w.mu.Unlock()
	s.Stall(false)
	w.until("another gap", func(u []media.AccessUnit, _ []media.State) bool { return countGaps(u) > gaps })
	if st := w.source.Stats(); st.Reconnects < 2 || st.Crashes != 0 {
		t.Errorf("%+v", st)
	}
}

func countGaps(units []media.AccessUnit) int {
	n := 0
	for _, u := range units {
		if u.Gap {
			n++
		}
	}
	return n
}

// TestHostile: what a device sends ends its session at most, and never more: the
// next one, with the same device in its senses, works.
func TestHostile(t *testing.T) {
	for name, c := range map[string]struct {
		mangle func(dvrip.Message) []byte
		frame  func([]byte) []byte
		phase  media.Phase
	}{
		// Both of these make vdk's own reader panic.
		"a rate of 0":     {frame: func(b []byte) []byte { b[5] = 0; return b }, phase: media.Online},
		"an empty NAL":    {frame: func(b []byte) []byte { return append(b[:len(b):len(b)], 0, 0, 0, 1) }, phase: media.Online},
		"a huge frame":    {frame: func(b []byte) []byte { copy(b[4:], "\xff\xff\xff\xff"); copy(b[12:], "\xff\xff\xff\xff"); return b }, phase: media.Unreachable},
		"another coding":  {frame: func(b []byte) []byte { b[4] = 1; return b }, phase: media.Unreadable},
		"frames of zeros": {frame: func(b []byte) []byte { clear(b[16:]); return b }, phase: media.Stalled},
		"garbage":         {mangle: func(dvrip.Message) []byte { return bytes.Repeat([]byte("garbage"), 100) }, phase: media.Unreachable},
		"huge message": {mangle: func(m dvrip.Message) []byte {
			b := m.Append(nil)
			copy(b[16:], "\xff\xff\xff\x7f")
			return b
		}, phase: media.Unreachable},
		"no JSON":    {mangle: func(m dvrip.Message) []byte { m.Body = []byte("[[[["); return m.Append(nil) }, phase: media.Unreachable},
		"deep JSON":  {mangle: func(m dvrip.Message) []byte { m.Body = bytes.Repeat([]byte("["), 1<<19); return m.Append(nil) }, phase: media.Unreachable},
		"no session": {mangle: func(m dvrip.Message) []byte { m.Body = []byte(`{"Ret":100,"SessionID":"zero"}`); return m.Append(nil) }, phase: media.Unreachable},
		"silence":    {mangle: func(dvrip.Message) []byte { return nil }, phase: media.Stalled},
		"cut off":    {mangle: func(m dvrip.Message) []byte { return m.Append(nil)[:15] }, phase: media.Stalled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			well := false
			s := recorder(t, func(s *dvriptest.Server) {
				s.Mangle = func(m dvrip.Message) []byte {
					mu.Lock()
					defer mu.Unlock()
					if well || c.mangle == nil {
						return m.Append(nil)
					}
					return c.mangle(m)
				}
				s.MangleFrame = func(b []byte) []byte {
					mu.Lock()
					defer mu.Unlock()
					if well || c.frame == nil {
						return b
					}
					return c.frame(b)
				}
			})
			cfg := quick(s.URL(0, 0))
			cfg.KeyframeWait, cfg.Timeout = 3*time.Second, 4*time.Second
			w := start(t, cfg)
			w.untilPhase(c.phase, "")
			mu.Lock()
			well = true
			mu.Unlock()
			w.untilPhase(media.Online, "")
			if st := w.source.Stats(); st.Crashes != 0 {
				t.Errorf("the process crashed: %+v", st)
			}
		})
	}
}

// TestProcessFails: a process that panics, or that lies, costs its session.
func TestProcessFails(t *testing.T) {
	s := recorder(t, nil)
	for behave, want := range map[string]string{"crash": "panic: as vdk's client does, with the ***", "lies": "not understood"} {
		cfg := quick(s.URL(0, 0))
		cfg.Process = []string{"/proc/self/exe", behave}
		w := start(t, cfg)
		w.until(behave, func(_ []media.AccessUnit, states []media.State) bool {
			n := 0
			for _, st := range states {
				if st.Phase == media.Unreachable && strings.Contains(st.Err.Error(), want) {
					n++
				}
			}
			return n >= 2 // it is tried again
		})
	}
}

func TestProbe(t *testing.T) {
	s := recorder(t, nil)
	rep, err := dvrip.Probe(t.Context(), dvrip.Config{URL: s.URL(1, 1), ProbeTime: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Device != "HVR" || rep.Channels != 2 || rep.Info.Codec != media.H264 || rep.Info.Width != mp4test.WalkerWidth ||
		rep.FPS < 1 || rep.FPS > 60 || rep.KeyframeInterval < time.Second/4 || rep.Bitrate <= 0 || strings.Contains(rep.URL, "p%40ss") {
		t.Errorf("%+v", rep)
	}
	if !rep.Sandbox.Seccomp || !rep.Sandbox.NoNewPrivs {
		t.Errorf("the process was not shut in: %+v", rep.Sandbox)
	}
}
