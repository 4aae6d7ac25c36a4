//go:build cgo

package tamper

import (
	"math"
	"time"
)

const (
	freezeNoisy = 3 * time.Second  // of repeated pictures where noise was everywhere
	freezeLive  = 10 * time.Second // the same where most of the picture was never the same
	freezeStill = 2 * time.Minute  // the same where they did not
	learnEqual  = 15 * time.Second
	firstEqual  = 0.5
	liveRate    = 0.25 // part of the pictures that equal the one before, at most, in a live block
	noisyRate   = 0.1  // the same where there is noise
	noisyShare  = 0.9  // of the blocks that must have noise
	liveMost    = 0.5  // the same that will do while the light is steady: they do not all fall silent by chance
	liveShare   = 0.3  // of the blocks that must be live
	equalShare  = 0.95 // of the live blocks: a clock in the picture may run on
	recoded     = 1.5  // grey levels by which a keyframe may change a picture that stands still
	patience    = 1500 * time.Millisecond
)

// frozen tells pictures that repeat from those that only show nothing new.
type frozen struct {
	is   bool
	from time.Duration // when the pictures began to repeat
	run  time.Duration // for how long they have

	age    time.Duration
	rate   [blocks]float64 // part of the pictures that equal the one before
	hit    time.Duration   // media time of the last repeated picture
	hits   int             // of the run's pictures
	misses int
	whole  time.Duration // for how long nothing at all has changed
}

func (f *frozen) init() {
	*f = frozen{}
	for i := range f.rate {
		f.rate[i] = firstEqual
	}
}

// restart forgets the run, since pictures are missing.
func (f *frozen) restart() { f.run, f.whole, f.hits, f.misses = 0, 0, 0, 0 }

func (f *frozen) step(v *view, steady bool, step, t time.Duration) {
	n, noisy, live, equal, equalAll, worst := 0, 0, 0, 0, 0, 0.0
	for i := range v.b {
		k := &v.b[i]
		if k.off {
			continue
		}
		n++
		if k.equal {
			equalAll++
		}
		if f.rate[i] > liveRate {
			continue
		}
		live++
		if f.rate[i] < noisyRate {
			noisy++
		}
		if k.equal {
			equal++
		} else {
			worst = max(worst, k.diff)
		}
	}
	if n == 0 {
		return
	}
	f.age += step
	f.whole += step
	if equalAll < n {
		f.whole = 0
	}
	lively := float64(live) >= liveShare*float64(n)
	repeated := lively && float64(equal) >= equalShare*float64(live)
	f.follow(repeated, worst < recoded, step, t)
	need := freezeLive
	if float64(noisy) >= noisyShare*float64(n) || steady && float64(live) >= liveMost*float64(n) {
		need = freezeNoisy
	}
	if f.is {
		f.is = f.whole > 0 || f.run > 0 && lively
	} else if f.run >= need && 3*f.hits >= 2*f.misses {
		f.is = true
	}
	if f.run == 0 {
		a := 1 - math.Exp(-float64(step)/float64(min(learnEqual, max(f.age, 2*time.Second))))
		for i := range v.b {
			x := 0.0
			if v.b[i].equal {
				x = 1
			}
			f.rate[i] += (x - f.rate[i]) * a
		}
	}
	if f.whole >= freezeStill && v.textured() >= minTextured && !f.is {
		f.is, f.from = true, t-f.whole
	}
}

// follow moves the run of repeated pictures on. A few in it may differ a
// little, where the encoder began anew.
func (f *frozen) follow(repeated, small bool, step, t time.Duration) {
	wait := max(patience, 5*step/2)
	switch {
	case repeated:
		if f.run == 0 && !f.is {
			f.from = t - step
		}
		f.run += step
		f.hit = t
		f.hits++
	case f.run > 0 && (!small || t-f.hit > wait):
		f.restart()
	case f.run > 0:
		f.run += step
		f.misses++
	}
}
