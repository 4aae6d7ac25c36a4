//go:build cgo

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"sentrybox/analytics/cv"
	"sentrybox/drivers/media"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/config"
)

// live decodes every picture of a camera and hands it to the detector, until it
// is told to end. hack/bench measures what that costs.
func live(cam *config.Camera, url string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := cv.UseOneThread(); err != nil {
		return err
	}
	source, err := rtsp.New(rtsp.Config{URL: url, Transport: rtsp.TCP})
	if err != nil {
		return err
	}
	d := newDetector(cam, os.Stdout)
	defer d.close()
	var dec *cv.Decoder
	var luma cv.Luma
	err = source.Run(ctx, func(au media.AccessUnit) {
		var err error
		if dec == nil {
			dec, err = cv.NewDecoder(uint8(au.Codec))
		}
		if err == nil {
			err = dec.Send(au.Data, au.PTS, au.Keyframe)
		}
		if err == nil || errors.Is(err, cv.ErrDamaged) {
			err = receive(dec, &luma, d)
		}
		if err != nil {
			cancel(err)
		}
	})
	if dec != nil {
		err = errors.Join(err, dec.Close())
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return nil
}
