//go:build cgo

// Package gather finds gatherings: at least so many people in a zone for so long.
//
// People who stand together share a blob, and the tracks of some of them may
// never have been seen alone. So each blob counts for its tracks or for its area over that of
// one person, whichever is more. How large one person is, against the square of their height,
// is learned from those who are seen alone, and so is how tall people are at
// each height in the picture.
//
// The number is smoothed over two seconds. Time with fewer people does not
// reset the clock at once; it runs back instead.
package gather

import (
	"image"
	"math"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	smooth   = 2 * time.Second
	enough   = 0.5             // of a person less is still as many, since the mean lags
	fewerFor = 5 * time.Second // after so long with fewer people it is over
	forget   = 10 * time.Second
	part     = 0.55 // of a person's height; what is smaller is a part of one
	crowded  = 40   // parts in a hundred of the picture that people can fill
)

// Watch holds one rule's zone. It is for one goroutine at a time.
type Watch struct {
	zone   *zone.Mask
	people float64
	after  time.Duration
	armed  bool
	since  time.Duration // when it was armed last

	person  person
	count   float64       // people in the zone, smoothed
	seen    time.Duration // the picture before
	begun   bool          // the clock runs
	start   time.Duration // when there were first so many
	dwell   time.Duration
	last    time.Duration // when there were last so many
	members []member
	open    bool
	event   behaviour.Event
	out     [1]behaviour.Event
}

// member is a track that is in the zone.
type member struct {
	id   uint64
	live bool
}

// New returns a watch for at least so many people in a zone for longer than after.
func New(z *zone.Mask, people int, after time.Duration, armed bool) *Watch {
	return &Watch{zone: z, people: float64(people), after: after, armed: armed,
		members: make([]member, 0, track.MaxTracks)}
}

// Resize gives the watch its zone at another size of picture.
func (w *Watch) Resize(z *zone.Mask) {
	w.zone = z
	w.members = w.members[:0]
	w.person = person{}
}

// Arm arms or disarms the rule at a media time. Disarming ends what is open; a
// gathering that has lasted for long enough when the rule becomes armed is
// one with the next picture.
func (w *Watch) Arm(armed bool, now time.Duration) []behaviour.Event {
	if armed && !w.armed {
		w.since = now
	}
	w.armed = armed
	if !armed {
		return w.end()
	}
	return nil
}

// Finish ends what is open, since nothing more will be seen.
func (w *Watch) Finish() []behaviour.Event {
	e := w.end()
	w.begun, w.dwell, w.count = false, 0, 0
	return e
}

func (w *Watch) end() []behaviour.Event {
	if !w.open {
		return nil
	}
	w.open = false
	e := w.event
	e.Phase, e.End = wire.Ended, max(w.last, e.Start)
	w.out[0] = e
	return w.out[:]
}

// Step takes in a picture. What it returns is valid until the next call.
func (w *Watch) Step(s *behaviour.Scene) []behaviour.Event {
	n, box := w.number(s)
	step := min(max(s.Time-w.seen, 0), smooth)
	w.seen = s.Time
	w.count += (n - w.count) * (1 - math.Exp(-step.Seconds()/(smooth.Seconds()/2)))
	if w.count >= w.people-enough {
		if !w.begun {
			w.begun, w.start, w.dwell = true, s.Time, 0
		} else {
			w.dwell += step
		}
		w.last = s.Time
	} else if w.begun {
		w.dwell -= step / 2
		if away := s.Time - w.last; away > forget || !w.open && w.dwell <= 0 {
			w.begun = false
		}
	}
	switch {
	case w.open && s.Time-w.last > fewerFor:
		w.begun = false
		return w.end()
	case !w.open && w.armed && w.begun && w.last == s.Time && !box.Empty() && w.dwell >= w.after:
		w.open = true
		w.event = behaviour.Event{Phase: wire.Begun, Number: w.event.Number + 1,
			Start: max(w.start, w.since), Detected: s.Time,
			Box:        behaviour.Fractions(box, w.zone.Width, w.zone.Height),
			Confidence: min(0.5+0.45*(w.count/w.people-0.8), 0.95)}
		w.out[0] = w.event
		return w.out[:]
	}
	return nil
}

// number estimates how many people are in the zone, and returns the box around
// them.
func (w *Watch) number(s *behaviour.Scene) (float64, image.Rectangle) {
	for i := range w.members {
		w.members[i].live = false
	}
	filled := 0
	for j := range s.Blobs {
		filled += s.Blobs[j].Area
	}
	if filled > crowded*w.zone.Width*w.zone.Height/100 {
		return 0, image.Rectangle{} // the light or the camera has changed
	}
	var tracks [motion.MaxBlobs]int
	var tall [motion.MaxBlobs]float64
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if t.Blob < 0 || !t.Person || !w.stands(t) {
			continue
		}
		h := t.Height()
		if h < part*w.person.usualHeight(&s.Blobs[t.Blob], w.zone.Height) {
			continue // a leg, or what somebody carries
		}
		switch k := &tall[t.Blob]; {
		case h < part**k: // a part of somebody whom another track has whole
			continue
		case *k < part*h:
			*k, tracks[t.Blob] = h, 0
		default:
			*k = min(*k, h)
		}
		tracks[t.Blob]++
		if !t.Shared && t.Displacement() > 0 {
			w.person.learn(t, &s.Blobs[t.Blob], w.zone.Height)
		}
	}
	w.forget()
	total, box := 0.0, image.Rectangle{}
	for j := range s.Blobs {
		if tracks[j] == 0 {
			continue
		}
		b := &s.Blobs[j]
		one := w.person.area(b, tall[j], w.zone.Height)
		total += max(float64(tracks[j]), math.Floor(float64(b.Area)/one+0.5))
		box = box.Union(b.Box)
	}
	return total, box
}

// stands says whether a track stands in the zone, and remembers it.
func (w *Watch) stands(t *track.Track) bool {
	at := -1
	for i := range w.members {
		if w.members[i].id == t.ID {
			at = i
			break
		}
	}
	if !behaviour.Stands(t.Box, w.zone, at >= 0) {
		return false
	}
	if at >= 0 {
		w.members[at].live = true
	} else if len(w.members) < cap(w.members) {
		w.members = append(w.members, member{t.ID, true})
	}
	return true
}

func (w *Watch) forget() {
	kept := w.members[:0]
	for _, m := range w.members {
		if m.live {
			kept = append(kept, m)
		}
	}
	w.members = kept
}
