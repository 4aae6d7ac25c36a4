package throw

import (
	"cmp"
	"math"
	"slices"
)

const (
	maxTracks = 200
	poolSize  = 512 // tracks, with the branches of one picture and those that wait for a verdict
	maxPoints = 160
	maxSeeds  = 150 // new tracks a picture
	fitPoints = 8   // the newest, from which the next is predicted
	lookBack  = 3   // pictures between the points of a seed

	maxGap   = 0.3  // seconds without a point that end a track
	detect   = 0.65 // probability that the object is seen in a picture
	gate     = 3    // standard deviations
	jitter   = 0.35 // of timestamps, in pictures
	maxScore = 6    // of one point

	// In heights of the picture.
	maxSigma  = 0.05
	maxSpeed  = 3.0 // a second
	priorMean = 0.8 // of the acceleration, a second squared
	priorSD   = 3.0
	companion = 0.08

	// A region of the picture this high, as a part of it, has its own density of blobs.
	patch = 1.0 / 9
	// sparse is the density of blobs below which none is believed, in a patch and picture.
	sparse      = 0.1
	densityMean = 1.0 // seconds
	trafficMean = 10  // seconds
)

// point is where a track was seen.
type point struct {
	t    float64 // media time in seconds
	x, y float32 // pixels of the region
	w, h int16
	id   uint32 // of the blob
}

// track is a hypothesis: these blobs are one falling thing.
type track struct {
	n      int
	points [maxPoints]point
	score  float64 // with the misses since the last point
	best   float64 // at the last point
	seen   int     // pictures from the first point to the last
	missed int     // since
	// Others that moved as this did, over how many points that was asked.
	companions, asked int
	crowd             float64 // sum of the blobs a patch and picture where it was
	traffic           float64 // the linker's, before it began

	// The fit to the newest points, relative to the last one's time.
	x, vx    float64
	y, vy, a float64
	px       [3]float64 // covariance of x, vx: xx, xv, vv
	py       [6]float64 // of y, vy, a: yy yv ya vv va aa
	sigma    float64    // of a point
}

func (t *track) last() *point { return &t.points[t.n-1] }

// list is the blobs of a picture.
type list struct {
	t     float64
	blobs []blob
}

// linker builds tracks from the blobs of each picture. Its memory is bounded
// and kept.
type linker struct {
	height   float64 // of the whole picture, in pixels
	interval float64 // seconds between pictures
	jitter   float64 // of timestamps, in pictures

	pool  []track
	free  []int32
	live  []int32
	done  []int32 // ended since the last update; the caller takes them
	past  [lookBack]list
	blobs []blob // of the picture being linked
	taken []bool // by index into the blobs of the picture: a proven track has it
	// traffic is how many things are on a way downwards in a picture, as a slow mean: none
	// before most facades, many in snow.
	traffic float64

	cols, rows int
	side       float64
	crowds     int       // pictures in the means
	counts     []float64 // slow mean of blobs a picture
	density    []float64 // the same over 3×3 patches, per square pixel
	now        []float64
}

func newLinker(width, height int, pictureHeight float64) *linker {
	l := &linker{height: pictureHeight, side: math.Ceil(pictureHeight * patch),
		pool: make([]track, poolSize), free: make([]int32, 0, poolSize), live: make([]int32, 0, poolSize),
		done: make([]int32, 0, poolSize), taken: make([]bool, maxBlobs)}
	l.cols, l.rows = int(float64(width)/l.side)+1, int(float64(height)/l.side)+1
	n := l.cols * l.rows
	l.counts, l.density, l.now = make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range l.past {
		l.past[i].blobs = make([]blob, 0, maxBlobs)
	}
	l.reset()
	return l
}

// reset forgets every track and blob.
func (l *linker) reset() {
	l.free, l.live, l.done = l.free[:0], l.live[:0], l.done[:0]
	for i := range l.pool {
		l.free = append(l.free, int32(len(l.pool)-1-i))
	}
	for i := range l.past {
		l.past[i] = list{blobs: l.past[i].blobs[:0]}
	}
	l.crowds, l.traffic = 0, 0
	clear(l.counts)
}

func (l *linker) alloc() int32 {
	if len(l.free) == 0 {
		return -1
	}
	i := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	return i
}

func (l *linker) release(i int32) { l.free = append(l.free, i) }

// copy copies a track without the points that it does not have.
func (l *linker) copy(dst, src int32) {
	d, s := &l.pool[dst], &l.pool[src]
	n := copy(d.points[:], s.points[:s.n])
	*d = track{n: n, points: d.points, score: s.score, best: s.best, seen: s.seen, missed: s.missed,
		companions: s.companions, asked: s.asked, crowd: s.crowd, traffic: s.traffic, x: s.x, vx: s.vx, y: s.y, vy: s.vy, a: s.a, px: s.px, py: s.py, sigma: s.sigma}
}

// update extends the tracks by the blobs of a picture. Tracks that have ended
// are in done until the next call or reset, and are the caller's to release.
func (l *linker) update(t float64, blobs []blob) {
	l.end(t)
	l.blobs = blobs
	clear(l.taken)
	for k, n := 0, len(l.live); k < n; k++ {
		l.extend(l.live[k], t, blobs)
	}
	l.prune()
	l.watch()
	l.seed(t, blobs)
	l.crowd(blobs)
	oldest := l.past[lookBack-1].blobs
	copy(l.past[1:], l.past[:lookBack-1])
	l.past[0] = list{t: t, blobs: append(oldest[:0], blobs...)}
}

// end takes out tracks that were not seen for too long.
func (l *linker) end(t float64) {
	l.live = slices.DeleteFunc(l.live, func(i int32) bool {
		tr := &l.pool[i]
		if t-tr.last().t <= maxGap && tr.n < maxPoints {
			return false
		}
		if tr.n < minPoints {
			l.release(i)
		} else {
			l.done = append(l.done, i)
		}
		return true
	})
}

// extend gives a track the blob in its gate that fits best, and a branch of it
// the second.
func (l *linker) extend(i int32, t float64, blobs []blob) {
	tr := &l.pool[i]
	dt := t - tr.last().t
	x, y := tr.x+tr.vx*dt, tr.y+tr.vy*dt+tr.a*dt*dt/2
	sx, sy := l.spread(tr, dt)
	first, second := -1, -1
	var n1, n2 float64
	for k := range blobs {
		dx, dy := blobs[k].x-x, blobs[k].y-y
		if dy > gate*sy || dy < -gate*sy || dx > gate*sx || dx < -gate*sx || blobs[k].y < float64(tr.last().y)-1 {
			continue
		}
		n := dx*dx/(sx*sx) + dy*dy/(sy*sy)
		switch {
		case n > gate*gate:
		case first < 0 || n < n1:
			second, n2 = first, n1
			first, n1 = k, n
		case second < 0 || n < n2:
			second, n2 = k, n
		}
	}
	miss := math.Log(1 - detect)
	if first < 0 {
		tr.missed++
		tr.score += miss
		return
	}
	if second >= 0 {
		l.branch(i, t, &blobs[second], l.worth(blobs, second, sx, sy, n2))
	} else if n1 > 4 {
		l.branch(i, t, nil, miss)
	}
	l.hit(tr, t, &blobs[first], l.worth(blobs, first, sx, sy, n1))
	if tr.n >= minPoints && tr.best > proven {
		l.taken[first] = true
	}
}

// branch adds a copy of a track that goes on with b, or without if b is nil.
func (l *linker) branch(i int32, t float64, b *blob, worth float64) {
	j := l.alloc()
	if j < 0 {
		return
	}
	l.copy(j, i)
	l.live = append(l.live, j)
	tr := &l.pool[j]
	if b == nil {
		tr.missed++
		tr.score += worth
		return
	}
	l.hit(tr, t, b, worth)
}

// spread returns the standard deviation of where a track will be in dt seconds.
func (l *linker) spread(tr *track, dt float64) (sx, sy float64) {
	q := dt * dt / 2
	vx := tr.px[0] + 2*dt*tr.px[1] + dt*dt*tr.px[2]
	p := &tr.py
	vy := p[0] + 2*dt*p[1] + 2*q*p[2] + dt*dt*p[3] + 2*dt*q*p[4] + q*q*p[5]
	j := l.jitter * l.interval
	vx += tr.sigma*tr.sigma + j*j*tr.vx*tr.vx
	vy += tr.sigma*tr.sigma + j*j*tr.vy*tr.vy
	most := maxSigma * l.height
	return min(math.Sqrt(vx), most), min(math.Sqrt(vy), most)
}

// worth is the log-likelihood ratio of a blob as the track's next point
// against as one of those that are there anyway.
func (l *linker) worth(blobs []blob, k int, sx, sy, n float64) float64 {
	rate := l.densityAt(blobs[k].x, blobs[k].y)
	return min(math.Log(detect/(rate*2*math.Pi*sx*sy)), maxScore) - n/2
}

func (l *linker) hit(tr *track, t float64, b *blob, worth float64) {
	l.company(tr, b)
	tr.points[tr.n] = point{t: t, x: float32(b.x), y: float32(b.y), w: int16(b.w), h: int16(b.h), id: b.id}
	tr.n++
	tr.crowd += l.densityAt(b.x, b.y) * l.side * l.side
	tr.score += worth
	tr.best = tr.score
	tr.seen += tr.missed + 1
	tr.missed = 0
	tr.fit(l.height, l.jitter*l.interval)
}

// seed begins a track with each blob that no proven track has and each blob of
// the pictures before that could have fallen to it.
func (l *linker) seed(t float64, blobs []blob) {
	seeds := 0
	for k := range blobs {
		if l.taken[k] {
			continue
		}
		b := &blobs[k]
		for i := range l.past {
			dt := t - l.past[i].t
			if dt <= 0 || dt > maxGap {
				continue
			}
			reach := maxSpeed * l.height * dt
			for m := range l.past[i].blobs {
				a := &l.past[i].blobs[m]
				dx, dy := math.Abs(b.x-a.x), b.y-a.y
				if dy < 1 || dy > reach || dx > dy+0.1*reach {
					continue
				}
				j := l.alloc()
				if j < 0 || seeds == maxSeeds {
					if j >= 0 {
						l.release(j)
					}
					return
				}
				seeds++
				l.begin(j, l.past[i].t, a, t, b, i+1, reach)
			}
		}
	}
}

func (l *linker) begin(j int32, t0 float64, a *blob, t float64, b *blob, pictures int, reach float64) {
	tr := &l.pool[j]
	tr.n, tr.companions, tr.asked, tr.crowd, tr.missed = 1, 0, 0, 0, pictures-1
	tr.points[0] = point{t: t0, x: float32(a.x), y: float32(a.y), w: int16(a.w), h: int16(a.h), id: a.id}
	tr.seen, tr.vy, tr.traffic = 1, 0, l.traffic
	tr.score = float64(pictures-1) * math.Log(1-detect)
	worth := math.Log(detect / (l.densityAt(b.x, b.y) * reach * reach))
	l.hit(tr, t, b, min(max(worth, -4), 3))
	l.live = append(l.live, j)
}

// prune keeps the best of tracks that have become alike, and the best of all.
func (l *linker) prune() {
	slices.SortFunc(l.live, func(a, b int32) int {
		return cmp.Or(cmp.Compare(l.pool[b].score, l.pool[a].score), cmp.Compare(a, b))
	})
	kept := l.live[:0]
	for _, i := range l.live {
		if len(kept) >= maxTracks || l.alike(kept, i) {
			l.release(i)
			continue
		}
		kept = append(kept, i)
	}
	l.live = kept
}

// alike says whether a better track has the same two last points, or three have
// the same last one.
func (l *linker) alike(better []int32, i int32) bool {
	tr := &l.pool[i]
	same := 0
	for _, j := range better {
		o := &l.pool[j]
		if o.last().id != tr.last().id {
			continue
		}
		if o.points[o.n-2].id == tr.points[tr.n-2].id {
			return true
		}
		if same++; same == 3 {
			return true
		}
	}
	return false
}
