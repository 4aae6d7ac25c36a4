package camera

import (
	"context"
	"errors"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
)

// TestSee: who looks gets what the detectors see, from a process that was there before and from the
// one that takes its place; when nobody looks any more, it is told to be silent.
func TestSee(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	eventually(t, "a process", time.Minute, func() bool { p := r.process(); return p != nil && p.Progress().Seen == 1 })
	if r.process().asked.Load() {
		t.Error("overlays were asked for, and nobody looks")
	}
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan Seen, 100), make(chan error, 1)
	go func() {
		done <- r.See(ctx, func(s Seen) error {
			got <- s
			return nil
		})
	}()
	eventually(t, "that it was asked", time.Minute, func() bool { return r.process().asked.Load() })
	look := func(at time.Duration) {
		t.Helper()
		for {
			select {
			case s := <-got:
				if s.At == at {
					return
				}
			case <-time.After(time.Minute):
				t.Fatalf("nothing was seen at %v", at)
			}
		}
	}
	r.send("x", false)
	look(r.pts)
	old := r.process()
	r.send("die", false)
	eventually(t, "another process", time.Minute, func() bool {
		r.send("x", true) // what ended it is passed over at last
		p := r.process()
		return p != nil && p != old && p.Progress().Seen > 3
	})
	r.send("x", true)
	look(r.pts)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(r.looks) != 0 {
		t.Error("somebody looks still")
	}
}

// TestSeeIsBounded: a process that floods is not listened to any more often; a replay's overlays all count.
func TestSeeIsBounded(t *testing.T) {
	for _, replay := range []bool{false, true} {
		n := 0
		p := &Process{cfg: ProcessConfig{Config: &wire.Config{Replay: replay, Overlay: replay}, Overlay: func(*wire.Overlay) { n++ }}}
		p.current = p.cfg.Config
		p.asked.Store(true)
		began := time.Now()
		for range 500 {
			if err := p.show(wire.TypeOverlay, []byte(`{"time":1,"foreground":0,"armed":[]}`)); err != nil {
				t.Fatal(err)
			}
		}
		most := mostOverlays * (1 + int(time.Since(began)/time.Second) + 1)
		if replay && n != 500 || !replay && (n < mostOverlays || n > most) {
			t.Errorf("%d of 500 overlays, replay %v", n, replay)
		}
	}
}

// TestStopEndsWhoLooks: who looks at a camera hears of its end, since another may take its place.
func TestStopEndsWhoLooks(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	eventually(t, "a process", time.Minute, func() bool { return r.process() != nil })
	done := make(chan error, 2)
	began := make(chan struct{})
	go func() { done <- r.See(t.Context(), func(Seen) error { return nil }) }()
	go func() {
		first := true
		done <- r.Follow(t.Context(), func(media.AccessUnit, time.Duration, bool) error {
			if first {
				first = false
				close(began)
			}
			return nil
		})
	}()
	<-began
	_, end := r.living()
	end()
	for range 2 {
		if err := <-done; !errors.Is(err, ErrStopped) {
			t.Errorf("%v", err)
		}
	}
}

// TestSeeInTheTimeOfTheOtherStream: what was seen in the substream is told in the media time of the
// stream that is shown.
func TestSeeInTheTimeOfTheOtherStream(t *testing.T) {
	c := &Camera{ready: true, ring: newRing(1<<20, time.Hour), mainRing: newRing(1<<20, time.Hour)}
	now := time.Now()
	c.ring.push(media.AccessUnit{Codec: media.H265, PTS: 3 * time.Second, Wall: now})
	c.mainRing.push(media.AccessUnit{Codec: media.H264, PTS: 50 * time.Second, Wall: now.Add(-200 * time.Millisecond)})
	c.state.Info.Codec = media.H265
	if got := c.between(); got != 47200*time.Millisecond { // 47 s and a fifth
		t.Errorf("%v", got)
	}
	c.mainRing = c.ring
	if got := c.between(); got != 0 {
		t.Errorf("of one stream: %v", got)
	}
}
