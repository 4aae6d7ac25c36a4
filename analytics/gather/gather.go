//go:build cgo

// Package gather finds gatherings: at least so many people in a zone for so long.
//
// People who stand together share a blob, and the tracks of some of them may
// never have been seen alone. So whoever walks in alone is measured while they do, and remembered
// by their track: how much of the picture they fill, and so whether they are two who
// walk close together. A blob counts for the people of its tracks, and for more where
// it is larger than they are together. How large one person is, against the square of
// their height, is learned from those who are seen alone, and so is how tall people are
// at each height in the picture.
//
// People hide each other for moments, so that the count falls short more often than it
// goes too far. There are enough people while the smoothed share of pictures
// that show enough stays above a threshold, which is lower once they are.
//
// A gathering is agitated if its people run, push or fight, see package agitate. A
// fight of fewer people than the rule asks for is no gathering, and nothing is reported.
package gather

import (
	"math"
	"time"

	"sentrybox/analytics/agitate"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	smooth   = 2 * time.Second // of the share of pictures that show enough people
	comes    = 0.5             // share from which there are enough people
	goes     = 0.3             // share from which there are too few
	none     = 0.1             // share below which what comes is new
	early    = 1500 * time.Millisecond
	fewerFor = 5 * time.Second // after so long with fewer people it is over
	part     = 0.55            // of a person's height; what is smaller is a part of one
	upright  = 1.2             // height over width of somebody who runs, at least
	crowded  = 40              // parts in a hundred of the picture that people can fill
)

// Watch holds one rule's zone. It is for one goroutine at a time.
type Watch struct {
	zone   *zone.Mask
	people int
	after  time.Duration
	armed  bool
	since  time.Duration // when it was armed last

	person  person
	count   int           // people in the zone in the last picture
	share   float64       // of pictures that show enough people, smoothed
	seen    time.Duration // the picture before
	first   time.Duration // when enough people were first seen
	begun   bool          // there are enough people
	start   time.Duration // since when
	last    time.Duration // when there were last
	held    time.Duration // for how long pictures have shown enough since start
	members []member
	group   agitate.Group // whom the last picture showed
	meter   agitate.Meter
	open    bool
	event   behaviour.Event
	out     [1]behaviour.Event
}

// New returns a watch for at least so many people in a zone for longer than after.
func New(z *zone.Mask, people int, after time.Duration, armed bool) *Watch {
	return &Watch{zone: z, people: people, after: after, armed: armed,
		members: make([]member, 0, track.MaxTracks)}
}

// SetAfter changes how long they must be there.
func (w *Watch) SetAfter(after time.Duration) { w.after = after }

// Resize gives the watch its zone at another size of picture.
func (w *Watch) Resize(z *zone.Mask) {
	w.zone = z
	w.members = w.members[:0]
	w.person = person{}
	w.meter.Reset()
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
	w.begun, w.share = false, 0
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
	w.count = n
	w.clock(n >= w.people, s.Time)
	w.watchGroup(s)
	switch {
	case w.open && s.Time-w.last > fewerFor:
		return w.end()
	case !w.open && w.armed && w.begun && n >= w.people && s.Time-w.start >= w.after &&
		2*w.held >= s.Time-w.start:
		w.open = true
		w.event = behaviour.Event{Phase: wire.Begun, Number: w.event.Number + 1,
			Start: max(w.start, w.since), Detected: s.Time,
			Box:        behaviour.Fractions(box, w.zone.Width, w.zone.Height),
			Confidence: min(0.5+0.45*(float64(n)/float64(w.people)*w.share-0.4), 0.95),
			Agitated:   w.meter.Agitated()}
		w.out[0] = w.event
		return w.out[:]
	case w.open && w.meter.Agitated() && !w.event.Agitated:
		w.event.Agitated = true
		w.out[0] = w.event
		w.out[0].Phase, w.out[0].Detected = wire.Changed, s.Time
		return w.out[:]
	}
	return nil
}

// Pending says whether there are, or were a moment ago, enough people.
func (w *Watch) Pending() bool { return w.open || w.begun || w.share > none }

// watchGroup measures how wildly the people move while there are enough of them.
func (w *Watch) watchGroup(s *behaviour.Scene) {
	if !w.open && !w.begun {
		w.meter.Reset()
		return
	}
	if w.group.Height > 0 {
		w.meter.Look(s.Pix, s.Motion.Classes(), w.zone.Width, w.zone.Height, &w.group, s.Time)
	}
}

// clock takes in whether a picture shows enough people.
func (w *Watch) clock(enough bool, now time.Duration) {
	gap := min(max(now-w.seen, 0), smooth)
	w.seen = now
	target := 0.0
	if enough {
		target = 1
		if w.share < none {
			w.first = now
		}
	}
	w.share += (target - w.share) * (1 - math.Exp(-gap.Seconds()/smooth.Seconds()))
	switch {
	case !w.begun && w.share >= comes:
		w.begun, w.start, w.last = true, max(w.first, now-early), now
		w.held = now - w.start
	case w.begun && w.share >= goes:
		w.last = now
		if enough {
			w.held += gap
		}
	default:
		w.begun = false
	}
}
