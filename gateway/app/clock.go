package app

import (
	"context"
	"time"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/store"
)

func (a *App) openClock(ctx context.Context) error {
	known, err := a.store.KnownTime(ctx)
	if err != nil {
		return err
	}
	source, err := clock.System()
	if err != nil {
		return err
	}
	a.clock = clock.New(source, known)
	if s := a.clock.Stamp(); !s.Set {
		a.Log.Warn("this machine's clock was never set, or is behind: alerts say so and are corrected later", "clock", time.Now(), "known", known)
	}
	return nil
}

// correct moves the times of what was raised before the clock was set.
func (a *App) correct(ctx context.Context, s clock.Stamp) error {
	n, err := a.alerts.Correct(ctx, s)
	switch {
	case err != nil && ctx.Err() == nil:
		a.Log.Error("the times of alerts are not corrected", "error", err)
	case n > 0:
		a.Log.Info("the clock was set, the times of alerts are corrected", "alerts", n, "clock", time.Now())
	}
	return err
}

func (a *App) beat(ctx context.Context, b clock.Beat) error {
	return a.store.PutBeat(ctx, store.Beat{Boot: b.Boot, Up: b.Up, Wall: b.Wall, Known: b.Known})
}
