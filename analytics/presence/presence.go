//go:build cgo

// Package presence turns tracks into occupations of a zone.
//
// One behaviour is one occupation: it begins when the first comes in and is
// over when the last has gone, and a group is one. An intrusion is a person,
// a group or a vehicle in the zone; motion is anything that moves from one
// place to another there. A thing is in the zone by where it stands: the lowest
// part of it for an intrusion, any considerable part of it for motion.
//
// An occupation is not over the moment nobody is seen. Who left by the zone's
// or the picture's edge is gone for sure and a newcomer soon after is another
// occupation; who was lost from sight in the middle may only be hard to see.
package presence

import (
	"image"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	rearmLeft = 1500 * time.Millisecond // after an exit
	rearmLost = 8 * time.Second         // after a loss within the zone
	restless  = 10 * time.Second        // what has not moved for so long is no motion

	partIn    = 0.15
	minInside = 0.0003 // part of the picture
)

// visitor is a track that is in the zone.
type visitor struct {
	id    uint64
	since time.Duration
	seen  bool // in this picture
}

// Watch holds one rule's zone. It is for one goroutine at a time.
type Watch struct {
	kind  wire.Kind
	zone  *zone.Mask
	armed bool
	since time.Duration // when it was armed last

	visitors []visitor
	open     bool
	event    behaviour.Event
	out      [1]behaviour.Event
	lastIn   time.Duration
	lastBox  image.Rectangle
	// last is the largest of those that were in the zone in the last picture
	// with any, and left says that it was on its way out.
	last uint64
	left bool
}

// New returns a watch for wire.Intrusion or wire.Motion in a zone.
func New(kind wire.Kind, z *zone.Mask, armed bool) *Watch {
	return &Watch{kind: kind, zone: z, armed: armed, visitors: make([]visitor, 0, track.MaxTracks)}
}

// Resize gives the watch its zone at another size of picture. Who was in it is
// lost from sight.
func (w *Watch) Resize(z *zone.Mask) {
	w.zone = z
	w.visitors = w.visitors[:0]
	w.lastBox = image.Rectangle{}
	w.last, w.left = 0, false
}

// Arm arms or disarms the rule at a media time. Disarming ends an occupation; who is in the
// zone when the rule becomes armed begins one with the next picture.
func (w *Watch) Arm(armed bool, now time.Duration) []behaviour.Event {
	if armed && !w.armed {
		w.since = now
	}
	w.armed = armed
	if !armed && w.open {
		return w.end()
	}
	return nil
}

// Finish ends an occupation since nothing more will be seen.
func (w *Watch) Finish() []behaviour.Event {
	if !w.open {
		return nil
	}
	return w.end()
}

func (w *Watch) end() []behaviour.Event {
	w.open = false
	e := w.event
	e.Phase, e.End = wire.Ended, max(w.lastIn, e.Start)
	return w.say(e)
}

func (w *Watch) say(e behaviour.Event) []behaviour.Event {
	w.out[0] = e
	return w.out[:]
}

// Step takes in a picture. What it returns is valid until the next call.
func (w *Watch) Step(s *behaviour.Scene) []behaviour.Event {
	for i := range w.visitors {
		w.visitors[i].seen = false
	}
	var first, largest *track.Track
	start := s.Time
	for i := range s.Tracks {
		t := &s.Tracks[i]
		v := w.visit(t, s)
		switch {
		case v == nil:
			continue
		case w.counts(t):
			if first == nil || v.since < start {
				first, start = t, v.since
			}
		case !w.open || t.Seen < 3 || t.Box.Intersect(grow(w.lastBox)).Empty():
			continue // else perhaps the one that was lost
		}
		if largest == nil || area(t) > area(largest) {
			largest = t
		}
	}
	w.leave(s)
	occupied := largest != nil
	if occupied {
		w.lastIn, w.last, w.left = s.Time, largest.ID, largest.Left
		if w.counts(largest) {
			w.lastBox = largest.Box
		}
	}
	switch {
	case w.open && !occupied && s.Time-w.lastIn > w.rearm():
		return w.end()
	case !w.open && first != nil && w.armed:
		w.begin(first, max(start, w.since), s)
		return w.say(w.event)
	}
	return nil
}

func (w *Watch) begin(t *track.Track, start time.Duration, s *behaviour.Scene) {
	w.open = true
	w.event = behaviour.Event{Phase: wire.Begun, Number: w.event.Number + 1, Start: start, Detected: s.Time,
		Box: behaviour.Fractions(t.Box, w.zone.Width, w.zone.Height), Confidence: behaviour.Confidence(t)}
}

// Pending says whether somebody is in the zone, or was a moment ago.
func (w *Watch) Pending() bool { return w.open || len(w.visitors) > 0 }

// counts says whether a track is what the rule asks for.
func (w *Watch) counts(t *track.Track) bool {
	if w.kind == wire.Motion {
		return (t.Mover || t.Person) && t.Still() < restless
	}
	return t.Person
}

// visit says whether a track is in the zone, and since when; nil if it is not.
func (w *Watch) visit(t *track.Track, s *behaviour.Scene) *visitor {
	at := -1
	for i := range w.visitors {
		if w.visitors[i].id == t.ID {
			at = i
			break
		}
	}
	if t.Blob < 0 {
		return nil // unseen: leave forgets it when the track ends
	}
	if !w.inside(t, s, at >= 0) {
		return nil
	}
	if at < 0 {
		if len(w.visitors) == cap(w.visitors) {
			return nil
		}
		w.visitors = append(w.visitors, visitor{id: t.ID, since: s.Time})
		at = len(w.visitors) - 1
	}
	w.visitors[at].seen = true
	return &w.visitors[at]
}

// leave drops the visitors that went out or whose tracks ended.
func (w *Watch) leave(s *behaviour.Scene) {
	kept := w.visitors[:0]
	for _, v := range w.visitors {
		if !v.seen {
			t := behaviour.Find(s.Tracks, v.id)
			if t == nil {
				continue
			}
			if t.Blob >= 0 { // seen, but outside
				w.left = w.left || t.ID == w.last
				continue
			}
		}
		kept = append(kept, v)
	}
	w.visitors = kept
}

// rearm returns how soon the zone counts as empty: at once if the last one went
// out, later if it was lost in it.
func (w *Watch) rearm() time.Duration {
	if w.left {
		return rearmLeft
	}
	return rearmLost
}

// inside says whether a track stands in the zone; was says that it did before.
func (w *Watch) inside(t *track.Track, s *behaviour.Scene, was bool) bool {
	if w.zone.Area == len(w.zone.Pix) {
		return true
	}
	if w.kind == wire.Motion {
		in, of := w.overlap(t, s), min(s.Blobs[t.Blob].Area, w.zone.Area)
		need := max(partIn*float64(of), minInside*float64(len(w.zone.Pix)))
		if was {
			need /= 3
		}
		return float64(in) >= need
	}
	return behaviour.Stands(t.Box, w.zone, was)
}

// overlap returns how many pixels of a track's blob are in the zone.
func (w *Watch) overlap(t *track.Track, s *behaviour.Scene) int {
	class, id := s.Motion.Classes(), uint8(t.Blob+1)
	r := s.Blobs[t.Blob].Box
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := y*w.zone.Width + r.Min.X; i < y*w.zone.Width+r.Max.X; i++ {
			if class[i] == id {
				n += int(w.zone.Pix[i])
			}
		}
	}
	return n
}

func area(t *track.Track) int { return t.Box.Dx() * t.Box.Dy() }

func grow(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X-r.Dx()/2, r.Min.Y-r.Dy()/4, r.Max.X+r.Dx()/2, r.Max.Y+r.Dy()/4)
}
