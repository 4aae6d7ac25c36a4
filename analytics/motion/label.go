//go:build cgo

package motion

import (
	"cmp"
	"encoding/binary"
	"image"
	"slices"
)

const (
	maxFragments = 128
	maxRuns      = 1 << 16
	// Parts of a picture's area.
	minFragment = 0.00012
	minBlob     = 0.0004
	// maxJoinGap is the largest vertical gap between the parts of one thing, as
	// a part of the picture's height.
	maxJoinGap = 0.12
)

// run is a row's stretch of foreground, from x0 to before x1.
type run struct {
	y, x0, x1 int32
	parent    int32
}

// fragment is one connected set of runs.
type fragment struct {
	box    image.Rectangle
	area   int
	sx, sy int64 // sums of the coordinates of its pixels
	root   int32 // its first run
	into   int32 // the fragment that it was joined to, or itself
}

// labeller finds connected runs, with 8 neighbours. Its memory is kept between
// pictures.
type labeller struct {
	w, h  int
	runs  []run
	frags []fragment
	// fragOf maps a root run to its fragment, -1 if it was too small.
	fragOf []int32
}

func (l *labeller) init(w, h int) { l.w, l.h = w, h }

func (l *labeller) find(i int32) int32 {
	for l.runs[i].parent != i {
		l.runs[i].parent = l.runs[l.runs[i].parent].parent
		i = l.runs[i].parent
	}
	return i
}

// scan collects the runs of a mask and joins those that touch.
//
//go:norace
func (l *labeller) scan(mask []uint8) {
	l.runs = l.runs[:0]
	above := 0 // first run of the row above
	for y := range l.h {
		first := len(l.runs)
		row := mask[y*l.w : (y+1)*l.w]
		for x := 0; x < l.w; {
			if x+8 <= l.w && binary.NativeEndian.Uint64(row[x:]) == 0 {
				x += 8
				continue
			}
			if row[x] == 0 {
				x++
				continue
			}
			x0 := x
			for x < l.w && row[x] != 0 {
				x++
			}
			if len(l.runs) == maxRuns {
				return // a checkerboard: nothing in it is a thing
			}
			id := int32(len(l.runs))
			l.runs = append(l.runs, run{int32(y), int32(x0), int32(x), id})
		}
		l.touch(above, first)
		above = first
	}
}

// touch joins the runs from first on with those of the row above.
func (l *labeller) touch(above, first int) {
	if above == first {
		return
	}
	j := above
	for i := first; i < len(l.runs); i++ {
		r := l.runs[i]
		for j < first && l.runs[j].x1 < r.x0 {
			j++
		}
		for k := j; k < first && l.runs[k].x0 <= r.x1; k++ {
			if l.runs[k].y != r.y-1 {
				break
			}
			a, b := l.find(int32(i)), l.find(int32(k))
			if a != b {
				l.runs[max(a, b)].parent = min(a, b)
			}
		}
	}
}

// collect sums the runs up to fragments of at least minArea pixels, the largest
// maxFragments of them.
func (l *labeller) collect(minArea int) {
	l.frags = l.frags[:0]
	l.fragOf = slices.Grow(l.fragOf[:0], len(l.runs))[:len(l.runs)]
	for i := range l.runs {
		r := &l.runs[i]
		root := l.find(int32(i))
		if root == int32(i) {
			l.fragOf[i] = int32(len(l.frags))
			l.frags = append(l.frags, fragment{root: root,
				box: image.Rect(int(r.x0), int(r.y), int(r.x1), int(r.y)+1)})
		}
		f := &l.frags[l.fragOf[root]]
		n := int(r.x1 - r.x0)
		f.area += n
		f.sx += int64(r.x0+r.x1-1) * int64(n) / 2
		f.sy += int64(r.y) * int64(n)
		f.box.Min.X = min(f.box.Min.X, int(r.x0))
		f.box.Max.X = max(f.box.Max.X, int(r.x1))
		f.box.Max.Y = int(r.y) + 1
	}
	l.frags = slices.DeleteFunc(l.frags, func(f fragment) bool { return f.area < minArea })
	slices.SortFunc(l.frags, func(a, b fragment) int {
		return cmp.Or(cmp.Compare(b.area, a.area), cmp.Compare(a.root, b.root))
	})
	l.frags = l.frags[:min(len(l.frags), maxFragments)]
	for i := range l.fragOf {
		l.fragOf[i] = -1
	}
	for i := range l.frags {
		l.frags[i].into = int32(i)
		l.fragOf[l.frags[i].root] = int32(i)
	}
}

// join makes one of fragments that lie above each other as the head, trunk and
// legs of a person do whom the background resembles in places.
func (l *labeller) join() {
	for changed, round := true, 0; changed && round < 4; round++ {
		changed = false
		for i := range l.frags {
			for j := i + 1; j < len(l.frags); j++ {
				a, b := &l.frags[i], &l.frags[j]
				if a.into != int32(i) || b.into != int32(j) || !l.belong(a.box, b.box) {
					continue
				}
				a.box = a.box.Union(b.box)
				a.area += b.area
				a.sx += b.sx
				a.sy += b.sy
				b.into = int32(i)
				changed = true
			}
		}
	}
}

func (l *labeller) belong(a, b image.Rectangle) bool {
	overlap := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	if 2*overlap < min(a.Dx(), b.Dx()) {
		return false
	}
	gap := max(a.Min.Y, b.Min.Y) - min(a.Max.Y, b.Max.Y)
	u := a.Union(b)
	if gap <= 0 {
		return true
	}
	return 5*u.Dy() >= 4*u.Dx() && 4*gap <= u.Dy() && float64(gap) <= maxJoinGap*float64(l.h)
}

// fragment returns the fragment that a run ended up in, or -1.
func (l *labeller) fragment(i int) int32 {
	f := l.fragOf[l.find(int32(i))]
	for f >= 0 && l.frags[f].into != f {
		f = l.frags[f].into
	}
	return f
}
