//go:build cgo

package main

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// A decoder holds back no more pictures than this for reordering.
const maxReorder = 64

// stamp is what is remembered of an access unit until its picture comes out.
type stamp struct {
	pts   time.Duration
	wall  time.Time
	doubt bool // since something was lost, and no keyframe came since
}

// picture is one that the decoder gave out.
type picture struct {
	luma   *cv.Luma
	wall   time.Time
	sound  bool // as far as is known
	wanted bool // luma has its pixels
}

// stream decodes the access units of a camera, whatever their codec.
type stream struct {
	dec    *cv.Decoder
	codec  uint8
	doubt  int // of H.265: how many keyframes must come until its pictures are sound again
	stamps [maxReorder]stamp
	at     int
	filter cv.LoopFilter
	luma   cv.Luma
	pic    picture
	hard   hardware
	log    *slog.Logger
}

// send gives the decoder an access unit. An error that is cv.ErrDamaged costs
// this one alone.
func (s *stream) send(au *wire.AccessUnit) error {
	if s.dec == nil || au.Codec != s.codec {
		if err := s.open(au.Codec); err != nil {
			return err
		}
	}
	if s.hard.passes(au) {
		return nil
	}
	s.judge(au)
	s.stamps[s.at] = stamp{pts: au.PTS, wall: au.Wall.UTC(), doubt: s.doubt > 0}
	s.at = (s.at + 1) % maxReorder
	s.dec.Filter(s.filter)
	err := s.dec.Send(au.Data, au.PTS, au.Keyframe)
	if s.hard.on {
		return s.hardwareSent(err)
	}
	if errors.Is(err, cv.ErrDamaged) {
		s.lost()
	}
	return err
}

// lost notes that a reference is missing. Of H.265 the decoder does not tell which pictures suffer from that: after one
// keyframe that does not stand alone, which may have come before it was whole again, the next one will do.
func (s *stream) lost() {
	if s.codec == wire.CodecH265 {
		s.doubt = 2
	}
}

// judge notes what an access unit means for the pictures from it on.
func (s *stream) judge(au *wire.AccessUnit) {
	if au.Gap {
		s.lost()
	}
	switch {
	case s.doubt == 0 || !au.Keyframe:
	case alone(au):
		s.doubt = 0
	default: // the refresh that begins here is complete by the next
		s.doubt--
	}
}

// next returns the next picture in order of presentation, nil if there is none
// yet. Only those that due asks for by their media time, and that are sound, have pixels.
func (s *stream) next(due func(time.Duration) bool) (*picture, error) {
	if s.dec == nil {
		return nil, nil
	}
	ok, err := s.dec.Skip(&s.luma)
	if s.hard.on && (ok || err != nil) {
		err = s.hardwareGave(err)
	}
	if err != nil || !ok {
		return nil, err
	}
	st := s.stampOf(s.luma.PTS)
	s.pic = picture{luma: &s.luma, wall: st.wall, sound: !s.luma.Corrupt && !st.doubt}
	if !s.pic.sound || !due(s.luma.PTS) {
		return &s.pic, nil
	}
	if err := s.dec.Convert(&s.luma); err != nil {
		return nil, err
	}
	s.pic.wanted = true
	return &s.pic, nil
}

// stampOf returns what is known of the access unit of a picture; the newest
// stands in for one that is not known.
func (s *stream) stampOf(pts time.Duration) stamp {
	newest := (s.at + maxReorder - 1) % maxReorder
	for k := range maxReorder {
		// Hardware counts microseconds.
		if st := s.stamps[(newest+maxReorder-k)%maxReorder]; st.pts == pts || s.hard.on && (st.pts-pts).Abs() < time.Microsecond {
			s.luma.PTS = st.pts
			return st
		}
	}
	return s.stamps[newest]
}

// drain makes the decoder give out what it holds back.
func (s *stream) drain() error {
	if s.dec == nil {
		return nil
	}
	if err := s.dec.Drain(); err != nil && !errors.Is(err, cv.ErrDamaged) {
		return fmt.Errorf("at the end of the stream: %w", err)
	}
	return nil
}

// flush forgets the stream so far: a keyframe must follow.
func (s *stream) flush() {
	if s.dec != nil {
		s.dec.Flush()
		s.lost()
	}
}

// snapshot returns the last picture in colour.
func (s *stream) snapshot(maxWidth int) (*image.YCbCr, error) { return s.dec.Snapshot(maxWidth) }

func (s *stream) close() {
	if s.dec != nil {
		_ = s.dec.Close() // returns nil
		s.dec = nil
	}
	s.hard.close()
}
