package onvif

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
)

// How a Listener waits.
const (
	pullFor     = 10 * time.Second // an answer without messages comes after that
	pullLate    = 15 * time.Second // what it may be late: its messages come only once
	lastFor     = 2 * time.Minute  // a pull point, unless it is renewed
	renewAfter  = 45 * time.Second
	emptyRest   = 500 * time.Millisecond // after an answer that came too soon, with nothing
	firstWait   = time.Second            // before it connects again; doubles
	mostWait    = time.Minute
	refusedWait = 10 * time.Minute // devices lock users out for wrong passwords
)

// EventsConfig says which device's events to hear.
type EventsConfig struct {
	Config
	// Motion tells of what the device's own video analysis sees.
	Motion bool
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Listener is the events of a device as a source of calls: a pull point (ONVIF Core, section
// Real-time Pull-Point Notification Interface).
type Listener struct {
	driver.Tracker
	driver.Life

	cfg EventsConfig
}

// NewListener checks the configuration.
func NewListener(cfg EventsConfig) (*Listener, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Timeout <= pullFor {
		cfg.Timeout = pullFor + pullLate
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c, err := New(cfg.Config)
	if err != nil {
		return nil, err
	}
	c.Close()
	return &Listener{cfg: cfg}, nil
}

// Run hears the device until ctx ends.
func (l *Listener) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := l.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	m := &meaning{emit: emit, motion: l.cfg.Motion, on: map[input]bool{}, rings: map[string]string{}}
	wait := firstWait
	for {
		began := time.Now()
		err := l.hear(ctx, m)
		if ctx.Err() != nil {
			return l.Ended(nil)
		}
		m.missed(l.cfg.Now())
		if time.Since(began) > time.Minute {
			wait = firstWait
		}
		rest := wait/2 + rand.N(wait/2) // so that not all come at once
		phase := driver.Unplugged
		var own *Error
		if errors.As(err, &own) && (own.Kind == Refused || own.Kind == Locked) {
			phase, rest = driver.Refused, refusedWait
		}
		l.Enter(phase, err.Error())
		l.cfg.Log.Warn("a device's events are away", "reason", err)
		select {
		case <-ctx.Done():
			return l.Ended(nil)
		case <-time.After(rest):
		}
		wait = min(2*wait, mostWait)
	}
}

// hear subscribes, and pulls until that fails.
func (l *Listener) hear(ctx context.Context, m *meaning) error {
	c, err := New(l.cfg.Config)
	if err != nil {
		return err
	}
	defer c.Close()
	offset, err := c.Clock(ctx) // tokens are made with the device's clock
	known := err == nil
	var own *Error
	if errors.As(err, &own) && (own.Kind == Unreachable || own.Kind == NotONVIF) {
		return err
	}
	service, err := c.eventService(ctx)
	if err != nil {
		return err
	}
	s, err := c.subscribe(ctx, service, lastFor)
	if err != nil {
		return err
	}
	l.Opened()
	defer l.leave(ctx, c, s) // ctx is over
	return l.pull(ctx, c, s, service, m, func(said string, now time.Time) time.Time {
		if t, err := time.Parse(time.RFC3339Nano, said); err == nil && known {
			if t = t.Add(-offset); t.Before(now) && now.Sub(t) < 24*time.Hour {
				return t
			}
		}
		return now
	})
}

// leave gives the pull point back.
func (l *Listener) leave(ctx context.Context, c *Client, s *subscription) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := c.unsubscribe(ctx, s); err != nil {
		l.cfg.Log.Debug("a pull point is left to run out", "reason", err)
	}
}

// pull takes messages until that fails. A pull point that is lost is made anew, at once.
func (l *Listener) pull(ctx context.Context, c *Client, s *subscription, service *url.URL, m *meaning, at func(string, time.Time) time.Time) error {
	renewed, renews := l.cfg.Now(), true
	for {
		now := l.cfg.Now()
		if renews && now.Sub(renewed) > renewAfter {
			renewed = now
			var own *Error
			if err := c.renew(ctx, s, lastFor); errors.As(err, &own) && own.Kind == Fault {
				renews = false // some renew with each pull, and know no other way
			}
		}
		asked := time.Now()
		all, err := c.pull(ctx, s, pullFor)
		if err != nil {
			var own *Error
			if !errors.As(err, &own) || own.Kind != Fault || time.Since(asked) > pullFor {
				return err
			}
			fresh, again := c.subscribe(ctx, service, lastFor)
			if again != nil {
				return err
			}
			*s = *fresh
			renewed = l.cfg.Now()
			m.missed(renewed)
			if all, err = c.pull(ctx, s, pullFor); err != nil {
				return err
			}
		}
		l.Heard("")
		for i := range all {
			m.take(&all[i], at(all[i].Message.Message.UtcTime, l.cfg.Now()))
		}
		if len(all) == 0 && time.Since(asked) < emptyRest {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(emptyRest):
			}
		}
	}
}
