package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/config"
	"sentrybox/gateway/support"
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

// support writes the support bundle.
func (a *App) support(ctx context.Context, w io.Writer) error {
	from := &support.Source{
		Config: a.current.Load(), Path: a.Path, Version: a.Version, Recent: a.Recent, DB: a.store.DB(), Now: time.Now,
		State: func(ctx context.Context) (any, error) { return site{a}.State(ctx) },
		Metrics: func(w io.Writer) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
			if err == nil {
				a.monitor.Handler().ServeHTTP(page{w, http.Header{}}, r)
			}
			return err
		},
	}
	return from.Write(ctx, w)
}

// page takes an answer that is for no browser.
type page struct {
	io.Writer
	header http.Header
}

// Header is for http.ResponseWriter.
func (p page) Header() http.Header { return p.header }

// WriteHeader is for http.ResponseWriter.
func (p page) WriteHeader(int) {}
