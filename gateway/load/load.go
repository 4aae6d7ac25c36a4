// Package load shares the box among the cameras.
//
// When the box is too slow, the vision processes fall behind. Then every camera is
// analysed less often, all by the same step, until they keep up; a camera of an open alert
// comes last. A camera that is too much for one core slows itself alone. What
// was taken is given back step by step, the more carefully the more often that
// was too early.
package load

import (
	"slices"
	"time"

	"sentrybox/analytics/wire"
)

const (
	// lagging is how far a vision process may be behind; easy is what counts as keeping up.
	lagging = 400 * time.Millisecond
	easy    = 200 * time.Millisecond
	// twice is how far behind is reason for two steps at once.
	twice = 2 * time.Second
	// persists is for how many looks on end it must be so.
	persists = 2
	// settle is how long a step takes to show, and cool how long it does on a temperature.
	settle = 3 * time.Second
	cool   = 15 * time.Second
	// pressed is the share of time in which something waited for a processor that makes
	// a lag everybody's.
	pressed = 0.4
	// A step is given back after holdLeast without lag. That doubles, up to holdMost, each time
	// that it has to be taken again within relapse, and halves when it has not.
	holdLeast = 10 * time.Second
	holdMost  = 5 * time.Minute
	relapse   = 5 * time.Minute
	// hottest is the last step that a temperature alone can bring about.
	hottest = 4
)

// paces are the steps, from all that analysis wants to what is left of it.
func paces() []wire.Pace {
	return []wire.Pace{{}, {Rate: 6}, {Rate: 4}, {Rate: 3}, {Rate: 2}, {Rate: 2, Keyframes: true}}
}

// Steps is the number of the last step: keyframes alone.
func Steps() int { return len(paces()) - 1 }

// Camera is a camera at one look.
type Camera struct {
	ID     string
	Lag    time.Duration // that its vision process is behind
	Urgent bool          // it has an open alert
}

// Signs are what one look at the box shows.
type Signs struct {
	Cameras []Camera
	// Pressure is the share of time in which something waited for a processor, below 0 if
	// that is not known.
	Pressure float64
	Hot      string // what slows the processor down, empty if nothing does
}

// Controller decides how often each camera is analysed. It is fed a look a second.
type Controller struct {
	calm   step            // of cameras without an open alert
	urgent step            // of those with one
	own    map[string]step // of those that are too much for one core
	bad    map[string]int  // looks on end for which a camera has lagged
	reason Reason
}

// Reason is why a box does not do all that it should.
type Reason string

// The reasons.
const (
	Fine Reason = ""
	Busy Reason = "cpu"         // there is too much to do
	Hot  Reason = "temperature" // the processor was slowed down
)

// step is one of paces, with what has come of it.
type step struct {
	n     int
	at    time.Time // of the last change
	given time.Time // when a step was last given back
	since time.Time // without trouble since
	hold  time.Duration
}

// worse takes n steps more if the last has had its time.
func (s *step) worse(now time.Time, n int, wait time.Duration, last int) bool {
	s.since = now
	if s.n >= last || now.Sub(s.at) < wait {
		return false
	}
	if !s.given.IsZero() && now.Sub(s.given) < relapse {
		s.hold = min(2*s.hold, holdMost)
	}
	s.n, s.at = min(s.n+n, last), now
	return true
}

// better gives a step back if all has been well for long enough.
func (s *step) better(now time.Time) bool {
	s.hold = max(s.hold, holdLeast)
	if s.since.IsZero() {
		s.since = now
	}
	if s.n == 0 && now.Sub(s.at) > relapse {
		s.hold = holdLeast
	}
	if s.n == 0 || now.Sub(s.since) < s.hold || now.Sub(s.at) < s.hold {
		return false
	}
	if s.at.Equal(s.given) {
		s.hold /= 2
	}
	s.n, s.at, s.given = s.n-1, now, now
	return true
}

// Look takes in what there is to see, and returns the pace of each camera.
func (c *Controller) Look(now time.Time, s Signs) map[string]wire.Pace {
	if c.own == nil {
		c.own, c.bad = map[string]step{}, map[string]int{}
	}
	c.forget(s.Cameras)
	late, worst, clear := c.lags(s.Cameras)
	switch {
	case len(late) > 0 && everybodys(s, len(late), c.calm.n > 0):
		n := 1
		if worst > twice {
			n = 2
		}
		c.reason = Busy
		if s.Hot != "" {
			c.reason = Hot
		}
		c.take(now, n, settle, Steps())
	case len(late) > 0:
		for _, id := range late {
			own := c.own[id]
			own.worse(now, 1, settle, Steps())
			c.own[id] = own
		}
		c.give(now, false)
	case s.Hot != "":
		c.reason = Hot
		c.take(now, 1, cool, hottest)
	default:
		c.give(now, clear)
	}
	return c.paces(s.Cameras)
}

// lags returns the cameras that have lagged for long enough, the largest lag, and whether
// all keep up. One from which there is nothing more to be had is left aside: nobody else can help it.
func (c *Controller) lags(cameras []Camera) (late []string, worst time.Duration, clear bool) {
	clear = true
	for _, cam := range cameras {
		if c.own[cam.ID].n >= Steps() {
			delete(c.bad, cam.ID)
			continue
		}
		worst = max(worst, cam.Lag)
		clear = clear && cam.Lag <= easy
		if cam.Lag <= lagging {
			delete(c.bad, cam.ID)
			continue
		}
		if c.bad[cam.ID]++; c.bad[cam.ID] >= persists {
			late = append(late, cam.ID)
		}
	}
	return late, worst, clear
}

// everybodys says whether the lag of some cameras comes from the box as a whole. Where all are slowed down already
// little speaks for that.
func everybodys(s Signs, late int, slowed bool) bool {
	return slowed && (s.Pressure < 0 || s.Pressure >= pressed/2) || s.Hot != "" || s.Pressure >= pressed || len(s.Cameras) > 1 && 2*late >= len(s.Cameras) || s.Pressure < 0 && late > 1
}

// take makes all cameras slower; those of an open alert once there is nothing more to
// be had from the others.
func (c *Controller) take(now time.Time, n int, wait time.Duration, last int) {
	if c.calm.n < last {
		c.calm.worse(now, n, wait, last)
		c.urgent.since = now
		return
	}
	c.calm.since = now
	if now.Sub(c.calm.at) >= wait {
		c.urgent.worse(now, n, wait, last)
	}
}

// give makes cameras faster again, one step at a time, those of an open alert first.
func (c *Controller) give(now time.Time, clear bool) {
	if !clear {
		c.calm.since, c.urgent.since = now, now
		return
	}
	for id, own := range c.own {
		own.better(now)
		c.own[id] = own
	}
	if c.urgent.n > 0 {
		if c.urgent.better(now) {
			c.calm.since = now
		}
		return
	}
	c.urgent.better(now)
	c.calm.better(now)
	if c.calm.n == 0 {
		c.reason = Fine
	}
}

func (c *Controller) paces(cameras []Camera) map[string]wire.Pace {
	all, steps := make(map[string]wire.Pace, len(cameras)), paces()
	for _, cam := range cameras {
		n := c.calm.n
		if cam.Urgent {
			n = c.urgent.n
		}
		all[cam.ID] = steps[max(n, c.own[cam.ID].n)]
	}
	return all
}

// forget drops what is known of cameras that are no more.
func (c *Controller) forget(cameras []Camera) {
	gone := func(id string) bool {
		return !slices.ContainsFunc(cameras, func(cam Camera) bool { return cam.ID == id })
	}
	for id := range c.own {
		if gone(id) {
			delete(c.own, id)
		}
	}
	for id := range c.bad {
		if gone(id) {
			delete(c.bad, id)
		}
	}
}

// Step is how much was taken from cameras without an open alert: 0 nothing, Steps all
// but keyframes.
func (c *Controller) Step() int { return c.calm.n }

// Reason is why, Fine if Step is 0.
func (c *Controller) Reason() Reason {
	if c.calm.n == 0 {
		return Fine
	}
	return c.reason
}
