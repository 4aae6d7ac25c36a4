package camera

import (
	"context"
	"maps"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/beat"
	"sentrybox/gateway/config"
)

// builtRules returns the rules that this version can look for.
func builtRules(cam *config.Camera) []config.Rule {
	built := wire.Built()
	return slices.DeleteFunc(slices.Clone(cam.Detect), func(r config.Rule) bool {
		return !slices.Contains(built, r.Kind)
	})
}

// zoneNames returns the drawn zones in an order that is always the same.
func zoneNames(cam *config.Camera) []string { return slices.Sorted(maps.Keys(cam.Zones)) }

func armedAt(schedules []config.Schedule, t time.Time) []bool {
	armed := make([]bool, len(schedules))
	for i, s := range schedules {
		armed[i] = s.Active(t)
	}
	return armed
}

// arm tells the vision process when a schedule begins and ends. It looks at the
// wall clock every second instead of waiting for the next change, since a clock
// may be set in between.
func (c *Camera) arm(ctx context.Context) error {
	tick := time.NewTimer(beat.Until(time.Now(), time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			tick.Reset(beat.Until(now, time.Second))
			c.rearm(now)
		}
	}
}

func (c *Camera) rearm(now time.Time) {
	c.asking.Lock()
	defer c.asking.Unlock()
	armed := c.plan.Load().armed(now.In(c.Location))
	c.mu.Lock()
	changed, vision := !slices.Equal(armed, c.armed), c.vision
	c.armed = armed
	c.mu.Unlock()
	if changed && vision != nil {
		// A process that cannot be told is about to be replaced, and its
		// successor is started with c.armed.
		_ = vision.Arm(armed)
	}
}
