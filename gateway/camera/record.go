package camera

import (
	"context"
	"errors"
	"time"

	"sentrybox/drivers/media"
)

// ErrNoVideo means that nothing of a moment is in the ring.
var ErrNoVideo = errors.New("no video of that moment")

const (
	// maxLeap is how far media time may leap from one access unit to the next; more
	// is another session.
	maxLeap = 5 * time.Second
	// recordSlack is how much longer than asked for a recording may take to come.
	recordSlack = 5 * time.Second
)

// Recording says what to cut out of a camera's stream.
type Recording struct {
	At            time.Time // the deciding picture, by the access units' wall clock
	Before, After time.Duration
	MaxBytes      int // it ends earlier rather than be longer
}

// Record returns the access units around a moment, from a keyframe on. It waits
// for those that are still to come, and ends early when the stream does. It fails with ErrNoVideo.
func (c *Camera) Record(ctx context.Context, r Recording) ([]media.AccessUnit, error) {
	if c.mainRing == nil {
		return nil, ErrNoVideo
	}
	ctx, cancel := context.WithTimeout(ctx, r.After+recordSlack)
	defer cancel()
	units, next := c.mainRing.since(r.At.Add(-r.Before))
	if len(units) == 0 {
		return nil, ErrNoVideo
	}
	size := 0
	for _, au := range units {
		size += len(au.Data)
	}
	for size <= r.MaxBytes {
		last := units[len(units)-1]
		if last.Wall.Sub(r.At) >= r.After {
			break
		}
		au, seq, err := c.mainRing.read(ctx, next, time.Hour)
		// What comes late is left out; what was lost, or is another stream, ends it.
		if err != nil || seq != next || !continues(last, au) {
			break
		}
		units, next, size = append(units, au), seq+1, size+len(au.Data)
	}
	return units, nil
}

// Recent returns what the ring of the stream that is analysed holds of this session, from a keyframe on.
func (c *Camera) Recent() []media.AccessUnit {
	r := c.running()
	if r == nil {
		return nil
	}
	units, _ := r.since(time.Time{})
	return units
}

// RecentSpan returns from when to when Recent has something, by the wall clock of the pictures. Both are
// zero if there is nothing.
func (c *Camera) RecentSpan() (from, to time.Time) {
	r := c.running()
	if r == nil {
		return time.Time{}, time.Time{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list(time.Time{})
	if len(list) == 0 {
		return time.Time{}, time.Time{}
	}
	return list[0].Wall, list[len(list)-1].Wall
}

// running returns the ring of the stream that is analysed, nil if the camera is not running.
func (c *Camera) running() *ring {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ready {
		return nil
	}
	return c.ring
}

// continues reports whether b may follow a in one clip.
func continues(a, b media.AccessUnit) bool {
	return a.Codec == b.Codec && b.PTS > a.PTS-time.Second && b.PTS < a.PTS+maxLeap
}

// since returns the access units from the last keyframe at or before a moment on,
// or from the first keyframe after it, all of one session, and the sequence
// number of the one to come.
func (r *ring) since(t time.Time) (units []media.AccessUnit, next uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list(t)
	if len(list) == 0 {
		return nil, 0
	}
	var b batch
	r.copy(list, &b)
	return b.units, r.first + uint64(len(r.units))
}

// list is since without the data. It is called with mu held.
func (r *ring) list(t time.Time) []unit {
	start := -1
	for i := range r.units {
		u := &r.units[i]
		if i > 0 && !continues(r.units[i-1].AccessUnit, u.AccessUnit) {
			start = -1 // an earlier session
		}
		if u.Keyframe && (start < 0 || !u.Wall.After(t)) {
			start = i
		}
	}
	if start < 0 {
		return nil
	}
	return r.units[start:]
}
