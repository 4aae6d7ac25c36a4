//go:build cgo

// Package agitate tells a group of people who run, push or fight from one that
// stands, talks, queues or walks.
//
// It looks at how fast the parts of the group move, in people's heights a second, by
// matching blocks of the picture with the one before. Of people who walk nearly everything
// moves and little of it is fast: their feet, for moments. Of people who run, push or fight a
// good part of what moves is fast. So a group is agitated if enough of it is fast, also
// against what moves at all, both smoothed over a second and a half; and calm again well below.
//
// What changes without being found again, such as what comes out from behind somebody, does
// not count.
package agitate

import (
	"math"
	"time"

	"sentrybox/analytics/motion"
)

const (
	moving = 0.6 // heights a second, from which a part moves
	fast   = 1.8 // heights a second, about 3 m/s
	smooth = 1500 * time.Millisecond
	gap    = 500 * time.Millisecond // pictures further apart are not compared
	few    = 10                     // parts, of which less tell nothing
	plenty = 100                    // parts, of which more tell nothing else: only so many are looked for
	// A group is agitated from these shares of fast parts on, of all and of those that move,
	// once they last...
	wild     = 0.07
	wildMove = 0.33
	lasting  = time.Second
	// ...until one is below these.
	calm     = 0.035
	calmMove = 0.2
)

// Group is the people to look at in one picture.
type Group struct {
	Blobs  [motion.MaxBlobs]bool // by their index in the scene's
	Height float64               // of a person among them, in pixels
}

// Meter follows one group. The zero Meter is ready; it is for one goroutine at a time.
type Meter struct {
	flow     flow
	seen     bool
	last     time.Duration
	fast     float64 // share of the parts, smoothed
	moving   float64
	since    time.Duration // when the shares were last too low
	agitated bool
	marked   [256]bool // classes of the group's pixels
}

// Agitated says whether the group was agitated in the last picture.
func (m *Meter) Agitated() bool { return m.agitated }

// Shares returns which part of the group has moved fast lately, and which has
// moved at all, 0 to 1.
func (m *Meter) Shares() (fast, moving float64) { return m.fast, m.moving }

// Reset forgets the group.
func (m *Meter) Reset() {
	m.seen, m.flow.primed, m.fast, m.moving, m.agitated = false, false, 0, 0, false
}

// Look takes in a picture of a media time: luma, width × height, and its classes, see
// motion.Detector.Classes.
func (m *Meter) Look(pix, classes []uint8, width, height int, g *Group, now time.Duration) {
	dt := now - m.last
	if !m.seen || dt <= 0 || dt > gap {
		m.flow.primed = false
	}
	m.seen, m.last = true, now
	factor := max(int(g.Height/person), 1)
	if f := m.flow.factor; f > 0 && g.Height > 0.8*person*float64(f) && g.Height < 2*person*float64(f) {
		factor = f // rather than lose a picture
	}
	m.flow.load(pix, width, height, factor)
	primed := m.flow.primed
	m.flow.primed = true
	if !primed {
		m.since = now
		return
	}
	quick, slow, all := m.measure(classes, width, g, dt.Seconds())
	if all < few {
		return
	}
	k := 1 - math.Exp(-dt.Seconds()/smooth.Seconds())
	m.fast += (float64(quick)/float64(all) - m.fast) * k
	m.moving += (float64(quick+slow)/float64(all) - m.moving) * k
	if m.fast < wild || m.fast < wildMove*m.moving {
		m.since = now
	}
	m.agitated = now-m.since >= lasting || m.agitated && m.fast >= calm && m.fast >= calmMove*m.moving
}

// measure returns how many of the group's blocks have moved fast since the picture
// before, how many have moved more slowly, and how many were found again at all.
func (m *Meter) measure(classes []uint8, width int, g *Group, dt float64) (quick, slow, all int) {
	for i, in := range g.Blobs {
		m.marked[i+1] = in
	}
	f := &m.flow
	scaled := g.Height / float64(f.factor)
	f.look(int(math.Ceil(farthest * scaled)))
	box, covered := f.cover(classes, width, &m.marked)
	each, n := 1+covered/(grid*grid*plenty), 0
	for y := reach + (max(box.Min.Y-reach, 0)+grid-1)/grid*grid; y < min(box.Max.Y, f.height-reach); y += grid {
		for x := reach + (max(box.Min.X-reach, 0)+grid-1)/grid*grid; x < min(box.Max.X, f.width-reach); x += grid {
			if f.mask[y*f.width+x] == 0 {
				continue
			}
			if n++; n%each != 0 {
				continue
			}
			way, found := f.match(x, y)
			if !found {
				continue
			}
			all++
			switch speed := way / scaled / dt; {
			case speed > fast:
				quick++
			case speed > moving:
				slow++
			}
		}
	}
	return quick, slow, all
}
