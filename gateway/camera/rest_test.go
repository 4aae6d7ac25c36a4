package camera

import (
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
)

// TestAsleep: while the process looks at keyframes alone it is not woken for what is between
// them, and gets it with the next one, or as soon as it wakes.
func TestAsleep(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("doze", false)
	eventually(t, "a process asleep", time.Minute, func() bool {
		p := r.process()
		return p != nil && p.Progress().Attention == wire.Asleep
	})
	eventually(t, "a stream that may be later", time.Minute, func() bool { return r.source.late.Load() == int64(asleepLate) })
	for range 10 {
		r.send("x", false)
	}
	time.Sleep(50 * time.Millisecond)
	if n := r.process().Progress().Seen; n != 2 {
		t.Errorf("it was handed %d access units, want the first 2", n)
	}
	r.send("x", true)
	eventually(t, "all of them", time.Minute, func() bool { return r.process().Progress().Seen == 13 })
	r.send("x", false)
	r.send("rouse", true)
	eventually(t, "a process awake", time.Minute, func() bool { return r.process().Progress().Attention == wire.Awake })
	eventually(t, "a stream in haste", time.Minute, func() bool { return !r.source.relaxed() })
	r.send("see", false)
	eventually(t, "an event at once", time.Minute, func() bool { return r.count() == 1 })
	if n := r.Counts().Skipped; n != 0 {
		t.Errorf("%d access units were skipped", n)
	}
}

// TestHeldNotForEver: without a keyframe it gets what there is after a while.
func TestHeldNotForEver(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("doze", false)
	eventually(t, "a stream that may be late", time.Minute, r.source.relaxed)
	for r.pts < maxHold+time.Second { // ten a second
		r.send("x", false)
	}
	eventually(t, "what was held", time.Minute, func() bool { return r.process().Progress().Seen > 2 })
}

// TestMemoryIsShared: cameras of very different rates go back about equally far, and no
// further than there is memory for.
func TestMemoryIsShared(t *testing.T) {
	const most = 300_000
	m := NewMemory(most)
	rings := []*ring{newRing(1<<30, time.Hour), newRing(1<<30, time.Hour), newRing(1<<30, time.Hour)}
	for _, r := range rings {
		m.join(r)
	}
	for i := range 1000 { // a picture each in turn, ten a second
		for k, r := range rings {
			r.push(media.AccessUnit{PTS: time.Duration(i) * 100 * time.Millisecond, Keyframe: i%10 == 0, Data: make([]byte, 500<<(2*k))})
		}
	}
	total := 0
	for _, r := range rings {
		total += r.size()
		if s := r.span() - rings[0].span(); s.Abs() > 1100*time.Millisecond {
			t.Errorf("one goes back by %v, another by %v", r.span(), rings[0].span())
		}
	}
	if total > most || total < most*2/3 || total != m.used {
		t.Errorf("%d bytes of %d, %d by its own count", total, most, m.used)
	}
	m.leave(rings[2])
	m.leave(rings[2])
	if left := rings[0].size() + rings[1].size(); left != m.used {
		t.Errorf("%d bytes counted after one has left, %d there", m.used, left)
	}
}

// TestMemoryOfOneGroup: what is newest stays, even if it is more than there is.
func TestMemoryOfOneGroup(t *testing.T) {
	m := NewMemory(1000)
	a, b := newRing(1<<20, time.Hour), newRing(1<<20, time.Hour)
	m.join(a)
	m.join(b)
	fill(b, 40, 10, 10)
	fill(a, 50, 100, 100)
	if len(a.units) != 50 || len(b.units) != 10 {
		t.Errorf("%d and %d pictures are left", len(a.units), len(b.units))
	}
}

// TestMemoryOwed: what a vision process is about to be handed is not given up for want of memory, unless it is too slow.
func TestMemoryOwed(t *testing.T) {
	m := NewMemory(1000)
	r := newRing(1<<20, time.Hour)
	m.join(r)
	fill := func(from, n int) { // ten a second
		for i := range n {
			r.push(media.AccessUnit{PTS: time.Duration(from+i) * 100 * time.Millisecond, Keyframe: i == 0, Data: make([]byte, 100)})
		}
	}
	r.hand(2)
	fill(0, 40)
	fill(40, 1)
	if r.first != 1 {
		t.Fatalf("access units before %d are gone, and 2 is owed", r.first)
	}
	r.hand(42)
	fill(41, 1)
	if r.first != 41 {
		t.Errorf("access unit %d is left of what was handed over, and there is no room", r.first)
	}
	fill(42, 20)
	if r.first != 42 {
		t.Errorf("access units before %d are gone, 42 is owed", r.first)
	}
	fill(62, 20)
	if r.first != 43 {
		t.Errorf("access units from %d on are left, 42 was owed for too long", r.first)
	}
}

// TestAsleepWithoutMemory: a process that looks at keyframes alone gets all between them, also if there is room for no more
// than the newest of them.
func TestAsleepWithoutMemory(t *testing.T) {
	r := newRigOf(t, NewMemory(1))
	r.send("x", true)
	r.send("doze", false)
	eventually(t, "a process asleep", time.Minute, func() bool {
		p := r.process()
		return p != nil && p.Progress().Attention == wire.Asleep
	})
	for range 3 {
		seen := r.process().Progress().Seen
		for i := range 10 {
			r.send("x", i == 9)
		}
		eventually(t, "all of them", time.Minute, func() bool { return r.process().Progress().Seen == seen+10 })
	}
	if n := r.Counts().Skipped; n != 0 {
		t.Errorf("%d access units were skipped", n)
	}
}

// TestPace: a process hears what it may cost, and so does the one after it.
func TestPace(t *testing.T) {
	r := newRig(t)
	r.SetPace(wire.Pace{Rate: 4}) // before there is one
	r.send("x", true)
	eventually(t, "the first process", time.Minute, func() bool { return r.Counts().Skipped == 4 })
	r.SetPace(wire.Pace{Rate: 3})
	r.SetPace(wire.Pace{Rate: 3})
	eventually(t, "another pace", time.Minute, func() bool { return r.Counts().Skipped == 3 })
	r.process().Kill()
	eventually(t, "the second process", time.Minute, func() bool { return r.Counts().Skipped == 3+3 })
	r.SetPace(wire.Pace{Rate: 2, Keyframes: true})
	r.mu.Lock()
	defer r.mu.Unlock()
	var rates []float64
	for _, s := range r.states {
		if n := len(rates); n == 0 || rates[n-1] != s.Rate(8) {
			rates = append(rates, s.Rate(8))
		}
	}
	if !slices.Equal(rates, []float64{4, 3, 0}) && !slices.Equal(rates, []float64{8, 4, 3, 0}) {
		t.Errorf("rates in the states: %v", rates)
	}
}

// TestLag: a process that does not handle what it is given is behind, and gets no more.
func TestLag(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	eventually(t, "a process", time.Minute, func() bool { return r.process() != nil && r.process().Progress().Seen == 1 })
	if lag := r.Lag(); lag != 0 {
		t.Errorf("one that has handled everything is %v behind", lag)
	}
	p := r.process()
	r.send("hang", false)
	eventually(t, "a lag", time.Minute, func() bool { return r.Lag() > maxBehind })
	before := p.sent.Load()
	r.send("x", false)
	time.Sleep(100 * time.Millisecond)
	if sent := p.sent.Load(); sent != before {
		t.Errorf("it was handed access unit %d, its last was %d", sent, before)
	}
}
