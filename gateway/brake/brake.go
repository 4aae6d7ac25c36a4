// Package brake slows down the guessing of passwords.
package brake

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

const (
	freeTries  = 5 // failures before one has to wait
	freeByName = 20
	firstWait  = 15 * time.Second
	mostWait   = 15 * time.Minute
	forgetting = time.Hour // a key without failures for so long begins anew
	maxBraked  = 4096
)

// Locked says that there were too many failures, and when to try again.
type Locked struct{ Wait time.Duration }

// Error says so in English.
func (l *Locked) Error() string {
	return fmt.Sprintf("too many failures, try again in %s", l.Wait.Round(time.Second))
}

// Brake slows down guessing. Failures count by where they come from, and by the
// name that is tried; by name more are free, so that nobody locks others out
// in passing.
type Brake struct {
	mu    sync.Mutex
	tries map[string]*failures // guarded by mu
}

type failures struct {
	count int
	last  time.Time
}

// keys returns by what a try counts. Of IPv6 it is the /64, which is one subscriber's.
func keys(name, origin string) map[string]int {
	if ip, err := netip.ParseAddr(origin); err == nil && ip.Is6() && !ip.Is4In6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			origin = p.String()
		}
	}
	return map[string]int{"from " + origin: freeTries, "name " + name: freeByName}
}

// Take counts a try before its outcome is known, so that tries at the same time
// count too. It returns a *Locked if there were too many. Fine takes it back.
func (b *Brake) Take(now time.Time, name, origin string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tries == nil {
		b.tries = map[string]*failures{}
	}
	all := keys(name, origin)
	for key, free := range all {
		f := b.tries[key]
		if f == nil {
			continue
		}
		since := now.Sub(f.last)
		if since >= forgetting || since < 0 { // the clock was set
			delete(b.tries, key)
			continue
		}
		if wait := f.wait(free); since < wait {
			return &Locked{Wait: wait - since}
		}
	}
	b.tidy(now)
	for key := range all {
		f := b.tries[key]
		if f == nil {
			f = &failures{}
			b.tries[key] = f
		}
		f.count++
		f.last = now
	}
	return nil
}

func (f *failures) wait(free int) time.Duration {
	if f.count < free {
		return 0
	}
	return min(firstWait<<min(f.count-free, 10), mostWait)
}

// Fine forgets the failures of who has signed in.
func (b *Brake) Fine(name, origin string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range keys(name, origin) {
		delete(b.tries, key)
	}
}

// tidy is called with mu held. It bounds the memory that a flood of names takes.
func (b *Brake) tidy(now time.Time) {
	if len(b.tries) < maxBraked {
		return
	}
	for key, f := range b.tries {
		if now.Sub(f.last) >= mostWait {
			delete(b.tries, key)
		}
	}
	for key := range b.tries {
		if len(b.tries) < maxBraked {
			return
		}
		delete(b.tries, key)
	}
}
