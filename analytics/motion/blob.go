//go:build cgo

package motion

import (
	"cmp"
	"image"
	"math"
	"slices"
)

const (
	outlineSamples = 240 // points of a blob's outline that are looked at
	// An edge is new if it is stronger than the background's by so many grey levels,
	// depending on the blob's contrast, beyond the noise.
	minEdgeStep = 4
	maxEdgeStep = 10
	edgeShare   = 0.35
	// Who stands near the lens is out of focus: their edges are softer, by a pixel for so many of height.
	softAbove = 150
	maxSoft   = 3

	// throughLeast is the mean square of the background's gradient, grey levels² over two pixels,
	// below which it says nothing.
	throughLeast = 5

	restlessNoise = 3 << 8 // grey levels × 256
)

// findBlobs turns the foreground mask into blobs and fills class.
func (d *Detector) findBlobs() {
	l := &d.label
	area := float64(d.w * d.h)
	l.scan(d.fgPix)
	l.collect(max(4, int(minFragment*area)))
	l.join()
	var ids [maxFragments]uint8
	for i := range l.frags {
		f := &l.frags[i]
		if f.into != int32(i) || f.area < int(minBlob*area) {
			continue
		}
		d.blobs = append(d.blobs, Blob{Box: f.box, Area: f.area, id: i,
			CX: float64(f.sx) / float64(f.area), CY: float64(f.sy) / float64(f.area)})
		if len(d.blobs) == MaxBlobs {
			break
		}
	}
	slices.SortFunc(d.blobs, func(a, b Blob) int {
		return cmp.Or(cmp.Compare(b.Area, a.Area), cmp.Compare(a.id, b.id))
	})
	for i := range d.blobs {
		ids[d.blobs[i].id] = uint8(i + 1)
	}
	var sums [MaxBlobs + 1]struct{ moving, contrast int }
	var structures [MaxBlobs + 1]structure
	for i := range l.runs {
		f := l.fragment(i)
		if f < 0 || ids[f] == 0 {
			continue
		}
		r, id := l.runs[i], ids[f]
		s := &sums[id]
		at := int(r.y) * d.w
		for k := at + int(r.x0); k < at+int(r.x1); k++ {
			d.class[k] = id
			s.moving += int(d.state[k] >> 1 & 1)
			s.contrast += absDiff(d.curPix[k], d.predPix[k])
		}
		structures[id].add(d.curPix, d.predPix, at+int(r.x0), at+int(r.x1))
	}
	for i := range d.blobs {
		b, s := &d.blobs[i], &sums[i+1]
		b.Moving = float64(s.moving) / float64(b.Area)
		b.Contrast = float64(s.contrast) / float64(b.Area)
		b.Restless = d.restless(b.Box)
		b.Through = structures[i+1].through(b.Area)
	}
	d.fill(&ids)
	d.compareOutlines(&ids)
}

// structure compares the gradients along the rows of the picture with those of the
// background.
type structure struct{ n, cc, bb, cb int }

// add takes in the pixels from one index to before another, without those at
// the edge of the foreground, whose gradients are of both.
//
//go:norace
func (s *structure) add(cur, bg []uint8, from, to int) {
	const inset = 2
	s.n += max(to-from-2*inset, 0)
	for k := from + inset; k < to-inset; k++ {
		c, b := int(cur[k+1])-int(cur[k-1]), int(bg[k+1])-int(bg[k-1])
		s.cc += c * c
		s.bb += b * b
		s.cb += c * b
	}
}

// through returns how far the background shows through, 0 to 1: the correlation of
// the gradients; 0 if the background has too few to tell, or a blob of that area is too thin.
func (s *structure) through(area int) float64 {
	if 4*s.n < area || s.bb < throughLeast*s.n {
		return 0
	}
	return max(float64(s.cb)/math.Sqrt(float64(max(s.cc, 1))*float64(s.bb)), 0)
}

// restless returns the part of a box's surroundings that is never still.
func (d *Detector) restless(b image.Rectangle) float64 {
	around := image.Rect(b.Min.X-b.Dx(), b.Min.Y-b.Dy(), b.Max.X+b.Dx(), b.Max.Y+b.Dy()).
		Intersect(image.Rect(0, 0, d.w, d.h))
	step := 1 + max(around.Dx(), around.Dy())/40 // about 1,600 samples at most
	n, active := 0, 0
	for y := around.Min.Y; y < around.Max.Y; y += step {
		for i := y*d.w + around.Min.X; i < y*d.w+around.Max.X; i += step {
			if d.class[i] != 0 {
				continue
			}
			n++
			if d.noise[i] > restlessNoise {
				active++
			}
		}
	}
	return float64(active) / float64(max(n, 1))
}

// fill marks the pixels between a blob's first and last of a row as its
// filler: a person's dark trousers before a dark table are no foreground,
// but must not become background either.
func (d *Detector) fill(ids *[maxFragments]uint8) {
	l := &d.label
	for i := range l.runs {
		f := l.fragment(i)
		if f < 0 || ids[f] == 0 {
			continue
		}
		// Runs of a row follow each other; those of other blobs may lie between.
		for j := i + 1; j < len(l.runs) && l.runs[j].y == l.runs[i].y; j++ {
			if l.fragment(j) != f {
				continue
			}
			at := int(l.runs[i].y) * d.w
			for k := at + int(l.runs[i].x1); k < at+int(l.runs[j].x0); k++ {
				if d.class[k] == 0 {
					d.class[k] = filler | ids[f]
				}
			}
			break
		}
	}
}

// compareOutlines fills New and Lost of the blobs.
func (d *Detector) compareOutlines(ids *[maxFragments]uint8) {
	var count, skip, fresh, lost, seen [MaxBlobs + 1]int
	l := &d.label
	for i := range d.blobs {
		skip[i+1] = 1 + 2*d.blobs[i].Box.Dy()/outlineSamples
	}
	var least, reach [MaxBlobs + 1]int
	for i := range d.blobs {
		reach[i+1] = min(1+d.blobs[i].Box.Dy()/softAbove, maxSoft)
		// A wider look also sees more of the slope of a glow.
		slope := 0.25 + 0.75*float64(reach[i+1])
		least[i+1] = int(slope * min(max(edgeShare*d.blobs[i].Contrast, minEdgeStep), maxEdgeStep))
	}
	look := func(id uint8, x, y int) {
		e := reach[id]
		if x < 2*e || y < 2*e || x >= d.w-2*e || y >= d.h-2*e {
			return // the picture's edge is nobody's outline
		}
		c, p := d.edge(d.curPix, x, y, e), d.edge(d.predPix, x, y, e)
		// Other light makes an edge up to twice as strong or weak; that is none that comes or goes.
		step := least[id] + int(d.noise[y*d.w+x]>>7)
		seen[id]++
		switch {
		case c-p > step && c > 2*p:
			fresh[id]++
		case p-c > step && p > 2*c:
			lost[id]++
		}
	}
	for i := range l.runs {
		f := l.fragment(i)
		if f < 0 || ids[f] == 0 {
			continue
		}
		r, id := l.runs[i], ids[f]
		if count[id]++; count[id]%skip[id] != 0 {
			continue
		}
		look(id, int(r.x0), int(r.y))
		look(id, int(r.x1)-1, int(r.y))
		if b := d.blobs[id-1].Box; int(r.y) == b.Min.Y || int(r.y) == b.Max.Y-1 {
			for x := int(r.x0) + 2; x < int(r.x1)-2; x += 2 * skip[id] {
				look(id, x, int(r.y))
			}
		}
	}
	for i := range d.blobs {
		if n := seen[i+1]; n > 0 {
			d.blobs[i].New, d.blobs[i].Lost = float64(fresh[i+1])/float64(n), float64(lost[i+1])/float64(n)
		}
	}
}

// edge returns the strongest gradient within reach pixels of x, y, in grey levels
// over twice that.
func (d *Detector) edge(pix []uint8, x, y, reach int) int {
	best := 0
	for yy := y - reach; yy <= y+reach; yy += reach {
		for i := yy*d.w + x - reach; i <= yy*d.w+x+reach; i += reach {
			best = max(best, absDiff(pix[i+reach], pix[i-reach])+absDiff(pix[i+reach*d.w], pix[i-reach*d.w]))
		}
	}
	return best
}

func absDiff(a, b uint8) int {
	v := int(a) - int(b)
	return max(v, -v)
}
