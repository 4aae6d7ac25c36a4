package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/evidence"
)

// stillWithin is how long a camera has for the picture of a sensor's alert.
const stillWithin = 10 * time.Second

// correlated raises the alerts of sensors, and shows each what the camera of its grid sees.
type correlated struct {
	*alert.Service
	app *App
}

// Raise is alert.Service's.
func (c correlated) Raise(ctx context.Context, e alert.Event) (alert.Alert, error) {
	a, err := c.Service.Raise(ctx, e)
	if err == nil && a.Rev == 1 && a.Grid != "" && len(e.Thumbnail) == 0 {
		c.app.look(a)
	}
	return a, err
}

// look has the cameras of an alert's grid keep what they see: the first that has a picture gives it,
// and the first that may keep clips its clip.
func (a *App) look(al alert.Alert) {
	cams, cameras := a.fleet.cameras(), a.current.Load().Cameras
	var ids []string
	for _, cfg := range cameras {
		if cfg.Grid == al.Grid && cams[cfg.ID] != nil {
			ids = append(ids, cfg.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	r := evidence.Request{Alert: al.ID, Device: ids[0], Picture: func(ctx context.Context) []byte { return a.illustrate(ctx, al.ID, ids, cams) }}
	for i := range cameras {
		cfg := &cameras[i]
		if !slices.Contains(ids, cfg.ID) {
			continue
		}
		if r.Record = a.recorder(cfg, cams[cfg.ID], al.DetectedAt.Time); r.Record != nil {
			break
		}
	}
	a.evidence.Keep(a.keeping, r)
}

// illustrate gives the alert a thumbnail and returns the whole picture, nil if no camera has one.
func (a *App) illustrate(ctx context.Context, id string, ids []string, cams map[string]*camera.Camera) []byte {
	ctx, cancel := context.WithTimeout(ctx, stillWithin)
	defer cancel()
	for _, cam := range ids {
		small, _, err := cams[cam].Still(ctx, cmp.Or(thumbnailBytes(a.Config.Uplink.Metered()), wire.MaxThumbnail))
		if err != nil {
			continue
		}
		if err := a.alerts.Illustrate(ctx, id, small); err != nil {
			a.Log.Error("the picture of a grid is not kept", "alert", id, "camera", cam, "error", err)
		}
		whole, _, err := cams[cam].Still(ctx, 0)
		if err == nil {
			return whole
		}
	}
	return nil
}
