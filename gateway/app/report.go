package app

import (
	"context"
	"database/sql"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
	"sentrybox/uplink/budget"
	"sentrybox/uplink/outbox"
)

const (
	metricsEvery = time.Minute
	// republishEvery bounds how often everything open is published again to
	// brokers that come and go.
	republishEvery = 10 * time.Minute
	// republishMoved bounds the same for brokers that take turns: the first change is answered at
	// once, since another broker than before knows less.
	republishMoved = time.Minute
)

// cameraState is the payload of device/{id} for a camera.
type cameraState struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Grid      string     `json:"grid,omitempty"`
	State     string     `json:"state"` // a camera.Phase
	Since     alert.Time `json:"since"`
	Reason    string     `json:"reason,omitempty"`
	Codec     string     `json:"codec,omitempty"`
	Width     int        `json:"width,omitempty"`
	Height    int        `json:"height,omitempty"`
	FPS       float64    `json:"fps,omitempty"`
	Transport string     `json:"transport,omitempty"`
	Sandboxed bool       `json:"sandboxed"`
	Detector  string     `json:"detector,omitempty"` // why the people detector is not used
	// Rate is how many pictures a second are analysed, 0 for keyframes alone, while the box
	// is too slow for more.
	Rate *float64 `json:"rate,omitempty"`
}

// deviceState publishes a camera's state.
func (a *App) deviceState(cfg *config.Camera, s camera.State) {
	level := a.Log.Info
	if s.Reason != "" || s.Detector != "" {
		level = a.Log.Warn
	}
	level("camera", "camera", cfg.ID, "state", s.Phase, "reason", s.Reason, "stream", s.Info.String(), "sandboxed", s.Sandbox.Seccomp, "detector", s.Detector)
	d := cameraState{
		ID: cfg.ID, Type: "camera", Grid: cfg.Grid, State: string(s.Phase), Since: alert.Time{Time: s.Since}, Reason: s.Reason,
		Width: s.Info.Width, Height: s.Info.Height, FPS: s.Info.FPS, Transport: s.Info.Transport, Sandboxed: s.Sandbox.Seccomp, Detector: s.Detector,
	}
	if s.Info.Codec != 0 {
		d.Codec = s.Info.Codec.String()
	}
	if s.Pace != (wire.Pace{}) {
		rate := s.Rate(s.Pace.Rate)
		d.Rate = &rate
	}
	a.board.post(cfg.ID, d)
}

// report publishes metrics, and sweeps up, until ctx ends.
func (a *App) report(ctx context.Context) error {
	tick := time.NewTicker(metricsEvery)
	defer tick.Stop()
	flush := time.NewTicker(budget.FlushEvery)
	defer flush.Stop()
	if err := a.measure(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("no metrics this time", "error", err)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-flush.C:
			if err := a.flushMeters(ctx); err != nil && ctx.Err() == nil {
				a.Log.Error("the use of the uplinks is not noted", "error", err)
			}
		case now := <-tick.C:
			if err := a.measure(ctx); err != nil && ctx.Err() == nil {
				a.Log.Error("no metrics this time", "error", err)
			}
			a.sweep(ctx, now)
		}
	}
}

// put queues an item that is no part of an alert.
func (a *App) put(ctx context.Context, it outbox.Item) error {
	err := a.store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := a.outbox.Put(ctx, tx, it)
		return err
	})
	if err == nil {
		a.outbox.Wake()
		a.mirror([]outbox.Item{it})
	}
	return err
}

// republish queues open alerts and device states again each time a broker has
// been reached, since it may have forgotten what it once acknowledged.
func (a *App) republish(ctx context.Context) error {
	var moved time.Time // when a change of the broker was last answered
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.online:
			if taken(a.moved) {
				moved = time.Now()
			}
		case <-a.moved:
			taken(a.online) // the other broker is also one that was reached
			moved = time.Now()
		}
		a.publishAgain(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(republishEvery):
		case <-a.moved:
			a.signal(a.moved) // it is still to be done
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(republishMoved - time.Since(moved)):
			}
		}
	}
}

// taken takes a token out of c if there is one.
func taken(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// publishAgain queues what a broker must know that knows nothing.
func (a *App) publishAgain(ctx context.Context) {
	a.board.again()
	a.publishPlans(ctx)
	if a.home.Root != "" {
		if err := a.announce(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("Home Assistant does not know the devices", "error", err)
		}
	}
	n, err := a.alerts.Republish(ctx, time.Now())
	switch {
	case err != nil && ctx.Err() == nil:
		a.Log.Error("open alerts are not published again", "error", err)
	case n > 0:
		a.Log.Info("open alerts published again", "count", n)
	}
}
