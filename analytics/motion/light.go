//go:build cgo

package motion

import (
	"math"
	"slices"

	"sentrybox/analytics/cv"
)

// The grid by which light is measured.
const (
	gridSide   = 20
	gridBlocks = gridSide * gridSide
)

const (
	sameStructure = 0.6 // normalised cross-correlation of a block with its background
	flatVariance  = 9   // grey levels²; a block below it has no structure to compare
	minGain       = 0.4
	maxGain       = 2.5
	// maxLocal bounds what a part of the picture may differ in light, in grey levels.
	maxLocal = 40
)

// block is what is made of the sums of one block.
type block struct {
	cv.Sums
	textured, same, in bool
	lit                bool    // counts for the remainder
	local              float64 // what the fit leaves of it, in grey levels
}

func (k *block) means() (c, b float64) {
	return float64(k.C) / float64(k.N), float64(k.B) / float64(k.N)
}

// light estimates how the light of a picture differs from its background's.
type light struct {
	w, h   int
	sums   [gridBlocks]cv.Sums
	blocks [gridBlocks]block
	offs   []float64 // scratch
	gain   float64
	offset float64
	// grid is the remainder a block, in grey levels × 256.
	grid [gridBlocks]int
	// structure is the part of the textured blocks that look like the
	// background, 1 if there are hardly any.
	structure float64
	// first is, for each grid column, the first pixel that lies between its
	// centre and the next one's; frac is how far on that way a pixel lies, of 256.
	first [gridSide]int32
	frac  []uint8
}

func (l *light) init(w, h int) {
	l.w, l.h = w, h
	l.offs = make([]float64, 0, gridBlocks)
	l.frac = make([]uint8, w)
	for g := range l.first {
		l.first[g] = int32(w)
	}
	for x := w - 1; x >= 0; x-- {
		var g int16
		g, l.frac[x] = gridAt(x, w)
		l.first[g] = int32(x)
	}
}

// gridAt returns the grid cell whose centre is at or before a pixel and how far
// the pixel is on the way to the next cell's.
func gridAt(x, size int) (int16, uint8) {
	f := (float64(x)+0.5)*gridSide/float64(size) - 0.5
	if f <= 0 {
		return 0, 0
	}
	if f >= gridSide-1 {
		return gridSide - 2, 255
	}
	return int16(f), uint8(256 * (f - math.Floor(f)))
}

// measure fills the blocks.
func (l *light) measure(cur []uint8, bg []uint16, ignore []uint8) {
	cv.Measure(cur, bg, ignore, l.w, l.h, gridSide, l.sums[:])
	for i := range l.blocks {
		l.blocks[i] = block{Sums: l.sums[i]}
	}
}

// estimate finds gain, offset and remainder of a picture.
func (l *light) estimate(cur []uint8, bg []uint16, ignore []uint8) {
	l.measure(cur, bg, ignore)
	l.judgeStructure()
	l.fit()
	l.remainder()
}

func (l *light) judgeStructure() {
	textured, same := 0, 0
	for i := range l.blocks {
		k := &l.blocks[i]
		if k.N < 4 {
			k.N = 0
			continue
		}
		n := float64(k.N)
		c, b := k.means()
		vc, vb := float64(k.CC)/n-c*c, float64(k.BB)/n-b*b
		cov := float64(k.CB)/n - c*b
		k.textured = vb > flatVariance || vc > flatVariance
		if k.textured {
			textured++
			k.same = cov > sameStructure*math.Sqrt(max(vc, 1)*max(vb, 1))
			if k.same {
				same++
			}
		} else {
			k.same = true
		}
	}
	l.structure = 1
	if textured >= gridBlocks/50 {
		l.structure = float64(same) / float64(textured)
	}
}

// fit finds the gain and offset that most blocks agree with: it starts from
// unchanged light and from the median change, takes the better, and improves it
// by least squares over the pixels of the blocks that agree.
func (l *light) fit() {
	l.offs = l.offs[:0]
	for i := range l.blocks {
		if k := &l.blocks[i]; k.N > 0 && k.same {
			c, b := k.means()
			l.offs = append(l.offs, c-b)
		}
	}
	l.gain, l.offset = 1, 0
	if len(l.offs) < gridBlocks/20 {
		return
	}
	slices.Sort(l.offs)
	best := l.agree(1, 0, 5)
	if median := l.offs[len(l.offs)/2]; math.Abs(median) > 2 {
		if n := l.agree(1, median, 5); n > best {
			best, l.offset = n, median
		}
	}
	if g, o, ok := l.leastSquares(true); ok {
		if n := l.agree(g, o, 5); n > best {
			l.gain, l.offset = g, o
		}
	}
	for range 2 {
		l.agree(l.gain, l.offset, 5)
		g, o, ok := l.leastSquares(false)
		if !ok {
			break
		}
		l.gain, l.offset = g, o
	}
	// Unchanged light stays exactly that, so that held pixels do not drift.
	if math.Abs(l.gain-1) < 0.02 && math.Abs(l.offset+(l.gain-1)*128) < 1.5 {
		l.gain, l.offset = 1, 0
	}
	l.agree(l.gain, l.offset, 8)
}

// agree marks the blocks of unchanged structure that a gain and offset explain
// to within tol grey levels, and returns their number.
func (l *light) agree(gain, offset, tol float64) int {
	n := 0
	for i := range l.blocks {
		k := &l.blocks[i]
		k.in = false
		if k.N == 0 || !k.same {
			continue
		}
		c, b := k.means()
		if math.Abs(c-gain*b-offset) < tol {
			k.in = true
			n++
		}
	}
	return n
}

// leastSquares fits gain and offset to the pixels of the textured blocks of
// unchanged structure, or to those of the blocks that agree.
func (l *light) leastSquares(structured bool) (gain, offset float64, ok bool) {
	var n, c, b, bb, cb float64
	for i := range l.blocks {
		k := &l.blocks[i]
		use := k.in
		if structured {
			use = k.textured && k.same
		}
		if k.N == 0 || !use {
			continue
		}
		n += float64(k.N)
		c += float64(k.C)
		b += float64(k.B)
		bb += float64(k.BB)
		cb += float64(k.CB)
	}
	v := bb - b*b/max(n, 1)
	if n < 64 || v < 25*n { // an even grey tells no gain
		return 0, 0, false
	}
	gain = min(max((cb-c*b/n)/v, minGain), maxGain)
	return gain, (c - gain*b) / n, true
}

// remainder spreads what the whole picture's fit leaves of the blocks of
// unchanged structure over their neighbourhood of 5×5 blocks.
func (l *light) remainder() {
	for i := range l.blocks {
		k := &l.blocks[i]
		k.lit = false
		if k.N == 0 || !k.same {
			continue
		}
		c, b := k.means()
		r := c - l.gain*b - l.offset
		// An even surface in an even light may as well be a coat.
		if !k.textured && math.Abs(r) > 8 {
			continue
		}
		k.lit, k.local = true, min(max(r, -maxLocal), maxLocal)
	}
	for gy := range gridSide {
		for gx := range gridSide {
			sum, n := 0.0, 0
			for y := max(gy-2, 0); y <= min(gy+2, gridSide-1); y++ {
				for x := max(gx-2, 0); x <= min(gx+2, gridSide-1); x++ {
					if k := &l.blocks[y*gridSide+x]; k.lit {
						sum += k.local
						n++
					}
				}
			}
			v := 0.0
			if n >= 3 {
				v = sum / float64(n)
			}
			if math.Abs(v) < 0.75 {
				v = 0
			}
			l.grid[gy*gridSide+gx] = int(math.Round(v * 256))
		}
	}
}

// apply writes the background as it would look in the picture's light.
func (l *light) apply(dst []uint8, bg []uint16) {
	flat := true
	for _, v := range l.grid {
		flat = flat && v == 0
	}
	if flat && l.gain == 1 && l.offset == 0 {
		cv.Grey(dst, bg)
		return
	}
	gain, offset := int32(math.Round(l.gain*256)), int32(math.Round(l.offset*256))
	var row [gridSide]int32
	for y := range l.h {
		cy, fy := gridAt(y, l.h)
		for g := range gridSide {
			a, b := l.grid[int(cy)*gridSide+g], l.grid[(int(cy)+1)*gridSide+g]
			row[g] = int32(a+(b-a)*int(fy)>>8) + offset + 128
		}
		cv.Relight(dst[y*l.w:(y+1)*l.w], bg[y*l.w:(y+1)*l.w], l.frac, l.first[:], row[:], uint32(gain))
	}
}

// shift returns the mean absolute change of light, in grey levels.
func (l *light) shift() float64 {
	sum, n := 0.0, 0
	for i := range l.blocks {
		if k := &l.blocks[i]; k.N > 0 {
			c, b := k.means()
			sum += math.Abs(c - b)
			n++
		}
	}
	return sum / float64(max(n, 1))
}
