package throw

import "math"

// bounceTime is how long a thing that has landed may fly up and down again, in seconds.
const bounceTime = 1.3

// share counts the points that two tracks have in common.
func share(a, b []point) int {
	n := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].id == b[j].id:
			n++
			i++
			j++
		case a[i].t < b[j].t || a[i].t == b[j].t && a[i].id < b[j].id:
			i++
		default:
			j++
		}
	}
	return n
}

// same says whether two tracks are one object: they share blobs, ran beside
// each other, or one goes on where the other was lost or has bounced to.
func (l *linker) same(a *track, fa *parabola, b *track, fb *parabola) bool {
	pa, pb := a.points[:a.n], b.points[:b.n]
	if share(pa, pb) >= 3 {
		return true
	}
	if pb[0].t < pa[0].t {
		pa, pb, fa, fb = pb, pa, fb, fa
	}
	near := 0.06 * l.height
	from, to := pb[0].t, min(pa[len(pa)-1].t, pb[len(pb)-1].t)
	if to <= from {
		return l.goesOn(pa, pb, fa, fb, from-to)
	}
	far := 0.0
	for k := range 5 {
		t := from + float64(k)/4*(to-from)
		ax, ay := fa.at(t)
		bx, by := fb.at(t)
		far += math.Hypot(ax-bx, ay-by) / 5
	}
	return far < near
}

// goesOn says whether what is seen later is the first thing once more: hidden for a
// while on its way, or falling once more from where it bounced to.
func (l *linker) goesOn(pa, pb []point, fa, fb *parabola, pause float64) bool {
	land, again, end := pa[len(pa)-1], pb[0], pb[len(pb)-1]
	if pause > bounceTime {
		return false
	}
	near := 0.12 * l.height
	if aside := float64(again.x - land.x); math.Abs(aside) < near+math.Abs(fa.vx)*pause &&
		float64(again.y-pa[0].y) > 0.4*float64(land.y-pa[0].y) && float64(end.y) < float64(land.y)+near {
		return true
	}
	x, y := fa.at(again.t)
	_, y2 := fa.at(again.t + 0.1)
	vy := (y2 - y) * 10
	return pause <= 1 && math.Hypot(x-float64(again.x), y-float64(again.y)) < near && fb.v > 0.6*vy && fb.v < 1.6*vy
}
