package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/store"
	"sentrybox/uplink/budget"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/spool"
)

// open opens everything durable.
func (a *App) open(ctx context.Context) error {
	var err error
	a.store, err = store.Open(ctx, a.Config.Data, store.Migration{Component: "outbox", Steps: outbox.Schema()},
		store.Migration{Component: "uplink_usage", Steps: budget.Schema()}, command.Schema(), evidence.Schema())
	if err != nil {
		return err
	}
	lanes := a.Config.Storage.Lanes
	a.metrics, err = spool.Open(spool.Options{
		Dir: filepath.Join(a.Config.Data, "metrics", "mqtt"), Now: time.Now,
		MaxBytes: int64(lanes.Metrics.Bytes), MaxAge: time.Duration(lanes.Metrics.Age),
	})
	if err != nil {
		return errors.Join(err, a.store.Close())
	}
	a.outbox, err = outbox.New(ctx, a.store.DB(), time.Now, outbox.WithLimits(limits(lanes)),
		outbox.WithMetrics(spool.Lane{Spool: a.metrics, Topic: "metrics"}))
	if err != nil {
		return errors.Join(err, a.metrics.Close(), a.store.Close())
	}
	return nil
}

func (a *App) close(ctx context.Context) error {
	return errors.Join(a.flushMeters(ctx), a.outbox.Close(ctx), a.metrics.Close(), a.store.Close())
}

func limits(lanes config.Lanes) outbox.Limits {
	l := outbox.DefaultLimits()
	for lane, c := range map[outbox.Lane]config.Lane{
		outbox.Reply: lanes.Reply, outbox.Thumbnail: lanes.Thumbnail, outbox.State: lanes.State, outbox.Evidence: lanes.Evidence,
	} {
		l[lane] = outbox.Limit{Bytes: int64(c.Bytes), Age: time.Duration(c.Age)}
	}
	return l
}

// sweep keeps everything durable within its limits.
func (a *App) sweep(ctx context.Context, now time.Time) {
	if err := a.metrics.Sweep(); err != nil {
		a.Log.Error("metrics stay in memory", "error", err)
	}
	if err := a.outbox.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("the outbox is not swept", "error", err)
	}
	if err := a.evidence.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("old evidence stays", "error", err)
	}
	if n, err := a.store.Trim(ctx, now.Add(-keepClosed)); err != nil && ctx.Err() == nil {
		a.Log.Error("old alerts stay", "error", err)
	} else if n > 0 {
		a.Log.Info("old alerts deleted", "count", n)
	}
}
