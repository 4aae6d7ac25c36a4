//go:build cgo

package left

import (
	"image"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
)

const (
	maxPeople = 2 * track.MaxTracks
	// memory is for how long somebody whose track ended is remembered.
	memory = 5 * time.Second
)

// visit is somebody who moves, in one picture.
type visit struct {
	at  time.Duration
	id  uint64
	box image.Rectangle
}

// person is somebody who is followed. Boxes are at the size that the watch looks at.
type person struct {
	id    uint64
	first time.Duration   // when they were first seen,
	from  image.Rectangle // and where
	box   image.Rectangle // where they are
	at    time.Duration   // when that was
	tall  int             // their height, where they were largest
	edge  bool            // they were last seen on their way out of the picture
}

// gap returns how far somebody is from a box, in their own heights.
func (p *person) gap(r image.Rectangle) float64 {
	dx := max(r.Min.X-p.box.Max.X, p.box.Min.X-r.Max.X, 0)
	dy := max(r.Min.Y-p.box.Max.Y, p.box.Min.Y-r.Max.Y, 0)
	return float64(max(dx, 2*dy)) / float64(max(p.tall, 1)) // the ground is seen at a slant
}

// remember notes who is in the picture, as what comes to rest must have come
// with somebody. It returns the part of the picture that they take.
func (w *Watch) remember(s *behaviour.Scene) (share float64) {
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if t.Blob < 0 {
			continue
		}
		box := w.scale(t.Box)
		p := w.person(t.ID, s.Time, box)
		p.at, p.edge, p.box = s.Time, t.Left, box
		if !t.Shared {
			p.tall = max(p.tall-p.tall/16, box.Dy())
		}
		if !t.Person && !t.Mover {
			continue
		}
		share += float64(area(box)) / float64(w.w*w.h)
		if t.Still() == 0 {
			w.note(visit{s.Time, t.ID, box})
		}
	}
	w.people = slices.DeleteFunc(w.people, func(p person) bool { return s.Time-p.at > memory })
	return share
}

func (w *Watch) note(v visit) {
	if len(w.visits) < maxVisits {
		w.visits = append(w.visits, v)
		return
	}
	w.visits[w.next%maxVisits] = v
	w.next = (w.next + 1) % maxVisits
}

func (w *Watch) person(id uint64, now time.Duration, box image.Rectangle) *person {
	for i := range w.people {
		if w.people[i].id == id {
			return &w.people[i]
		}
	}
	if len(w.people) == maxPeople { // the one unseen for longest goes
		oldest := 0
		for i := range w.people {
			if w.people[i].at < w.people[oldest].at {
				oldest = i
			}
		}
		w.people = slices.Delete(w.people, oldest, oldest+1)
	}
	w.people = append(w.people, person{id: id, first: now, from: box, box: box, tall: box.Dy()})
	return &w.people[len(w.people)-1]
}

// owned finds who was at a region when it came, if they are much larger.
func (w *Watch) owned(r *region) bool {
	for i := range w.visits {
		v := &w.visits[i]
		if v.at < r.birth-visitBefore || v.at > r.birth+visitAfter {
			continue
		}
		tall := v.box.Dy()
		reach := image.Rect(v.box.Min.X-tall/4, v.box.Min.Y, v.box.Max.X+tall/4, v.box.Max.Y+tall/8)
		if reach.Intersect(r.box).Empty() || r.box.Max.Y < v.box.Max.Y-int(highest*float64(tall)) ||
			!r.fits(tall) {
			continue
		}
		r.own(v.id)
		r.tall = max(r.tall, tall)
	}
	return len(r.owners) > 0
}

// fits says whether somebody of a height can have carried a region.
func (r *region) fits(tall int) bool {
	return float64(len(r.pix)) <= smaller*float64(tall*tall) && float64(r.box.Dy()) <= lower*float64(tall)
}

func (r *region) own(id uint64) {
	if len(r.owners) < maxOwners && !slices.Contains(r.owners, id) {
		r.owners = append(r.owners, id)
	}
}

// company says how people stand to a region: alone, that nobody lingers within a body's height
// and no owner within a few; anyone, that somebody is near at all. It also notes
// owners that depart.
func (w *Watch) company(r *region, s *behaviour.Scene) (alone, anyone bool) {
	alone = true
	for i := range w.people {
		p := &w.people[i]
		owner := slices.Contains(r.owners, p.id)
		if p.at != s.Time {
			// Who was lost at the picture's edge is gone.
			r.departed = r.departed || owner && p.edge && s.Time-p.at > time.Second
			continue
		}
		t := behaviour.Find(s.Tracks, p.id)
		if t == nil || !t.Person && !t.Mover || itself(t, p.box, r.box) {
			continue
		}
		gap := p.gap(r.box)
		if !owner && p.first > r.birth-heirBefore && near(p.from, r.box, p.tall) {
			owner = true
			r.own(p.id) // the region kept the track that they came with
		}
		if owner && gap > departs {
			r.departed = true
		}
		if owner && gap < attends {
			alone = false
		}
		if gap > 1 {
			continue
		}
		anyone = true
		alone = w.passes(r, p.id, s.Time) && alone
	}
	r.near = slices.DeleteFunc(r.near, func(n nearby) bool { return s.Time-n.seen > time.Second })
	return alone, anyone
}

// passes says whether somebody near a region has not been there for long.
func (w *Watch) passes(r *region, id uint64, now time.Duration) bool {
	at := slices.IndexFunc(r.near, func(n nearby) bool { return n.id == id })
	if at < 0 {
		r.near = append(r.near, nearby{id: id, since: now})
		at = len(r.near) - 1
	}
	r.near[at].seen = now
	return now-r.near[at].since < lingering
}

// near says whether a box is within arm's reach of a region.
func near(box, region image.Rectangle, tall int) bool {
	return !image.Rect(box.Min.X-tall/2, box.Min.Y-tall/4, box.Max.X+tall/2, box.Max.Y+tall/4).Intersect(region).Empty()
}

// itself says whether a track is the region's: what somebody leaves can inherit
// their track.
func itself(t *track.Track, box, region image.Rectangle) bool {
	common := area(box.Intersect(region.Inset(-max(region.Dx(), region.Dy())/4 - 1)))
	return 5*common > 3*area(box) || common > 0 && t.Still() > 2*time.Second
}
