package camera

import (
	"context"
	"errors"
	"time"

	"sentrybox/drivers/media"
)

// ErrStopped means that a camera is not running.
var ErrStopped = errors.New("the camera is not running")

// Follow hands out the access units of a camera as they come, from the newest keyframe
// on, until ctx ends or take fails. Who takes slowly is moved to the newest keyframe;
// skipped says that something was left out before this one. Of two streams it is the one that is analysed, unless only the
// other is H.264, which every browser plays. ago is how long ago the access unit came.
func (c *Camera) Follow(ctx context.Context, take func(au media.AccessUnit, ago time.Duration, skipped bool) error) error {
	r := c.shown()
	if r == nil {
		return ErrStopped
	}
	ctx, cancel := c.whileRuns(ctx)
	defer cancel(nil)
	c.watched(1)
	defer c.watched(-1)
	want := r.lastKeyframe()
	for first := true; ; first = false {
		au, seq, err := r.read(ctx, want, maxLag)
		if err != nil {
			return context.Cause(ctx)
		}
		if err := take(au, r.ago(au.Wall), !first && seq != want); err != nil {
			return err
		}
		want = seq + 1
	}
}

// living returns a context that ends with Run, and what ends it.
func (c *Camera) living() (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil {
		c.life, c.die = context.WithCancel(context.Background())
	}
	return c.life, c.die
}

// whileRuns returns a context that ends with ctx, or with the cause ErrStopped when the camera does: one that
// takes its place has another ring.
func (c *Camera) whileRuns(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	life, _ := c.living()
	stop := context.AfterFunc(life, func() { cancel(ErrStopped) })
	return ctx, func(cause error) {
		stop()
		cancel(cause)
	}
}

// shown returns the ring of the stream that people look at, nil if the camera is not running.
func (c *Camera) shown() *ring {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shownRing()
}

// shownRing is shown with mu held.
func (c *Camera) shownRing() *ring {
	if !c.ready {
		return nil
	}
	if c.mainRing == c.ring {
		return c.ring
	}
	if c.state.Info.Codec != media.H264 && c.mainRing.codec() == media.H264 {
		return c.mainRing
	}
	return c.ring
}

// codec returns that of the newest access unit, 0 if there is none.
func (r *ring) codec() media.Codec {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.units); n > 0 {
		return r.units[n-1].Codec
	}
	return 0
}

// watched counts who looks, n more or fewer. While somebody does the stream is looked
// after closely.
func (c *Camera) watched(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers += n
	c.relax()
}

// relax is called with mu held.
func (c *Camera) relax() {
	late := c.late
	if c.watchers > 0 {
		late = 0
	}
	c.source.Relax(late)
}
