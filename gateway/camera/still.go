package camera

import (
	"context"
	"errors"
	"time"

	"sentrybox/analytics/wire"
)

// ErrNoPicture means that nothing has been decoded of late.
var ErrNoPicture = errors.New("the camera gives no picture now")

// Still returns the newest picture that was decoded, a JPEG with private parts painted
// over: small, of at most so many bytes, or whole where most is 0. age is how long ago its
// access unit came: while nothing happens that is the last keyframe.
func (c *Camera) Still(ctx context.Context, most int) (jpeg []byte, age time.Duration, err error) {
	c.mu.Lock()
	p := c.vision
	c.mu.Unlock()
	if p == nil {
		return nil, 0, ErrNoPicture
	}
	ask := wire.Still{ID: wire.StillID + p.stills.Add(1), Most: most}
	if err := p.w.JSON(wire.TypeStill, ask); err != nil {
		return nil, 0, ErrNoPicture // the process is about to be replaced
	}
	pic := p.picture(ctx, ask.ID)
	if len(pic.JPEG) == 0 {
		return nil, 0, ErrNoPicture
	}
	return pic.JPEG, c.ring.ago(pic.Wall), nil
}
