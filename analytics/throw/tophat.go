package throw

import (
	"encoding/binary"
	"math/bits"

	"sentrybox/analytics/zone"
)

const (
	cell = 8 // side of a cell, the width of one word

	minThreshold = 8 // grey levels
	perNoise     = 3 // threshold over a cell's mean difference
	slow         = 3 // seconds of the means of noise and of activity
	busyShare    = 0.12
	// busyPixels is how many pixels make a cell active: one alone may be noise.
	busyPixels = 2
	// growEvery is how many pictures pass between two looks at which cells flicker.
	growEvery = 8

	ones = 0x0101010101010101
	high = 0x8080808080808080
	low  = 0x7f7f7f7f7f7f7f7f
)

// cells is what is known of each 8×8 pixels of the region.
type cells struct {
	cols, rows int
	dead       []bool    // no pixel of the zone in it
	live       int       // cells that are not dead
	noise      []float32 // slow mean of the difference of two pictures
	busy       []float32 // part of the pictures in which it fired
	fired      []uint8   // pixels in this picture
	flicker    []bool    // busy too often, or beside such a cell
	threshold  []uint8
	pictures   int
}

func newCells(m *zone.Mask) *cells {
	cols, rows := m.Width/cell, (m.Height+cell-1)/cell
	n := cols * rows
	c := &cells{cols: cols, rows: rows, dead: make([]bool, n), noise: make([]float32, n), busy: make([]float32, n),
		fired: make([]uint8, n), flicker: make([]bool, n), threshold: make([]uint8, n)}
	for i := range c.dead {
		x0, y0 := i%cols*cell, i/cols*cell
		c.dead[i] = true
		for y := y0; y < min(y0+cell, m.Height); y++ {
			for _, p := range m.Pix[y*m.Width+x0 : y*m.Width+x0+cell] {
				c.dead[i] = c.dead[i] && p == 0
			}
		}
		if !c.dead[i] {
			c.live++
		}
		c.threshold[i] = minThreshold
	}
	return c
}

// hat compares a picture with two before it and one after it and adds the
// pixels that are brighter, or darker, than in all three.
//
// Most words of 8 pixels differ from the picture before by less than the
// threshold. They are told by arithmetic on all 8 bytes at once, on values halved so
// that no byte borrows from the next; what that lets pass is looked at
// pixel by pixel.
//
//go:norace
func (c *cells) hat(l *labeller, width, height int, now, before, early, after []byte) {
	clear(c.fired)
	for y := range height {
		row := y / cell * c.cols
		at := y * width
		r0, r1 := now[at:at+width], before[at:at+width]
		r2, r3 := early[at:at+width], after[at:at+width]
		for k := range c.cols {
			if c.dead[row+k] {
				continue
			}
			x := k * cell
			g := binary.LittleEndian.Uint64(r0[x:])
			t := c.threshold[row+k]
			q := uint64(t+1) / 2
			up, down := above(g, binary.LittleEndian.Uint64(r1[x:]), q)
			if up|down == 0 {
				continue
			}
			u, d := above(g, binary.LittleEndian.Uint64(r3[x:]), q)
			if up, down = up&u, down&d; up|down == 0 {
				continue
			}
			u, d = above(g, binary.LittleEndian.Uint64(r2[x:]), q)
			for up &= u; up != 0; up &= up - 1 {
				i := x + bits.TrailingZeros64(up)/8
				if v := int(r0[i]) - int(max(r1[i], r2[i], r3[i])); v > int(t) {
					c.fire(l, row+k, i, y, v, 0)
				}
			}
			for down &= d; down != 0; down &= down - 1 {
				i := x + bits.TrailingZeros64(down)/8
				if v := int(min(r1[i], r2[i], r3[i])) - int(r0[i]); v > int(t) {
					c.fire(l, row+k, i, y, v, 1)
				}
			}
		}
	}
}

func (c *cells) fire(l *labeller, i, x, y, v, sign int) {
	c.fired[i]++
	if !c.flicker[i] {
		l.add(x, y, v, sign)
	}
}

// above returns the bytes of a, by their highest bit, that may be above those
// of b by more than the threshold of which q is the half, rounded up; and those that may be below.
func above(a, b, q uint64) (up, down uint64) {
	u := ((a >> 1 & low) | high) - (b >> 1 & low)
	d := u & low
	up = (d + (128-q)*ones) & u & high
	down = ^(d + (q-1)*ones) & ^u & high
	return up, down
}

// learn updates the means after hat. dt is the time between pictures in
// seconds. It returns the part of the cells that fired.
//
//go:norace
func (c *cells) learn(width, height int, now, before []byte, dt float64) float64 {
	c.pictures++
	a := float32(max(dt/slow, 1/float64(c.pictures)))
	a = min(a, 1)
	turn := c.pictures % cell // one row of each cell a picture is enough
	active := 0
	for k := range c.rows {
		y := k*cell + turn
		if y >= height {
			y = height - 1
		}
		r0, r1 := now[y*width:(y+1)*width], before[y*width:(y+1)*width]
		for j := range c.cols {
			i := k*c.cols + j
			if c.dead[i] {
				continue
			}
			sum := 0
			p, q := r0[j*cell:j*cell+cell], r1[j*cell:j*cell+cell]
			for n := range p {
				d := int(p[n]) - int(q[n])
				sum += max(d, -d)
			}
			c.noise[i] += a * (float32(sum)/cell - c.noise[i])
			on := float32(0)
			if c.fired[i] >= busyPixels {
				on = 1
				active++
			}
			c.busy[i] += a * (on - c.busy[i])
		}
	}
	if c.pictures%growEvery == 0 {
		c.settle()
	}
	return float64(active) / float64(max(c.live, 1))
}

// settle derives thresholds and the mask of flicker from the means.
func (c *cells) settle() {
	clear(c.flicker)
	for i, b := range c.busy {
		c.threshold[i] = uint8(min(max(minThreshold, perNoise*c.noise[i]), 250))
		if b <= busyShare {
			continue
		}
		x, y := i%c.cols, i/c.cols
		for v := max(y-1, 0); v <= min(y+1, c.rows-1); v++ {
			for u := max(x-1, 0); u <= min(x+1, c.cols-1); u++ {
				c.flicker[v*c.cols+u] = true
			}
		}
	}
}
