package rtsp

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

// Source is one camera, read for as long as Run runs. Its methods may be called
// by any goroutine.
type Source struct {
	cfg   Config
	addr  *address
	count counters
	busy  atomic.Bool
	haste urgency

	// Run alone uses these.
	line     timeline
	proto    Transport // that Auto tries next
	keeper   keep.Keeper
	pictures bool // some were handed on
	sessions int
	silent   int // rounds in a row in which the camera agreed to each transport, and sent nothing
}

// New returns a Source for a camera. It fails if the URL or another field of the
// Config makes no sense; its errors do not show the URL.
func New(cfg Config) (*Source, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	addr, err := parseAddress(cfg.URL)
	if err != nil {
		return nil, err
	}
	return &Source{cfg: cfg, addr: addr, proto: TCP, keeper: keep.Keeper{
		Camera: addr.String(), Waits: cfg.Waits, Log: cfg.Log, OnState: cfg.OnState,
	}}, nil
}

// String returns the camera's URL without its secrets.
func (s *Source) String() string { return s.addr.String() }

// Stats returns the counters.
func (s *Source) Stats() Stats { return s.count.snapshot() }

// Relax says how late what arrives may be handed on; at first not at all. It matters with a Poller alone, which
// looks every 100 ms, and every 250 or 500 ms if what arrives may be as late as that.
func (s *Source) Relax(late time.Duration) {
	if before := s.haste.late.Swap(int64(late)); int64(late) < before && s.cfg.Poller != nil {
		s.cfg.Poller.sooner()
	}
}

// Run reads the camera until ctx ends, and returns its error. It connects again
// by itself after every failure.
//
// sink gets the access units in decoding order, beginning with a keyframe in
// every session. It is called by one goroutine at a time, never after Run has
// returned, and owns what it gets. It must return soon and must not wait for
// Run: while it runs, nothing is received, and Run cannot end.
func (s *Source) Run(ctx context.Context, sink func(media.AccessUnit)) error {
	if !s.busy.CompareAndSwap(false, true) {
		return errors.New("camera is already being read")
	}
	defer s.busy.Store(false)
	return s.keeper.Run(ctx, func(ctx context.Context) keep.Ended {
		end := s.round(ctx, sink)
		if end.err == nil {
			return keep.Ended{}
		}
		return keep.Ended{Phase: end.err.Phase, Err: end.err, Pictured: end.pictured}
	})
}

// outcome is how a session ended.
type outcome struct {
	err      *Error // nil only when the context has ended
	pictured time.Duration
	proto    Transport
	other    bool // the other transport may do better
	silent   bool // the camera agreed, and sent nothing
}

// breather is the pause between two transports. Some cameras serve one viewer,
// and take a moment to see that the last one has gone.
const breather = 500 * time.Millisecond

// round runs a session, and by Auto a second one over the other transport if the
// first got nothing.
func (s *Source) round(ctx context.Context, sink func(media.AccessUnit)) outcome {
	out := s.session(ctx, s.transport(), sink)
	if !s.auto() || ctx.Err() != nil {
		s.heard(out)
		return out
	}
	if out.other {
		first := out
		s.cfg.Log.Debug("camera: trying the other transport", "camera", s.addr.String(), "failed", string(out.proto), "error", first.err.text)
		if keep.Sleep(ctx, breather) != nil {
			return out
		}
		out = s.session(ctx, swapped(first.proto), sink)
		if ctx.Err() != nil {
			return out
		}
		out.silent = out.silent || first.silent && out.pictured == 0
		if out.pictured == 0 { // neither works
			out.err = join(first.err, out.err)
		}
	}
	s.heard(out)
	s.proto = out.proto
	if out.err.Phase == media.Stalled || out.pictured == 0 {
		s.proto = TCP
	}
	return out
}

// heard notes how a round has ended.
func (s *Source) heard(out outcome) {
	s.silent++
	if !out.silent {
		s.silent = 0
	}
}

// patience is how long a camera may send no packet at all: both transports are tried within
// one Stall. A camera that needs longer gets more in each round, as much as the first keyframe at most.
func (s *Source) patience() time.Duration {
	wait := s.cfg.Stall
	if s.auto() {
		wait /= 2
	}
	return min(wait<<min(s.silent, 10), max(s.cfg.KeyframeWait, s.cfg.Stall))
}

// auto says whether both transports may be tried. Plain UDP would leave the
// encryption of rtsps.
func (s *Source) auto() bool { return s.cfg.Transport == Auto && !s.addr.secure }

// transport returns what the next session uses.
func (s *Source) transport() Transport {
	if s.cfg.Transport != Auto {
		return s.cfg.Transport
	}
	return s.proto
}

func swapped(t Transport) Transport {
	if t == UDP {
		return TCP
	}
	return UDP
}

func (s *Source) session(ctx context.Context, proto Transport, sink func(media.AccessUnit)) outcome {
	if s.sessions > 0 {
		s.count.reconnects.Add(1)
	}
	s.sessions++
	one := &session{
		cfg: &s.cfg, addr: s.addr, proto: proto, count: &s.count, line: &s.line, haste: &s.haste,
		swap: s.auto(), wait: s.patience(), again: s.pictures, sink: sink,
		online: func(p progress) {
			s.pictures = true
			s.keeper.Online(p.info)
		},
	}
	err := one.run(ctx)
	return outcome{err: err, pictured: one.pictured(), proto: one.proto, other: one.other, silent: one.silent}
}
