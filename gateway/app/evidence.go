package app

import (
	"context"
	"path/filepath"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
)

// maxClipUnits bounds the bytes of a clip.
const maxClipUnits = 32 << 20

func (a *App) buildEvidence(ctx context.Context) error {
	e := a.Config.Evidence
	folder := &evidence.Folder{
		Dir: filepath.Join(a.Config.Data, "evidence"), Store: a.store, Bytes: int64(e.Bytes), Age: time.Duration(e.Age),
		Floor: int64(a.Config.Storage.Floor), Now: time.Now, Aged: func() bool { return a.clock.Aged() }, Log: a.Log.With("part", "evidence"),
	}
	if err := folder.Open(ctx); err != nil {
		return err
	}
	a.evidence = &evidence.Keeper{Folder: folder, Attach: a.alerts.Attach}
	a.sender = evidence.NewSender(folder, a.outbox)
	a.commands = &command.Service{
		Store: a.store, Outbox: a.outbox, Now: time.Now, Log: a.Log.With("part", "command"),
		Handlers: map[string]command.Handler{"evidence": a.sender.Handle, "alert": a.showAlert}, Done: a.sender.Wake,
	}
	a.sender.Commands = a.commands
	if a.local != nil {
		publish := func(topic string, payload []byte) { a.publishLocal(topic, false, payload) }
		a.commands.Local, a.sender.Publish = publish, publish
	}
	return nil
}

// raise makes a camera's event an alert, and begins to keep what was seen of it.
func (a *App) raise(ctx context.Context, cfg *config.Camera, c *camera.Camera, e alert.Event) (string, error) {
	got, err := a.alerts.Raise(ctx, e)
	if err != nil || got.Rev > 1 {
		return got.ID, err // of what was folded into another the evidence is there
	}
	r := evidence.Request{Alert: got.ID, Device: cfg.ID, Picture: e.Picture}
	r.Record = a.recorder(cfg, c, e.Detected)
	a.evidence.Keep(a.keeping, r)
	return got.ID, nil
}

// recorder returns what records a camera's clip of a moment, nil if none is to be kept. Where
// something is private no picture leaves the vision process in which it can be seen, and so no clip
// is cut from the stream.
func (a *App) recorder(cfg *config.Camera, c *camera.Camera, at time.Time) func(context.Context) ([]media.AccessUnit, error) {
	rec := camera.Recording{
		At: at, Before: time.Duration(a.Config.Evidence.Before), After: time.Duration(a.Config.Evidence.After), MaxBytes: maxClipUnits,
	}
	switch {
	case cfg.KeepsClips():
		return func(ctx context.Context) ([]media.AccessUnit, error) { return c.Record(ctx, rec) }
	case cfg.PaintsClips():
		return func(ctx context.Context) ([]media.AccessUnit, error) { return c.RecordPainted(ctx, rec) }
	}
	return nil
}
