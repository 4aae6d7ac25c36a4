//go:build cgo

package confirm

import (
	"image"
	"slices"
	"time"

	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	tries     = 4                      // in short succession
	again     = 400 * time.Millisecond // between them
	later     = 2 * time.Second        // between those that follow
	patient   = 12                     // tries, after which
	rarely    = 10 * time.Second       // passes between them
	patience  = 1600 * time.Millisecond
	minute    = time.Minute
	early     = 4  // pictures with a track before it is looked at
	smallest  = 10 // pixels of the whole picture
	hogAtOnce = 4  // crops in one picture
	// A network that is so sure of a person so often in a track knows one before
	// the heuristics do.
	makesPerson = 2
	sure        = 0.6
)

// opinion is what the detector has said of a track.
type opinion struct {
	id      uint64
	live    bool
	tries   int
	yes     int           // how often it was surely found to be a person
	last    time.Duration // when it was last tried, or was not for want of budget
	person  time.Duration // since when the track is known as a person; negative before
	starved bool          // the last try was not made
	held    bool          // it has been counted as held back
	best    Scores
}

// Watch asks a detector about the tracks of one camera. It is for one goroutine
// at a time.
type Watch struct {
	det    Detector
	cfg    wire.Detector
	source Source
	crops  cropper
	w, h   int // working size

	opinions []opinion
	runs     []time.Duration // the media times of the last minute's
	due      []*track.Track
	shown    []track.Track
	count    wire.Confirmed
	err      error
}

// New returns a watch that owns a detector.
func New(det Detector, cfg wire.Detector, source Source) *Watch {
	return &Watch{det: det, cfg: cfg, source: source, opinions: make([]opinion, 0, track.MaxTracks),
		runs: make([]time.Duration, 0, cfg.PerMinute), due: make([]*track.Track, 0, track.MaxTracks),
		shown: make([]track.Track, 0, track.MaxTracks)}
}

// Close frees the detector.
func (w *Watch) Close() error { return w.det.Close() }

// Count returns what was asked so far.
func (w *Watch) Count() wire.Confirmed { return w.count }

// Err returns why the detector is not asked any more, nil while it is.
func (w *Watch) Err() error { return w.err }

// Resize says that pictures are of another size from here on: as coded and as
// the tracks have it. Nothing that privacy marks is shown to the detector.
func (w *Watch) Resize(width, height, workWidth, workHeight int, privacy *zone.Mask) {
	w.crops.width, w.crops.height, w.crops.privacy = width, height, privacy
	w.w, w.h = workWidth, workHeight
	w.opinions = w.opinions[:0]
}

// Look takes in a picture's tracks and asks about those that it is time for.
// relevant says whether a place in the picture, at the working size, matters to anyone.
func (w *Watch) Look(tracks []track.Track, now time.Duration, relevant func(image.Rectangle) bool) {
	w.follow(tracks, now)
	if w.err != nil {
		return
	}
	w.due = w.due[:0]
	for i := range tracks {
		t := &tracks[i]
		if t.Blob >= 0 && !t.Shared && t.Seen >= early && (t.Person || t.Novelty() > 0.18) && w.wants(t, now) && relevant(t.Box) {
			w.due = append(w.due, t)
		}
	}
	slices.SortStableFunc(w.due, func(a, b *track.Track) int { return w.urgency(b) - w.urgency(a) })
	most := 1
	if w.cfg.Format == wire.HOG {
		most = hogAtOnce
	}
	for _, t := range w.due[:min(len(w.due), most)] {
		w.ask(t, now)
	}
}

// follow keeps an opinion for each live track.
func (w *Watch) follow(tracks []track.Track, now time.Duration) {
	for i := range w.opinions {
		w.opinions[i].live = false
	}
	for i := range tracks {
		t := &tracks[i]
		o := w.find(t.ID)
		if o == nil {
			w.opinions = append(w.opinions, opinion{id: t.ID, person: -1})
			o = &w.opinions[len(w.opinions)-1]
		}
		o.live = true
		if t.Person && o.person < 0 {
			o.person = now
		}
	}
	w.opinions = slices.DeleteFunc(w.opinions, func(o opinion) bool { return !o.live })
}

func (w *Watch) find(id uint64) *opinion {
	for i := range w.opinions {
		if w.opinions[i].id == id {
			return &w.opinions[i]
		}
	}
	return nil
}

func (w *Watch) wants(t *track.Track, now time.Duration) bool {
	o := w.find(t.ID)
	if t.Person && o.best.Person >= w.cfg.Score || o.yes >= makesPerson {
		return false
	}
	wait := again
	switch {
	case o.tries >= patient:
		wait = rarely
	case o.tries >= tries:
		wait = later
	}
	return o.tries == 0 && !o.starved || now-o.last >= wait || now < o.last
}

// urgency puts those first for whom a rule may wait.
func (w *Watch) urgency(t *track.Track) int {
	o := w.find(t.ID)
	u := -o.tries
	if t.Person {
		u += 1000
	}
	return u
}

// ask shows a track to the detector if the budget allows it.
func (w *Watch) ask(t *track.Track, now time.Duration) {
	o := w.find(t.ID)
	spare := w.cfg.PerMinute
	if !t.Person {
		spare /= 2 // it may never become one
	}
	if !w.afford(now, spare) {
		o.last, o.starved = now, true
		if t.Person {
			w.count.Unasked++
		}
		return
	}
	s, ok := w.show(t.Box, now)
	if !ok {
		return
	}
	o.last, o.starved = now, false
	o.tries++
	if s.Person >= max(w.cfg.Score, sure) {
		o.yes++
	}
	o.best.Person, o.best.Vehicle = max(o.best.Person, s.Person), max(o.best.Vehicle, s.Vehicle)
}

// afford says whether fewer than most crops were shown in the last minute.
func (w *Watch) afford(now time.Duration, most int) bool {
	w.runs = slices.DeleteFunc(w.runs, func(at time.Duration) bool { return at > now || now-at >= minute })
	return len(w.runs) < most
}

// show shows what is in a box at the working size. It is false if there is
// nothing to see, or the detector has failed.
func (w *Watch) show(box image.Rectangle, now time.Duration) (Scores, bool) {
	body := image.Rect(box.Min.X*w.crops.width/w.w, box.Min.Y*w.crops.height/w.h, box.Max.X*w.crops.width/w.w, box.Max.Y*w.crops.height/w.h)
	if body.Dx() < smallest/2 || body.Dy() < smallest {
		return Scores{}, false
	}
	view, side := w.det.View(body)
	c, err := w.crops.take(w.source, body, view, side)
	if err != nil || c == nil {
		return Scores{}, false // the decoder has no such picture any more
	}
	s, err := w.det.Detect(c)
	if err != nil {
		w.err, w.count.Lost = err, true
		return Scores{}, false
	}
	w.runs = append(w.runs, now)
	w.count.Asked++
	return s, true
}
