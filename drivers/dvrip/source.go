package dvrip

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"sentrybox/drivers/media"
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
	phase    Phase
	info     media.Info
	pictures bool
	sessions int
}

type counters struct {
	accessUnits, keyframes, bytes, damaged, undecodable, reconnects, crashes atomic.Uint64
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
	return &Source{cfg: cfg, addr: addr}, nil
}

// String returns the URL without its secrets.
func (s *Source) String() string { return s.addr.String() }

// Stats returns the counters.
func (s *Source) Stats() Stats {
	return Stats{
		AccessUnits: s.count.accessUnits.Load(), Keyframes: s.count.keyframes.Load(), Bytes: s.count.bytes.Load(),
		Damaged: s.count.damaged.Load(), Undecodable: s.count.undecodable.Load(),
		Reconnects: s.count.reconnects.Load(), Crashes: s.count.crashes.Load(),
	}
}

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
	s.tell(State{Phase: Connecting})
	var fails, refusals int
	for {
		fail, pictured := s.session(ctx, sink)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if pictured >= s.cfg.Stable {
			fails = 0
		}
		var wait time.Duration
		if fail.Phase == Refused {
			wait = grow(s.cfg.RefusedWait, s.cfg.RefusedMax, refusals)
			wait += time.Duration(s.cfg.Rand() * float64(wait) / 5)
			refusals++
		} else {
			wait = grow(s.cfg.Backoff+s.cfg.Backoff/4, s.cfg.BackoffMax, fails)
			wait -= time.Duration(s.cfg.Rand() * float64(wait) / 5)
			fails++
			refusals = 0
		}
		st := State{Phase: fail.Phase, Err: fail, Retry: wait}
		if st.Phase == Unreachable && pictured > 0 {
			st.Phase = Connecting // it was there a moment ago
		}
		s.tell(st)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

func (s *Source) session(ctx context.Context, sink func(media.AccessUnit)) (*Error, time.Duration) {
	if s.sessions > 0 {
		s.count.reconnects.Add(1)
	}
	s.sessions++
	one := &session{
		cfg: &s.cfg, addr: s.addr, line: &s.line, count: &s.count, again: s.pictures, sink: sink,
		online: func(info media.Info) {
			s.info, s.pictures = info, true
			s.tell(State{Phase: Online})
		},
	}
	fail := one.run(ctx)
	if one.pictures == 0 {
		return fail, 0
	}
	return fail, one.last.Sub(one.began)
}

// grow returns base doubled n times, at most limit.
func grow(base, limit time.Duration, n int) time.Duration {
	d := float64(base) * math.Pow(2, float64(min(n, 40)))
	return time.Duration(min(d, float64(max(limit, base))))
}

// tell passes a change on, and logs it if it is one of phase.
func (s *Source) tell(st State) {
	st.Info = s.info
	level := slog.LevelDebug
	if st.Phase != s.phase {
		level = slog.LevelWarn
		if st.Err == nil {
			level = slog.LevelInfo
		}
	}
	s.phase = st.Phase
	args := []any{"camera", s.addr.String(), "phase", string(st.Phase)}
	if st.Phase == Online {
		args = append(args, "codec", st.Info.Codec.String(), "width", st.Info.Width, "height", st.Info.Height)
	}
	if st.Err != nil {
		args = append(args, "error", st.Err.Error(), "retry", st.Retry.Round(100*time.Millisecond))
	}
	s.cfg.Log.Log(context.Background(), level, "camera", args...)
	s.cfg.OnState(st)
}
