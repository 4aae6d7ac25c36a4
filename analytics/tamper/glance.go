//go:build cgo

package tamper

import "time"

// wholeEnough is how long nothing at all has changed from one glance to the next when all pictures
// are to be looked at, of which freezeStill must then repeat.
const wholeEnough = freezeStill - 5*time.Second

// Pending says whether something may be amiss, or is, so that every picture is wanted.
func (w *Watch) Pending() bool {
	f := &w.frozen
	return w.bad || w.going || w.gone || w.grace > 0 || w.age < young || f.is || f.run > 0 || f.whole >= wholeEnough
}

// Suspects says whether a picture repeats the last one where no two were ever the same. It may be
// shown again.
func (w *Watch) Suspects(luma []byte) bool {
	v := &w.view
	if v.fresh {
		return false
	}
	v.cur, v.prev = v.prev, v.cur // what was before the last picture is of no use any more
	v.shrink(luma)
	n, live, equal := 0, 0, 0
	for i := range v.b {
		k := &v.b[i]
		if k.off {
			continue
		}
		n++
		if w.frozen.rate[i] <= liveRate {
			live++
			if v.same(k) {
				equal++
			}
		}
	}
	v.cur, v.prev = v.prev, v.cur
	return float64(live) >= liveShare*float64(n) && float64(equal) >= equalShare*float64(live)
}

// same says whether a block is the same, bit for bit, in both pictures.
func (v *view) same(k *block) bool {
	for y := 2 * k.y0; y < 2*k.y1; y++ {
		if string(v.cur[y*v.w+2*k.x0:y*v.w+2*k.x1]) != string(v.prev[y*v.w+2*k.x0:y*v.w+2*k.x1]) {
			return false
		}
	}
	return true
}

// glance takes in a picture seconds after the last. How often pictures repeat cannot be told
// from those: keyframes are coded anew, and differ more often than what is between them.
func (f *frozen) glance(v *view, step time.Duration) {
	f.run, f.hits, f.misses = 0, 0, 0
	for i := range v.b {
		if k := &v.b[i]; !k.off && !k.equal {
			f.whole = 0
			return
		}
	}
	f.whole = min(f.whole+step, wholeEnough)
}
