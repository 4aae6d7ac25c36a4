package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/backup"
	"sentrybox/gateway/beat"
	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/homeassistant"
	"sentrybox/gateway/radio"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
	"sentrybox/uplink/budget"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/shortform"
	"sentrybox/uplink/spool"
)

// tables are what the parts keep in the database.
func tables() []store.Migration {
	return []store.Migration{
		{Component: "outbox", Steps: outbox.Schema(), Keep: map[string]string{"outbox": outbox.Urgent}, Mend: outbox.Mend},
		{Component: "uplink_usage", Steps: budget.Schema()}, {Component: "short_form", Steps: shortform.Schema()},
		command.Schema(), evidence.Schema(), homeassistant.Schema(), account.Schema(), device.Schema(), radio.Schema(), revision.Schema(), survey.Schema(),
	}
}

// open opens everything durable.
func (a *App) open(ctx context.Context) error {
	c := a.Config.Storage
	a.disk = &store.Disk{Dir: a.Config.Data, Floor: int64(c.Floor), Reserve: int64(c.Reserve)}
	var err error
	a.store, err = store.OpenDisk(ctx, a.disk, tables()...)
	if err != nil {
		return err
	}
	if err := a.openClock(ctx); err != nil {
		return errors.Join(err, a.store.Close())
	}
	a.metrics, err = spool.Open(spool.Options{
		Dir: filepath.Join(a.Config.Data, "metrics", "mqtt"), Now: time.Now, Room: a.disk.Room,
		MaxBytes: int64(c.Lanes.Metrics.Bytes), MaxAge: time.Duration(c.Lanes.Metrics.Age),
	})
	if err == nil {
		err = a.openInflux()
	}
	if err != nil {
		return errors.Join(err, a.store.Close())
	}
	a.outbox, err = outbox.New(ctx, a.store.DB(), time.Now, outbox.WithLimits(limits(c.Lanes)), outbox.WithRoom(a.disk.Room), outbox.WithAged(a.clock.Aged),
		outbox.WithMetrics(spool.Lane{Spool: a.metrics, Topic: "metrics"}))
	if err != nil {
		return errors.Join(err, a.metrics.Close(), a.store.Close())
	}
	return nil
}

func (a *App) close(ctx context.Context) error {
	return errors.Join(a.flushMeters(ctx), a.outbox.Close(ctx), a.metrics.Close(), a.closeInflux(), a.store.Close())
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
	for _, s := range []*spool.Spool{a.metrics, a.influxSpool} {
		if s == nil {
			continue
		}
		if err := s.Sweep(); err != nil {
			a.Log.Error("metrics stay in memory", "error", err)
		}
	}
	if err := a.outbox.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("the outbox is not swept", "error", err)
	}
	if err := a.evidence.Sweep(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("old evidence stays", "error", err)
	}
	old := time.Time{} // when now is, for what goes by its age: a clock that may be wrong makes nothing old
	if a.clock.Aged() {
		old = now
		if n, err := a.store.Trim(ctx, now.Add(-store.KeepClosed)); err != nil && ctx.Err() == nil {
			a.Log.Error("old alerts stay", "error", err)
		} else if n > 0 {
			a.Log.Info("old alerts deleted", "count", n)
		}
	}
	if err := backup.Sweep(a.Config.Data, old, a.disk.Room()); err != nil {
		a.Log.Error("the site that was before the last restore stays", "error", err)
	}
	if a.store.BackupDue(now) && a.disk.Room() {
		if err := a.store.Backup(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("no backup of the database", "error", err)
		}
	}
}

// guardEvery is how often the disk is looked at.
const guardEvery = 3 * time.Second

// guard tells the duty room of a disk that fails and of a database that did, and
// makes durable what had to wait, until ctx ends.
func (a *App) guard(ctx context.Context) error {
	tick := time.NewTimer(0)
	defer tick.Stop()
	told, first := store.DiskGood, true
	for {
		if state := a.disk.Check(); first || state != told {
			if a.tellDisk(ctx, state) {
				told, first = state, false
			}
		}
		tick.Reset(beat.Until(time.Now(), guardEvery))
		if _, err := a.alerts.Settle(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("alerts stay in memory", "error", err)
			a.disk.Failed(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.store.Corrupt():
			return store.ErrCorrupt
		case <-tick.C:
		}
	}
}

// tellDisk opens the system alert of the state, closes those of the others, and
// reports whether it could.
func (a *App) tellDisk(ctx context.Context, state store.DiskState) bool {
	for _, code := range []store.DiskState{store.DiskLow, store.DiskFull, store.DiskReadOnly} {
		var err error
		switch {
		case code == state:
			a.Log.Error(text.T(text.English, text.Key("system."+string(code))), "data", a.Config.Data)
			err = a.alerts.RaiseSystem(ctx, string(code))
		case state != store.DiskReadOnly: // then nothing can be closed
			err = a.alerts.SystemOver(ctx, string(code))
		}
		if err != nil {
			if ctx.Err() == nil {
				a.Log.Error("the state of the disk is not told", "state", code, "error", err)
			}
			return false
		}
	}
	if state == store.DiskGood {
		a.board.again() // what was dropped meanwhile
	}
	return true
}

// recovered puts back what a damaged database has lost, and tells the duty room.
// Whatever fails of it, the gateway goes on: the next start tries again.
func (a *App) recovered(ctx context.Context) {
	r := a.store.Recovery()
	if r.Reason == "" && len(r.Missing) == 0 {
		return
	}
	a.Log.Error("the database was damaged", "reason", r.Reason, "set_aside", r.SetAside, "backup", r.Backup, "from_the_journal", len(r.Missing))
	if err := a.alerts.Restore(ctx, r.Missing); err != nil {
		a.Log.Error("alerts are in the journal alone", "error", err)
	}
	code := alert.StoreRestored
	if !r.Complete {
		code = alert.StoreLost
	}
	if err := a.alerts.RaiseSystem(ctx, code); err != nil {
		a.Log.Error("the duty room is not told of the damage", "error", err)
	}
}
