package homebrew

import (
	"net/netip"
	"time"
)

// bucket is burst at once, and rate a second.
type bucket struct {
	rate, burst float64
	used        float64
	at          time.Time
}

func (b *bucket) take(now time.Time) bool {
	b.used = max(b.used-max(now.Sub(b.at).Seconds(), 0)*b.rate, 0)
	b.at = now
	if b.used+1 > b.burst {
		return false
	}
	b.used++
	return true
}

const (
	maxFailures  = 1024
	firstBlock   = time.Second
	lastBlock    = 5 * time.Minute
	failureLives = 15 * time.Minute
)

// failures are wrong passwords. Each next one shuts the sender out for twice as long, in the name of that repeater
// alone: behind one address there may be others.
type failures map[sender]*failure

// sender is who says to be a repeater.
type sender struct {
	addr netip.Addr
	id   uint32
}

type failure struct {
	wait  time.Duration
	until time.Time
}

func (f failures) blocked(s sender, now time.Time) bool {
	x := f[s]
	return x != nil && now.Before(x.until)
}

// add counts a wrong password.
func (f failures) add(s sender, now time.Time) {
	x := f[s]
	if x == nil {
		if len(f) >= maxFailures {
			f.forgetOldest()
		}
		x = &failure{wait: firstBlock / 2}
		f[s] = x
	}
	x.wait = min(2*x.wait, lastBlock)
	x.until = now.Add(x.wait)
}

func (f failures) clear(s sender) { delete(f, s) }

func (f failures) forgetOldest() {
	var oldest sender
	for s, x := range f {
		if !oldest.addr.IsValid() || x.until.Before(f[oldest].until) {
			oldest = s
		}
	}
	delete(f, oldest)
}

// sweep forgets those that have been quiet.
func (f failures) sweep(now time.Time) {
	for s, x := range f {
		if now.Sub(x.until) > failureLives {
			delete(f, s)
		}
	}
}
