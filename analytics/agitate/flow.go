//go:build cgo

package agitate

import (
	"image"
	"math"
)

const (
	person   = 36   // pixels that a person's height is scaled down to, about
	grid     = 4    // pixels from block to block
	reach    = 3    // pixels from a block's middle to its edge; neighbours overlap
	enough   = 16   // pixels of a block's 49 that must be the group's
	farthest = 0.4  // of a person's height: where a block is looked for at most
	still    = 4    // grey levels a pixel: what differs less stands still
	unlike   = 24   // grey levels a pixel: what differs more was not found again
	nearer   = 0.12 // grey levels a pixel that each pixel of way must be worth
)

// flow finds by how much the blocks of a picture have moved since the one before: by
// the displacement with the least sum of absolute differences over the group's pixels, the nearer
// of equals. It works on a copy in which a person is about 36 pixels tall, so that what
// it finds and what it costs do not depend on the camera's resolution.
type flow struct {
	width, height int // of the scaled pictures
	factor        int // pixels of the camera's, along a side, that are one of theirs
	cur, prev     []uint8
	mask          []uint8 // 255 where the group is
	primed        bool    // prev is of the same size
	far           int
	ways          []way // the nearest first
}

// way is a displacement.
type way struct {
	image.Point
	length float64
}

// load scales a picture down. What was the picture is now the one before.
func (f *flow) load(pix []uint8, width, height, factor int) {
	w, h := width/factor, height/factor
	f.primed = f.primed && w == f.width && h == f.height && factor == f.factor
	f.width, f.height, f.factor = w, h, factor
	if n := width * height; cap(f.cur) < n {
		f.cur, f.prev, f.mask = make([]uint8, n), make([]uint8, n), make([]uint8, n)
	}
	f.cur, f.prev, f.mask = f.prev[:w*h], f.cur[:w*h], f.mask[:w*h]
	shrink(f.cur, pix, w, h, width, factor)
}

//go:norace
func shrink(dst, src []uint8, w, h, stride, factor int) {
	area := factor * factor
	for y := range h {
		for x := range w {
			sum := area / 2
			for row := y * factor; row < (y+1)*factor; row++ {
				for _, v := range src[row*stride+x*factor:][:factor] {
					sum += int(v)
				}
			}
			dst[y*w+x] = uint8(sum / area)
		}
	}
}

// cover marks the pixels of the group and returns the box around them and how many they
// are, scaled.
//
//go:norace
func (f *flow) cover(classes []uint8, width int, group *[256]bool) (box image.Rectangle, n int) {
	box = image.Rect(f.width, f.height, 0, 0)
	for y := range f.height {
		row := classes[(y*f.factor+f.factor/2)*width+f.factor/2:]
		for x := range f.width {
			i := y*f.width + x
			if f.mask[i] = 0; group[row[x*f.factor]] {
				f.mask[i] = 255
				n++
				box.Min.X, box.Max.X = min(box.Min.X, x), max(box.Max.X, x+1)
				box.Min.Y, box.Max.Y = min(box.Min.Y, y), max(box.Max.Y, y+1)
			}
		}
	}
	return box, n
}

// look prepares the ways up to a distance in scaled pixels.
func (f *flow) look(far int) {
	if far == f.far {
		return
	}
	f.far, f.ways = far, f.ways[:0]
	for d := range far*far + 1 {
		for dy := -far; dy <= far; dy++ {
			for dx := -far; dx <= far; dx++ {
				if dx*dx+dy*dy == d {
					f.ways = append(f.ways, way{image.Pt(dx, dy), math.Sqrt(float64(d))})
				}
			}
		}
	}
}

// match returns by how much the block around x, y has moved, in scaled pixels. It is
// not found if nothing within reach looks like it.
//
//go:norace
func (f *flow) match(x, y int) (moved float64, found bool) {
	const side = 2*reach + 1
	n := 0
	for dy := -reach; dy <= reach; dy++ {
		for _, v := range f.mask[(y+dy)*f.width+x-reach:][:side] {
			n += int(v & 1)
		}
	}
	if n < enough {
		return 0, false
	}
	best := float64(unlike * n)
	for i, o := range f.ways {
		px, py := x-o.X, y-o.Y
		if px < reach || py < reach || px >= f.width-reach || py >= f.height-reach {
			continue
		}
		toll := nearer * float64(n) * o.length
		limit, sum := int(best-toll), 0
		for dy := -reach; dy <= reach && sum < limit; dy++ {
			at := (y+dy)*f.width + x - reach
			a, m := f.cur[at:][:side], f.mask[at:][:side]
			b := f.prev[(py+dy)*f.width+px-reach:][:side]
			for k, v := range a {
				e := int(v) - int(b[k])
				sum += max(e, -e) & int(m[k])
			}
		}
		if sum >= limit {
			continue
		}
		best, moved, found = float64(sum)+toll, o.length, true
		if i == 0 && sum <= still*n {
			return 0, true
		}
	}
	return moved, found
}
