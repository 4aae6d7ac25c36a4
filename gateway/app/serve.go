package app

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"sentrybox/gateway/store"
)

// serve runs every part. What raises alerts stops first, so that the uplink can
// still send the last of them.
func (a *App) serve(ctx context.Context) error {
	uplinkCtx, stopUplink := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUplink()
	uplinkDone := make(chan struct{})
	var uplinkErr error // written before uplinkDone is closed
	go func() {
		defer close(uplinkDone)
		uplinkErr = a.uplink.Run(uplinkCtx)
	}()
	parts, partsCtx := errgroup.WithContext(ctx)
	parts.Go(func() error {
		select {
		case <-uplinkDone: // the gateway does not go on without it
			return fmt.Errorf("uplink: %w", orEnded(uplinkErr))
		case <-partsCtx.Done():
			return partsCtx.Err()
		}
	})
	for _, run := range a.parts() {
		parts.Go(func() error { return run(partsCtx) })
	}
	a.keeping = partsCtx
	a.estate.attach(a, a.again)
	a.fleet.attach(a)
	a.setCameras(a.Config)
	parts.Go(func() error { return a.fleet.run(partsCtx) })
	parts.Go(func() error {
		a.watchdog.Watch(partsCtx, a.checks())
		return partsCtx.Err()
	})
	a.tellSystemd(a.systemd.Ready())
	err := parts.Wait()
	a.settle(err)
	stopUplink()
	<-uplinkDone
	return err
}

// parts are what runs beside cameras, sensors and radios, each until its context ends.
func (a *App) parts() []func(context.Context) error {
	all := []func(context.Context) error{
		a.runControl, a.report, a.runShare, a.runSight, a.guard, a.runLED, a.board.run, a.alerts.RunClocks, a.republish,
		a.sender.Run, a.runHomeAssistant, a.runAnnouncers, a.runEvents, a.publishValues, a.runClock, a.runWeb, a.survey.Run, a.await,
	}
	if a.influx != nil {
		all = append(all, a.influx.Run)
	}
	if a.Config.Metrics.Listen != "" {
		all = append(all, a.serveMetrics)
	}
	if a.local != nil {
		all = append(all, a.runBroker)
	}
	if a.short != nil {
		all = append(all, a.short.Run)
	}
	if a.named != nil {
		all = append(all, a.runName)
	}
	return all
}

func (a *App) runClock(ctx context.Context) error { return a.clock.Run(ctx, a.correct, a.beat) }

// runControl serves the control socket. Without it the gateway lacks the command raise, and no more.
func (a *App) runControl(ctx context.Context) error {
	if err := a.control.Run(ctx); ctx.Err() == nil {
		a.Log.Error("no control socket: sentrybox raise does not work", "error", err)
	}
	<-ctx.Done()
	return ctx.Err()
}

// await ends the run when its configuration or its site is to be another.
func (a *App) await(ctx context.Context) error {
	select {
	case a.changed = <-a.next:
		return errChanged
	case <-a.replaced:
		return errReplaced
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle stops what raises alerts once the parts have ended with err, so far as it does not live on in the next run.
func (a *App) settle(err error) {
	if !errors.Is(err, errChanged) && !errors.Is(err, errReplaced) && !errors.Is(err, store.ErrCorrupt) {
		a.fleet.stop() // what they have seen is still raised
		a.estate.stop()
	}
	if errors.Is(err, errReplaced) || errors.Is(err, errChanged) && !sameRadios(a.Config, a.changed) {
		a.estate.waves.stop() // what they have heard is still raised
	}
	a.fleet.detach()
	a.estate.shut()
	a.evidence.Wait()
}

func orEnded(err error) error {
	if err == nil {
		return errors.New("it ended by itself")
	}
	return err
}
