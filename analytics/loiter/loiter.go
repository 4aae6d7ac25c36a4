//go:build cgo

// Package loiter finds people who stay in a zone.
//
// It keeps a clock for each person: time in the zone counts, a moment out of it
// counts too if they come back at once, and a longer absence takes half its length off,
// until after 20 seconds they are forgotten. Whoever stands still goes on counting.
//
// Only who has walked by themselves counts, by more than half their height, so
// that a poster is no loiterer; nor is what somebody has put down, or a car that is parked.
//
// A track may be lost and another begin in its place. The new one takes over
// the clock if place, size and time fit closely: too generous a match would make one loiterer
// of many people who pass.
package loiter

import (
	"image"
	"math"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	grace  = 4 * time.Second  // an absence no longer than that is none
	forget = 20 * time.Second // after so long an absence somebody is new
	walked = 0.6              // heights that a person has gone, at least

	lifeless  = 10 * time.Second // after so long without any motion, shape decides
	slim      = 0.8              // width over height of somebody who stands, at most
	shrunk    = 0.5              // of the former height: only what they left is there
	maxStays  = 2 * track.MaxTracks
	freshness = 6 * time.Second // for how long a new track may take over a clock
)

// clock is one person's time in the zone.
type clock struct {
	entered time.Duration
	dwell   time.Duration
	last    time.Duration // when it was last in the zone
	first   image.Rectangle
	box     image.Rectangle
	tall    float64 // height in pixels when it was first known as a person
	edge    bool    // it was last seen at the picture's edge
	in      bool    // in the zone when last seen
	person  bool
	walked  bool
	open    bool
	told    bool // another Watch has reported them
	event   behaviour.Event
	past    past
}

// stay is a track with somebody's clock.
type stay struct {
	id uint64 // of the track; 0 once it has ended
	clock
	looks
}

// Watch holds one rule's zone. It is for one goroutine at a time.
type Watch struct {
	zone   *zone.Mask
	after  time.Duration
	armed  bool
	since  time.Duration // when it was armed last
	number uint64
	stays  []stay
	mean   float64 // grey of the picture
	out    []behaviour.Event
}

// New returns a watch for people who stay in a zone for longer than after.
func New(z *zone.Mask, after time.Duration, armed bool) *Watch {
	return &Watch{zone: z, after: after, armed: armed, stays: make([]stay, 0, maxStays),
		out: make([]behaviour.Event, 0, maxStays)}
}

// SetAfter changes how long is too long. Clocks run on.
func (w *Watch) SetAfter(after time.Duration) { w.after = after }

// Resize gives the watch its zone at another size of picture. Who is in it is
// lost from sight, and found again by where they stand.
func (w *Watch) Resize(z *zone.Mask) {
	for i := range w.stays {
		v := &w.stays[i]
		v.id = 0
		v.box, v.first = rescale(v.box, w.zone, z), rescale(v.first, w.zone, z)
		v.tall *= float64(z.Height) / float64(w.zone.Height)
	}
	w.zone = z
}

// Arm arms or disarms the rule at a media time. Disarming ends what is open; who has
// been in the zone for long enough when the rule becomes armed is a
// loiterer with the next picture.
func (w *Watch) Arm(armed bool, now time.Duration) []behaviour.Event {
	w.out = w.out[:0]
	if armed && !w.armed {
		w.since = now
	}
	w.armed = armed
	if !armed {
		w.endAll()
	}
	return w.out
}

// Finish ends what is open and forgets everybody, since nothing more will be seen.
func (w *Watch) Finish() []behaviour.Event {
	w.out = w.out[:0]
	w.endAll()
	w.stays = w.stays[:0]
	return w.out
}

func (w *Watch) endAll() {
	for i := range w.stays {
		w.end(&w.stays[i])
		w.stays[i].told = false
	}
}

func (w *Watch) end(v *stay) {
	if !v.open {
		return
	}
	v.open = false
	e := v.event
	e.Phase, e.End = wire.Ended, max(v.last, e.Start)
	w.out = append(w.out, e)
}

// Step takes in a picture. What it returns is valid until the next call.
func (w *Watch) Step(s *behaviour.Scene) []behaviour.Event {
	w.out = w.out[:0]
	for i := range w.stays {
		if v := &w.stays[i]; v.id != 0 && behaviour.Find(s.Tracks, v.id) == nil {
			v.id = 0
		}
	}
	w.mean = mean(s.Pix)
	for i := range s.Tracks {
		if t := &s.Tracks[i]; t.Blob >= 0 {
			w.see(t, s)
		}
	}
	w.inherit(s.Time)
	for i := range s.Tracks {
		w.decide(&s.Tracks[i], s)
	}
	w.leave(s.Time)
	return w.out
}

// Pending says whether somebody is in the zone. Who has been lost from sight is waited for, and need not
// be looked for.
func (w *Watch) Pending() bool {
	return slices.ContainsFunc(w.stays, func(v stay) bool { return v.id != 0 })
}

// see takes in a track that the picture shows.
func (w *Watch) see(t *track.Track, s *behaviour.Scene) {
	at := slices.IndexFunc(w.stays, func(v stay) bool { return v.id == t.ID })
	in := behaviour.Stands(t.Box, w.zone, at >= 0 && w.stays[at].in)
	if at < 0 {
		if !in || len(w.stays) == maxStays {
			return
		}
		at = len(w.stays)
		w.stays = append(w.stays, stay{id: t.ID, clock: clock{entered: s.Time, last: s.Time, first: t.Box}})
	}
	v := &w.stays[at]
	v.in = in
	if v.look(t, s, w.mean) {
		w.settle(at, s.Time)
		v = &w.stays[at]
		v.in = in
	}
	if !t.Shared {
		v.box, v.edge = t.Box, t.Left
	}
	if t.Person && !v.person {
		v.person, v.tall = true, t.Height()
	}
	v.walked = v.walked || t.Displacement() > walked
	if in && v.alive(t) {
		v.count(s.Time)
	}
}

// alive says whether a track may still be the person it was.
func (v *stay) alive(t *track.Track) bool {
	if t.Empty {
		return false
	}
	if t.Still() < lifeless {
		return true
	}
	return float64(t.Box.Dx()) < slim*float64(t.Box.Dy()) && float64(t.Box.Dy()) > shrunk*v.tall
}

// count lets the clock run until now.
func (v *stay) count(now time.Duration) {
	away := now - v.last
	v.last = now
	if away <= grace {
		v.dwell += away
		return
	}
	if v.dwell -= (away - grace) / 2; v.dwell <= 0 {
		v.dwell, v.entered = 0, now
	}
}

func (w *Watch) decide(t *track.Track, s *behaviour.Scene) {
	at := slices.IndexFunc(w.stays, func(v stay) bool { return v.id == t.ID })
	if at < 0 || !w.armed {
		return
	}
	v, now := &w.stays[at], s.Time
	if v.open || v.told || !v.person || !v.walked || v.last != now || v.dwell < w.after {
		return
	}
	if t.Shared && w.second(t, v, s) || !t.Shared && v.met {
		return
	}
	if w.known(v, now) {
		return
	}
	w.number++
	v.open = true
	v.event = behaviour.Event{Phase: wire.Begun, Number: w.number, Start: max(v.entered, w.since), Detected: now,
		Box: behaviour.Fractions(t.Box, w.zone.Width, w.zone.Height), Confidence: behaviour.Confidence(t)}
	w.out = append(w.out, v.event)
}

// known says whether somebody is a loiterer already reported, whose own track has
// ended or holds what they left; then their stay goes on.
func (w *Watch) known(v *stay, now time.Duration) bool {
	for i := range w.stays {
		u := &w.stays[i]
		if u.reported() && now-u.last > grace && u.twin(v, now) <= 1 {
			v.open, v.told, v.event = u.open, u.told, u.event
			u.open, u.told = false, false
			return true
		}
	}
	return false
}

// second says whether a track shares its blob with somebody who has been there
// for longer. It may be there no more, and cannot be told from them until they part.
func (w *Watch) second(t *track.Track, v *stay, s *behaviour.Scene) bool {
	for i := range w.stays {
		u := &w.stays[i]
		if u.id == t.ID || u.id == 0 || !u.reported() && u.dwell < v.dwell || !u.reported() && u.dwell == v.dwell && u.id > v.id {
			continue
		}
		if o := behaviour.Find(s.Tracks, u.id); o != nil && o.Blob == t.Blob {
			return true
		}
	}
	return false
}

// leave forgets those who have been away for too long, and at once those who
// were nobody.
func (w *Watch) leave(now time.Duration) {
	kept := w.stays[:0]
	for i := range w.stays {
		v := &w.stays[i]
		if now-v.last > forget || v.id == 0 && !v.person {
			w.end(v)
			continue
		}
		kept = append(kept, *v)
	}
	w.stays = kept
}

// inherit hands the clocks of tracks that ended to those that began in their place.
func (w *Watch) inherit(now time.Duration) {
	for i := 0; i < len(w.stays); i++ {
		lost := &w.stays[i]
		if lost.id != 0 || !lost.person {
			continue
		}
		best, least := -1, math.Inf(1)
		for j := range w.stays {
			heir := &w.stays[j]
			if heir.id == 0 || heir.open {
				continue
			}
			d := lost.twin(heir, now)
			if now-heir.entered <= freshness {
				d = min(d, lost.misfit(heir))
			}
			if d < least {
				best, least = j, d
			}
		}
		if best < 0 || least > 1 {
			continue
		}
		w.stays[best].takeOver(lost)
		w.stays = slices.Delete(w.stays, i, i+1)
		i--
	}
}

// takeOver gives the clock of somebody who was lost to the track that they were
// found again by.
func (v *stay) takeOver(lost *stay) {
	gap := max(v.entered-lost.last, 0)
	if v.entered < lost.last-time.Second { // both were there at once
		v.open, v.told, v.event, v.walked = lost.open, lost.told, lost.event, v.walked || lost.walked
		v.entered = min(v.entered, lost.entered)
		return
	}
	dwell := lost.dwell + gap
	if gap > grace {
		dwell = max(lost.dwell-(gap-grace)/2, 0)
	}
	if dwell > 0 {
		v.entered = lost.entered
	}
	v.dwell += dwell
	v.person, v.walked, v.tall = true, v.walked || lost.walked, lost.tall
	v.open, v.told, v.event = lost.open, lost.told, lost.event
}

// rescale returns a box of a picture of one size in one of another.
func rescale(r image.Rectangle, from, to *zone.Mask) image.Rectangle {
	x := func(v int) int { return v * to.Width / max(from.Width, 1) }
	y := func(v int) int { return v * to.Height / max(from.Height, 1) }
	return image.Rect(x(r.Min.X), y(r.Min.Y), x(r.Max.X), y(r.Max.Y))
}
