package mqtt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sentrybox/uplink/outbox"
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

// accountEvery is how often the meter hears of what a connection has moved.
const accountEvery = 10 * time.Second

// session is one connection from CONNACK to its end. Only its own goroutine
// touches it.
type session struct {
	*Client
	link     *link
	target   target
	flights  map[*flight]struct{}
	landings chan landing
	waiting  sync.WaitGroup // goroutines that wait for a token, and those beside
	over     chan struct{}  // closed when no token will be settled any more

	began    time.Time
	progress time.Time     // of the newest acknowledgement, or when the first flight began
	proven   bool          // a publication was acknowledged
	items    int           // on their way
	bulk     int           // their bytes
	look     bool          // the source may have something that can go
	ready    []outbox.Item // what the source had last, not yet sent
	retry    *time.Timer
	retryAt  time.Time   // zero when retry is not running
	room     *time.Timer // to look again whether the kernel takes more
	left     bool        // in order, with a DISCONNECT

	crowding  crowding
	crowdedAt time.Time // since when the kernel has enough, zero if it has not

	asked     time.Time     // when a ping was sent that is not answered, zero if none
	rescue    chan arrival  // a race that is on for another broker, nil if none
	stopRace  func()        // ends it
	preferred chan int      // a broker to go back to
	sweeping  chan error    // the end of looking at what the broker keeps
	calm      chan struct{} // closed to begin that; nil then, or if it is not to be done
	urgent    int           // items of Alert and Reply on their way
	beside    func()        // ends what goes on beside

	echo    []echo
	echoing bool      // the last ones are to be looked for
	echoAt  time.Time // when to look, or to send the next
}

// ending is how a connection ended.
type ending struct {
	verdict verdict
	lived   time.Duration
	err     error
	link    *link // to go on with, nil if there is none
	yield   int   // the broker to try next, -1 if it does not matter
}

// serve carries the outbox over a link until that ends, and returns what that
// means. When ctx ends it takes leave.
func (c *Client) serve(ctx context.Context, l *link) ending {
	now := time.Now()
	s := &session{Client: c, link: l, target: l.target, flights: map[*flight]struct{}{}, over: make(chan struct{}),
		// Room for every flight, the status twice, and the subscription.
		landings: make(chan landing, window+4), began: now, progress: now, look: true, retry: time.NewTimer(retryTime),
		room: time.NewTimer(roomEvery), preferred: make(chan int, 1),
		echo: newEchoes(c.cfg.Subscriptions), echoAt: now.Add(min(c.cfg.Timing.Echo, 2*statusAgain))}
	s.retry.Stop() // until retryIn
	defer s.retry.Stop()
	defer s.room.Stop()
	if sub := c.subscribe(l); sub != nil {
		s.await(&flight{kind: subFlight, sent: now}, sub)
	}
	s.publishStatus(StatusOnline)
	besideCtx, cancel := context.WithCancel(ctx)
	s.beside = cancel
	s.lookBeside(besideCtx)
	e := s.loop(ctx)
	s.blame(time.Now())
	if ctx.Err() != nil && e.err == nil || e.yield >= 0 {
		s.takeLeave(context.WithoutCancel(ctx))
	}
	s.end(context.WithoutCancel(ctx), &e)
	// What a token says of a broken connection is less than what paho says.
	if why := l.reason(); e.err != nil && why != nil && !errors.Is(e.err, errStalled) {
		e.err = fmt.Errorf("connection to %s: %w", s.target.name, why)
	}
	e.lived = time.Since(s.began)
	switch {
	case e.yield >= 0:
		e.verdict = yielded
	case !s.proven:
		e.verdict = failed
	case errors.Is(e.err, errStalled):
		e.verdict = stalled
	default:
		e.verdict = lost
	}
	return e
}

// loop sends and collects until ctx ends, the connection does, or another is to
// take its place.
func (s *session) loop(ctx context.Context) (e ending) {
	again := time.NewTimer(statusAgain)
	defer again.Stop()
	check := time.NewTicker(s.checkEvery())
	defer check.Stop()
	account := time.NewTicker(accountEvery)
	defer account.Stop()
	e.yield = -1
	changed := s.cfg.Source.Changed()
	for {
		s.fill(ctx)
		s.calmed(time.Now())
		watch, stop := s.watchdog()
		select {
		case <-ctx.Done():
		case <-s.link.gone:
			e.err = fmt.Errorf("connection to %s: %w", s.target.name, s.link.why)
		case <-watch:
			e.err = s.checkStalled()
		case ld := <-s.landings:
			e.err = s.land(ctx, ld)
		case <-s.link.conn.written: // room for the next
		case <-s.room.C:
		case <-changed:
			changed, s.look = s.cfg.Source.Changed(), true
		case <-s.retry.C:
			s.retryAt, s.look = time.Time{}, true
			s.remove(ctx)
		case <-again.C:
			s.publishStatus(StatusOnline)
		case <-account.C:
			s.link.conn.raw.account()
		case <-check.C:
			s.check(ctx, time.Now())
			e.err = s.hear(time.Now())
		case a := <-s.rescue:
			e.link = s.rescued(ctx, a)
			if e.link != nil {
				e.err = fmt.Errorf("connection to %s: %w", s.target.name, errStalled)
			}
		case e.yield = <-s.preferred:
		case err := <-s.sweeping:
			if err == nil {
				s.swept = s.target.index
			} else {
				s.cfg.Log.Warn("mqtt: what the broker keeps was not looked through", "broker", s.target.name, "err", err)
			}
		}
		stop()
		if ctx.Err() != nil || e.err != nil || e.yield >= 0 {
			return e
		}
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
		s.link.Disconnect(uint(s.cfg.Timing.Grace.Milliseconds()) / 2) // mostly at once
		s.left = true
	}
}

// end leaves the connection and waits until nothing of it is running. An
// acknowledgement that came at the last moment still counts.
func (s *session) end(ctx context.Context, e *ending) {
	why := e.err
	if why == nil {
		why = errAborted
	}
	s.beside()
	if s.stopRace != nil {
		s.stopRace()
	}
	if !s.left {
		s.link.conn.raw.account()
		s.link.drop(why)
	}
	close(s.over)
	s.waiting.Wait()
	if s.rescue != nil {
		if a := <-s.rescue; a.link != nil {
			a.link.drop(errAborted)
		}
	}
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
