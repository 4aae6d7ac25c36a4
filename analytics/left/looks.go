//go:build cgo

package left

import (
	"image"
	"math"
)

// outline adds up how much of a region's outline is new, and how much is lost.
func (w *Watch) outline(r *region) {
	class, cur, bg := w.motion.Classes(), w.motion.Picture(), w.motion.Expected()
	n, fresh, lost := 0, 0, 0
	for _, p := range r.pix {
		i := int(p)
		x, y := i%w.w, i/w.w
		if x < 3 || y < 3 || x >= w.w-3 || y >= w.h-3 {
			continue
		}
		if class[i-1] != 0 && class[i+1] != 0 && class[i-w.w] != 0 && class[i+w.w] != 0 {
			continue
		}
		c, b := w.edge(cur, i), w.edge(bg, i)
		n++
		switch {
		case c-b > minEdge:
			fresh++
		case b-c > minEdge:
			lost++
		}
	}
	if n == 0 {
		return
	}
	r.judged++
	r.fresh += float64(fresh) / float64(n)
	r.edges += float64(fresh-lost) / float64(n)
}

// edge returns the strongest gradient within a pixel, in grey levels over two pixels.
func (w *Watch) edge(pix []uint8, at int) int {
	best := 0
	for i := at - w.w; i <= at+w.w; i += w.w {
		for k := i - 1; k <= i+1; k++ {
			best = max(best, diff(pix[k+1], pix[k-1])+diff(pix[k+w.w], pix[k-w.w]))
		}
	}
	return best
}

func diff(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// likeness returns the correlation of a region's pixels with what the background
// expects there, near 1 if but the light has changed; ok is false where the background is too
// even to tell.
func (w *Watch) likeness(r *region) (v float64, ok bool) {
	cur, bg := w.motion.Picture(), w.motion.Expected()
	var c, b, cc, bb, cb float64
	n := float64(len(r.pix))
	for _, i := range r.pix {
		p, q := float64(cur[i]), float64(bg[i])
		c, b, cc, bb, cb = c+p, b+q, cc+p*p, bb+q*q, cb+p*q
	}
	vc, vb := cc/n-c/n*c/n, bb/n-b/n*b/n
	return (cb/n - c/n*b/n) / math.Sqrt(max(vc, 1)*max(vb, 1)), vb > evenGround
}

// oddness returns how much a region's shades differ from those around it, 0 to 1. What
// lies there is odd in the picture; what was taken away was odd in the background.
func (w *Watch) oddness(pix []uint8, r *region) float64 {
	const bins = 32
	var in, out [bins + 1]float64
	class := w.motion.Classes()
	add := func(h *[bins + 1]float64, v uint8) { // shared by two bins
		b, f := int(v)*bins>>8, float64(int(v)*bins&255)/256
		h[b] += 1 - f
		h[b+1] += f
	}
	for _, p := range r.pix {
		add(&in, pix[p])
	}
	n := 0
	around := r.box.Inset(-max(3, (r.box.Dx()+r.box.Dy())/4)).Intersect(image.Rect(0, 0, w.w, w.h))
	for y := around.Min.Y; y < around.Max.Y; y++ {
		for i := y*w.w + around.Min.X; i < y*w.w+around.Max.X; i++ {
			if class[i] == 0 {
				add(&out, pix[i])
				n++
			}
		}
	}
	if n == 0 {
		return 0
	}
	sum := 0.0
	for b := range in {
		sum += math.Abs(in[b]/float64(len(r.pix)) - out[b]/float64(n))
	}
	return sum / 2
}

// lives compares a region with its own portrait. What has changed by itself is
// alive: luggage does not.
func (w *Watch) lives(r *region) bool {
	box := r.box.Inset(-2).Intersect(image.Rect(0, 0, w.w, w.h))
	if both := 2 * area(box.Intersect(r.framed)); both < area(box) || both < area(r.framed) {
		w.portray(r, box)
		return false
	}
	if r.changed++; w.resembles(r) > sameSelf {
		r.changed = 0
	}
	if r.changed < changeLooks {
		return false
	}
	w.portray(r, box)
	return true
}

func (w *Watch) portray(r *region, box image.Rectangle) {
	r.framed, r.portrait, r.changed = box, r.portrait[:0], 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		r.portrait = append(r.portrait, w.motion.Picture()[y*w.w+box.Min.X:y*w.w+box.Max.X]...)
	}
}

// resembles returns the correlation of a region with its portrait.
func (w *Watch) resembles(r *region) float64 {
	var n, c, b, cc, bb, cb float64
	k := 0
	for y := r.framed.Min.Y; y < r.framed.Max.Y; y++ {
		for _, v := range w.motion.Picture()[y*w.w+r.framed.Min.X : y*w.w+r.framed.Max.X] {
			p, q := float64(v), float64(r.portrait[k])
			k++
			n, c, b, cc, bb, cb = n+1, c+p, b+q, cc+p*p, bb+q*q, cb+p*q
		}
	}
	return (cb - c*b/n) / math.Sqrt(max(cc-c*c/n, 1)*max(bb-b*b/n, 1))
}
