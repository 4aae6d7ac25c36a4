package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
	"sentrybox/uplink/outbox"
)

const (
	metricsEvery = time.Minute
	// metricsExpire keeps a line that is gone for a day from waking up to a day
	// of metrics.
	metricsExpire = 5 * time.Minute
	putWithin     = 5 * time.Second
)

// device is the payload of device/{id} for a camera.
type device struct {
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
}

// deviceState queues a camera's state; the newest replaces one not yet sent.
func (a *App) deviceState(cfg *config.Camera, s camera.State) {
	level := a.Log.Info
	if s.Reason != "" {
		level = a.Log.Warn
	}
	level("camera", "camera", cfg.ID, "state", s.Phase, "reason", s.Reason, "stream", s.Info.String(), "sandboxed", s.Sandbox.Seccomp)
	d := device{
		ID: cfg.ID, Type: "camera", Grid: cfg.Grid, State: string(s.Phase), Since: alert.Time{Time: s.Since}, Reason: s.Reason,
		Width: s.Info.Width, Height: s.Info.Height, FPS: s.Info.FPS, Transport: s.Info.Transport, Sandboxed: s.Sandbox.Seccomp,
	}
	if s.Info.Codec != 0 {
		d.Codec = s.Info.Codec.String()
	}
	b, err := json.Marshal(d)
	if err != nil {
		a.Log.Error("a camera's state could not be encoded", "camera", cfg.ID, "error", err)
		return
	}
	topic := "device/" + cfg.ID
	ctx, cancel := context.WithTimeout(context.Background(), putWithin)
	defer cancel()
	a.put(ctx, outbox.Item{Lane: outbox.State, Topic: topic, Key: topic, Retain: true, Payload: b})
}

// report publishes metrics until ctx ends.
func (a *App) report(ctx context.Context) error {
	tick := time.NewTicker(metricsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		b, err := a.monitor.Sample(ctx)
		if err != nil {
			a.Log.Error("no metrics this time", "error", err)
			continue
		}
		a.put(ctx, outbox.Item{Lane: outbox.Metrics, Topic: "metrics", Payload: b, Expires: time.Now().Add(metricsExpire)})
	}
}

// put queues an item that may be lost: there is a newer one soon.
func (a *App) put(ctx context.Context, it outbox.Item) {
	err := a.store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := a.outbox.Put(ctx, tx, it)
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.Log.Error("not queued", "topic", it.Topic, "error", err)
		return
	}
	a.outbox.Wake()
}
