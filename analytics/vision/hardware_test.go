//go:build cgo

package main

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// TestNoHardware: where the board has no decoder, all is as if none had been asked for, and the
// gateway and the sandbox hear of it.
func TestNoHardware(t *testing.T) {
	for _, codec := range []uint8{wire.CodecH264, wire.CodecH265, wire.CodecMJPEG, 77} {
		d, err := cv.NewHardwareDecoder(codec)
		if err == nil && codec < wire.CodecMJPEG {
			_ = d.Close()
			t.Skip("this machine has a hardware decoder")
		}
		if err == nil {
			t.Fatalf("hardware for codec %d", codec)
		}
	}
	cfg := testConfig(wire.Motion)
	cfg.Hardware = true
	g := newGateway(t, cfg)
	g.code(walk(), 10*time.Second, 80*time.Millisecond)
	g.check(g.w.End())
	a := g.talk(cfg)
	if !a.hello.NoHardware || a.summary.Decoded != a.summary.Seen || len(a.detections) != 2 {
		t.Errorf("hello %+v, %+v, %d detections, want all as in software", a.hello, a.summary, len(a.detections))
	}
}

// TestHardwareThatFails holds that a decoder which does not bear the stream costs what comes until
// the next keyframe.
func TestHardwareThatFails(t *testing.T) {
	for name, codec := range map[string]uint8{
		"it refuses what comes": wire.CodecMJPEG,
		"it gives no pictures":  wire.CodecH265, // of H.264
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t, strollers(1), 12*time.Second, loopConfig(true))
			s := &l.s.stream
			s.log = slog.New(slog.NewTextHandler(io.Discard, nil))
			other, err := cv.NewDecoder(codec)
			if err != nil {
				t.Fatal(err)
			}
			s.hard.ready[wire.CodecH264] = other
			l.next(t)
			if !s.hard.on || s.dec != other {
				t.Fatal("what is ready is not used")
			}
			l.skipTo(t, 12*time.Second)
			n := &l.s.report.next
			if s.hard.on || s.hard.await || n.Decoded < 40 || n.Damaged == 0 {
				t.Fatalf("on %v, await %v, %+v", s.hard.on, s.hard.await, n)
			}
			before := *n
			l.skipTo(t, 24*time.Second)
			if n.Decoded-before.Decoded < uint64(len(l.units))*9/10 || n.Damaged != before.Damaged {
				t.Errorf("afterwards %+v, before %+v", n, before)
			}
		})
	}
}
