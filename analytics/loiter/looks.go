//go:build cgo

package loiter

import (
	"image"
	"math"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/track"
)

// Where two meet, and at the picture's edge, a track may go on with another
// person. So what somebody looked like and where they went before is held against
// what is there when they are alone again.
const (
	shades    = 16 // grey levels between halves of the same person, at most
	sureLooks = 6  // pictures alone, to be judged
	stepAside = 0.7
	noLonger  = 6 * time.Second // for so long at most a way is thought on
	whole     = 0.7             // of a person's height; less is a part of them
	part      = 0.5
	better    = 0.5 // by which an exchange must fit better than none
	newcomer  = 1.6 // from which it is nobody that was known
	// The same at the picture's edge, for somebody who has walked straight up to it.
	newAtEdge = 0.7
	// Nobody who walked through turns round in so short a time and walks back as fast.
	turnTime  = 3 * time.Second
	turnSpeed = 0.35 // heights a second
	// Grey levels by which the picture must not have changed, for looks to say that.
	otherLight = 4
	noticed    = 1500 * time.Millisecond
)

// appearance is the mean grey of somebody's upper and lower half against
// the mean of the picture, over the last pictures.
type appearance struct {
	upper, lower float64
	n            int
}

// past is what somebody was like before they met somebody or came to the
// picture's edge.
type past struct {
	doubt        time.Duration // when that was; 0 if it is who it was
	look         appearance
	x, y, vx, vy float64 // of the foot, in pixels and pixels a second
	tall         float64
	mean         float64 // grey of the picture
	edge         bool    // since then, it was at the picture's edge
}

// looks is what a track shows now of who it is.
type looks struct {
	now  appearance
	x, y float64 // of the foot, pixels
	vx   float64 // pixels a second
	met  bool    // it shares or shared a blob, and has not been judged since
}

// look takes in the track in a picture. It returns true when somebody is
// alone again for long enough to be judged.
func (v *stay) look(t *track.Track, s *behaviour.Scene, mean float64) bool {
	here, soon := t.Predicted(0), t.Predicted(1)
	v.x, v.y = float64(here.Min.X+here.Max.X)/2, float64(here.Max.Y)
	v.vx = float64(soon.Min.X+soon.Max.X)/2 - v.x
	hidden := meets(t, s) || hides(t, s)
	if hidden || t.Left {
		if v.past.doubt == 0 && v.now.n >= sureLooks {
			v.past = past{doubt: s.Time, look: v.now, mean: mean, x: v.x, y: v.y, tall: float64(max(here.Dy(), 1)),
				vx: v.vx, vy: float64(soon.Max.Y) - v.y}
		}
		v.past.edge = v.past.edge || t.Left
		v.met = v.met || hidden
		if v.past.doubt != 0 || hidden {
			v.now = appearance{}
		}
		return false
	}
	if float64(t.Box.Dy()) < whole*v.tall {
		return false // a part of them, the rest is hard to see
	}
	v.now.add(t, s, mean)
	if v.now.n < sureLooks {
		return false
	}
	if v.past.doubt == 0 {
		v.met = false
	}
	return v.past.doubt != 0
}

// meets says whether a track shares its blob with somebody else, and not with a part of
// themselves that is also followed.
func meets(t *track.Track, s *behaviour.Scene) bool {
	if !t.Shared {
		return false
	}
	for i := range s.Tracks {
		o := &s.Tracks[i]
		if o.ID != t.ID && o.Blob == t.Blob && other(o, t) {
			return true
		}
	}
	return false
}

// other says whether a track may be another person than t, and not a part of them.
func other(o, t *track.Track) bool {
	return o.Person || o.Mover && o.Height() > part*t.Height()
}

// hides says whether somebody who is not seen now may be within a track's blob.
func hides(t *track.Track, s *behaviour.Scene) bool {
	for i := range s.Tracks {
		if o := &s.Tracks[i]; o.Blob < 0 && other(o, t) && !o.Predicted(0).Intersect(t.Box).Empty() {
			return true
		}
	}
	return false
}

// known returns what somebody looked like when they were last seen alone.
func (v *stay) known() *appearance {
	if v.past.doubt != 0 {
		return &v.past.look
	}
	return &v.now
}

// differs says how little somebody fits a past: 1 and more is somebody else.
func (l *looks) differs(p *past, now time.Duration) float64 {
	if p.doubt == 0 || l.now.n == 0 {
		return math.Inf(1)
	}
	gone := min(now-p.doubt, noLonger).Seconds()
	// Somebody who walked may have stopped, so the nearest place of the way counts.
	dx, dy := l.x-p.x, l.y-p.y
	if n := p.vx*p.vx + p.vy*p.vy; n > 0 {
		f := min(max((dx*p.vx+dy*p.vy)/n, 0), gone)
		dx, dy = dx-f*p.vx, dy-f*p.vy
	}
	far := math.Hypot(dx, dy) / (p.tall * (stepAside + 0.3*gone))
	return max(l.now.difference(&p.look)/shades, 0.6*far)
}

// settle judges who a track is that is alone again: who it was, somebody who it
// has changed places with, or somebody new.
func (w *Watch) settle(at int, now time.Duration) {
	v := &w.stays[at]
	keep := v.differs(&v.past, now)
	best, gain := -1, better
	for i := range w.stays {
		u := &w.stays[i]
		if i == at || u.past.doubt == 0 || now-u.past.doubt > noLonger || u.id == 0 && u.last < v.past.doubt {
			continue
		}
		take := v.differs(&u.past, now)
		if take > 1 {
			continue
		}
		g := keep - take
		if u.id != 0 && u.now.n > 0 {
			g += u.differs(&u.past, now) - u.differs(&v.past, now)
		}
		if g > gain {
			best, gain = i, g
		}
	}
	switch {
	case best >= 0:
		v.clock, w.stays[best].clock = w.stays[best].clock, v.clock
	case math.Abs(w.mean-v.past.mean) < otherLight && keep > v.doubtful(now) && len(w.stays) < maxStays:
		left := *v
		left.id, left.last, left.dwell = 0, v.past.doubt, max(v.dwell-(now-v.past.doubt), 0)
		// They are found again by what they look like, not by where the newcomer is.
		left.edge, left.box = true, v.box.Add(image.Pt(int(v.past.x-v.x), int(v.past.y-v.y)))
		w.stays = append(w.stays, left)
		v.clock = clock{entered: now - noticed, dwell: noticed, last: now, box: v.box, first: v.box}
	}
	v.past, v.met = past{}, false
}

// doubtful returns how little somebody may fit their past.
func (v *stay) doubtful(now time.Duration) float64 {
	at := image.Pt(int(v.past.x), int(v.past.y))
	if !v.past.edge || v.lingered(image.Rectangle{at, at}) {
		return newcomer
	}
	quick := turnSpeed * v.past.tall
	if now-v.past.doubt < turnTime && v.past.vx*v.vx < 0 && math.Abs(v.past.vx) > quick && math.Abs(v.vx) > quick {
		return 0
	}
	return newAtEdge
}

// add takes in the track's own blob.
func (a *appearance) add(t *track.Track, s *behaviour.Scene, mean float64) {
	width, _ := s.Motion.Size()
	class, id := s.Motion.Classes(), uint8(t.Blob+1)
	r := s.Blobs[t.Blob].Box
	step := 1 + r.Dy()/60 // some thousand samples at most
	middle := (r.Min.Y + r.Max.Y) / 2
	var sum, n [2]int
	for y := r.Min.Y; y < r.Max.Y; y += step {
		half := 0
		if y >= middle {
			half = 1
		}
		for i := y*width + r.Min.X; i < y*width+r.Max.X; i += step {
			if class[i] == id {
				sum[half] += int(s.Pix[i])
				n[half]++
			}
		}
	}
	if n[0] == 0 || n[1] == 0 {
		return
	}
	upper, lower := float64(sum[0])/float64(n[0])-mean, float64(sum[1])/float64(n[1])-mean
	a.n++
	f := 1 / float64(min(a.n, 16))
	a.upper += (upper - a.upper) * f
	a.lower += (lower - a.lower) * f
}

// difference returns the greater of the halves' differences, in grey levels.
func (a *appearance) difference(b *appearance) float64 {
	if a.n == 0 || b.n == 0 {
		return math.Inf(1)
	}
	return max(math.Abs(a.upper-b.upper), math.Abs(a.lower-b.lower))
}

// mean returns the mean grey of a picture, from a sample.
func mean(pix []byte) float64 {
	const step = 61
	sum, n := 0, 0
	for i := 0; i < len(pix); i += step {
		sum += int(pix[i])
		n++
	}
	return float64(sum) / float64(max(n, 1))
}
