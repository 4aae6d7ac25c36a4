//go:build cgo

// Package crossing finds people who cross a line.
//
// What counts is the way of somebody's foot point, the middle of the lower edge of their
// box. It has crossed when the way from one place clear of the line to
// the next one clear of it leads over the line an odd number of times: who sways upon
// the line, turns back on it or walks around its end has not. Each crossing is one
// event, which begins when the foot first touched the line's surroundings.
//
// A crossing is told when whoever went is known for a person, a group or a vehicle, which
// may be a moment later.
package crossing

import (
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
)

const (
	clearHeights = 0.18  // how far from the line a foot is clear of it, in heights of the person
	clearPicture = 0.012 // and in parts of the picture's height, at least
	waitKnown    = 4 * time.Second
	maxWalkers   = track.MaxTracks
)

// walker is a track and its way since it was last clear of the line.
type walker struct {
	id     uint64
	at     point
	far    float64 // the greatest distance from the line before it crossed, in clear distances
	net    int     // crossings since: 1 for each to the right, -1 to the left
	near   time.Duration
	inside bool          // within the clear distance
	done   bool          // clear again, and waits to be known
	end    time.Duration // when it was clear again
	live   bool
}

// Watch holds one rule's line. It is for one goroutine at a time.
type Watch struct {
	line          line
	points        []wire.Point
	width, height int
	way           wire.Direction
	armed         bool
	since         time.Duration // when it was armed last
	number        uint64
	walkers       []walker
	out           []behaviour.Event
}

// New returns a watch for those who cross a line, of at least two points as
// fractions of the picture, in pictures of a size.
func New(points []wire.Point, way wire.Direction, width, height int, armed bool) *Watch {
	w := &Watch{points: points, way: way, armed: armed,
		walkers: make([]walker, 0, maxWalkers), out: make([]behaviour.Event, 0, 2*maxWalkers)}
	w.Resize(width, height)
	return w
}

// Resize gives the watch pictures of another size. Who is on the line is lost.
func (w *Watch) Resize(width, height int) {
	w.width, w.height = width, height
	w.line = newLine(w.points, width, height)
	w.walkers = w.walkers[:0]
}

// Arm arms or disarms the rule at a media time. Who is on the line when
// the rule becomes armed counts, from then on.
func (w *Watch) Arm(armed bool, now time.Duration) []behaviour.Event {
	if armed && !w.armed {
		w.since = now
	}
	w.armed = armed
	return nil
}

// Finish forgets everybody, since nothing more will be seen. Nothing is open
// between pictures.
func (w *Watch) Finish() []behaviour.Event {
	w.walkers = w.walkers[:0]
	return nil
}

// Step takes in a picture. What it returns is valid until the next call: both
// ends of each crossing.
func (w *Watch) Step(s *behaviour.Scene) []behaviour.Event {
	w.out = w.out[:0]
	for i := range w.walkers {
		w.walkers[i].live = false
	}
	for i := range s.Tracks {
		t := &s.Tracks[i]
		at := slices.IndexFunc(w.walkers, func(k walker) bool { return k.id == t.ID })
		foot := footOf(t)
		if at < 0 {
			if t.Blob < 0 || len(w.walkers) == maxWalkers {
				continue
			}
			at = len(w.walkers)
			w.walkers = append(w.walkers, walker{id: t.ID, at: foot})
		}
		k := &w.walkers[at]
		k.live = true
		if t.Blob >= 0 {
			w.walk(k, t, foot, s.Time)
		}
	}
	w.walkers = slices.DeleteFunc(w.walkers, func(k walker) bool { return !k.live })
	return w.out
}

// Pending says whether somebody is followed.
func (w *Watch) Pending() bool { return len(w.walkers) > 0 }

// walk takes in where a walker's foot is now.
func (w *Watch) walk(k *walker, t *track.Track, foot point, now time.Duration) {
	margin := w.margin(t)
	far := w.line.distance(foot) / margin
	net := w.line.crossed(k.at, foot)
	k.at = foot
	if !k.inside && (far < 1 || net != 0) {
		k.inside, k.near = true, now
	}
	if !k.done {
		k.net += net
		if k.net == 0 {
			k.far = max(k.far, min(far, 1))
		}
	}
	if far >= 1 {
		// Somebody first seen on the line has come from nowhere.
		if k.net != 0 && !k.done && k.far >= 0.5 && w.counts(k.net) {
			k.done, k.end = true, now
		}
		k.inside = false
		if !k.done {
			k.net, k.far = 0, 1
		}
	}
	if k.done && (t.Person || now-k.end > waitKnown) {
		if t.Person && w.armed && k.end >= w.since {
			w.report(k, t, now)
		}
		k.done, k.net, k.far = false, 0, 1
	}
}

func (w *Watch) counts(net int) bool {
	switch w.way {
	case wire.LeftToRight:
		return net > 0
	case wire.RightToLeft:
		return net < 0
	}
	return true
}

func (w *Watch) report(k *walker, t *track.Track, now time.Duration) {
	w.number++
	e := behaviour.Event{Phase: wire.Begun, Number: w.number, Start: max(k.near, w.since), Detected: now,
		Box: behaviour.Fractions(t.Box, w.width, w.height), Confidence: behaviour.Confidence(t)}
	w.out = append(w.out, e)
	e.Phase, e.End = wire.Ended, max(k.end, e.Start)
	w.out = append(w.out, e)
}

// footOf returns the middle of the lower edge of the box that the tracker
// believes in, which breathes less than the blob's.
func footOf(t *track.Track) point {
	b := t.Predicted(0)
	return point{float64(b.Min.X+b.Max.X) / 2, float64(b.Max.Y)}
}
