package throw

import "math"

// What a falling object looks like. Lengths are in heights of the picture.
const (
	accept     = 18 // score
	acceptSlow = 15 // at fewer than slowRate pictures a second
	slowRate   = 12.5
	proven     = 8 // score from which a track's points begin no other

	minPoints   = 5
	minSpan     = 0.4 // seconds
	minFall     = 0.12
	minHits     = 0.45 // part of the pictures
	minAccel    = 0.05
	maxAccel    = 2.5  // the picture is at least 4 m high
	minSure     = 2.5  // acceleration over its standard deviation
	minEndSpeed = 0.33 // a second, in the last third
	firstToLast = 1.8  // speed of the last third over that of the first
	midToLast   = 1.15
	minCurve    = 2 // residual of a straight line over that of the parabola
	maxCompany  = 1.0
	maxSway     = 0.02 // residual of x against a straight line, over the fall
	maxChange   = 1.4  // standard deviation of the logarithm of the area
	crowded     = 0.35 // blobs a patch and picture, beyond which a track must be strong
	// A strong track is long and smooth. It may have company, as that of another
	// object, and change its looks against a wall with windows.
	strongPoints  = 20
	strongSpan    = 1.1 // seconds
	strongCurve   = 8   // residual of a straight line over that of a cubic
	strongCompany = 1.15
	// Any other must be seen in most pictures and fit well.
	weakHits  = 0.7
	weakCurve = 5   // residual of a straight line over that of a cubic
	upSlack   = 1.5 // pixels
	// maxTrim is how many points at the end may be something else, that of the
	// ground for one.
	maxTrim = 3
)

// verdict is why a track is a falling object, or not.
type verdict struct {
	reason string // empty if it is one
	fit    parabola
	n      int // points that belong to it
}

// judge decides on a track that has ended.
func (l *linker) judge(t *track) verdict {
	limit := accept * 1.0
	if 1/l.interval < slowRate {
		limit = acceptSlow
	}
	if t.best < limit {
		return verdict{reason: "score"}
	}
	first := verdict{}
	for trim := range min(maxTrim, t.n/8) + 1 {
		v := l.shape(t, t.n-trim)
		if v.reason == "" {
			return v
		}
		if trim == 0 {
			first = v
		}
	}
	return first
}

// shape holds the first n points of a track against a fall.
func (l *linker) shape(t *track, n int) verdict {
	p := t.points[:n]
	h := l.height
	a, z := p[0], p[n-1]
	span, fall := z.t-a.t, float64(z.y-a.y)
	v := verdict{n: n}
	switch {
	case span < minSpan || float64(n) < max(minPoints, minSpan*minHits/l.interval):
		v.reason = "short"
	case fall < minFall*h:
		v.reason = "low"
	case float64(t.n) < minHits*float64(t.seen):
		v.reason = "gaps"
	case math.Abs(float64(z.x-a.x)) > fall:
		v.reason = "sideways"
	case !falls(p):
		v.reason = "up"
	}
	if v.reason != "" {
		return v
	}
	v.fit = fitParabola(p)
	s1, s2, s3 := thirds(p)
	f := &v.fit
	strong := n >= strongPoints && span >= strongSpan && f.straight >= strongCurve*f.smooth
	company := maxCompany
	if strong {
		company = strongCompany
	}
	switch {
	case float64(t.companions) > company*float64(t.asked):
		v.reason = "company"
	case f.a < minAccel*h || f.a > maxAccel*h:
		v.reason = "acceleration"
	case f.a < minSure*f.sigma:
		v.reason = "unsure"
	case s3 < minEndSpeed*h:
		v.reason = "slow"
	case s3 < firstToLast*s1 || s3 < midToLast*s2:
		v.reason = "steady"
	case f.straight < minCurve*f.residual:
		v.reason = "straight"
	case f.sideways > maxSway*fall+1:
		v.reason = "sways"
	case strong:
	case float64(t.n) < weakHits*float64(t.seen) || f.straight < weakCurve*f.smooth:
		v.reason = "weak"
	case t.crowd > crowded*float64(t.n-1):
		v.reason = "crowd"
	case change(p) > maxChange:
		v.reason = "changes"
	}
	return v
}

// change returns how much a track's area varies: the standard deviation of its
// natural logarithm. A thing that falls stays what it is; edges of people and trees do not.
func change(p []point) float64 {
	var sum, squares float64
	for i := range p {
		a := math.Log(float64(p[i].w) * float64(p[i].h))
		sum += a
		squares += a * a
	}
	n := float64(len(p))
	return math.Sqrt(max(squares/n-sum/n*sum/n, 0))
}

func falls(p []point) bool {
	for i := 1; i < len(p); i++ {
		if p[i].y < p[i-1].y-upSlack {
			return false
		}
	}
	return true
}

// thirds returns the speeds in the three thirds of a track's time, in pixels a
// second.
func thirds(p []point) (first, second, last float64) {
	t0, third := p[0].t, (p[len(p)-1].t-p[0].t)/3
	at := func(t float64) float64 {
		for i := 1; i < len(p); i++ {
			if p[i].t >= t {
				f := (t - p[i-1].t) / (p[i].t - p[i-1].t)
				return float64(p[i-1].y) + f*float64(p[i].y-p[i-1].y)
			}
		}
		return float64(p[len(p)-1].y)
	}
	y1, y2 := at(t0+third), at(t0+2*third)
	return (y1 - float64(p[0].y)) / third, (y2 - y1) / third, (float64(p[len(p)-1].y) - y2) / third
}

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
// each other, or one goes on where the other was lost.
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
	if to <= from { // one after the other
		if from-to > 1 {
			return false
		}
		x, y := fa.at(from)
		_, y2 := fa.at(from + 0.1)
		vy, vb := (y2-y)*10, fb.v
		return math.Hypot(x-float64(pb[0].x), y-float64(pb[0].y)) < 2*near && vb > 0.6*vy && vb < 1.6*vy
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
