//go:build cgo

package main

import (
	"fmt"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/cv"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/overlay"
	"sentrybox/analytics/throw"
	"sentrybox/analytics/wire"
)

// videoStep is how much media time lies between two pictures of the annotated
// video at least. It takes every picture at up to 24 a second, and leaves 12 of faster streams.
const videoStep = 41 * time.Millisecond

// maxVideo bounds the media time of an annotated video: MP4 counts it in 31 bits.
const maxVideo = 6 * time.Hour

// shown sends what is thought of the pictures, as data and as video. A nil one
// does nothing.
type shown struct {
	s     *session
	on    bool // as data
	now   wire.Overlay
	draw  *overlay.Renderer // nil if no video is asked for
	enc   *cv.Encoder
	begun bool
	last  time.Duration // of the last picture encoded
}

func newShown(s *session) *shown {
	n := &shown{s: s, on: s.cfg.Overlay}
	if s.cfg.Annotate {
		n.draw = overlay.New(&s.cfg)
	}
	s.falls.why = make([]*throw.Explainer, len(s.falls.rules))
	for i := range s.falls.why {
		s.falls.ask(i)
	}
	s.watch.explain = n.explain
	return n
}

// show takes what the gateway says of whether somebody looks. While nobody does, nothing is left
// of it.
func (s *session) show(p []byte) error {
	var ask wire.Show
	if err := wire.Decode(p, &ask); err != nil {
		return err
	}
	switch {
	case s.cfg.Overlay || s.cfg.Annotate: // shown all the time
	case ask.On && s.shown == nil:
		s.shown = newShown(s)
		s.shown.on = true
		if err := s.lazy.wake(); err != nil {
			return err
		}
		return s.attend() // so that nothing is held back for a keyframe
	case !ask.On && s.shown != nil:
		s.shown, s.watch.explain = nil, nil
		s.falls.unasked()
	}
	return nil
}

func (n *shown) close() {
	if n != nil && n.enc != nil {
		_ = n.enc.Close() // returns nil
	}
}

// everything says whether no picture may be passed over: each is drawn, or somebody looks.
func (n *shown) everything() bool { return n != nil && (n.draw != nil || n.on && !n.s.cfg.Overlay) }

// explain takes in what was made of a picture.
func (n *shown) explain(scene *behaviour.Scene, r *motion.Result) error {
	n.s.watch.describe(&n.now, n.s.falls, scene, r)
	if n.draw != nil {
		n.draw.Take(&n.now)
	}
	if !n.on {
		return nil
	}
	if err := n.now.Validate(&n.s.cfg); err != nil {
		return err // a mistake of ours; the gateway would refuse it too
	}
	if err := n.s.out.JSON(wire.TypeOverlay, &n.now); err != nil {
		return fmt.Errorf("write overlay: %w", err)
	}
	return nil
}

// event takes in a detection that was sent.
func (n *shown) event(d *wire.Detection) {
	if n != nil && n.draw != nil {
		n.draw.Event(d)
	}
}

// picture draws and encodes the picture that the decoder gave out last.
func (n *shown) picture(pic *picture) error {
	if n == nil || n.draw == nil {
		return nil
	}
	at := pic.luma.PTS
	if n.begun && at < n.last+videoStep || at < 0 || at > maxVideo {
		return nil
	}
	img, err := n.s.stream.snapshot(overlay.MaxWidth)
	if err != nil {
		return err
	}
	if img.Rect.Dx() < motion.MinSide || img.Rect.Dy() < motion.MinSide {
		return nil
	}
	if n.enc == nil {
		w, h := n.draw.Size(img.Rect.Dx(), img.Rect.Dy())
		if n.enc, err = cv.NewEncoder(w, h, 2*videoStep); err != nil {
			return err
		}
	}
	n.begun, n.last = true, at
	remark := ""
	if !pic.sound {
		remark = "the stream is damaged here: not analysed"
	}
	return n.enc.Encode(n.draw.Draw(img, at, remark), at, n.send)
}

func (n *shown) send(data []byte, pts time.Duration, keyframe bool) error {
	if err := n.s.out.Video(&wire.Video{PTS: pts, Keyframe: keyframe, Data: data}); err != nil {
		return fmt.Errorf("write video: %w", err)
	}
	return nil
}

// finish sends what the encoder holds back.
func (n *shown) finish() error {
	if n == nil || n.enc == nil {
		return nil
	}
	return n.enc.Finish(n.send)
}
