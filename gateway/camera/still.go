package camera

import (
	"context"
	"errors"

	"sentrybox/analytics/wire"
)

// ErrNoPicture means that nothing has been decoded of late.
var ErrNoPicture = errors.New("the camera gives no picture now")

// Still returns the newest picture that was decoded, a JPEG with private parts painted
// over: small, of at most so many bytes, or whole where most is 0. While nothing happens it is as
// old as the last keyframe.
func (c *Camera) Still(ctx context.Context, most int) ([]byte, error) {
	c.mu.Lock()
	p := c.vision
	c.mu.Unlock()
	if p == nil {
		return nil, ErrNoPicture
	}
	ask := wire.Still{ID: wire.StillID + p.stills.Add(1), Most: most}
	if err := p.w.JSON(wire.TypeStill, ask); err != nil {
		return nil, ErrNoPicture // the process is about to be replaced
	}
	jpeg := p.picture(ctx, ask.ID)
	if len(jpeg) == 0 {
		return nil, ErrNoPicture
	}
	return jpeg, nil
}
