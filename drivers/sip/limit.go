package sip

import (
	"net/netip"
	"sync"
	"time"
)

// What an address may send. A call is some ten messages; a station that registers and is asked after
// its health sends one in ten seconds.
const (
	strangerRate, strangerBurst = 10, 40   // messages a second of one address that nobody knows
	crowdRate, crowdBurst       = 300, 600 // of all of them together
	knownRate, knownBurst       = 50, 200  // of one address of a station or a phone
	tryBurst                    = 10       // wrong passwords of one address, and one more each
	tryEvery                    = 6 * time.Second
	maxAddresses                = 2048 // that are counted; beyond it the oldest is forgotten
)

// bucket is a budget that fills up again.
type bucket struct {
	tokens float64
	at     time.Time
}

// take takes n out of a budget, if it holds as much.
func (b *bucket) take(now time.Time, rate, burst, n float64) bool {
	if b.at.IsZero() {
		b.tokens = burst
	} else {
		b.tokens = min(burst, b.tokens+rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// account is what is counted of one address.
type account struct {
	packets, tries bucket
}

// limiter says who may be listened to.
type limiter struct {
	mu    sync.Mutex
	all   map[netip.Addr]*account // of strangers
	order []netip.Addr            // of all, the oldest first
	known map[netip.Addr]*account // of those that are known by now
	crowd bucket
}

func newLimiter() *limiter {
	return &limiter{all: map[netip.Addr]*account{}, known: map[netip.Addr]*account{}}
}

// admit says whether a message of the address may be looked at.
func (l *limiter) admit(from netip.Addr, known bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(from, known)
	if known {
		return a.packets.take(now, knownRate, knownBurst, 1)
	}
	return a.packets.take(now, strangerRate, strangerBurst, 1) && l.crowd.take(now, crowdRate, crowdBurst, 1)
}

// mayTry says whether a password of the address may be looked at.
func (l *limiter) mayTry(from netip.Addr, known bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.account(from, known).tries.take(now, 1/tryEvery.Seconds(), tryBurst, 0.0) && l.account(from, known).tries.tokens >= 1
}

// wrong counts a wrong password.
func (l *limiter) wrong(from netip.Addr, known bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(from, known).tries.take(now, 1/tryEvery.Seconds(), tryBurst, 1)
}

// account returns that of the address. l.mu is held. The known are no more than are configured.
func (l *limiter) account(from netip.Addr, known bool) *account {
	if known {
		a := l.known[from]
		if a == nil {
			if len(l.known) >= maxAddresses {
				clear(l.known)
			}
			a = &account{}
			l.known[from] = a
		}
		return a
	}
	a := l.all[from]
	if a == nil {
		if len(l.order) >= maxAddresses {
			delete(l.all, l.order[0])
			l.order = l.order[1:]
		}
		a = &account{}
		l.all[from] = a
		l.order = append(l.order, from)
	}
	return a
}
