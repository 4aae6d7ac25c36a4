//go:build cgo

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"math"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// code sends the pictures of a scene as H.264, of which one in 50 is a keyframe.
func (g *gateway) code(s *analyticstest.Scene, to, step time.Duration) {
	g.t.Helper()
	enc, err := cv.NewEncoder(s.Width, s.Height, step)
	g.check(err)
	defer func() { g.check(enc.Close()) }()
	send := func(data []byte, pts time.Duration, keyframe bool) error {
		g.seq++
		if g.between != nil {
			g.between()
		}
		return g.w.AccessUnit(&wire.AccessUnit{Seq: g.seq, PTS: pts, Wall: testEpoch().Add(pts),
			Codec: wire.CodecH264, Keyframe: keyframe, Gap: g.gaps[g.seq], Data: data})
	}
	img := image.NewYCbCr(image.Rect(0, 0, s.Width, s.Height), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	for at := time.Duration(0); at < to; at += step {
		s.Draw(img.Y, at)
		g.check(enc.Encode(img, at, send))
	}
	g.check(enc.Finish(send))
}

// visits is a quiet scene that somebody crosses twice, as the encoder's keyframes are 4 s apart.
func visits() *analyticstest.Scene {
	s := walk()
	s.Actors = nil
	for _, at := range []time.Duration{23 * time.Second, 49 * time.Second} {
		s.Actors = append(s.Actors, analyticstest.Actor{Height: 0.4, Shade: 40, Path: []analyticstest.Step{
			{At: at, X: -0.1, Y: 0.8}, {At: at + 6*time.Second, X: 1.1, Y: 0.8}}})
	}
	return s
}

// TestLazySeesTheSame holds what is found when keyframes alone are decoded while nothing
// happens to what is found in every picture.
func TestLazySeesTheSame(t *testing.T) {
	const length = 66 * time.Second
	for name, c := range map[string]struct {
		send    func(*gateway)
		decodes float64 // part of the pictures, at most
	}{
		"keyframes 4 s apart": {func(g *gateway) { g.code(visits(), length, 80*time.Millisecond) }, 0.75},
		"keyframes 5 s apart": {func(g *gateway) { g.code(visits(), length, 100*time.Millisecond) }, 1},
		"nothing else":        {func(g *gateway) { g.show(visits(), 0, length) }, 0.6},
	} {
		t.Run(name, func(t *testing.T) {
			var said [3]answers
			var stream []byte
			for i, lazy := range []bool{false, true, true} {
				cfg := testConfig(wire.Intrusion, wire.Motion, wire.Tamper)
				cfg.Replay, cfg.Lazy = true, lazy
				g := newGateway(t, cfg)
				if said := g.in.Len(); i == 0 {
					c.send(g)
					stream = bytes.Clone(g.in.Bytes()[said:])
				} else {
					g.in.Write(stream)
				}
				g.check(g.w.End())
				said[i] = g.talk(cfg)
			}
			full, lazy := said[0], said[1]
			if n := len(full.detections); n != 8 || len(lazy.detections) != n {
				t.Fatalf("%d detections, %d of them lazily, want 8", n, len(lazy.detections))
			}
			for i, want := range full.detections {
				got := lazy.detections[i]
				if got.Kind != want.Kind || got.Phase != want.Phase || math.Abs(got.Start-want.Start) > 0.3 ||
					math.Abs(got.Detected-want.Detected) > 0.3 || math.Abs(got.End-want.End) > 0.3 {
					t.Errorf("%s %s: start %.2f, detected %.2f, end %.2f; with every picture %s %s %.2f, %.2f, %.2f", got.Kind, got.Phase,
						got.Start, got.Detected, got.End, want.Kind, want.Phase, want.Start, want.Detected, want.End)
				}
				if again := said[2].detections[i]; again.Start != got.Start || again.Detected != got.Detected || again.Box != got.Box || again.Confidence != got.Confidence {
					t.Errorf("the second time %+v, the first %+v", again, got)
				}
			}
			if full.summary.Decoded != full.summary.Seen {
				t.Errorf("%d of %d pictures decoded, want all", full.summary.Decoded, full.summary.Seen)
			}
			if s := lazy.summary; s.Seen != full.summary.Seen || s.Seq != full.summary.Seq || s.Damaged != 0 || float64(s.Decoded) > c.decodes*float64(s.Seen) || 4*s.Analysed > 3*full.summary.Analysed {
				t.Errorf("lazily %+v; every picture: %+v", s, full.summary)
			}
		})
	}
}

// TestFallsWakeForGood: once what falls is looked for every picture is decoded, also where the rule was armed right
// behind a keyframe that showed nothing.
func TestFallsWakeForGood(t *testing.T) {
	for _, revised := range []bool{false, true} {
		cfg := testConfig(wire.Motion, wire.ThrownObject)
		cfg.Lazy, cfg.Armed = true, []bool{true, false}
		l := newLoop(t, strollers(0), 12*time.Second, cfg)
		for l.at() < 24*time.Second || !l.s.lazy.asleep || len(l.s.lazy.units) != 1 {
			if l.next(t); l.at() > 2*time.Minute {
				t.Fatal("it does not sleep")
			}
		}
		both := []bool{true, true}
		err := error(nil)
		if revised {
			next := *cfg
			next.Armed = both
			p, e := json.Marshal(next.Revision())
			err = errors.Join(e, l.s.revise(p))
		} else {
			p, e := json.Marshal(wire.Arm{Armed: both})
			err = errors.Join(e, l.s.arm(p))
		}
		if err != nil {
			t.Fatal(err)
		}
		if a := l.s.report.next.Attention; a != wire.Awake {
			t.Errorf("revised %v: the gateway takes it to be %s", revised, a)
		}
		before := l.s.report.next.Decoded
		for range 20 {
			l.next(t)
		}
		if n := l.s.report.next.Decoded - before; n < 19 || l.s.lazy.asleep {
			t.Errorf("revised %v: %d of 20 pictures were decoded, asleep: %v", revised, n, l.s.lazy.asleep)
		}
	}
}
