package tryout

import "time"

// mostReorder is how far pictures are out of order at most, as they are coded.
const mostReorder = 64

// walls tells the wall clock of pictures by their media time. That begins anew with each
// session of the camera, so that it is looked for from where the last was found on.
type walls struct {
	all  []wall
	from int // index from which on it is looked
}

type wall struct {
	pts time.Duration
	at  time.Time
}

func (w *walls) add(pts time.Duration, at time.Time) {
	if w.from > 4096 { // long past
		w.all = append(w.all[:0], w.all[w.from:]...)
		w.from = 0
	}
	w.all = append(w.all, wall{pts, at})
}

// of returns the wall clock of a picture, or of the one before if it is not known.
func (w *walls) of(pts time.Duration) time.Time {
	for i := w.from; i < len(w.all); i++ {
		if (w.all[i].pts - pts).Abs() < time.Millisecond {
			w.from = max(w.from, i-mostReorder)
			return w.all[i].at
		}
	}
	if w.from < len(w.all) {
		return w.all[w.from].at
	}
	return time.Time{}
}
