package load

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// box is a simulated one: cameras whose analysis costs something, on processors that can do so
// much a second.
type box struct {
	t        *testing.T
	c        Controller
	now      time.Time
	capacity float64 // core seconds a second
	cost     map[string]float64
	urgent   map[string]bool
	backlog  map[string]float64 // seconds behind
	pace     map[string]wire.Pace
	hot      string
	noPSI    bool
	changes  int // of any camera's pace
}

func newBox(t *testing.T, capacity float64) *box {
	return &box{t: t, now: time.Unix(1_770_000_000, 0), capacity: capacity, cost: map[string]float64{}, urgent: map[string]bool{},
		backlog: map[string]float64{}, pace: map[string]wire.Pace{}}
}

// work is how much of a camera's cost a pace leaves.
func work(p wire.Pace) float64 {
	switch {
	case p.Keyframes:
		return 0.08
	case p.Rate > 0:
		return 0.3 + 0.7*p.Rate/8
	}
	return 1
}

// second lets a second pass.
func (b *box) second() {
	demand := 0.0
	for id, cost := range b.cost {
		demand += min(cost*work(b.pace[id])+b.backlog[id]*cost, 1) // no process has more than one core
	}
	share := min(1, b.capacity/max(demand, 1e-9))
	s := Signs{Pressure: min(max(demand/b.capacity-0.6, 0), 1), Hot: b.hot}
	if b.noPSI {
		s.Pressure = -1
	}
	for id, cost := range b.cost {
		// What waits longer than 4 s is passed over.
		need := work(b.pace[id]) + b.backlog[id]
		done := min(need*share, 1/cost)
		b.backlog[id] = min(max(need-done, 0), 4)
		s.Cameras = append(s.Cameras, Camera{ID: id, Lag: time.Duration(b.backlog[id] * float64(time.Second)), Urgent: b.urgent[id]})
	}
	b.now = b.now.Add(time.Second)
	paces := b.c.Look(b.now, s)
	if len(paces) != len(b.cost) {
		b.t.Fatalf("%d paces for %d cameras", len(paces), len(b.cost))
	}
	for id, p := range paces {
		if b.pace[id] != p {
			b.changes++
		}
		b.pace[id] = p
		if err := p.Validate(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *box) run(d time.Duration) {
	for range int(d.Seconds()) {
		b.second()
	}
}

// TestRandomBoxes: whatever the box and the cameras, those of one rank fare alike, an
// open alert's no worse than others, nobody lags for long, nothing swings, and all is given
// back when there is room.
func TestRandomBoxes(t *testing.T) {
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := newBox(t, 1+3*r.Float64())
		b.noPSI = seed%3 == 0
		sum := 0.0
		for i := range 2 + r.IntN(20) {
			id := fmt.Sprint(i)
			b.cost[id], b.urgent[id] = 0.05+0.3*r.Float64(), r.IntN(5) == 0
			sum += b.cost[id]
		}
		b.run(5 * time.Minute)
		lagged := 0
		for range 600 {
			b.second()
			ranks := map[bool]wire.Pace{}
			for id, p := range b.pace {
				if b.backlog[id] > 1.5 {
					lagged++
				}
				if one, ok := ranks[b.urgent[id]]; ok && one != p {
					t.Fatalf("seed %d: two cameras of one rank have %v and %v", seed, one, p)
				}
				ranks[b.urgent[id]] = p
			}
			if u, ok := ranks[true]; ok && work(u) < work(ranks[false]) {
				t.Fatalf("seed %d: an open alert's camera has %v, others %v", seed, u, ranks[false])
			}
		}
		if least := 0.08 * sum; least < b.capacity && lagged > 60*len(b.cost)/2 {
			t.Errorf("seed %d: cameras lagged in %d looks of %d", seed, lagged, 600*len(b.cost))
		}
		// At the edge a step is tried again at most every five minutes.
		before := b.changes
		b.run(30 * time.Minute)
		if n := (b.changes - before) / len(b.cost); n > 20 {
			t.Errorf("seed %d: %d changes in half an hour", seed, n)
		}
		b.capacity = 10 * sum
		b.run(time.Hour)
		for id, p := range b.pace {
			if p != (wire.Pace{}) {
				t.Fatalf("seed %d: with room for all, camera %s still has %v", seed, id, p)
			}
		}
		if b.c.Step() != 0 || b.c.Reason() != Fine {
			t.Errorf("seed %d: step %d, %q", seed, b.c.Step(), b.c.Reason())
		}
	}
}

// TestEnoughIsLeftAlone: a hiccup, and a box that is full without anybody lagging, change
// nothing.
func TestEnoughIsLeftAlone(t *testing.T) {
	b := newBox(t, 4)
	for i := range 10 {
		b.cost[fmt.Sprint(i)] = 0.35
	}
	b.run(time.Minute)
	b.backlog["3"] = 0.6
	b.run(10 * time.Minute)
	if b.changes != 0 {
		t.Errorf("%d changes", b.changes)
	}
}

func TestRecovery(t *testing.T) {
	b := newBox(t, 1)
	for i := range 10 {
		b.cost[fmt.Sprint(i)] = 0.3
	}
	b.run(20 * time.Second)
	if b.c.Step() < 3 || b.c.Reason() != Busy {
		t.Errorf("after 20 s with three times as much to do as can be done: step %d, %q", b.c.Step(), b.c.Reason())
	}
	b.capacity = 4
	b.run(2 * time.Minute)
	if b.c.Step() != 0 {
		t.Errorf("two minutes after it was over: step %d", b.c.Step())
	}
}

// TestOneTooHeavy: a camera that no core can decode in time slows itself alone.
func TestOneTooHeavy(t *testing.T) {
	b := newBox(t, 8)
	for i := range 6 {
		b.cost[fmt.Sprint(i)] = 0.2
	}
	b.cost["8k"] = 1.4
	b.run(5 * time.Minute)
	for id, p := range b.pace {
		if slow := p != (wire.Pace{}); slow != (id == "8k") {
			t.Errorf("camera %s has %+v", id, p)
		}
	}
	if b.backlog["8k"] > 1.5 {
		t.Errorf("it is %v s behind", b.backlog["8k"])
	}
}

// TestOneTooHeavyAfterRush: it does so too while others still have less than they want, and is not why they do.
func TestOneTooHeavyAfterRush(t *testing.T) {
	for _, cost := range []float64{1.4, 50} { // the second even by keyframes alone
		b := newBox(t, 1)
		for i := range 6 {
			b.cost[fmt.Sprint(i)] = 0.2
		}
		b.cost["8k"] = cost
		b.run(20 * time.Second)
		if b.c.Step() == 0 {
			t.Fatal("a rush slows nobody")
		}
		b.capacity = 8
		b.run(20 * time.Minute)
		for id, p := range b.pace {
			if slow := p != (wire.Pace{}); slow != (id == "8k") {
				t.Errorf("cost %v: camera %s has %+v", cost, id, p)
			}
		}
		changes := b.changes
		if b.run(30 * time.Minute); b.changes-changes > 30 {
			t.Errorf("cost %v: %d changes in half an hour", cost, b.changes-changes)
		}
	}
}

// TestHot: a temperature slows all down, but never to keyframes alone, and lasts no
// longer than it does.
func TestHot(t *testing.T) {
	b := newBox(t, 4)
	for i := range 4 {
		b.cost[fmt.Sprint(i)] = 0.2
	}
	b.hot = "cpu-thermal is at 85 °C"
	b.run(5 * time.Minute)
	if b.c.Step() != hottest || b.c.Reason() != Hot || b.pace["0"].Keyframes {
		t.Errorf("step %d, %q, %+v", b.c.Step(), b.c.Reason(), b.pace["0"])
	}
	b.hot = ""
	b.run(5 * time.Minute)
	if b.c.Step() != 0 || b.c.Reason() != Fine {
		t.Errorf("afterwards: step %d, %q", b.c.Step(), b.c.Reason())
	}
}

func TestCamerasComeAndGo(t *testing.T) {
	b := newBox(t, 1)
	for i := range 5 {
		b.cost[fmt.Sprint(i)] = 0.5
	}
	b.run(time.Minute)
	delete(b.cost, "0")
	delete(b.pace, "0")
	b.cost["new"] = 0.5
	b.run(time.Minute)
	b.cost = map[string]float64{}
	b.run(time.Minute)
	if len(b.c.own)+len(b.c.bad) > 0 {
		t.Errorf("%v and %v are left of nobody", b.c.own, b.c.bad)
	}
}
