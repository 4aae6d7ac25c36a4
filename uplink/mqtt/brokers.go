package mqtt

import (
	"time"
)

// verdict is how an attempt at a broker ended.
type verdict int

const (
	failed     verdict = iota // not reached, or nothing acknowledged
	stalled                   // acknowledged at first, and then no more
	lost                      // ended after it had acknowledged something
	turnedDown                // refused us, or the certificates do not fit
	yielded                   // left in order for one that is preferred
	unreached                 // no answer from the network, not even a refusal
)

// brokers chooses the broker to try and when. The clock is an argument.
type brokers struct {
	timing Timing
	rand   func() float64 // in [0, 1)
	each   []standing
}

// standing is what is known of one broker.
type standing struct {
	failures  int
	refusals  int
	notBefore time.Time
	// keep is whether to wait for it rather than to try the next: it worked
	// until a moment ago, and mostly that is over at once.
	keep bool
}

func newBrokers(n int, timing Timing, rand func() float64) *brokers {
	return &brokers{timing: timing, rand: rand, each: make([]standing, n)}
}

// pick returns the broker to try next and how long to wait before: the first in
// the order of preference that may be tried now or is worth waiting for, else
// the one that may be tried soonest.
func (b *brokers) pick(now time.Time) (int, time.Duration) {
	best := 0
	for i, s := range b.each {
		if s.keep || !s.notBefore.After(now) {
			best = i
			break
		}
		if s.notBefore.Before(b.each[best].notBefore) {
			best = i
		}
	}
	return best, max(0, b.each[best].notBefore.Sub(now))
}

// ended notes how an attempt at broker i ended, after the connection had lived
// for a while.
func (b *brokers) ended(i int, now time.Time, v verdict, lived time.Duration) {
	s := &b.each[i]
	s.keep = false
	switch v {
	case turnedDown:
		// It will not change its mind soon, and some lock out who asks often.
		wait := b.timing.Refused
		for i := 0; i < s.refusals && wait < b.timing.RefusedMax; i++ {
			wait *= 2
		}
		wait = min(wait, max(b.timing.RefusedMax, b.timing.Refused))
		s.refusals++
		s.notBefore = now.Add(wait + time.Duration(b.rand()*float64(wait)/2))
		return
	case yielded:
		s.failures, s.notBefore = 0, now
		return
	}
	s.refusals = 0
	limit := b.timing.BackoffMax
	if v == unreached && len(b.each) == 1 {
		// The line is dead and nobody is bothered by asking; when it comes back,
		// what waited for it should not have to wait for us.
		limit = min(limit, 2*b.timing.BackoffMin)
	}
	if v == lost {
		if lived >= b.timing.Stable {
			s.failures = 0
		}
		s.keep = s.failures == 0
		// A line that breaks all the time still carries something each time.
		limit = min(limit, 10*b.timing.BackoffMin)
	}
	s.failures++
	s.notBefore = now.Add(b.delay(s.failures, limit))
}

// delay is random between the shortest back-off and one that doubles with each
// failure, so that a thousand gateways do not come back at once.
func (b *brokers) delay(failures int, limit time.Duration) time.Duration {
	least, most := b.timing.BackoffMin, b.timing.BackoffMin
	for i := 0; i < failures && most < limit; i++ {
		most *= 2
	}
	most = max(min(most, limit), least)
	return least + time.Duration(b.rand()*float64(most-least))
}

// order returns the brokers to try when first is: that one, and behind it those
// that may be tried now, in the order of preference, without the one at except.
func (b *brokers) order(first, except int, now time.Time) []int {
	var all []int
	if first >= 0 {
		all = append(all, first)
	}
	for i, s := range b.each {
		if i != first && i != except && !s.notBefore.After(now) {
			all = append(all, i)
		}
	}
	return all
}
