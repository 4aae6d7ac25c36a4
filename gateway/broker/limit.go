package broker

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	failBurst  = 5                // wrong passwords from one address at once
	failEvery  = 10 * time.Second // and one more each time this has passed
	maxFailing = 1024             // addresses that are remembered
)

// failures counts wrong passwords by address: an IPv4 address, or the /64 that
// one IPv6 host has for itself.
type failures struct {
	mu  sync.Mutex
	now func() time.Time
	by  map[netip.Prefix]*failing // guarded by mu
}

type failing struct {
	count float64
	at    time.Time
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, by: map[netip.Prefix]*failing{}}
}

func network(addr net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip, bits := ap.Addr().Unmap(), 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// blocked reports whether addr has to wait.
func (f *failures) blocked(addr net.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.by[network(addr)]
	return s != nil && f.decay(s) >= failBurst
}

// add notes a wrong password.
func (f *failures) add(addr net.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := network(addr)
	s := f.by[key]
	if s == nil {
		if len(f.by) >= maxFailing {
			f.sweep()
		}
		s = &failing{at: f.now()}
		f.by[key] = s
	}
	s.count = f.decay(s) + 1
	s.at = f.now()
}

// sweep makes room, if need be by forgetting anyone. It is called with mu held.
func (f *failures) sweep() {
	for key, s := range f.by {
		if f.decay(s) == 0 {
			delete(f.by, key)
		}
	}
	for key := range f.by {
		if len(f.by) < maxFailing/2 {
			return
		}
		delete(f.by, key)
	}
}

// decay returns what is left of the count by now. It is called with mu held.
func (f *failures) decay(s *failing) float64 {
	return max(0, s.count-f.now().Sub(s.at).Seconds()/failEvery.Seconds())
}
