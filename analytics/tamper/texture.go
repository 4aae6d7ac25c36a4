//go:build cgo

package tamper

import "math"

func (v *view) leastGradient() float64 { return max(minGradient, noiseGradient*v.noise*v.noise) }

// lost says whether a block's edges are no longer where they were.
func (k *block) lost(n float64) bool {
	if k.cc < faded*k.rr {
		return true
	}
	if k.cr >= sameView*math.Sqrt(k.cc*k.rr) {
		return false
	}
	// Infra-red turns dark into bright: the edge stays.
	vc, vr := k.mcc-k.mc*k.mc/n, k.mrr-k.mr*k.mr/n
	return k.m-k.mc*k.mr/n < sameView*math.Sqrt(max(vc, 1e-9)*max(vr, 1e-9))
}

// blurred says whether a block's fine detail is weaker than its coarse contrast has become.
func (k *block) blurred(noise float64) bool {
	gain := min(max(k.gain, k.cr/k.rr, 0), 1.5)
	return k.ec-noise < sharpEnough*gain*gain*k.er
}

// halve writes the mean of each 2×2 pixels.
//
//go:norace
func (v *view) halve(dst []int16, src []uint16) {
	w := v.w / 2
	for y := range v.h / 2 {
		a, b := src[2*y*v.w:][:v.w], src[(2*y+1)*v.w:][:v.w]
		for x := range w {
			s := uint32(a[2*x]) + uint32(a[2*x+1]) + uint32(b[2*x]) + uint32(b[2*x+1])
			dst[y*w+x] = int16(s >> (2 + 8 - fraction))
		}
	}
}

// gradients fills a block's sums.
//
//go:norace
func (v *view) gradients(k *block) {
	w := v.w / 2
	var cc, rr, cr, mc, mr, mcc, mrr, m, sc, sr, srr, scr int64
	for y := k.y0; y < k.y1; y++ {
		for i := y*w + k.x0; i < y*w+k.x1; i++ {
			cx, cy := int64(v.half[i+1]-v.half[i-1]), int64(v.half[i+w]-v.half[i-w])
			rx, ry := int64(v.halfRef[i+1]-v.halfRef[i-1]), int64(v.halfRef[i+w]-v.halfRef[i-w])
			c, r := int64(v.half[i]), int64(v.halfRef[i])
			sc += c
			sr += r
			srr += r * r
			scr += c * r
			cc += cx*cx + cy*cy
			rr += rx*rx + ry*ry
			cr += cx*rx + cy*ry
			a, b := max(cx, -cx)+max(cy, -cy), max(rx, -rx)+max(ry, -ry)
			mc += a
			mr += b
			mcc += a * a
			mrr += b * b
			m += a * b
		}
	}
	n := int64(max((k.x1-k.x0)*(k.y1-k.y0), 1))
	k.gain = float64(n*scr-sc*sr) / float64(max(n*srr-sr*sr, 1))
	const one = 1 << fraction
	const two = one * one
	k.cc, k.rr, k.cr = float64(cc)/two, float64(rr)/two, float64(cr)/two
	k.mc, k.mr = float64(mc)/one, float64(mr)/one
	k.mcc, k.mrr, k.m = float64(mcc)/two, float64(mrr)/two, float64(m)/two
}

// detail fills a block's mean square Laplacians.
//
//go:norace
func (v *view) detail(k *block) {
	var ec, er int64
	w, n := v.w, 0
	for y := 2 * k.y0; y < 2*k.y1; y++ {
		for i := y*w + 2*k.x0; i < y*w+2*k.x1; i++ {
			c := 4*int64(v.now[i]) - int64(v.now[i-1]) - int64(v.now[i+1]) - int64(v.now[i-w]) - int64(v.now[i+w])
			r := 4*int64(v.ref[i]) - int64(v.ref[i-1]) - int64(v.ref[i+1]) - int64(v.ref[i-w]) - int64(v.ref[i+w])
			ec += c * c >> 8
			er += r * r >> 8
			n++
		}
	}
	d := float64(max(n, 1)) * 256
	k.ec, k.er = float64(ec)/d, float64(er)/d
}

// textured returns in how many blocks the present picture has texture of its own.
func (v *view) textured() int {
	n := 0
	for i := range v.b {
		k := &v.b[i]
		if !k.off && k.cc >= v.leastGradient()*float64((k.x1-k.x0)*(k.y1-k.y0)) {
			n++
		}
	}
	return n
}
