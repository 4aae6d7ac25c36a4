package throw

import "math"

// watch counts the things that are on their way, each once.
func (l *linker) watch() {
	n := 0
	for k, i := range l.live {
		tr := &l.pool[i]
		if tr.n < minPoints || tr.best < proven || tr.missed > 2 {
			continue
		}
		alone := true
		for _, j := range l.live[:k] {
			o := &l.pool[j]
			if o.n >= minPoints && o.best >= proven && o.missed <= 2 && tr.beside(o, l.height) {
				alone = false
				break
			}
		}
		if alone {
			n++
		}
	}
	a := min(max(l.interval/trafficMean, 1/float64(l.crowds+1)), 1)
	l.traffic += a * (float64(n) - l.traffic)
}

// beside says whether two tracks are likely to be one thing: they end close together.
func (t *track) beside(o *track, height float64) bool {
	a, b := t.last(), o.last()
	near := float32(0.04 * height)
	return max(a.x-b.x, b.x-a.x) < near && max(a.y-b.y, b.y-a.y) < 2*near
}

// others is how many things but one that was there for a time in seconds have been on their way
// down lately, in a picture.
func (l *linker) others(span float64) float64 {
	return l.traffic - span/max(min(float64(l.crowds)*l.interval, trafficMean), span)
}

// company counts the other blobs nearby that come from where the track's step
// leads back to, among those of the picture of its last point.
func (l *linker) company(tr *track, b *blob) {
	from := tr.last()
	var then *list
	for i := range l.past {
		if l.past[i].t == from.t && len(l.past[i].blobs) > 0 {
			then = &l.past[i]
		}
	}
	if then == nil || tr.n < 3 {
		return
	}
	dx, dy := b.x-float64(from.x), b.y-float64(from.y)
	near := companion * l.height
	slack := 2 + 0.15*math.Hypot(dx, dy)
	tr.asked++
	for i := range then.blobs {
		o := &then.blobs[i]
		if o.id == from.id || math.Abs(o.x-float64(from.x)) > near || math.Abs(o.y-float64(from.y)) > near {
			continue
		}
		if l.seenAt(o.x+dx, o.y+dy, slack, b.id) {
			tr.companions++
		}
	}
}

// seenAt says whether another blob than id lies at a place, within slack in x and in y.
func (l *linker) seenAt(x, y, slack float64, id uint32) bool {
	for i := range l.blobs {
		b := &l.blobs[i]
		if b.id != id && math.Abs(b.x-x) < slack && math.Abs(b.y-y) < slack {
			return true
		}
	}
	return false
}

// crowd updates the density of blobs.
func (l *linker) crowd(blobs []blob) {
	l.crowds++
	a := min(max(l.interval/densityMean, 1/float64(l.crowds)), 1)
	clear(l.now)
	for i := range blobs {
		l.now[l.patchAt(blobs[i].x, blobs[i].y)]++
	}
	for i := range l.counts {
		l.counts[i] += a * (l.now[i] - l.counts[i])
	}
	for y := range l.rows {
		for x := range l.cols {
			sum, n := 0.0, 0.0
			for v := max(y-1, 0); v <= min(y+1, l.rows-1); v++ {
				for u := max(x-1, 0); u <= min(x+1, l.cols-1); u++ {
					sum += l.counts[v*l.cols+u]
					n++
				}
			}
			l.density[y*l.cols+x] = max(sum/n, sparse) / (l.side * l.side)
		}
	}
}

func (l *linker) patchAt(x, y float64) int {
	u, v := min(max(int(x/l.side), 0), l.cols-1), min(max(int(y/l.side), 0), l.rows-1)
	return v*l.cols + u
}

func (l *linker) densityAt(x, y float64) float64 { return l.density[l.patchAt(x, y)] }
