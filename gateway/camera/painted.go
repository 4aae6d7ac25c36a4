package camera

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"time"

	"sentrybox/drivers/media"
)

const (
	// paintedEvery is the time between two pictures of a painted clip: each is encoded whole.
	paintedEvery = 500 * time.Millisecond
	paintedSlack = 2 * time.Second // for one picture
	// paintedSame is how far the ages of one picture, asked for twice, may lie apart.
	paintedSame = 50 * time.Millisecond
)

// RecordPainted returns pictures of a moment in which what is private is painted over, as MJPEG: two a
// second, from now until Recording.After has passed. There is none of before: what was not asked for
// is not kept anywhere as a picture. It fails with ErrNoVideo.
func (c *Camera) RecordPainted(ctx context.Context, r Recording) ([]media.AccessUnit, error) {
	return recordPainted(ctx, c.Still, r)
}

// still is Camera.Still.
type still func(ctx context.Context, most int) (jpeg []byte, age time.Duration, err error)

func recordPainted(ctx context.Context, get still, r Recording) ([]media.AccessUnit, error) {
	tick := time.NewTicker(paintedEvery)
	defer tick.Stop()
	var units []media.AccessUnit
	var size int
	var shape image.Point
	for end := r.At.Add(r.After); ; {
		if au, ok := painted(ctx, get, &shape); ok && (len(units) == 0 || au.Wall.Sub(units[len(units)-1].Wall) > paintedSame) {
			if size += len(au.Data); size > r.MaxBytes {
				break
			}
			if len(units) > 0 {
				au.PTS = au.Wall.Sub(units[0].Wall)
			}
			units = append(units, au)
		}
		if !time.Now().Before(end) {
			break
		}
		select {
		case <-ctx.Done():
			end = time.Now() // what there is is kept
		case <-tick.C:
		}
	}
	if len(units) == 0 {
		return nil, ErrNoVideo
	}
	return units, nil
}

// painted returns the newest picture, of the same shape as those before.
func painted(ctx context.Context, get still, shape *image.Point) (media.AccessUnit, bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), paintedSlack)
	defer cancel()
	data, age, err := get(ctx, 0)
	if err != nil {
		return media.AccessUnit{}, false // a vision process that begins anew; the next may be there
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	got := image.Point{X: cfg.Width, Y: cfg.Height}
	if err != nil || *shape != (image.Point{}) && got != *shape {
		return media.AccessUnit{}, false
	}
	*shape = got
	return media.AccessUnit{Codec: media.MJPEG, Keyframe: true, Data: data, Wall: time.Now().Add(-age)}, true
}
