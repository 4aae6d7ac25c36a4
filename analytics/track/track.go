//go:build cgo

// Package track follows blobs from picture to picture.
//
// A track is a thing in the picture, or a few that cannot be told apart: where
// blobs merge, their tracks share one, and where one splits off again it is
// found by its predicted place. Each track carries what it has shown of itself, from which
// [Track.Person] and [Track.Mover] judge it.
//
// The number of tracks is bounded, and no picture costs more than that bound's
// assignment.
package track

import (
	"image"
	"math"
	"time"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/perspective"
)

// MaxTracks bounds the live tracks.
const MaxTracks = 64

const (
	keepNew  = 700 * time.Millisecond  // for how long a track that nothing supports yet is kept unseen
	keepSure = 2 * time.Second         // the same for one known as a person or a mover
	soonGone = 0.4                     // seconds in which a track about to leave is outside
	maxGap   = 4100 * time.Millisecond // pictures further apart share no tracks; keyframes, which may be all there is, are not
)

// Track is one followed thing. Lengths are in pixels of the working size.
type Track struct {
	ID          uint64          // unique within the Tracker, growing
	First, Last time.Duration   // media time of the first picture with it and of the last
	Box         image.Rectangle // where it was last seen
	Blob        int             // index of its blob in the last picture, -1 if unseen
	Shared      bool            // the blob is also another's
	Seen        int             // pictures with it
	Missed      int             // pictures without it since it was last seen
	Pictures    int             // all pictures since the first
	// Left says that it was last seen at the picture's edge or about to cross it.
	Left bool

	Person bool // it has shown itself to be a person, a group or a vehicle
	Mover  bool // it has shown that it moves from one place to another
	// Empty says that it is a place where somebody was when the background was taken,
	// and so neither of these.
	Empty bool

	x, y          axis
	width, height float64
	evidence
}

// Speed returns the speed of its centre, in pixels a second.
func (t *Track) Speed() float64 { return math.Hypot(t.x.v, t.y.v) }

// Predicted returns the box that the next picture should show it in.
func (t *Track) Predicted(dt float64) image.Rectangle {
	cx, cy := t.x.p+t.x.v*dt, t.y.p+t.y.v*dt
	return image.Rect(int(cx-t.width/2), int(cy-t.height/2), int(cx+t.width/2+1), int(cy+t.height/2+1))
}

// Tracker holds the tracks of one camera. It is for one goroutine at a time.
type Tracker struct {
	w, h   int
	tracks []Track
	gone   []Track // those that ended with the last picture
	next   uint64
	last   time.Duration
	old    time.Duration // from when on the background is no longer young
	begun  int           // tracks
	people *perspective.Model
	match  matcher
	owner  []int // of each blob: a track, or -1
	former []image.Rectangle
	until  time.Duration // that former are expected
}

// New returns a tracker for pictures of a size, whose ids follow after. It learns
// by itself how tall people are where they stand, unless it is told by Judge.
func New(width, height int, after uint64) *Tracker {
	return &Tracker{w: width, h: height, next: after, old: -1, people: perspective.New(nil), tracks: make([]Track, 0, MaxTracks), gone: make([]Track, 0, MaxTracks)}
}

// Judge gives the tracker a model of how tall people are, which it also teaches.
func (t *Tracker) Judge(people *perspective.Model) { t.people = people }

// LastID returns the last id given out.
func (t *Tracker) LastID() uint64 { return t.next }

// Tracks returns the live tracks in order of their ids, valid until the next Update.
func (t *Tracker) Tracks() []Track { return t.tracks }

// Gone returns the tracks that the last Update gave up, valid until the next.
func (t *Tracker) Gone() []Track { return t.gone }

// Update takes in the blobs of a picture of media time now and sets Hold on
// those that belong to a track. No track begins while the background settles.
func (t *Tracker) Update(r motion.Result, now time.Duration) {
	t.gone = t.gone[:0]
	gap := now - t.last
	t.last = now
	if t.old < 0 {
		t.old = now + youngFor
	}
	if gap > maxGap || gap < 0 {
		t.gone = append(t.gone, t.tracks...)
		t.tracks = t.tracks[:0]
		gap = 0
	}
	dt := gap.Seconds()
	for i := range t.tracks {
		k := &t.tracks[i]
		k.x.predict(dt, k.size())
		k.y.predict(dt, k.size())
		k.Blob, k.Shared = -1, false
		k.Pictures++
	}
	t.owner = t.owner[:0]
	for range r.Blobs {
		t.owner = append(t.owner, -1)
	}
	t.assign(r.Blobs)
	for i := range t.tracks {
		if k := &t.tracks[i]; k.Blob >= 0 {
			t.see(k, &r.Blobs[k.Blob], now)
		}
	}
	t.share(r.Blobs, now)
	t.doubtParts(now)
	t.prune(now)
	if !r.Settling {
		t.begin(r.Blobs, now)
	}
	for i := range t.tracks {
		if k := &t.tracks[i]; k.Blob >= 0 {
			r.Blobs[k.Blob].Hold = r.Blobs[k.Blob].Hold || k.holds(now)
		}
	}
}

// share gives tracks that found no blob of their own one that covers them, and
// blobs that no track has to the track that they are a part of.
func (t *Tracker) share(blobs []motion.Blob, now time.Duration) {
	for i := range t.tracks {
		k := &t.tracks[i]
		if k.Blob >= 0 {
			continue
		}
		at := k.Predicted(0)
		best, most := -1, area(at)/2
		for j := range blobs {
			if a := area(at.Intersect(blobs[j].Box)); a > most {
				best, most = j, a
			}
		}
		if best >= 0 {
			k.Blob, k.Shared = best, true
			k.coast(now, blobs[best].Box)
			if o := t.owner[best]; o >= 0 {
				t.tracks[o].Shared = true
			}
		} else {
			k.Missed++
		}
	}
	for j := range blobs {
		if t.owner[j] >= 0 {
			continue
		}
		for i := range t.tracks {
			k := &t.tracks[i]
			if k.Blob >= 0 && 2*area(blobs[j].Box.Intersect(k.Box)) > area(blobs[j].Box) {
				t.owner[j] = i
				blobs[j].Hold = k.holds(now)
				break
			}
		}
	}
}

// doubtParts begins to judge a track anew while it lies within somebody: it may
// be a part of them, or what they left.
func (t *Tracker) doubtParts(now time.Duration) {
	for i := range t.tracks {
		k := &t.tracks[i]
		if k.Person || k.Blob < 0 {
			continue
		}
		for j := range t.tracks {
			o := &t.tracks[j]
			if o.Person && o.Blob >= 0 && 2*area(k.Box) < area(o.Box) && 2*area(k.Box.Intersect(o.Box)) > area(k.Box) {
				k.restart(k.x.p, k.y.p, now)
				break
			}
		}
	}
}

// prune ends tracks that were not seen for too long.
func (t *Tracker) prune(now time.Duration) {
	kept := t.tracks[:0]
	for i := range t.tracks {
		k := t.tracks[i]
		keep := keepNew
		if k.Person || k.Mover {
			keep = keepSure
		}
		if k.Left {
			keep = keepNew
		}
		if now-k.Last > keep {
			t.gone = append(t.gone, k)
			continue
		}
		kept = append(kept, k)
	}
	t.tracks = kept
}

// begin starts tracks for the blobs that no track has. It runs after prune, so
// owner no longer gives indexes of tracks, but still says who has none.
func (t *Tracker) begin(blobs []motion.Blob, now time.Duration) {
	for j := range blobs {
		b := &blobs[j]
		if t.owner[j] >= 0 || len(t.tracks) == MaxTracks || b.Lost > 0.3 && b.Lost > 2*b.New {
			continue
		}
		t.next++
		t.begun++
		k := Track{ID: t.next, First: now, Blob: j, Pictures: 1,
			width: float64(b.Box.Dx()), height: float64(b.Box.Dy())}
		k.x.start(centre(b.Box.Min.X, b.Box.Max.X), k.size())
		k.y.start(centre(b.Box.Min.Y, b.Box.Max.Y), k.size())
		k.restart(k.x.p, k.y.p, now)
		t.see(&k, b, now)
		k.Person = k.Person || t.expected(b.Box, now)
		t.tracks = append(t.tracks, k)
	}
}

// size returns the length that speeds and distances are measured by.
func (t *Track) size() float64 { return max(t.height, t.width/3) }

// see gives a track its own blob and judges it.
func (t *Tracker) see(k *Track, b *motion.Blob, now time.Duration) {
	k.see(b, now, t.w, t.h)
	k.young = now < t.old && t.begun > youngBusy
	if k.Empty = k.empty(); k.Empty {
		k.Person, k.Mover = false, false
		k.restart(k.x.p, k.y.p, k.moved)
		return
	}
	k.least, k.most = limits(t.people, k.Box.Max.Y, t.h)
	k.Person = k.Person || k.person(now, t.w, t.h)
	k.Mover = k.Mover || k.mover(t.w, t.h)
	if k.exemplary(now) {
		k.learned = true
		h := float64(t.h)
		t.people.Learn(float64(k.Box.Max.Y)/h, float64(k.Box.Dy())/h)
	}
}

// see takes in the track's own blob.
func (t *Track) see(b *motion.Blob, now time.Duration, w, h int) {
	size := t.size()
	t.x.correct(centre(b.Box.Min.X, b.Box.Max.X), size)
	t.y.correct(centre(b.Box.Min.Y, b.Box.Max.Y), size)
	t.width += (float64(b.Box.Dx()) - t.width) / 3
	t.height += (float64(b.Box.Dy()) - t.height) / 3
	t.Box, t.Last = b.Box, now
	t.Seen++
	t.Missed = 0
	soon := t.Predicted(soonGone)
	t.Left = b.Box.Min.X <= 2 || b.Box.Max.X >= w-2 || b.Box.Min.Y <= 2 || b.Box.Max.Y >= h-2 ||
		soon.Min.X < 0 || soon.Max.X > w || soon.Min.Y < 0 || soon.Max.Y > h
	t.add(t, b, now)
}

// coast moves a track along within a blob that it shares, which tells nothing
// of its size.
func (t *Track) coast(now time.Duration, within image.Rectangle) {
	// Two who stand together must not drift apart in thought.
	t.x.v *= 0.8
	t.y.v *= 0.8
	t.x.p = min(max(t.x.p, float64(within.Min.X)), float64(within.Max.X))
	t.y.p = min(max(t.y.p, float64(within.Min.Y)), float64(within.Max.Y))
	t.Box = t.Predicted(0).Intersect(within)
	t.Last = now
	t.Seen++
	t.Missed = 0
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

func centre(a, b int) float64 { return float64(a+b) / 2 }
