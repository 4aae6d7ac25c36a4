package mqtt

import (
	"testing"
	"time"
)

func policy(n int) *brokers {
	return newBrokers(n, Timing{}.withDefaults(), func() float64 { return 0.9999 })
}

func wantPick(t *testing.T, b *brokers, now time.Time, broker int, wait time.Duration) {
	t.Helper()
	i, w := b.pick(now)
	if i != broker || w.Round(100*time.Millisecond) != wait {
		t.Fatalf("broker %d after %v, want %d after %v", i, w, broker, wait)
	}
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	b, now := policy(1), time.Unix(1000, 0)
	wantPick(t, b, now, 0, 0)
	for _, want := range []time.Duration{2, 4, 8, 16, 20, 20, 20} {
		b.ended(0, now, failed, time.Hour) // however long it lived: nothing was acknowledged
		wantPick(t, b, now, 0, want*time.Second)
		now = now.Add(want * time.Second)
	}
	b.rand = func() float64 { return 0 }
	b.ended(0, now, failed, 0)
	wantPick(t, b, now, 0, time.Second) // never less
}

func TestNextBrokerIsTriedAtOnce(t *testing.T) {
	b, now := policy(3), time.Unix(1000, 0)
	wantPick(t, b, now, 0, 0)
	b.ended(0, now, failed, 0)
	wantPick(t, b, now, 1, 0)
	b.ended(1, now, stalled, time.Minute)
	wantPick(t, b, now, 2, 0)
	b.ended(2, now, failed, 0)
	wantPick(t, b, now, 0, 2*time.Second)
	now = now.Add(2 * time.Second)
	wantPick(t, b, now, 0, 0) // preferred again, as soon as it may be tried
}

func TestLostBrokerIsWaitedForOnce(t *testing.T) {
	b, now := policy(2), time.Unix(1000, 0)
	b.ended(0, now, lost, time.Hour)
	wantPick(t, b, now, 0, 2*time.Second)
	now = now.Add(2 * time.Second)
	b.ended(0, now, failed, 0) // it is gone for good
	wantPick(t, b, now, 1, 0)
}

func TestShortLivedConnectionsAreNotStormed(t *testing.T) {
	b, now := policy(1), time.Unix(1000, 0)
	var longest time.Duration
	for range 20 {
		b.ended(0, now, lost, time.Second)
		_, w := b.pick(now)
		longest = max(longest, w)
		now = now.Add(w)
	}
	if longest < 9*time.Second || longest > 10*time.Second {
		t.Fatalf("the wait grows to %v", longest)
	}
	b.ended(0, now, lost, time.Minute)
	wantPick(t, b, now, 0, 2*time.Second)
}

func TestRefusalIsRetriedSlowly(t *testing.T) {
	b, now := policy(2), time.Unix(1000, 0)
	b.ended(0, now, turnedDown, 0)
	wantPick(t, b, now, 1, 0)
	b.ended(1, now, turnedDown, 0)
	if _, w := b.pick(now); w < time.Minute || w > 2*time.Minute {
		t.Fatalf("tried again after %v", w)
	}
	b = policy(1)
	b.rand = func() float64 { return 0 }
	for _, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
		b.ended(0, now, turnedDown, 0)
		wantPick(t, b, now, 0, want*time.Minute)
	}
	b.ended(0, now, failed, 0) // it did not refuse us this time
	b.ended(0, now, turnedDown, 0)
	wantPick(t, b, now, 0, time.Minute)
}

func TestDeadLineIsTriedOften(t *testing.T) {
	one, two, now := policy(1), policy(2), time.Unix(1000, 0)
	for range 10 {
		one.ended(0, now, unreached, 0)
		two.ended(0, now, unreached, 0)
	}
	wantPick(t, one, now, 0, 2*time.Second)
	wantPick(t, two, now, 1, 0) // there is another, and this one would only hold it up
	if wait := two.each[0].notBefore.Sub(now); wait < 15*time.Second {
		t.Errorf("tried again beside another after %v", wait)
	}
}
