package app

import (
	"context"
	"errors"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/web"
)

// leap is how far media time may go from one picture to the next within a stream.
const leap = 5 * time.Second

// Private is for web.Live.
func (s site) Private(id string) bool {
	c := s.fleet.cameras()[id]
	return c != nil && len(c.Config.Privacy) > 0
}

// Still is for web.Live.
func (s site) Still(ctx context.Context, id string) ([]byte, time.Duration, error) {
	c := s.fleet.cameras()[id]
	if c == nil {
		return nil, 0, web.ErrNoCamera
	}
	jpeg, age, err := c.Still(ctx, 0)
	if errors.Is(err, camera.ErrNoPicture) && ctx.Err() == nil {
		err = web.ErrNoPicture
	}
	return jpeg, age, err
}

// Watch is for web.Live.
func (s site) Watch(ctx context.Context, id string, send func(web.Frame) error) error {
	c := s.fleet.cameras()[id]
	if c == nil {
		return web.ErrNoCamera
	}
	v := &viewer{send: send}
	err := c.Follow(ctx, v.take)
	if errors.Is(err, camera.ErrStopped) {
		return web.ErrNoCamera
	}
	return err
}

// See is for web.Live.
func (s site) See(ctx context.Context, id string, send func(web.Sight) error) error {
	c := s.fleet.cameras()[id]
	if c == nil {
		return web.ErrNoCamera
	}
	err := c.See(ctx, func(seen camera.Seen) error { return send(web.Sight{At: seen.At, Overlay: seen.Overlay}) })
	if errors.Is(err, camera.ErrStopped) {
		return web.ErrNoCamera
	}
	return err
}

// viewer makes of access units what one browser shows.
type viewer struct {
	send   func(web.Frame) error
	stream *mp4.Live // nil until a keyframe has begun one
	codec  media.Codec
	last   time.Duration
}

// take sends an access unit. What a stream cannot go on over begins a new one, at the
// next keyframe.
func (v *viewer) take(au media.AccessUnit, ago time.Duration, skipped bool) error {
	if au.Codec == media.MJPEG {
		return v.send(web.Frame{MIME: "image/jpeg", Data: au.Data, Age: ago})
	}
	broken := skipped || au.Gap || au.Codec != v.codec || au.PTS < v.last-time.Second || au.PTS > v.last+leap
	if v.stream == nil || broken {
		v.stream = nil
		if !au.Keyframe {
			return nil
		}
		stream, err := mp4.NewLive(&au)
		if err != nil {
			return nil // the next keyframe may do
		}
		v.stream, v.codec = stream, au.Codec
		if err := v.send(web.Frame{MIME: stream.MIME, Data: stream.Head, At: au.PTS, Age: ago}); err != nil {
			return err
		}
	}
	v.last = au.PTS
	part, err := v.stream.Add(&au)
	if err != nil {
		return nil // one picture that cannot be read
	}
	return v.send(web.Frame{Data: part, Age: ago})
}
