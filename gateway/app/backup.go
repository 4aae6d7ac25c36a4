package app

import (
	"context"
	"errors"
	"time"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/config"
)

// errReplaced ends a run when a backup is to take the site's place.
var errReplaced = errors.New("a backup takes the site's place")

// Site is the site of a configuration and a data folder, to be backed up or restored.
func Site(path, data, version string) *backup.Site {
	return &backup.Site{
		Config: path, Data: data, Version: version, Tables: tables(), Now: time.Now,
		// In the order in which they refer to each other.
		Leave: []string{
			"alert_steps", "alerts", "clock_unsure", "clock_beats", "outbox", "outbox_dropped", "commands", "evidence_transfers", "evidence",
			"short_form", "uplink_usage", "home_assistant", "device_alarms", "device_heard",
		},
	}
}

// replace has a backup that was prepared take the site's place, soon after it has
// returned.
func (a *App) replace() {
	select {
	case a.replaced <- struct{}{}:
	default:
	}
}

// restored finishes a restore that was prepared, before anything is opened, and
// returns the configuration that it has brought; nil if there was none.
func (a *App) restored(ctx context.Context) (*config.Config, error) {
	if a.Path == "" || !backup.Pending(a.Config.Data) {
		backup.Tidy(a.Config.Data, time.Now())
		return nil, nil
	}
	a.Log.Warn("a backup takes the site's place")
	if _, err := Site(a.Path, a.Config.Data, a.Version).Finish(ctx); err != nil {
		return nil, err
	}
	c, err := config.Load(a.Path)
	if err == nil {
		a.Log.Warn("the site is restored", "gateway", c.Gateway.ID)
	}
	return c, err
}
