package mqtt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errStalled means that a broker has stopped acknowledging.
var errStalled = errors.New("the broker does not acknowledge")

const (
	// statusAgain is when the status is published once more. A broker that
	// takes over from a connection that we lost may publish that one's last
	// will after our first.
	statusAgain = 5 * time.Second
	retryTime   = time.Second // after the source has failed
	writeTime   = 5 * time.Second
)

// session is one connection from CONNACK to its end. Only its own goroutine
// touches it.
type session struct {
	*Client
	link     *link
	target   target
	flights  map[*flight]struct{}
	landings chan landing
	waiting  sync.WaitGroup // goroutines that wait for a token
	over     chan struct{}  // closed when no token will be settled any more

	began    time.Time
	progress time.Time // of the newest acknowledgement, or when the first flight began
	proven   bool      // a publication was acknowledged
	items    int       // on their way
	bulk     int       // their bytes
	look     bool      // the source may have something that can go
	retry    *time.Timer
	retryAt  time.Time // zero when retry is not running
	left     bool      // in order, with a DISCONNECT
}

// serve holds one connection to a broker until it ends, and returns what that
// means, how long the connection lived, and why it ended. When ctx ends it takes
// leave.
func (c *Client) serve(ctx context.Context, t target) (verdict, time.Duration, error) {
	l, err := c.connect(ctx, t)
	if err != nil {
		return connectVerdict(err), 0, err
	}
	now := time.Now()
	s := &session{Client: c, link: l, target: t, flights: map[*flight]struct{}{}, over: make(chan struct{}),
		// Room for every flight, the status twice, and the subscription.
		landings: make(chan landing, window+4), began: now, progress: now, look: true, retry: time.NewTimer(retryTime)}
	s.retry.Stop() // until retryIn
	defer s.retry.Stop()
	if sub := c.subscribe(l); sub != nil {
		s.await(&flight{kind: subFlight, sent: now}, sub)
	}
	s.publishStatus(StatusOnline)
	err = s.loop(ctx)
	if ctx.Err() != nil && err == nil {
		s.takeLeave(context.WithoutCancel(ctx))
	}
	s.end(context.WithoutCancel(ctx), err)
	// What a token says of a broken connection is less than what paho says.
	if why := l.reason(); err != nil && why != nil && !errors.Is(err, errStalled) {
		err = fmt.Errorf("connection to %s: %w", t.name, why)
	}
	switch lived := time.Since(s.began); {
	case !s.proven:
		return failed, lived, err
	case errors.Is(err, errStalled):
		return stalled, lived, err
	default:
		return lost, lived, err
	}
}

// loop sends and collects until ctx ends, with nil, or the connection does.
func (s *session) loop(ctx context.Context) error {
	again := time.NewTimer(statusAgain)
	defer again.Stop()
	for {
		changed := s.cfg.Source.Changed()
		if s.look {
			s.look = false
			s.fill(ctx)
		}
		watch, stop := s.watchdog()
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-s.link.gone:
			stop()
			return fmt.Errorf("connection to %s: %w", s.target.name, s.link.why)
		case <-watch:
			if err := s.checkStalled(); err != nil {
				return err
			}
		case ld := <-s.landings:
			if err := s.land(ctx, ld); err != nil {
				stop()
				return err
			}
		case <-changed:
			s.look = true
		case <-s.retry.C:
			s.retryAt, s.look = time.Time{}, true
			s.remove(ctx)
		case <-again.C:
			s.publishStatus(StatusOnline)
		}
		stop()
	}
}

// takeLeave waits a moment for what is on its way, says offline, and
// disconnects. Where the broker does not acknowledge all of that, there is no
// DISCONNECT either, so that it publishes our last will.
func (s *session) takeLeave(ctx context.Context) {
	grace := time.After(s.cfg.Timing.Grace)
	wait := func(done func() bool) bool {
		for !done() {
			select {
			case ld := <-s.landings:
				if s.land(ctx, ld) != nil {
					return false
				}
			case <-s.link.gone:
				return false
			case <-grace:
				return false
			}
		}
		return true
	}
	if !wait(func() bool { return len(s.flights) == 0 }) {
		return
	}
	grace = time.After(s.cfg.Timing.Grace / 4)
	f := s.publishStatus(StatusOffline)
	if wait(func() bool { _, ok := s.flights[f]; return !ok }) {
		s.link.Disconnect(1000) // in milliseconds, and mostly at once
		s.left = true
	}
}

// end leaves the connection and waits until nothing of it is running. An
// acknowledgement that came at the last moment still counts.
func (s *session) end(ctx context.Context, why error) {
	if why == nil {
		why = errAborted
	}
	if !s.left {
		s.link.drop(why)
	}
	close(s.over)
	s.waiting.Wait()
	for {
		select {
		case ld := <-s.landings:
			_ = s.settle(ld) // it has ended anyway
			continue
		default:
		}
		break
	}
	s.remove(ctx)
}
