package throw

import (
	"cmp"
	"slices"
)

const (
	maxRuns   = 1 << 14 // of a sign; a picture with more shows no single thing
	maxPieces = 160     // the best are kept
	maxBlobs  = 80      // the same of what they were joined to
	// nearby is how far apart, as a part of the picture's height, pieces of one
	// thing lie: its front and its back, what is darker than the wall and brighter
	// than a window, what the encoder left of it.
	nearby   = 1. / 200
	minArea  = 2     // pixels
	maxShare = 0.002 // of the square of the picture's height
)

// run is a row's stretch of pixels of one sign.
type run struct {
	y, x0, x1 int32 // from x0 to before x1
	sum       int32 // of the contrast of its pixels
	parent    int32
}

// blob is a connected set of runs, or several that lie close together.
type blob struct {
	id       uint32  // unique over all pictures
	x, y     float64 // its middle, weighted by contrast, in pixels of the region
	x0, y0   int32   // of the rectangle around it
	w, h     int32
	area     int32
	contrast int32 // sum
}

// labeller finds connected runs of each sign, with 8 neighbours. Its memory is
// kept between pictures.
type labeller struct {
	runs   [2][]run
	sums   []sum
	pieces []blob
	root   [maxPieces]int32 // of each piece, the first of those that are joined to it
	blobs  []blob
	full   bool
	last   uint32 // identifier given last
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

// collect finds the best connected pieces of what was added.
func (l *labeller) collect() {
	l.pieces = l.pieces[:0]
	if l.full {
		return
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
			if t := &l.sums[i]; runs[i].parent == int32(i) && t.area >= minArea {
				l.pieces = append(l.pieces, blob{x: float64(t.sx) / float64(2*t.weight), y: float64(t.sy) / float64(t.weight),
					x0: t.x0, y0: t.y0, w: t.x1 - t.x0, h: t.y1 - t.y0, area: t.area, contrast: int32(t.weight)})
			}
		}
	}
	slices.SortFunc(l.pieces, byContrast)
	l.pieces = l.pieces[:min(len(l.pieces), maxPieces)]
}

func byContrast(a, b blob) int {
	return cmp.Or(cmp.Compare(b.contrast, a.contrast), cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
}

// join makes blobs of the pieces that lie at most gap pixels apart, leaves out those
// larger than maxArea and those whose middle keep does not want, and returns the
// best. They are valid until the next call.
func (l *labeller) join(gap, maxArea int32, keep func(x, y int) bool) []blob {
	l.blobs = l.blobs[:0]
	for i := range l.pieces {
		l.root[i] = int32(i)
		for j := range i {
			if l.pieces[i].apart(&l.pieces[j]) > gap {
				continue
			}
			a, b := l.rootOf(int32(i)), l.rootOf(int32(j))
			l.root[max(a, b)] = min(a, b)
		}
	}
	for i := range l.pieces {
		p := &l.pieces[i]
		r := l.rootOf(int32(i)) // no later than i
		if r == int32(i) {
			l.root[i] = ^int32(len(l.blobs))
			l.blobs = append(l.blobs, *p)
			continue
		}
		l.blobs[^l.root[r]].add(p)
	}
	l.blobs = slices.DeleteFunc(l.blobs, func(b blob) bool { return b.area > maxArea || !keep(int(b.x), int(b.y)) })
	slices.SortFunc(l.blobs, byContrast)
	l.blobs = l.blobs[:min(len(l.blobs), maxBlobs)]
	for i := range l.blobs {
		l.last++
		l.blobs[i].id = l.last
	}
	return l.blobs
}

// rootOf follows the joints of a piece. A root that has a blob already is marked by
// a negative number.
func (l *labeller) rootOf(i int32) int32 {
	for l.root[i] >= 0 && l.root[i] != i {
		i = l.root[i]
	}
	return i
}

// apart is how many pixels lie between two rectangles, across or down, whichever is more.
func (b *blob) apart(o *blob) int32 {
	return max(b.x0-o.x0-o.w, o.x0-b.x0-b.w, b.y0-o.y0-o.h, o.y0-b.y0-b.h)
}

// add makes one blob of two.
func (b *blob) add(o *blob) {
	f := float64(o.contrast) / float64(b.contrast+o.contrast)
	b.x += f * (o.x - b.x)
	b.y += f * (o.y - b.y)
	x1, y1 := max(b.x0+b.w, o.x0+o.w), max(b.y0+b.h, o.y0+o.h)
	b.x0, b.y0 = min(b.x0, o.x0), min(b.y0, o.y0)
	b.w, b.h = x1-b.x0, y1-b.y0
	b.area += o.area
	b.contrast += o.contrast
}
