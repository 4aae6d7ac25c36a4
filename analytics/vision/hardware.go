//go:build cgo

package main

import (
	"errors"
	"fmt"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

const (
	// maxPoor is how many errors on end, and maxSilent how many access units without a picture,
	// show that hardware does not bear a stream.
	maxPoor   = 4
	maxSilent = maxReorder
)

// hardware is the board's own decoder: while it decodes, how well; and what is ready to.
type hardware struct {
	ready  [wire.CodecMJPEG + 1]*cv.Decoder // by codec; opened before the sandbox was closed
	on     bool
	poor   int  // errors since the last picture
	silent int  // access units since then
	await  bool // it was given up, and no keyframe has come since
}

// openHardware opens what the board has, and says whether that is anything.
func (s *stream) openHardware() bool {
	found := false
	for _, codec := range []uint8{wire.CodecH264, wire.CodecH265} {
		if d, err := cv.NewHardwareDecoder(codec); err == nil {
			s.hard.ready[codec], found = d, true
		}
	}
	return found
}

// close gives back what is not in use.
func (h *hardware) close() {
	for i, d := range h.ready {
		if d != nil {
			_ = d.Close() // returns nil
			h.ready[i] = nil
		}
	}
}

// open opens a decoder for a codec: the board's, once, if it has one.
func (s *stream) open(codec uint8) error {
	var hard *cv.Decoder
	if int(codec) < len(s.hard.ready) {
		hard, s.hard.ready[codec] = s.hard.ready[codec], nil
	}
	s.close()
	s.hard = hardware{on: hard != nil}
	s.codec, s.doubt, s.dec = codec, 0, hard
	s.lost()
	if hard != nil {
		s.log.Info("decoding in hardware")
		return nil
	}
	dec, err := cv.NewDecoder(codec)
	if err != nil {
		return err
	}
	s.dec = dec
	return nil
}

// passes says whether an access unit cannot be decoded, since those before it went to hardware
// that was given up.
func (h *hardware) passes(au *wire.AccessUnit) bool {
	h.await = h.await && !au.Keyframe
	return h.await
}

// hardwareSent judges what became of an access unit.
func (s *stream) hardwareSent(err error) error {
	if s.hard.silent++; err == nil && s.hard.silent > maxSilent {
		return s.giveUp(errors.New("it gives no pictures"))
	}
	return s.hardwareErr(err)
}

// hardwareGave judges what came out, a picture if err is nil.
func (s *stream) hardwareGave(err error) error {
	if err == nil {
		s.hard.poor, s.hard.silent = 0, 0
		return nil
	}
	return s.hardwareErr(err)
}

func (s *stream) hardwareErr(err error) error {
	if err == nil {
		return nil
	}
	if s.hard.poor++; s.hard.poor >= maxPoor {
		return s.giveUp(err)
	}
	return fmt.Errorf("%w: %w", cv.ErrDamaged, err) // costs this access unit
}

// giveUp goes on in software, from the next keyframe on.
func (s *stream) giveUp(why error) error {
	s.log.Warn("the hardware decoder does not bear this stream, going on without", "err", why)
	codec := s.codec
	if err := s.open(codec); err != nil {
		return err
	}
	s.hard.await = true
	return fmt.Errorf("%w: %w", cv.ErrDamaged, why)
}
