package camera

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

// plan is what a camera looks for: what Revise changes while it runs. It is not written to.
type plan struct {
	config   config.Camera
	wire     *wire.Config // what is armed is left out
	schedule []config.Schedule
}

// plan of a configuration.
func (c *Camera) planOf(cam config.Camera) *plan {
	p := &plan{config: cam}
	p.wire, p.schedule = WireConfig(&p.config)
	p.wire.AddressSpace, p.wire.Hardware = uint64(c.AddressSpace)<<20, c.Hardware
	p.wire.Thumbnail = c.Thumbnail
	return p
}

// armed says which rules are armed at a time.
func (p *plan) armed(now time.Time) []bool { return armedAt(p.schedule, now) }

// Settings returns the configuration as it is now. It may be called from OnState.
func (c *Camera) Settings() *config.Camera {
	if p := c.plan.Load(); p != nil {
		return &p.config
	}
	return &c.Config
}

// Revisable says whether a camera of the first configuration can become one of the second while it runs: its rules,
// zones, heights and grid may differ.
func Revisable(from, to *config.Camera) bool {
	like := *to
	like.Zones, like.Heights, like.Detect, like.Grid = from.Zones, from.Heights, from.Detect, from.Grid
	return reflect.DeepEqual(*from, like)
}

// Revise gives the camera another configuration, to which it must be Revisable. Stream, background and tracks
// go on, and so does what rules have seen that are in both. Who looks by See is sent away, since
// what they see is of the rules of before.
func (c *Camera) Revise(to config.Camera) {
	next := c.planOf(to)
	c.asking.Lock()
	defer c.asking.Unlock()
	c.plan.Store(next)
	armed := next.armed(time.Now().In(c.Location))
	c.mu.Lock()
	c.armed = armed
	p, looked := c.vision, len(c.looks) > 0
	for _, l := range c.looks {
		close(l)
	}
	c.looks = nil
	c.mu.Unlock()
	if p == nil {
		return // the next is started with it
	}
	// One that cannot be told is about to be replaced.
	if looked {
		_ = p.Show(false)
	}
	_ = p.Revise(next.wire, armed)
}

// mostRevisions is how many revisions a process may leave unanswered.
const mostRevisions = 8

// Revise says what the process looks for from here on: what of the configuration a wire.Revision has.
func (p *Process) Revise(cfg *wire.Config, armed []bool) error {
	r := cfg.Revision()
	r.Armed = armed
	p.mu.Lock()
	waiting := len(p.revisions)
	p.revisions = append(p.revisions, r)
	p.mu.Unlock()
	if waiting >= mostRevisions {
		p.kill(fmt.Errorf("%d revisions are not answered: %w", waiting, ErrHung))
	}
	return p.w.JSON(wire.TypeRevision, r)
}

// revised takes in that the process has answered the oldest revision. It is the reader's.
func (p *Process) revised(payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.revisions) == 0 || len(payload) > 0 {
		return fmt.Errorf("an answer of %d bytes to one of %d revisions", len(payload), len(p.revisions))
	}
	p.current = p.current.Revised(p.revisions[0])
	p.revisions = slices.Delete(p.revisions, 0, 1)
	return nil
}
