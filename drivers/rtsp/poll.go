package rtsp

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pollSoon, pollLate and pollRest are how long a packet may wait in the socket: while a
	// picture may decide something, and as Relax says.
	pollSoon = 100 * time.Millisecond
	pollLate = 250 * time.Millisecond
	pollRest = 500 * time.Millisecond
	// pollAgain is how soon after much was read there is another look, so that a full
	// socket does not stop the camera, and how long an answer to a request waits.
	pollAgain = 10 * time.Millisecond
)

// Poller looks after the TCP connections of many cameras by polling. Being woken for
// each of some hundred packets a second costs more than all that is done with
// them; a Poller wakes the program a few times a second, once for all cameras.
// The zero value is ready. Its goroutine runs while there is a connection.
type Poller struct {
	buffers buffers // of the sources that are polled

	mu    sync.Mutex
	conns []*polled     // guarded by mu
	kick  chan struct{} // guarded by mu: holds a token when somebody wants a look sooner
}

// urgency decides how often a connection is looked at.
type urgency struct {
	playing atomic.Bool  // requests and their answers are over
	late    atomic.Int64 // as of Relax
	byClock atomic.Bool  // media time is that of arrival
}

func (u *urgency) interval() time.Duration {
	late := time.Duration(u.late.Load())
	switch {
	case !u.playing.Load():
		return pollAgain
	case late >= pollRest && !u.byClock.Load():
		return pollRest
	case late >= pollLate:
		return pollLate
	default:
		return pollSoon
	}
}

// adopt makes a connection one that is polled; what cannot be polled it returns as it
// is. drained, if not nil, is called by the reader each time
// that it has taken all there was.
func (p *Poller) adopt(conn net.Conn, u *urgency, drained func()) net.Conn {
	c, err := newPolled(conn, u, drained)
	if err != nil || c == nil {
		return conn
	}
	c.poller = p
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
	if len(p.conns) == 1 {
		p.kick = make(chan struct{}, 1)
		go p.run(p.kick)
	}
	return c
}

// remove forgets a connection.
func (p *Poller) remove(c *polled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(o *polled) bool { return o == c })
	p.hurry()
}

// hurry is called with mu held.
func (p *Poller) hurry() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// sooner has the poller look again at when it is to wake.
func (p *Poller) sooner() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kick != nil {
		p.hurry()
	}
}

// run polls until no connection is left.
func (p *Poller) run(kick <-chan struct{}) {
	base := time.Now()
	base = base.Add(untilBeat(base, pollRest) - pollRest)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var due []*polled
	for {
		select {
		case <-timer.C:
		case <-kick:
		}
		p.mu.Lock()
		if len(p.conns) == 0 {
			p.kick = nil
			p.mu.Unlock()
			return
		}
		now := time.Now()
		next := now.Add(pollRest)
		due = due[:0]
		for _, c := range p.conns {
			if at := c.due(base); at.After(now) {
				next = earlier(next, at)
			} else {
				due = append(due, c)
			}
		}
		p.mu.Unlock()
		look(due, now)
		for _, c := range due {
			next = earlier(next, c.due(base))
		}
		timer.Reset(time.Until(next))
	}
}

// untilBeat returns the time to the next multiple of every on the wall clock, so that what is done
// every so often is done at one moment by all.
func untilBeat(now time.Time, every time.Duration) time.Duration {
	return every - time.Duration(now.UnixNano()%int64(every))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// slot returns the first multiple of every since base that is after t, so that all
// connections are looked at together.
func slot(base, t time.Time, every time.Duration) time.Time {
	return base.Add(t.Sub(base).Truncate(every) + every)
}
