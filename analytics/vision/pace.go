//go:build cgo

package main

import (
	"time"

	"sentrybox/analytics/wire"
)

// calm is the media time without anything that moves after which the gateway may
// take its time, and keyframes alone are decoded.
const calm = 5 * time.Second

// setPace takes what the gateway says that the camera may cost.
func (s *session) setPace(p []byte) error {
	var pace wire.Pace
	if err := wire.Decode(p, &pace); err != nil {
		return err
	}
	if err := pace.Validate(); err != nil {
		return err
	}
	s.pace = pace
	s.watch.period = period
	if pace.Rate > 0 {
		s.watch.period = max(period, time.Duration(float64(time.Second)/pace.Rate))
	}
	s.watch.slowed = pace.Keyframes || s.watch.period > period
	return nil
}

// passOver says whether an access unit is not to be decoded, since the box is too slow.
// Behind one that was passed over, decoding begins again at a keyframe.
func (s *session) passOver(au *wire.AccessUnit) bool {
	if !au.Keyframe {
		s.passed = s.passed || s.pace.Keyframes
		return s.passed
	}
	s.passed = s.pace.Keyframes && !alone(au)
	if s.passed { // what comes next must not be taken to follow what came before
		s.stream.flush()
	}
	return s.passed
}

// attend settles how closely the camera is watched, and tells of a change.
func (s *session) attend() error {
	now := wire.Quiet
	switch {
	case s.lazy.asleep:
		now = wire.Asleep
	case s.watch.stirs() || s.falls.active():
		now = wire.Awake
	}
	if s.report.next.Attention == now {
		return nil
	}
	s.report.next.Attention = now
	return s.report.now()
}

// stirs says whether something moves, or did until a moment ago.
func (w *watcher) stirs() bool {
	return !w.started || len(w.open) > 0 || w.now-w.moved < calm
}

// leftOut counts the pictures that a pace made the heuristics miss before one of
// media time pts. What the camera did not send, or the gateway passed over and counted, is not among them.
func (w *watcher) leftOut(pts time.Duration) uint64 {
	gap := pts - w.now
	if !w.slowed || !w.started || w.broken || gap < 0 || gap > time.Minute {
		return 0
	}
	return uint64(max((gap+period/2)/period-1, 0))
}

// active says whether anything looks for what falls, in every picture.
func (f *falls) active() bool {
	for _, d := range f.dets {
		if d != nil {
			return true
		}
	}
	return false
}
