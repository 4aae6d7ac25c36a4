//go:build cgo

package main

import (
	"fmt"
	"image"

	"sentrybox/analytics/thumb"
	"sentrybox/analytics/wire"
)

// sendStill sends the newest picture, an empty one if there is none yet.
func (s *session) sendStill(payload []byte) error {
	var ask wire.Still
	if err := wire.Decode(payload, &ask); err != nil {
		return err
	}
	if err := ask.Validate(); err != nil {
		return err
	}
	width := thumb.FullWidth
	if ask.Most > 0 {
		width = thumb.MaxWidth
	}
	if s.stream.dec == nil {
		return s.out.Picture(&wire.Picture{Detection: ask.ID})
	}
	img, err := s.snapshot(width)
	if err != nil { // nothing is decoded yet
		return s.out.Picture(&wire.Picture{Detection: ask.ID})
	}
	jpeg, err := s.jpeg(img, ask.Most)
	if err != nil {
		return fmt.Errorf("still: %w", err)
	}
	return s.out.Picture(&wire.Picture{Detection: ask.ID, Wall: s.stream.pic.wall, JPEG: jpeg})
}

func (s *session) jpeg(img *image.YCbCr, most int) ([]byte, error) {
	if most > 0 {
		return thumb.JPEG(img, thumb.Mark{Privacy: s.cfg.Privacy, Most: most})
	}
	return thumb.Full(img, s.cfg.Privacy)
}
