package throw

import (
	"cmp"
	"slices"
)

const (
	maxRuns  = 1 << 14 // of a sign; a picture with more shows no single thing
	maxBlobs = 80      // the best are kept
	minArea  = 2       // pixels
	maxShare = 0.002   // of the square of the picture's height
)

// run is a row's stretch of pixels of one sign.
type run struct {
	y, x0, x1 int32 // from x0 to before x1
	sum       int32 // of the contrast of its pixels
	parent    int32
}

// blob is a connected set of runs.
type blob struct {
	id       uint32  // unique over all pictures
	x, y     float64 // its middle, weighted by contrast, in pixels of the region
	w, h     int32
	area     int32
	contrast int32 // sum
}

// labeller finds connected runs of each sign, with 8 neighbours. Its memory is
// kept between pictures.
type labeller struct {
	runs  [2][]run
	sums  []sum
	blobs []blob
	full  bool
	last  uint32 // identifier given last
}

// sum adds up the runs of a root.
type sum struct {
	x0, x1, y0, y1 int32
	area           int32
	weight, sx, sy int64
}

func (l *labeller) reset() {
	for s := range l.runs {
		if l.runs[s] == nil {
			l.runs[s] = make([]run, 0, maxRuns)
		}
		l.runs[s] = l.runs[s][:0]
	}
	l.full = false
}

// add takes in a pixel. They come row by row, from left to right in each sign.
func (l *labeller) add(x, y, v, sign int) {
	runs := l.runs[sign]
	if n := len(runs) - 1; n >= 0 {
		if r := &runs[n]; r.y == int32(y) && r.x1 == int32(x) {
			r.x1++
			r.sum += int32(v)
			return
		}
	}
	if len(runs) == maxRuns {
		l.full = true
		return
	}
	l.runs[sign] = append(runs, run{y: int32(y), x0: int32(x), x1: int32(x) + 1, sum: int32(v), parent: int32(len(runs))})
}

func find(runs []run, i int32) int32 {
	for runs[i].parent != i {
		runs[i].parent = runs[runs[i].parent].parent
		i = runs[i].parent
	}
	return i
}

// touch joins runs that touch those of the row above.
func touch(runs []run) {
	j := 0
	for i := range runs {
		r := runs[i]
		for j < i && (runs[j].y < r.y-1 || runs[j].y == r.y-1 && runs[j].x1 < r.x0) {
			j++
		}
		for k := j; k < i && runs[k].y == r.y-1 && runs[k].x0 <= r.x1; k++ {
			a, b := find(runs, int32(i)), find(runs, int32(k))
			runs[max(a, b)].parent = min(a, b)
		}
	}
}

// collect returns the best blobs of what was added, the middle of each where
// keep says so. They are valid until the next call.
func (l *labeller) collect(maxArea int32, keep func(x, y int) bool) []blob {
	l.blobs = l.blobs[:0]
	if l.full {
		return l.blobs
	}
	for s := range l.runs {
		runs := l.runs[s]
		touch(runs)
		l.sums = slices.Grow(l.sums[:0], len(runs))[:len(runs)]
		for i := range runs {
			r, root := &runs[i], find(runs, int32(i))
			t := &l.sums[root]
			if root == int32(i) {
				*t = sum{x0: r.x0, x1: r.x1, y0: r.y, y1: r.y + 1}
			}
			n := r.x1 - r.x0
			t.x0, t.x1, t.y1 = min(t.x0, r.x0), max(t.x1, r.x1), r.y+1
			t.area += n
			t.weight += int64(r.sum)
			t.sx += int64(r.sum) * int64(r.x0+r.x1-1) // twice
			t.sy += int64(r.sum) * int64(r.y)
		}
		for i := range runs {
			t := &l.sums[i]
			if runs[i].parent != int32(i) || t.area < minArea || t.area > maxArea {
				continue
			}
			x, y := float64(t.sx)/float64(2*t.weight), float64(t.sy)/float64(t.weight)
			if keep(int(x), int(y)) {
				l.blobs = append(l.blobs, blob{x: x, y: y, w: t.x1 - t.x0, h: t.y1 - t.y0, area: t.area, contrast: int32(t.weight)})
			}
		}
	}
	slices.SortFunc(l.blobs, func(a, b blob) int {
		return cmp.Or(cmp.Compare(b.contrast, a.contrast), cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
	})
	l.blobs = l.blobs[:min(len(l.blobs), maxBlobs)]
	for i := range l.blobs {
		l.last++
		l.blobs[i].id = l.last
	}
	return l.blobs
}
