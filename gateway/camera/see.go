package camera

import (
	"context"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
)

// Seen is what the detectors made of one picture.
type Seen struct {
	// At is the media time of the picture in the stream that Follow hands out.
	At time.Duration
	// Overlay has indices into the rules of the camera's configuration. It is shared and not to be
	// written to.
	*wire.Overlay
}

// seenQueue is how many overlays wait for one who looks: of who is slower the oldest are left out.
const seenQueue = 8

// See hands out what the detectors make of each picture, until ctx ends or take fails. The vision
// process is asked for it only while somebody looks, and looks at every picture then. When the camera is revised, or
// ends, it returns ErrStopped.
func (c *Camera) See(ctx context.Context, take func(Seen) error) error {
	if c.shown() == nil {
		return ErrStopped
	}
	ctx, cancel := c.whileRuns(ctx)
	defer cancel(nil)
	looks := make(chan Seen, seenQueue)
	c.look(looks, true)
	defer c.look(looks, false)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case s, ok := <-looks:
			if !ok {
				return ErrStopped
			}
			if err := take(s); err != nil {
				return err
			}
		}
	}
}

// look adds or removes one who looks.
func (c *Camera) look(looks chan Seen, on bool) {
	c.asking.Lock()
	defer c.asking.Unlock()
	c.mu.Lock()
	before := len(c.looks) > 0
	if on {
		c.looks = append(c.looks, looks)
	} else {
		c.looks = slices.DeleteFunc(c.looks, func(l chan Seen) bool { return l == looks })
	}
	now, p := len(c.looks) > 0, c.vision
	c.mu.Unlock()
	if now != before && p != nil {
		// One that cannot be told is about to be replaced, and its successor is told as it begins.
		_ = p.Show(now)
	}
}

// see hands an overlay to everybody who looks. It is called by the reader of the process, and
// waits for nobody.
func (c *Camera) see(o *wire.Overlay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.looks) == 0 {
		return
	}
	s := Seen{At: time.Duration(o.Time*float64(time.Second)) + c.between(), Overlay: o}
	for _, l := range c.looks {
		select {
		case l <- s:
			continue
		default:
		}
		select {
		case <-l:
		default:
		}
		select {
		case l <- s:
		default:
		}
	}
}

// between returns what the media time of the stream that people look at is ahead of that which is
// analysed: 0 if they are one, otherwise by their wall clocks. It is called with mu held.
func (c *Camera) between() time.Duration {
	shown := c.shownRing()
	if shown == nil || shown == c.ring {
		return 0
	}
	a, ok := c.ring.newest()
	b, also := shown.newest()
	if !ok || !also {
		return 0
	}
	return (b.PTS - a.PTS) - b.Wall.Sub(a.Wall)
}

// newest returns the newest access unit, without its data.
func (r *ring) newest() (media.AccessUnit, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.units) == 0 {
		return media.AccessUnit{}, false
	}
	return r.units[len(r.units)-1].AccessUnit, true
}

// mostOverlays is how many overlays a second are looked at: more is a process out of its mind.
const mostOverlays = 40

// perSecond counts what comes, for one goroutine.
type perSecond struct {
	since time.Time
	n     int
}

func (c *perSecond) allow(now time.Time) bool {
	if now.Sub(c.since) >= time.Second {
		c.since, c.n = now, 0
	}
	c.n++
	return c.n <= mostOverlays
}

// Show asks the process for an Overlay of each picture from here on, or for none.
func (p *Process) Show(on bool) error {
	if on {
		p.asked.Store(true)
	}
	return p.w.JSON(wire.TypeShow, wire.Show{On: on})
}
