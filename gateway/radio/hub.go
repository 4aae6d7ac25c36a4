package radio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/gateway/alert"
)

const (
	tickEvery  = time.Second
	retryFirst = time.Second
	retryMost  = time.Minute
)

// Hub is every radio and intercom of a gateway.
type Hub struct {
	Config
	deliver *deliveries
	systems []*system

	mu     sync.Mutex // guards all that follows, and what systems say of it
	recent recent
}

// system is a System as it is now. All that follows it is guarded by the Hub's mu.
type system struct {
	System
	hub *Hub
	log *slog.Logger

	open    map[string]*cause
	fixes   map[string]fix
	unknown bucket
	counts  Counts

	gone   bool
	since  time.Time // when it went away, or came back
	told   State
	wasOut bool // the alert that it is away is raised
}

// New makes a Hub and reads from the store what was raised when the last one ended.
func New(ctx context.Context, c Config) (*Hub, error) {
	h := &Hub{Config: c, deliver: newDeliveries(&c), recent: recent{calls: map[string]uint64{}}}
	causes, err := h.deliver.load(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range c.Systems {
		rt := &system{
			System: s, hub: h, log: c.Log.With("radio", s.ID), open: map[string]*cause{}, fixes: map[string]fix{},
			unknown: bucket{full: UnknownBurst, every: UnknownEvery}, counts: Counts{Events: map[string]uint64{}},
		}
		for key, at := range causes {
			switch rest, mine := within(key, s.ID); {
			case mine && rest == away:
				rt.wasOut, rt.gone = true, true
			case mine:
				rt.open[key] = &cause{last: at, kept: at, lasting: strings.HasPrefix(rest, lasting), earlier: true}
			}
		}
		h.systems = append(h.systems, rt)
	}
	return h, nil
}

// Run runs every source until ctx ends, and makes durable what they have said.
func (h *Hub) Run(ctx context.Context) error {
	var sources sync.WaitGroup
	for _, s := range h.systems {
		sources.Go(func() { s.run(ctx) })
	}
	deliverCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		h.deliver.Run(deliverCtx)
	}()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-tick.C:
			h.look(now)
		}
	}
	sources.Wait()
	stop()
	<-delivered
	return ctx.Err()
}

// run runs the source until ctx ends, again and again if it fails.
func (s *system) run(ctx context.Context) {
	for wait := retryFirst; ; {
		begun := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, driver.ErrPermanent) || errors.Is(err, driver.ErrSkipped) || errors.Is(err, driver.ErrHalted) {
			s.log.Error("a radio does not work until the configuration or the machine is changed", "error", err)
			<-ctx.Done()
			return
		}
		if time.Since(begun) > retryMost {
			wait = retryFirst
		}
		s.log.Error("a radio has ended, trying again", "error", err, "after", wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

// once runs the source once. One that panics ends, as one that fails does.
func (s *system) once(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the source panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return s.Source.Run(ctx, func(e call.Event) { s.hub.hear(s, e, time.Now()) })
}

// look brings the states up to date.
func (h *Hub) look(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.systems {
		st := s.state(s.Source.State())
		gone := st.Phase == Away || st.Phase == Faulty || st.Phase == Refused
		if gone != s.gone || s.since.IsZero() {
			s.gone, s.since = gone, now
		}
		switch {
		case gone && !s.wasOut && now.Sub(s.since) >= awayAfter, st.Phase == Online && s.wasOut:
			s.out(gone, now)
		}
		s.sweep(now)
		if st.differs(&s.told) {
			s.told = st
			if h.OnState != nil {
				h.OnState(st)
			}
		}
	}
}

// out raises the alert that the system is away, or ends it.
func (s *system) out(gone bool, now time.Time) {
	s.wasOut = gone
	d := delivery{system: s.ID, cause: causeOf(s.ID, away), at: now}
	if gone {
		d.event = &alert.Event{Device: s.ID, Grid: s.Grid, Kind: Unplugged, Severity: 2, Start: now, Detected: now, Confidence: 1}
	} else {
		d.closes = true
	}
	s.hub.deliver.Add(d)
}
