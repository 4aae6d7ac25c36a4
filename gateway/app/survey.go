package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/survey"
)

// previewEvery is how often a picture of a camera that is being added is asked for.
const previewEvery = 200 * time.Millisecond

// buildSurvey makes the search for cameras.
func (a *App) buildSurvey(ctx context.Context) error {
	templates, err := find.Templates("")
	if err != nil {
		return err
	}
	a.survey = &survey.Survey{
		Store: a.store, Templates: templates, Log: a.Log.With("part", "survey"), Now: time.Now, Picture: a.preview,
	}
	return a.survey.Open(ctx)
}

// preview takes one picture of a stream that is no camera of ours yet: by a camera of its
// own, which looks for nothing and ends with it.
func (a *App) preview(ctx context.Context, url config.URL) ([]byte, error) {
	vision := a.Vision
	if vision == "" {
		var err error
		if vision, err = FindVision(a.Config.Vision.Path); err != nil {
			return nil, err
		}
	}
	cfg, err := config.ParseCamera("preview", []byte("{id: preview}"), nil)
	if err != nil {
		return nil, err
	}
	cfg.URL = url
	cam := &camera.Camera{
		Config: *cfg, Location: time.UTC, VisionPath: vision, AddressSpace: a.Config.Vision.AddressSpace, Log: slog.New(slog.DiscardHandler),
		OnState: func(camera.State) {},
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- cam.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	tick := time.NewTicker(previewEvery)
	defer tick.Stop()
	for {
		jpeg, _, err := cam.Still(ctx, 0)
		if err == nil || !errors.Is(err, camera.ErrNoPicture) {
			return jpeg, err
		}
		select {
		case <-ctx.Done():
			st := cam.State()
			return nil, fmt.Errorf("%w: the camera is %s: %s", ctx.Err(), st.Phase, st.Reason)
		case <-tick.C:
		}
	}
}
