//go:build cgo

package gather

import (
	"image"
	"math"

	"sentrybox/analytics/agitate"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
)

const (
	hidden = 0.8 // of one person's area that shows of somebody without a track, usually
	least  = 0.4 // of it that shows in the densest group
	round  = 0.4 // what is so much more than a whole number of people is one more
	// A blob that fills its box is people who stand close and in rows: of one in such a
	// group packed shows, of one in a loose group everything.
	packed  = 0.6
	loose   = 0.5  // part of its box that a loose group fills
	dense   = 0.65 // that a packed one fills
	pair    = 1.7  // times one person's area, from which a track is two people
	abreast = 0.58 // width over height, from which it may be
	most    = 4    // people that one track can be
	alone   = 4    // pictures alone, before which they tell nothing
)

// member is a track that is in the zone, with what was seen of it while it was alone.
type member struct {
	id   uint64
	live bool
	n    int     // pictures in which it was alone
	fill float64 // mean area over the square of the height
	wide float64 // mean width over height
	size float64 // mean area, pixels
}

// see takes in a picture of the track alone.
func (m *member) see(b *motion.Blob) {
	h, w := float64(b.Box.Dy()), float64(b.Box.Dx())
	m.n++
	k := 1 / float64(min(m.n, 40))
	m.fill += (float64(b.Area)/(h*h) - m.fill) * k
	m.wide += (w/h - m.wide) * k
	m.size += (float64(b.Area) - m.size) * k
}

// people returns how many people the track is, where one fills so much.
func (m *member) people(fill float64) float64 {
	if m.n < alone || m.wide < abreast || m.fill < pair*fill {
		return 1
	}
	return min(math.Floor(m.fill/fill+0.5), most)
}

// group is the people of one blob.
type group struct {
	tracks  int
	people  float64
	size    float64 // of all of them alone, pixels
	tall    float64 // sum of their heights
	tallest float64
}

// number counts the people in the zone, and returns the box around them.
func (w *Watch) number(s *behaviour.Scene) (int, image.Rectangle) {
	for i := range w.members {
		w.members[i].live = false
	}
	filled := 0
	for j := range s.Blobs {
		filled += s.Blobs[j].Area
	}
	if filled > crowded*w.zone.Width*w.zone.Height/100 {
		w.group = agitate.Group{}
		return 0, image.Rectangle{} // the light or the camera has changed
	}
	var groups [motion.MaxBlobs]group
	for i := range s.Tracks {
		if t := &s.Tracks[i]; t.Blob >= 0 && t.Height() > 0 {
			groups[t.Blob].tallest = max(groups[t.Blob].tallest, t.Height())
		}
	}
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if t.Blob < 0 || !somebody(t) {
			continue
		}
		m := w.stands(t)
		if m == nil {
			continue
		}
		b, g := &s.Blobs[t.Blob], &groups[t.Blob]
		h := t.Height()
		if h < part*w.person.usualHeight(b, w.zone.Height) || h < part*g.tallest {
			continue // a leg, or what somebody carries
		}
		if !t.Shared {
			m.see(b)
			if t.Displacement() > 0 {
				w.person.learn(t, b, w.zone.Height)
			}
		}
		fill := w.person.usualFill()
		g.tracks++
		n := m.people(fill)
		g.people += n
		g.tall += h
		if m.n >= alone {
			g.size += m.size
		} else {
			g.size += n * fill * h * h
		}
	}
	w.forget()
	total, box := 0.0, image.Rectangle{}
	w.group = agitate.Group{}
	area := 0
	for j := range s.Blobs {
		if g, b := &groups[j], &s.Blobs[j]; g.tracks > 0 {
			w.group.Blobs[j] = true
			w.group.Height += g.tall / float64(g.tracks) * float64(b.Area)
			area += b.Area
			total += g.count(b, w.person.area(b, g.tall/float64(g.tracks), w.zone.Height))
			box = box.Union(b.Box)
		}
	}
	w.group.Height /= float64(max(area, 1))
	return int(total), box
}

// count returns how many people a blob is, where one person fills so many pixels.
func (g *group) count(b *motion.Blob, one float64) float64 {
	area, w, h := float64(b.Area), float64(b.Box.Dx()), float64(b.Box.Dy())
	n := g.people + max(math.Floor((area-g.size)/(hidden*one)+round), 0)
	if w > abreast*h {
		full := min(max((area/(w*h)-loose)/(dense-loose), 0), 1)
		n = max(n, math.Floor(area/((1-(1-packed)*full)*one)+round))
	}
	return max(min(n, math.Floor(area/(least*one)+0.5)), 1)
}

// somebody says whether a track can be a person: also one who runs.
func somebody(t *track.Track) bool {
	return t.Person || t.Mover && float64(t.Box.Dy()) > upright*float64(t.Box.Dx())
}

// stands returns what is remembered of a track, nil if it does not stand in the zone.
func (w *Watch) stands(t *track.Track) *member {
	at := -1
	for i := range w.members {
		if w.members[i].id == t.ID {
			at = i
			break
		}
	}
	if !behaviour.Stands(t.Box, w.zone, at >= 0) {
		return nil
	}
	if at < 0 {
		if len(w.members) == cap(w.members) {
			return nil
		}
		at = len(w.members)
		w.members = append(w.members, member{id: t.ID})
	}
	w.members[at].live = true
	return &w.members[at]
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
