//go:build cgo

package tamper

import (
	"math"
	"time"

	"sentrybox/analytics/zone"
)

const (
	cols, rows  = 8, 6
	blocks      = cols * rows
	workArea    = 320 * 200 // pixels, about
	learnEvery  = time.Second
	minTextured = 4    // blocks, fewer tell nothing
	sameView    = 0.35 // correlation of gradients
	sharpEnough = 0.4  // of the reference's fine detail
	faded       = 0.01 // of its gradients' energy: nothing is left of it
	minDetailed = 8    // blocks
	// A block has texture from this mean square of its gradient on, in grey levels² over two
	// pixels, and from so many times that of the noise.
	minGradient   = 9.0
	noiseGradient = 1.5
	minDetail     = 4.0 // the same of the Laplacian
	detailNoise   = 3.0 // of the present, from the squared difference of two pictures
	// A pixel stirs if it changes by so many grey levels and so many times the noise.
	stirStep  = 10
	stirNoise = 4
	stirShare = 0.003 // of a block's pixels
	white     = 225   // limited range ends at 235
	// margin is the part of the picture left out at each side: black borders and
	// captions stay where they are whatever becomes of the view.
	margin   = 0.025
	fraction = 4 // bits of the pixels that gradients are taken from
)

// block is what one block of the view shows, now and in the reference.
type block struct {
	x0, x1, y0, y1 int // of the half-size picture; twice that of the whole one
	off            bool
	mean, light    float64 // grey level, and its mean of the last second
	diff           float64 // mean |difference| from the picture before
	equal          bool    // not one pixel changed
	stirs          bool    // some pixels changed by far more than noise does

	cc, rr, cr          float64 // gradients' sums: present, reference, product
	mc, mr, mcc, mrr, m float64 // the same of their magnitudes
	gain                float64 // of the coarse contrast against the reference's
	ec, er              float64 // mean square Laplacian
	textured            bool
}

// view compares the present picture with the reference.
type view struct {
	srcW, srcH, f int
	w, h          int
	keep          []uint8 // 1 where pixels are looked at; nil for all
	cur, prev     []uint8
	now, ref      []uint16 // means, grey levels × 256
	half, halfRef []int16  // of half the size, grey levels × 16
	b             [blocks]block
	fresh         bool // there is no picture before
	stale         bool // halfRef is not of ref any more
	unlearned     time.Duration
	learned       bool // ref holds something

	noise           float64 // mean |difference| of pictures at rest
	gone            float64 // part of the textured blocks that are gone
	moving          float64 // part of the blocks that moved
	stirring        float64 // part of the blocks in which anything did
	lightStep       float64 // median change of light within about a second
	glare, refGlare float64 // part of the pixels that are white
	scratch         []float64
}

func (v *view) init(width, height int, ignore *zone.Mask) {
	f := max(1, int(math.Round(math.Sqrt(float64(width*height)/workArea))))
	*v = view{srcW: width, srcH: height, f: f, w: width / f &^ 1, h: height / f &^ 1, fresh: true, noise: 1,
		scratch: make([]float64, 0, blocks)}
	n := v.w * v.h
	v.cur, v.prev = make([]uint8, n), make([]uint8, n)
	v.now, v.ref = make([]uint16, n), make([]uint16, n)
	v.half, v.halfRef = make([]int16, n/4), make([]int16, n/4)
	if ignore != nil && ignore.Area > 0 {
		v.keep = make([]uint8, n)
		for i := range v.keep {
			v.keep[i] = 1
		}
		for i, p := range ignore.Pix {
			if x, y := i%width/f, i/width/f; p != 0 && x < v.w && y < v.h {
				v.keep[y*v.w+x] = 0
			}
		}
	}
	for i := range v.b {
		k, x, y := &v.b[i], i%cols, i/cols
		mx, my := int(margin*float64(v.w/2))+1, int(margin*float64(v.h/2))+1
		w, h := v.w/2-2*mx, v.h/2-2*my
		k.x0, k.x1 = mx+x*w/cols, mx+(x+1)*w/cols
		k.y0, k.y1 = my+y*h/rows, my+(y+1)*h/rows
		k.off = v.hidden(k)
	}
}

// hidden says whether half of a block or more is not looked at.
func (v *view) hidden(k *block) bool {
	if v.keep == nil {
		return false
	}
	n := 0
	for y := 2 * k.y0; y < 2*k.y1; y++ {
		for _, p := range v.keep[y*v.w+2*k.x0 : y*v.w+2*k.x1] {
			n += int(p)
		}
	}
	return n <= 2*(k.x1-k.x0)*(k.y1-k.y0)
}

// take makes a picture the present one.
func (v *view) take(luma []byte, step time.Duration) {
	v.cur, v.prev = v.prev, v.cur
	v.shrink(luma)
	if v.fresh {
		copy(v.prev, v.cur)
		for i, p := range v.cur {
			v.now[i] = uint16(p) << 8
		}
	} else {
		blend(v.now, v.cur, step, learnPresent)
	}
	v.differ(step)
	v.fresh = false
	if !v.learned {
		v.adopt()
		v.learned = true
	}
}

// shrink writes the mean of each f × f pixels into cur.
//
//go:norace
func (v *view) shrink(luma []byte) {
	f, area := v.f, v.f*v.f
	for y := range v.h {
		out := v.cur[y*v.w : (y+1)*v.w]
		switch f {
		case 1:
			copy(out, luma[y*v.srcW:])
		case 2:
			a, b := luma[2*y*v.srcW:][:2*v.w], luma[(2*y+1)*v.srcW:][:2*v.w]
			for x := range out {
				out[x] = uint8((int(a[2*x]) + int(a[2*x+1]) + int(b[2*x]) + int(b[2*x+1]) + 2) >> 2)
			}
		default:
			for x := range out {
				sum := area / 2
				for yy := y * f; yy < (y+1)*f; yy++ {
					for _, p := range luma[yy*v.srcW+x*f:][:f] {
						sum += int(p)
					}
				}
				out[x] = uint8(sum / area)
			}
		}
	}
	for i, k := range v.keep {
		v.cur[i] *= k
	}
}

// blend moves a mean towards a picture.
//
//go:norace
func blend(mean []uint16, pix []uint8, step, tau time.Duration) {
	a := int32(65536 * (1 - math.Exp(-float64(step)/float64(tau))))
	a = min(a, 32767)
	for i, p := range pix[:len(mean)] {
		m := int32(mean[i])
		mean[i] = uint16(m + ((int32(p)<<8-m)*a+1<<15)>>16)
	}
}

// differ compares the picture with the one before.
//
//go:norace
func (v *view) differ(step time.Duration) {
	bright, far := 0, int(stirStep+stirNoise*v.noise)
	for i := range v.b {
		k := &v.b[i]
		sum, diff, stir := 0, 0, 0
		for y := 2 * k.y0; y < 2*k.y1; y++ {
			c, p := v.cur[y*v.w+2*k.x0:y*v.w+2*k.x1], v.prev[y*v.w+2*k.x0:y*v.w+2*k.x1]
			for x, q := range c {
				d := int(q) - int(p[x])
				d = max(d, -d)
				sum += int(q)
				diff += d
				if d > far {
					stir++
				}
				if q >= white {
					bright++
				}
			}
		}
		n := float64(max(4*(k.x1-k.x0)*(k.y1-k.y0), 1))
		k.mean, k.diff, k.equal, k.stirs = float64(sum)/n, float64(diff)/n, diff == 0, float64(stir) > stirShare*n
		if v.fresh {
			k.light = k.mean
		}
	}
	v.glare = float64(bright) / float64(v.w*v.h)
	v.summarise(step)
}

func (v *view) summarise(step time.Duration) {
	a := 1 - math.Exp(-step.Seconds())
	v.scratch = v.scratch[:0]
	n, moving, stirring := 0, 0, 0
	for i := range v.b {
		k := &v.b[i]
		if k.off {
			continue
		}
		n++
		v.scratch = append(v.scratch, k.mean-k.light)
		k.light += (k.mean - k.light) * a
		if k.diff > 3+2*v.noise {
			moving++
		}
		if k.stirs {
			stirring++
		}
	}
	v.lightStep = median(v.scratch)
	v.moving = float64(moving) / float64(max(n, 1))
	v.stirring = float64(stirring) / float64(max(n, 1))
}

// compare judges each block against the reference; tender leaves fine detail out of it.
func (v *view) compare(tender bool) {
	v.halve(v.half, v.now)
	if v.stale {
		v.halve(v.halfRef, v.ref)
		v.stale = false
	}
	n, lost, detailed, unsharp := 0, 0, 0, 0
	for i := range v.b {
		k := &v.b[i]
		k.textured = false
		if k.off {
			continue
		}
		v.gradients(k)
		pix := float64((k.x1 - k.x0) * (k.y1 - k.y0))
		if k.rr < pix*v.leastGradient() {
			continue
		}
		k.textured = true
		n++
		gone := k.lost(pix)
		if gone {
			lost++
		}
		if tender {
			continue
		}
		v.detail(k)
		if noise := detailNoise * v.noise * v.noise; k.er > max(minDetail, 2*noise) {
			detailed++
			if gone || k.blurred(noise) {
				unsharp++
			}
		}
	}
	v.gone = 0
	if n >= minTextured {
		v.gone = float64(lost) / float64(n)
	}
	if detailed >= minDetailed {
		v.gone = max(v.gone, float64(unsharp)/float64(detailed))
	}
}

// learn moves the reference towards the present, about once a second.
func (v *view) learn(step, tau time.Duration) {
	if v.unlearned += step; v.unlearned < learnEvery && tau == learnReference {
		return
	}
	step, v.unlearned = v.unlearned, 0
	a := 1 - math.Exp(-float64(step)/float64(tau))
	v.refGlare += (v.glare - v.refGlare) * a
	v.scratch = v.scratch[:0]
	for i := range v.b {
		if k := &v.b[i]; !k.off && !k.equal {
			v.scratch = append(v.scratch, k.diff)
		}
	}
	if len(v.scratch) > 0 {
		v.noise += (min(median(v.scratch), 3*v.noise+1) - v.noise) * a
	}
	v.absorb(int32(min(65536*a, 32767)))
	v.stale = true
}

//go:norace
func (v *view) absorb(a int32) {
	for i, p := range v.now {
		r := int32(v.ref[i])
		d := int32(p) - r
		v.ref[i] = uint16(r + int32((int64(d)*int64(a)+1<<15)>>16))
	}
}

// adopt takes the present for the reference.
func (v *view) adopt() {
	copy(v.ref, v.now)
	v.refGlare, v.stale = v.glare, true
}
