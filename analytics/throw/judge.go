package throw

import "math"

// What a falling object looks like. Lengths are in heights of the picture.
const (
	accept     = 18 // score
	acceptSlow = 15 // at fewer than slowRate pictures a second
	slowRate   = 12.5
	proven     = 8 // score from which a track's points begin no other

	minPoints = 5
	minSpan   = 0.4 // seconds
	minHits   = 0.5 // part of the pictures
	minAccel  = 0.1 // the picture is at most 100 m high
	maxAccel  = 2.5 // the picture is at least 4 m high
	minSure   = 5   // acceleration over its standard deviation
	// maxAbove is how far above the picture a thing may have begun to fall that has the
	// speed and the acceleration with which it comes into sight.
	maxAbove  = 0.35
	maxSway   = 0.02 // residual of x against a straight line, over the fall
	maxChange = 1.4  // standard deviation of the logarithm of the area
	crowded   = 0.35 // blobs a patch and picture
	upSlack   = 1.5  // pixels

	busyTraffic = 1.0 // other things on their way down in a picture
	// sureEvidence is how much a track may change its looks with, or lie in a crowd.
	sureEvidence = 40
	// A way may be bent by more than maxBent from a parabola if the evidence is strong: drops
	// that run down a lens go by fits and starts.
	maxBent      = 2.0
	bentEvidence = 75
	// What becomes wider than by maxGrowth comes towards the camera.
	maxGrowth    = 2.2
	pairGrowth   = 1.5
	pairEvidence = 75
	// maxTrim is how many points at the end may be something else, that of the
	// ground for one, unless the whole is as smooth as smoothMisfit.
	maxTrim      = 12
	anyTrim      = 3    // of them may be anywhere
	maxTrimFall  = 0.15 // of the fall, that the others go on by
	smoothMisfit = 1.0
)

// demand is what is asked of a track. Evidence is how much better a fall explains it than an
// even way does, a log-likelihood ratio; misfit is how far its points lie from a
// fall, over what their size lets expect.
type demand struct {
	fall     float64 // heights
	speed    float64 // heights a second, in the last third of its time
	gain     float64 // that over the speed in the first third
	rise     float64 // and over that in the second: lifts and cranes only start
	company  float64 // blobs beside it that move alike
	evidence float64
	misfit   float64
}

// demands are higher where many things are on their way down, as in snow, for some of them
// lie as a fall would by chance. The air may bend a fall elsewhere, not there.
func demands(busy bool) demand {
	if busy {
		return demand{fall: 0.15, speed: 0.33, gain: 1.8, rise: 1.15, company: 0.2, evidence: 45, misfit: 1.3}
	}
	return demand{fall: 0.1, speed: 0.22, gain: 1.45, rise: 1.1, company: 0.2, evidence: 20, misfit: 2.5}
}

// verdict is why a track is a falling object, or not.
type verdict struct {
	reason   string // empty if it is one
	fit      parabola
	evidence float64
	misfit   float64
	bent     float64 // misfit of a parabola
	n        int     // points that belong to it
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
	best := l.shape(t, t.n)
	if best.misfit < smoothMisfit {
		return best // nothing at its end is out of place
	}
	for trim := 1; trim <= min(maxTrim, t.n/4); trim++ {
		// What is left out at the ground stays there.
		if end := t.points[t.n-1-trim].y; trim > anyTrim && t.last().y-end > maxTrimFall*(end-t.points[0].y) {
			break
		}
		if v := l.shape(t, t.n-trim); v.reason == "" && (best.reason != "" || v.evidence > best.evidence) {
			best = v
		}
	}
	return best
}

// shape holds the first n points of a track against a fall.
func (l *linker) shape(t *track, n int) verdict {
	p := t.points[:n]
	v := verdict{n: n, fit: fitParabola(p)}
	span := p[n-1].t - p[0].t
	busy := max(t.traffic, l.others(span)) > busyTraffic
	need := demands(busy)
	residual := v.fit.smooth
	if busy {
		residual = v.fit.residual
	}
	v.weigh(p, residual, l.loose())
	if v.reason = l.outline(t, p, need.fall); v.reason != "" {
		return v
	}
	h, f := l.height, &v.fit
	s1, s2, s3 := thirds(p)
	switch {
	case float64(t.companions) > need.company*float64(t.asked) && (busy || !v.pair(t)):
		v.reason = "company"
	case growth(p) > maxGrowth:
		v.reason = "grows"
	case f.a < minAccel*h || f.a > maxAccel*h:
		v.reason = "acceleration"
	case f.a < minSure*f.sigma:
		v.reason = "unsure"
	case s3 < need.speed*h:
		v.reason = "slow"
	case s3 < need.gain*s1 || s3 < need.rise*s2:
		v.reason = "steady"
	case float64(p[0].y)-f.v*math.Abs(f.v)/(2*f.a) < -maxAbove*h:
		v.reason = "from above"
	case v.evidence < need.evidence:
		v.reason = "straight"
	case v.misfit > need.misfit || v.evidence < bentEvidence && max(v.misfit, v.bent) > maxBent:
		v.reason = "rough"
	case f.sideways > maxSway*float64(p[n-1].y-p[0].y)+1:
		v.reason = "sways"
	case v.evidence > sureEvidence:
	case t.crowd > crowded*float64(t.n-1):
		v.reason = "crowd"
	case change(p) > maxChange:
		v.reason = "changes"
	}
	return v
}

// pair says whether a track with company may be one of two things that fall beside each other
// rather than a part of a larger one.
func (v *verdict) pair(t *track) bool {
	return v.evidence > pairEvidence && t.companions <= t.asked && growth(t.points[:v.n]) < pairGrowth
}

// outline returns why points of a track cannot be a fall at first sight, or nothing.
func (l *linker) outline(t *track, p []point, minFall float64) string {
	a, z := p[0], p[len(p)-1]
	span, fall := z.t-a.t, float64(z.y-a.y)
	switch {
	case span < minSpan || float64(len(p)) < max(minPoints, minSpan*minHits/l.interval):
		return "short"
	case fall < minFall*l.height:
		return "low"
	case float64(t.n) < minHits*float64(t.seen):
		return "gaps"
	case math.Abs(float64(z.x-a.x)) > fall:
		return "sideways"
	case !falls(p):
		return "up"
	}
	return ""
}

// loose is how much of a second timestamps are wrong by where pictures are repeated.
func (l *linker) loose() float64 { return max(l.jitter-jitter, 0) * l.interval }

// weigh sets evidence and misfit by how far the points of a track lie from a fall. Grain is
// what they are uncertain by in any case, in pixels, and late by how much in time.
func (v *verdict) weigh(p []point, residual, late float64) {
	const grain = 0.3
	side := 0.0
	for i := range p {
		side += float64(p[i].w+p[i].h) / 2
	}
	n := float64(len(p))
	speed := float64(p[len(p)-1].y-p[0].y) / (p[len(p)-1].t - p[0].t)
	v.evidence = n * math.Log((v.fit.straight+grain)/(residual+grain))
	sigma := math.Hypot(pointSigma+sizeSigma*side/n, late*speed)
	v.misfit, v.bent = residual/sigma, v.fit.residual/sigma
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

// growth returns how much wider a thing is in the last third of its points than in the first.
// What comes nearer grows; what falls does not, but for the blur of its motion, which
// lies along its way.
func growth(p []point) float64 {
	var first, last float64
	for i := range (len(p) + 2) / 3 {
		first += float64(p[i].w)
		last += float64(p[len(p)-1-i].w)
	}
	return last / max(first, 1)
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
