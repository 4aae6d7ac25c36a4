//go:build cgo

package main

import (
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

func TestPace(t *testing.T) {
	cfg := testConfig(wire.Motion)
	g := newGateway(t, cfg)
	g.show(walk(), 0, 10*time.Second)
	g.check(g.w.End())
	full := g.talk(cfg).summary
	if full.Skipped != 0 {
		t.Errorf("%d pictures skipped without a pace", full.Skipped)
	}
	g = newGateway(t, cfg)
	g.show(walk(), 0, 2*time.Second)
	g.check(g.w.JSON(wire.TypePace, wire.Pace{Rate: 2}))
	g.show(walk(), 2100*time.Millisecond, 10*time.Second)
	g.check(g.w.End())
	slow := g.talk(cfg).summary
	if slow.Analysed >= full.Analysed/2 || slow.Analysed < full.Analysed/5 {
		t.Errorf("%d pictures of %d analysed with two a second from the second second on", slow.Analysed, full.Analysed)
	}
	if sum := slow.Analysed + slow.Skipped; sum < full.Analysed*8/10 || sum > full.Analysed*12/10 {
		t.Errorf("%d analysed and %d skipped, of %d", slow.Analysed, slow.Skipped, full.Analysed)
	}
}

// TestNotSkipped: pictures that never came were not left out for the pace.
func TestNotSkipped(t *testing.T) {
	cfg := testConfig(wire.Motion)
	g := newGateway(t, cfg)
	g.check(g.w.JSON(wire.TypePace, wire.Pace{Rate: 4}))
	g.show(walk(), 0, 2*time.Second)
	g.gaps[g.seq+1] = true
	g.show(walk(), 22*time.Second, 24*time.Second)
	g.check(g.w.End())
	if s := g.talk(cfg).summary; s.Skipped < s.Analysed/2 || s.Skipped > 2*s.Analysed {
		t.Errorf("%d pictures skipped of 4 s, %d analysed", s.Skipped, s.Analysed)
	}
}

func TestPaceNotBelieved(t *testing.T) {
	for _, rate := range []float64{-1, 1e9} {
		if err := (wire.Pace{Rate: rate}).Validate(); err == nil {
			t.Errorf("a rate of %v passed", rate)
		}
	}
}

// TestPassOver: after a picture that was passed over only a keyframe can be decoded, and of keyframes alone no more than
// those that show something by themselves.
func TestPassOver(t *testing.T) {
	s := &session{}
	refresh := []byte{0, 0, 1, 0x41, 0x9a} // a P slice
	for i, step := range []struct {
		paced, key bool
		data       []byte
		want       bool
	}{
		{false, true, nil, false}, {false, false, nil, false}, {true, false, nil, true}, {true, true, nil, false}, {true, false, nil, true},
		{false, false, nil, true}, {false, false, nil, true}, {false, true, nil, false}, {false, false, nil, false},
		{true, true, refresh, true}, {false, false, refresh, true}, {false, true, refresh, false}, {false, false, refresh, false},
	} {
		s.pace.Keyframes = step.paced
		au := &wire.AccessUnit{Codec: wire.CodecMJPEG, Keyframe: step.key}
		if step.data != nil {
			au.Codec, au.Data = wire.CodecH264, step.data
		}
		if got := s.passOver(au); got != step.want {
			t.Errorf("step %d: passed over: %v", i, got)
		}
	}
}

// TestKeyframesAlone: who comes and stands there is found by keyframes alone, though these are a little more than two seconds
// apart, as with cameras whose clock is not exact.
func TestKeyframesAlone(t *testing.T) {
	cfg := testConfig(wire.Intrusion)
	g := newGateway(t, cfg)
	g.check(g.w.JSON(wire.TypePace, wire.Pace{Rate: 2, Keyframes: true}))
	g.code(stander(), 20*time.Second, 41*time.Millisecond)
	g.check(g.w.End())
	if a := g.talk(cfg); len(a.detections) != 2 || a.summary.Decoded != 10 {
		t.Errorf("%d detections, the two ends of one are there; %d pictures decoded", len(a.detections), a.summary.Decoded)
	}
}

// TestAttention: a camera calms down some time after somebody has gone, and says so.
func TestAttention(t *testing.T) {
	cfg := testConfig(wire.Motion)
	g := newGateway(t, cfg)
	g.show(walk(), 0, 20*time.Second)
	g.check(g.w.End())
	var said []wire.Attention
	a := g.talk(cfg)
	for _, p := range append(a.progress, a.summary) {
		if n := len(said); n == 0 || said[n-1] != p.Attention {
			said = append(said, p.Attention)
		}
	}
	if len(said) != 2 || said[0] != wire.Awake || said[1] != wire.Quiet {
		t.Errorf("attention: %v", said)
	}
}
