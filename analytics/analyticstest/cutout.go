package analyticstest

import (
	"image"
	"math"
	"slices"
	"time"
)

// Cutout is a real person, cut out of footage while they walk.
type Cutout struct {
	FPS    float64    // of the footage
	Height float64    // of the person, in pixels of the footage
	Dir    float64    // 1 if they walk to the right, -1 to the left
	Frames []CutFrame // in order of time
}

// CutFrame is one picture of a person. The foot is at the middle of its lower
// edge.
type CutFrame struct {
	Width, Height int
	Luma          []byte
	Alpha         []byte // 255 where the person is
}

// Limits of what is taken for one person in footage, in pixels and pictures.
const (
	cutContrast = 22
	cutMinArea  = 450
	cutMinSide  = 45
	cutMaxSide  = 190
	cutFrames   = 18 // the fewest
	cutMost     = 60
)

// CutPeople takes the people out of footage of a camera that stands still, w × h pixels
// of luma each, by their difference from the median picture, which it returns too. Only
// those that walk alone for a while are taken.
func CutPeople(w, h int, fps float64, footage [][]byte) (background []byte, people []*Cutout) {
	background = median(footage)
	type chain struct {
		box     image.Rectangle
		first   image.Rectangle
		heights []int
		cut     *Cutout
	}
	var open []*chain
	finish := func(c *chain) {
		if len(c.cut.Frames) < cutFrames {
			return
		}
		slices.Sort(c.heights)
		c.cut.Height = float64(c.heights[len(c.heights)/2])
		c.cut.Dir = 1
		if c.box.Min.X < c.first.Min.X {
			c.cut.Dir = -1
		}
		people = append(people, c.cut)
	}
	for _, pic := range footage {
		mask := difference(pic, background, w, h)
		var next []*chain
		for _, b := range blobs(mask, w, h) {
			i := slices.IndexFunc(open, func(c *chain) bool { return alike(c.box, b.box) && len(c.cut.Frames) < cutMost })
			var c *chain
			if i >= 0 {
				c = open[i]
				open = slices.Delete(open, i, i+1)
			} else {
				c = &chain{first: b.box, cut: &Cutout{FPS: fps}}
			}
			c.box = b.box
			c.heights = append(c.heights, b.box.Dy())
			c.cut.Frames = append(c.cut.Frames, b.cut(pic, w))
			next = append(next, c)
		}
		for _, c := range open {
			finish(c)
		}
		open = next
	}
	for _, c := range open {
		finish(c)
	}
	return background, people
}

func median(footage [][]byte) []byte {
	const most = 41
	step := max(len(footage)/most, 1)
	out := make([]byte, len(footage[0]))
	var values []byte
	for i := range out {
		values = values[:0]
		for k := 0; k < len(footage); k += step {
			values = append(values, footage[k][i])
		}
		slices.Sort(values)
		out[i] = values[len(values)/2]
	}
	return out
}

// difference marks where a picture differs from the background, holes and gaps of a
// few pixels filled.
func difference(pic, background []byte, w, h int) []bool {
	raw := make([]float64, len(pic))
	for i, v := range pic {
		if d := int(v) - int(background[i]); d > cutContrast || d < -cutContrast {
			raw[i] = 1
		}
	}
	share := blur(raw, w, h, 2)
	mask := make([]bool, len(pic))
	for i, v := range share {
		mask[i] = v > 0.36
	}
	return mask
}

type blob struct {
	box  image.Rectangle
	pix  []int // indices
	mask []bool
}

// blobs returns the regions that have a single person's shape and lie within the picture.
func blobs(mask []bool, w, h int) []blob {
	seen := make([]bool, len(mask))
	var out []blob
	for start, on := range mask {
		if !on || seen[start] {
			continue
		}
		seen[start] = true
		b := blob{pix: []int{start}, mask: mask}
		for k := 0; k < len(b.pix); k++ {
			i := b.pix[k]
			x, y := i%w, i/w
			b.box = b.box.Union(image.Rect(x, y, x+1, y+1))
			for _, n := range [4]image.Point{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if j := n.Y*w + n.X; n.In(image.Rect(0, 0, w, h)) && mask[j] && !seen[j] {
					seen[j] = true
					b.pix = append(b.pix, j)
				}
			}
		}
		dx, dy := b.box.Dx(), b.box.Dy()
		inside := b.box.In(image.Rect(3, 3, w-3, h-3))
		if inside && len(b.pix) >= cutMinArea && dy >= cutMinSide && dy <= cutMaxSide && 5*dx >= dy && 20*dx <= 11*dy && !b.waist(w) {
			out = append(out, b)
		}
	}
	return out
}

// waist says whether the region is thin somewhere between its ends, as two people
// are who hide a part of each other, or hollow.
func (b *blob) waist(w int) bool {
	rows := make([]int, b.box.Dy())
	for _, i := range b.pix {
		rows[i/w-b.box.Min.Y]++
	}
	middle := rows[len(rows)/6 : len(rows)*5/6]
	return slices.Min(middle)*3 < b.box.Dx() || 100*len(b.pix) < 48*b.box.Dx()*b.box.Dy()
}

// alike says whether two boxes can be one person's in two pictures that follow each other.
func alike(a, b image.Rectangle) bool {
	in := a.Intersect(b)
	near := func(p, q int) bool { return 10*p >= 8*q && 10*q >= 8*p }
	return 2*in.Dx()*in.Dy() > a.Dx()*a.Dy() && near(a.Dy(), b.Dy()) && in.Dx() > 0
}

func (b *blob) cut(pic []byte, w int) CutFrame {
	f := CutFrame{Width: b.box.Dx(), Height: b.box.Dy()}
	f.Luma, f.Alpha = make([]byte, f.Width*f.Height), make([]byte, f.Width*f.Height)
	for y := range f.Height {
		copy(f.Luma[y*f.Width:(y+1)*f.Width], pic[(b.box.Min.Y+y)*w+b.box.Min.X:])
	}
	for _, i := range b.pix {
		// Without the outermost pixels, which are the background's as much.
		if b.mask[i-1] && b.mask[i+1] && b.mask[i-w] && b.mask[i+w] && b.mask[i-w-1] && b.mask[i-w+1] && b.mask[i+w-1] && b.mask[i+w+1] {
			x, y := i%w-b.box.Min.X, i/w-b.box.Min.Y
			f.Alpha[y*f.Width+x] = 255
		}
	}
	return f
}

// cutout draws an actor with a real person's looks: walking, their pictures follow each
// other; standing, they hardly move.
func (s *Scene) cutout(pix []float64, a *Actor, t time.Duration) {
	x, y, _ := a.place(t)
	tall := a.tall(y)
	later, _, moving := a.place(t + 100*time.Millisecond)
	_, laterY, _ := a.place(t + 100*time.Millisecond)
	c := a.Look
	n := len(c.Frames)
	k := int(t.Seconds() * c.FPS)
	if !moving || later == x && laterY == y {
		k = int(t.Seconds()*0.8) % 3
		x += 0.02 * tall * math.Sin(2*math.Pi*t.Seconds()/3.7) * float64(s.Height) / float64(s.Width)
	}
	if k %= max(2*n-2, 1); k >= n { // there and back
		k = 2*n - 2 - k
	}
	f := &c.Frames[k]
	scale := c.Height / (tall * float64(s.Height)) // pixels of the cutout for each of the scene
	w, h := float64(f.Width)/scale, float64(f.Height)/scale
	x0, y0 := x*float64(s.Width)-w/2, y*float64(s.Height)-h
	around := 0.0
	if a.Faint > 0 {
		around = s.around(x, y-tall/2, 0.1, 0.2)
	}
	mirror := moving && later != x && (later > x) != (c.Dir > 0)
	for py := max(int(y0), 0); py < min(int(y0+h)+1, s.Height); py++ {
		for px := max(int(x0), 0); px < min(int(x0+w)+1, s.Width); px++ {
			u, v := (float64(px)+0.5-x0)*scale-0.5, (float64(py)+0.5-y0)*scale-0.5
			if mirror {
				u = float64(f.Width-1) - u
			}
			luma, alpha := f.sample(u, v)
			i := py*s.Width + px
			if a.Faint > 0 {
				luma = around + a.Faint*(luma-around)
			}
			pix[i] += alpha * (luma - pix[i])
		}
	}
}

// sample interpolates a cutout's luma and its cover, 0 to 1.
func (f *CutFrame) sample(u, v float64) (luma, alpha float64) {
	x, y := int(math.Floor(u)), int(math.Floor(v))
	ax, ay := u-float64(x), v-float64(y)
	for _, p := range [4]struct {
		dx, dy int
		weight float64
	}{{0, 0, (1 - ax) * (1 - ay)}, {1, 0, ax * (1 - ay)}, {0, 1, (1 - ax) * ay}, {1, 1, ax * ay}} {
		if cx, cy := x+p.dx, y+p.dy; cx >= 0 && cx < f.Width && cy >= 0 && cy < f.Height {
			luma += p.weight * float64(f.Luma[cy*f.Width+cx])
			alpha += p.weight * float64(f.Alpha[cy*f.Width+cx]) / 255
		} else {
			cx, cy = min(max(cx, 0), f.Width-1), min(max(cy, 0), f.Height-1)
			luma += p.weight * float64(f.Luma[cy*f.Width+cx])
		}
	}
	return luma, alpha
}
