//go:build cgo

package track

import (
	"math"
	"time"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/perspective"
)

// What makes a track a person. Found on real footage; see the doc of Person.
const (
	sureAge     = time.Second
	sureSeen    = 0.7  // part of the pictures
	sureNew     = 0.18 // mean part of the outline that is new
	sureHeight  = 0.045
	wideThing   = 1.9 // width over height beyond which it is no person
	sureThrough = 0.4 // how far the background shows through it on average: not through people
	walked      = 0.3 // heights
	straight    = 0.3
	maxSpeed    = 4.5 // heights a second: a sprinter
	standAge    = 3 * time.Second
	standNew    = 0.5
	standHeight = 0.06
	standTall   = 1.3         // height over width
	alive       = time.Second // within which it must have moved
	// Among foliage what appears may be a branch that the wind bent.
	standRest  = 0.25
	standLarge = 0.25
	pathStep   = 400 * time.Millisecond
	slack      = 0.012 // of the picture's width: what blobs wander by themselves
	restSlack  = 0.14  // the same in restless surroundings

	moverNew      = 0.12
	moverArea     = 0.0006 // of the picture, of its box
	moverReach    = 0.5    // of its size
	moverStraight = 0.5
	moverSpeed    = 4.5 // sizes a second, on average: insects and flakes near the lens are faster
	// What is small must be seen for longer than a car that drives through a small zone.
	moverLarge = 0.005 // of the picture, of its box
	moverAge   = time.Second

	// Heights, against that of a person who stands there.
	// A place left empty: motionless for so long, its outline lost rather than new.
	emptyAge = 3 * time.Second
	emptyNew = 0.4
	lately   = 1.0 / 12 // weight of a picture

	crouches = 0.4
	towers   = 2.5 // people in a group, one above the other, and vehicles
	fewRows  = 10  // pixels, fewer tell nothing

	learnAge  = 2 * time.Second
	learnSeen = 0.9
	learnSlim = 0.75

	// While the background is young nothing is known of what is never still, but that
	// many tracks begin.
	youngBusy   = 6
	youngFor    = 8 * time.Second
	youngRest   = 0.5 // taken for the restlessness of all surroundings
	youngWalked = 1.2

	stillMoving = 0.02 // part of the pixels that change in a living thing, at least
	// holdStill bounds for how long something without any life is kept out of the background.
	holdStill = 60 * time.Second
	// holdUnknown is the same for what has not shown what it is, such as a branch.
	holdUnknown = 10 * time.Second
)

// evidence is what a track has shown of itself.
type evidence struct {
	since           time.Duration // when it began to be judged
	x0, y0          float64       // where that was
	px, py          float64       // the last point of its path
	pathTime        time.Duration
	path            float64 // its length, in pixels
	reach           float64 // the greatest distance from the beginning, in pixels
	newSum, moveSum float64
	restSum         float64
	throughSum      float64
	heightSum       float64
	widthSum        float64
	n               int
	newNow, lostNow float64       // of the outline, lately
	learned         bool          // a model was taught by it
	least, most     float64       // height of a person where it stands, in pixels
	young           bool          // the background is, and much stirs
	moved           time.Duration // when it last moved at all
	top             float64       // the highest speed of its path, in sizes a second
}

func (e *evidence) restart(x, y float64, now time.Duration) {
	*e = evidence{since: now, x0: x, y0: y, px: x, py: y, pathTime: now, moved: now}
}

func (e *evidence) add(t *Track, b *motion.Blob, now time.Duration) {
	if e.n++; e.n == 1 {
		e.newNow, e.lostNow = b.New, b.Lost
	}
	e.newNow += (b.New - e.newNow) * lately
	e.lostNow += (b.Lost - e.lostNow) * lately
	e.newSum += b.New
	e.heightSum += float64(b.Box.Dy())
	e.widthSum += float64(b.Box.Dx())
	e.moveSum += b.Moving
	e.restSum += b.Restless
	e.throughSum += b.Through
	if b.Moving > stillMoving {
		e.moved = now
	}
	if gap := now - e.pathTime; gap >= pathStep {
		step := math.Hypot(t.x.p-e.px, t.y.p-e.py)
		e.path += step
		e.top = max(e.top, step/gap.Seconds()/t.size())
		e.px, e.py, e.pathTime = t.x.p, t.y.p, now
	}
	e.reach = max(e.reach, math.Hypot(t.x.p-e.x0, t.y.p-e.y0))
}

// Novelty returns which part of its outline was new on average, 0 to 1.
func (t *Track) Novelty() float64 { return t.newSum / float64(max(t.n, 1)) }

// through returns how far the background shows through it on average, 0 to 1.
func (t *Track) through() float64 { return t.throughSum / float64(max(t.n, 1)) }

// Height returns its mean height in pixels.
func (t *Track) Height() float64 { return t.heightSum / float64(max(t.n, 1)) }

// Displacement returns the greatest distance from where it began, in its own
// mean heights.
func (t *Track) Displacement() float64 { return t.reach / max(t.Height(), 1) }

func (t *Track) person(now time.Duration, w, h int) bool {
	height, width := t.Height(), t.widthSum/float64(t.n)
	if now-t.since < sureAge || float64(t.Seen) < sureSeen*float64(t.Pictures) ||
		now-t.moved > alive || t.Novelty() < sureNew || t.through() > sureThrough || height < t.least || height > t.most || width > wideThing*height || t.top > maxSpeed {
		return false
	}
	if t.reach > t.far(w) && t.reach > straight*t.path {
		return true
	}
	rest := t.rest()
	return now-t.since > standAge && t.Novelty() > standNew && t.moveSum > stillMoving*float64(t.n) &&
		height > standHeight*float64(h) && height > standTall*width && (rest < standRest || height > standLarge*float64(h))
}

// limits returns how tall a person is at least and at most whose feet are in a row
// of a picture of height h, in pixels.
func limits(people *perspective.Model, foot, h int) (least, most float64) {
	height := float64(h)
	usual, known := people.Height(float64(foot) / height)
	if !known {
		return sureHeight * height, math.Inf(1)
	}
	return max(crouches*usual*height, fewRows), towers * usual * height
}

// exemplary says whether a track shows, for the first time, how tall people are: one
// person, alone and whole. It asks no model, so that one who is wrong is taught better.
func (t *Track) exemplary(now time.Duration) bool {
	return !t.learned && !t.Shared && !t.Left && now-t.First > learnAge && float64(t.Seen) > learnSeen*float64(t.Pictures) &&
		t.Displacement() > 1.5 && t.reach > straight*t.path && t.top < maxSpeed && now-t.moved < alive && t.Novelty() > sureNew && t.widthSum/float64(t.n) < learnSlim*t.Height() &&
		math.Abs(float64(t.Box.Dy())-t.Height()) < 0.15*t.Height()
}

func (t *Track) mover(w, h int) bool {
	size := math.Sqrt(t.Height() * t.widthSum / float64(t.n))
	age, part := t.Last-t.First, size*size/float64(w*h)
	if t.Seen < 3 || float64(t.Seen) < sureSeen*float64(t.Pictures) || t.Novelty() <= moverNew || t.through() > sureThrough || part <= moverArea || part < moverLarge && age < moverAge ||
		t.reach > moverSpeed*size*age.Seconds() {
		return false
	}
	return t.reach > moverReach*size+t.drift(w) && t.reach > moverStraight*t.path
}

// empty says whether a track follows but the place where somebody was when the
// background was taken.
func (t *Track) empty() bool {
	return t.Still() > emptyAge && t.lostNow > t.newNow && t.newNow < emptyNew
}

// far returns how far a person must have gone in a picture of width w, in pixels.
func (t *Track) far(w int) float64 {
	heights := walked
	if t.young {
		heights = youngWalked
	}
	return heights*t.Height() + t.drift(w)
}

// drift returns how far blobs wander by themselves in such surroundings, in pixels.
func (t *Track) drift(w int) float64 { return (slack + restSlack*t.rest()) * float64(w) }

// rest returns how restless its surroundings are, 0 to 1.
func (t *Track) rest() float64 {
	rest := t.restSum / float64(max(t.n, 1))
	if t.young {
		return max(rest, youngRest)
	}
	return rest
}

// holds says whether the track's blob stays out of the background.
func (t *Track) holds(now time.Duration) bool {
	if t.Empty {
		return false
	}
	if t.Person || t.Mover {
		return now-t.moved < holdStill
	}
	return t.Seen >= 3 && now-t.First < holdUnknown
}

// Still returns for how long nothing in it has moved.
func (t *Track) Still() time.Duration { return t.Last - t.moved }
