package camera

import (
	"time"

	"sentrybox/analytics/wire"
)

// reportSlack is how long a vision process may have a picture before that is a lag: it
// reports every half second.
const reportSlack = 600 * time.Millisecond

// Lag is how far behind the vision process is.
func (c *Camera) Lag() time.Duration {
	c.mu.Lock()
	p := c.vision
	c.mu.Unlock()
	if p == nil {
		return 0
	}
	return max(p.Behind()-reportSlack, 0)
}

// SetPace says how much analysis may cost from here on.
func (c *Camera) SetPace(pace wire.Pace) {
	c.mu.Lock()
	same, p := c.state.Pace == pace, c.vision
	c.mu.Unlock()
	if same {
		return
	}
	c.setState(func(st *State) { st.Pace = pace })
	if p != nil {
		// One that cannot be told is about to be replaced, and its successor is told
		// as it begins.
		_ = p.Pace(pace)
	}
}

// Pace says how much analysis may cost from here on.
func (p *Process) Pace(pace wire.Pace) error { return p.w.JSON(wire.TypePace, pace) }

// Rate is how many pictures a second may be analysed, of the full number at most.
func (s State) Rate(full float64) float64 {
	switch {
	case s.Pace.Keyframes:
		return 0
	case s.Pace.Rate > 0:
		return min(s.Pace.Rate, full)
	}
	return full
}

// Kept returns how far back there is video to cut clips from.
func (c *Camera) Kept() time.Duration {
	c.mu.Lock()
	r := c.mainRing
	c.mu.Unlock()
	if r == nil {
		return 0
	}
	return r.span()
}
