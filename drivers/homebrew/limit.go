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
	maxFailures  = 1024 // addresses
	firstBlock   = time.Second
	lastBlock    = 5 * time.Minute
	failureLives = 15 * time.Minute
)

// failures are wrong passwords, by address. Each next one shuts it out for twice as long.
type failures map[netip.Addr]*failure

type failure struct {
	wait  time.Duration
	until time.Time
}

func (f failures) blocked(a netip.Addr, now time.Time) bool {
	x := f[a]
	return x != nil && now.Before(x.until)
}

// add counts a wrong password.
func (f failures) add(a netip.Addr, now time.Time) {
	x := f[a]
	if x == nil {
		if len(f) >= maxFailures {
			f.forgetOldest()
		}
		x = &failure{wait: firstBlock / 2}
		f[a] = x
	}
	x.wait = min(2*x.wait, lastBlock)
	x.until = now.Add(x.wait)
}

func (f failures) clear(a netip.Addr) { delete(f, a) }

func (f failures) forgetOldest() {
	var oldest netip.Addr
	for a, x := range f {
		if !oldest.IsValid() || x.until.Before(f[oldest].until) {
			oldest = a
		}
	}
	delete(f, oldest)
}

// sweep forgets those that have been quiet.
func (f failures) sweep(now time.Time) {
	for a, x := range f {
		if now.Sub(x.until) > failureLives {
			delete(f, a)
		}
	}
}
