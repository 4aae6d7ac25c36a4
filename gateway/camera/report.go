package camera

import (
	"context"
	"errors"
	"math"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media/keep"
	"sentrybox/gateway/alert"
)

const (
	raiseAgainMin = time.Second
	raiseAgainMax = 30 * time.Second
	lastTry       = 3 * time.Second
	// changeTries is the longest wait before another try at a change: new events are
	// worth more.
	changeTries = 4 * time.Second
	// mostOpen bounds the behaviours of one process that may still change.
	mostOpen = 256
)

// report is what one of a process's detections means for alerts.
type report struct {
	alert.Event
	of      *behaviour
	changed bool // it was reported before, and has become agitated since
}

// behaviour is one that a process has reported the beginning of.
type behaviour struct {
	alert    string // the id of its alert, once it is durable; deliver's alone
	agitated bool   // as it was reported; take's alone
}

// take turns a process's detections into reports until the process is gone.
func (c *Camera) take(p *Process) {
	limit := bucket{tokens: eventBurst, last: time.Now()}
	open := make(map[uint64]*behaviour)
	for d := range p.Detections() {
		c.Log.Debug("detection", "phase", d.Phase, "kind", d.Kind, "zone", d.Zone, "start", d.Start, "detected", d.Detected)
		b := follow(open, &d)
		if b == nil {
			continue
		}
		now := time.Now()
		if !limit.allow(now) {
			c.lost()
			continue
		}
		r := report{of: b, changed: d.Phase == wire.Changed, Event: alert.Event{
			Device: c.Config.ID, Grid: c.Settings().Grid, Kind: string(d.Kind), Zone: d.Zone,
			Severity: d.Severity,
			Start:    believe(d.StartWall, now), Detected: believe(d.DetectWall, now),
			Confidence: math.Round(d.Confidence*100) / 100, Floor: d.Floor, Agitated: d.Agitated, Thumbnail: d.JPEG,
			Picture: func(ctx context.Context) []byte { return p.picture(ctx, d.ID).JPEG },
		}}
		select {
		case c.events <- r:
		default:
			c.lost()
		}
	}
}

// follow returns the behaviour that a detection begins or changes, nil if there is
// nothing to report: each changes once, between its two ends.
func follow(open map[uint64]*behaviour, d *wire.Detection) *behaviour {
	b := open[d.ID]
	switch d.Phase {
	case wire.Begun:
		b = &behaviour{agitated: d.Agitated}
		if len(open) < mostOpen {
			open[d.ID] = b
		}
		return b
	case wire.Changed:
		if b == nil || b.agitated {
			return nil
		}
		b.agitated = true
		return b
	default:
		delete(open, d.ID)
		return nil
	}
}

// deliver makes reports durable, each until it is.
func (c *Camera) deliver(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return c.deliverRest(ctx)
		case r := <-c.events:
			if err := c.raise(ctx, r); err != nil {
				c.last(ctx, r)
				return c.deliverRest(ctx)
			}
		}
	}
}

// deliverRest makes what was decided before the end durable, with one try each.
func (c *Camera) deliverRest(ctx context.Context) error {
	for {
		select {
		case r := <-c.events:
			c.last(ctx, r)
		default:
			return ctx.Err()
		}
	}
}

func (c *Camera) last(ctx context.Context, r report) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
	defer cancel()
	if err := c.try(ctx, r); err != nil {
		c.Log.Error("an event was not durable before the end", "kind", r.Kind, "zone", r.Zone, "error", err)
		c.lost()
	}
}

func (c *Camera) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.EventsLost++
}

// try makes a report durable. A change whose beginning was lost is an event of its own.
func (c *Camera) try(ctx context.Context, r report) error {
	c.setRaising(time.Now())
	defer c.setRaising(time.Time{})
	if r.changed && r.of.alert != "" {
		return c.Agitate(ctx, r.of.alert, r.Event)
	}
	id, err := c.Raise(ctx, r.Event)
	if err == nil || errors.Is(err, alert.ErrHeld) {
		r.of.alert = id
	}
	return err
}

func (c *Camera) raise(ctx context.Context, r report) error {
	for wait := raiseAgainMin; ; wait = min(2*wait, raiseAgainMax) {
		err := c.try(ctx, r)
		if err == nil || errors.Is(err, alert.ErrHeld) || ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, alert.ErrInvalid) || r.changed && wait > changeTries { // no other try will do, or is worth it
			c.Log.Error("an event cannot be an alert", "kind", r.Kind, "zone", r.Zone, "error", err)
			c.lost()
			return nil
		}
		c.Log.Error("an event could not be made durable, trying again", "kind", r.Kind, "zone", r.Zone, "error", err, "after", wait)
		if err := keep.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Camera) setRaising(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raising = at
}

// Raising is for how long the camera has been making an event durable, without an answer; 0 while it
// is not.
func (c *Camera) Raising() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raising.IsZero() {
		return 0
	}
	return time.Since(c.raising)
}
