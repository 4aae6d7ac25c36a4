//go:build cgo

package confirm

import (
	"image"
	"time"

	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
)

// people says whether events of a kind are about people, and whether vehicles
// will do.
func people(k wire.Kind) (about, vehicles bool) {
	switch k {
	case wire.Intrusion, wire.LineCrossing:
		return true, true
	case wire.Loitering, wire.Gathering:
		return true, false
	}
	return false, false
}

// About says whether events of a kind are about people, so that opinions count.
func About(k wire.Kind) bool {
	about, _ := people(k)
	return about
}

// score returns what an opinion says for events of a kind.
func (o *opinion) score(vehicles bool) float64 {
	if vehicles {
		return max(o.best.Person, o.best.Vehicle)
	}
	return o.best.Person
}

// Tracks returns the tracks that a rule of a kind is to see. Whom a network has found
// twice is known as a person; with a veto, who is doubted or has not been asked about
// yet is not. It is valid until the next call.
func (w *Watch) Tracks(k wire.Kind, tracks []track.Track, now time.Duration) []track.Track {
	about, vehicles := people(k)
	if w.cfg.Format == wire.HOG || !about || w.err != nil {
		return tracks
	}
	w.shown = append(w.shown[:0], tracks...)
	for i := range w.shown {
		t := &w.shown[i]
		o := w.find(t.ID)
		switch {
		case o == nil:
		case !t.Person:
			t.Person = o.yes >= makesPerson
		case w.cfg.Veto && w.holds(o, vehicles, now):
			t.Person = false
			if o.tries >= tries && !o.held {
				o.held = true
				w.count.Held++
			}
		}
	}
	return w.shown
}

// holds says whether a track is held back: while it waits for its first answers, and when
// all of them said no.
func (w *Watch) holds(o *opinion, vehicles bool, now time.Duration) bool {
	if o.score(vehicles) >= w.cfg.Score || o.starved {
		return false
	}
	return o.tries >= tries || now-o.person < patience
}

// Confidence moves the confidence of an event of a kind, about what is in a box at the working size: up if
// the detector has confirmed anybody there, down by how often it was asked in vain.
func (w *Watch) Confidence(k wire.Kind, confidence float64, box image.Rectangle, tracks []track.Track) float64 {
	about, vehicles := people(k)
	if !about {
		return confidence
	}
	best, asked := 0.0, 0
	for i := range tracks {
		t := &tracks[i]
		o := w.find(t.ID)
		if o == nil || o.tries == 0 || 5*area(t.Box.Intersect(box)) < 4*area(t.Box) {
			continue
		}
		best, asked = max(best, o.score(vehicles)), max(asked, o.tries)
	}
	if asked == 0 {
		return confidence
	}
	if best >= w.cfg.Score {
		return confidence + (1-confidence)*raise*min(0.5+0.5*best, 1)
	}
	return confidence * (1 - w.doubt()*float64(min(asked, tries))/tries)
}

const (
	raise    = 0.6
	doubtHOG = 0.15 // it misses many
	doubtNet = 0.4
)

func (w *Watch) doubt() float64 {
	if w.cfg.Format == wire.HOG {
		return doubtHOG
	}
	return doubtNet
}

// Thing moves the confidence that what lies still in a box was left behind: somebody
// who sits there was not. With a veto it says that the event is to be dropped.
func (w *Watch) Thing(confidence float64, box image.Rectangle, now time.Duration) (moved float64, drop bool) {
	if w.err != nil {
		return confidence, false
	}
	if !w.afford(now, w.cfg.PerMinute) {
		w.count.Unasked++
		return confidence, false
	}
	s, ok := w.show(box, now)
	if !ok || s.Person < w.cfg.Score {
		return confidence, false
	}
	if w.cfg.Veto {
		w.count.Held++
	}
	return confidence * (1 - w.doubt()), w.cfg.Veto
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }
