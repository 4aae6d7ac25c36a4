package dvrip

import (
	"context"
	"errors"
	"sync/atomic"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

// Source is one channel of a device, read for as long as Run runs. Its methods may
// be called by any goroutine.
type Source struct {
	cfg   Config
	addr  address
	count counters
	busy  atomic.Bool

	// Run alone uses these.
	line     timeline
	keeper   keep.Keeper
	pictures bool // some were handed on
	sessions int
}

// New returns a Source. It fails if the URL or another field of the Config makes
// no sense; its errors do not show the URL.
func New(cfg Config) (*Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	addr, err := parseAddress(cfg.URL)
	if err != nil {
		return nil, err
	}
	return &Source{cfg: cfg, addr: addr, keeper: keep.Keeper{
		Camera: addr.String(), Waits: cfg.Waits, Log: cfg.Log, OnState: cfg.OnState,
	}}, nil
}

// String returns the URL without its secrets.
func (s *Source) String() string { return s.addr.String() }

// Stats returns the counters.
func (s *Source) Stats() Stats { return s.count.snapshot() }

// Run reads the device until ctx ends, and returns its error. It connects again by
// itself after every failure.
//
// sink gets the access units in decoding order, beginning with a keyframe in every
// session. It is called by one goroutine at a time, never after Run has returned,
// and owns what it gets. While it runs, nothing is received.
func (s *Source) Run(ctx context.Context, sink func(media.AccessUnit)) error {
	if !s.busy.CompareAndSwap(false, true) {
		return errors.New("the device is already being read")
	}
	defer s.busy.Store(false)
	return s.keeper.Run(ctx, func(ctx context.Context) keep.Ended { return s.session(ctx, sink) })
}

func (s *Source) session(ctx context.Context, sink func(media.AccessUnit)) keep.Ended {
	if s.sessions > 0 {
		s.count.reconnects.Add(1)
	}
	s.sessions++
	one := &session{
		cfg: &s.cfg, addr: s.addr, line: &s.line, count: &s.count, again: s.pictures, sink: sink,
		online: func(info media.Info) {
			s.pictures = true
			s.keeper.Online(info)
		},
	}
	fail := one.run(ctx)
	if fail == nil { // ctx has ended
		return keep.Ended{}
	}
	end := keep.Ended{Phase: fail.Phase, Err: fail}
	if one.pictures > 0 {
		end.Pictured = one.last.Sub(one.began)
	}
	return end
}
