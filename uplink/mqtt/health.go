package mqtt

import (
	"context"
	"time"

	"sentrybox/uplink/outbox"
)

// guessRate is what a line is taken to carry when it is asked how long what is
// on its way may take, in bytes a second.
const guessRate = 8 << 10

// sweepAfter is how long a new connection has for what is more urgent before
// the broker is asked for what it keeps.
const sweepAfter = 5 * time.Second

// checkEvery is how often the path is looked at.
func (s *session) checkEvery() time.Duration {
	if len(s.targets) == 1 {
		return time.Second // there is nowhere else to go
	}
	return max(min(s.cfg.Timing.Check, s.cfg.Timing.Suspect)/8, time.Millisecond)
}

// silence returns for how long the broker has left everything unanswered.
func (s *session) silence(now time.Time) time.Duration {
	heard := s.link.conn.lastHeard()
	var since time.Time
	if len(s.flights) > 0 {
		since = s.progress
	}
	if !s.asked.IsZero() && (since.IsZero() || s.asked.Before(since)) {
		since = s.asked
	}
	if since.IsZero() {
		return 0
	}
	if heard.After(since) {
		since = heard
	}
	return now.Sub(since)
}

// check asks a path that has been silent for a sign of life, and tries another
// broker beside one that gives none. This one is left only once the other has
// answered: on a line that is merely bad it goes on.
func (s *session) check(ctx context.Context, now time.Time) {
	heard := s.link.conn.lastHeard()
	if heard.After(s.asked) {
		s.asked = time.Time{}
	}
	s.uncontest(now)
	if len(s.targets) == 1 {
		return
	}
	if s.asked.IsZero() && len(s.flights) == 0 && now.Sub(heard) >= s.cfg.Timing.Check {
		s.asked = now
		s.waiting.Go(func() { _ = s.link.conn.ping() }) // a failed one ends the connection
	}
	suspect := s.silence(now) >= s.cfg.Timing.Suspect+time.Duration(s.bulk)*time.Second/guessRate
	switch {
	case suspect && s.rescue == nil:
		order := s.brokers.order(-1, s.target.index, now)
		if len(order) == 0 {
			return
		}
		s.cfg.Log.Warn("mqtt: no answer, trying another broker beside", "broker", s.target.name, "silent", s.silence(now).Round(time.Millisecond))
		rctx, cancel := context.WithCancel(ctx)
		result := make(chan arrival, 1)
		s.rescue, s.stopRace = result, cancel
		s.waiting.Go(func() { result <- s.race(rctx, order) })
	case !suspect && s.stopRace != nil && s.silence(now) < s.cfg.Timing.Suspect/2:
		s.stopRace()
	}
}

// rescued takes the end of a race and returns the link to go on with, if this
// one is still as silent.
func (s *session) rescued(ctx context.Context, a arrival) *link {
	s.stopRace()
	s.rescue, s.stopRace = nil, nil
	if a.link == nil {
		s.note(ctx, a.failed)
		return nil
	}
	if s.silence(time.Now()) < s.cfg.Timing.Suspect/2 {
		a.link.drop(errAborted)
		return nil
	}
	s.note(ctx, a.failed)
	return a.link
}

// lookBeside starts what goes on beside the connection: the look at brokers that
// are preferred, and at what this one has kept.
func (s *session) lookBeside(ctx context.Context) {
	if i := s.target.index; i > 0 {
		s.waiting.Go(func() {
			if j, ok := s.watch(ctx, i); ok {
				s.preferred <- j
			}
		})
	}
	if s.cfg.Sweep == nil || s.swept == s.target.index {
		return
	}
	s.swept = -1 // what is closed from here on, the broker before this one may keep
	swept, calm := make(chan error, 1), make(chan struct{})
	s.sweeping, s.calm = swept, calm
	s.waiting.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-calm:
		}
		swept <- s.sweep(ctx, s.target)
	})
}

// calmed has the broker asked for what it keeps, once nothing more urgent is on
// its way.
func (s *session) calmed(now time.Time) {
	if s.calm == nil || s.urgent > 0 || now.Sub(s.began) < sweepAfter || len(s.ready) > 0 && s.ready[0].Lane <= outbox.Reply {
		return
	}
	close(s.calm)
	s.calm = nil
}
