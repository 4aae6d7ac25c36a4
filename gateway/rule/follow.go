package rule

import (
	"time"
)

// Truth is what is known of a condition.
type Truth int

// The values of Truth.
const (
	Unknown Truth = iota
	False
	True
)

// Reading is the newest of a sensor.
type Reading struct {
	Value float64 // 1 and 0 for on and off
	Text  string
	At    time.Time
	Rest  bool // an event that is not happening: no comparison with it is true
}

// Readings are what is known now. What is not there is unknown.
type Readings map[Ref]Reading

// Follower follows one condition through time. It is for one goroutine.
type Follower struct {
	bound *Bound
	memo  map[*expr]*memory
}

// memory is what a node remembers.
type memory struct {
	since time.Time   // hold: from when on it is true; zero if it is not
	is    []bool      // count with a span: which of args are true
	last  []time.Time // and until when the others were
	cause []Ref       // the reading by which it was
}

// NewFollower returns one that knows nothing yet.
func NewFollower(b *Bound) *Follower {
	return &Follower{bound: b, memo: map[*expr]*memory{}}
}

// Reset forgets what holds, and since when.
func (f *Follower) Reset() { clear(f.memo) }

// Result is what Follow found.
type Result struct {
	Truth Truth
	// Cause is the reading that made a true condition true: the newest of those that
	// count. It is empty where only negations do.
	Cause Ref
	// Next is when the truth may change without a further reading; zero for never.
	Next time.Time
}

// Follow says what is known at the time now, which never goes back: it is measured
// by the monotonic clock, as time.Now's is. Once a condition counts as fulfilled, what
// is to hold for some time need not begin anew after a restart: it is true at once.
func (f *Follower) Follow(r Readings, now time.Time, fulfilled bool) Result {
	w := walk{f, r, now, fulfilled, time.Time{}}
	t, cause := w.eval(f.bound.root)
	return Result{t, cause, w.next}
}

type walk struct {
	*Follower
	readings Readings
	now      time.Time
	held     bool // what is to hold for some time does so already
	next     time.Time
}

func (w *walk) memory(e *expr) *memory {
	m := w.memo[e]
	if m == nil {
		m = &memory{is: make([]bool, len(e.args)), last: make([]time.Time, len(e.args)), cause: make([]Ref, len(e.args))}
		w.memo[e] = m
	}
	return m
}

// wake asks to be called at t.
func (w *walk) wake(t time.Time) {
	if w.next.IsZero() || t.Before(w.next) {
		w.next = t
	}
}

// newer returns that of two causes whose reading is the newer one.
func (w *walk) newer(a, b Ref) Ref {
	ra, okA := w.readings[a]
	rb, okB := w.readings[b]
	if !okA && a == (Ref{}) || okB && okA && rb.At.After(ra.At) {
		return b
	}
	return a
}

// eval evaluates all of e, for every node has to see every moment.
func (w *walk) eval(e *expr) (Truth, Ref) {
	switch e.kind {
	case compare:
		return w.compare(e)
	case not:
		t, _ := w.eval(e.args[0])
		switch t {
		case True:
			return False, Ref{}
		case False:
			return True, Ref{}
		}
		return Unknown, Ref{}
	case hold:
		return w.hold(e)
	}
	return w.count(e)
}

func (w *walk) hold(e *expr) (Truth, Ref) {
	m := w.memory(e)
	t, cause := w.eval(e.args[0])
	if t != True {
		m.since = time.Time{}
		return t, Ref{}
	}
	if m.since.IsZero() {
		m.since = w.now
	}
	if due := m.since.Add(e.span); w.now.Before(due) && !w.held {
		w.wake(due)
		return False, Ref{}
	}
	return True, cause
}

// count is for and, or, any and all: so many of the parts must be true.
func (w *walk) count(e *expr) (Truth, Ref) {
	least := len(e.args)
	switch {
	case e.kind == or:
		least = 1
	case e.kind == count && !e.all:
		least = e.least
	}
	yes, maybe := 0, 0
	var cause Ref
	for i, a := range e.args {
		t, c := w.eval(a)
		if e.span > 0 {
			t, c = w.remember(e, i, t, c)
		}
		switch t {
		case True:
			yes++
			cause = w.newer(cause, c)
		case Unknown:
			maybe++
		}
	}
	switch {
	case yes >= least:
		return True, cause
	case yes+maybe < least:
		return False, Ref{}
	}
	return Unknown, Ref{}
}

// remember takes what was true within the span of e for true.
func (w *walk) remember(e *expr, i int, t Truth, cause Ref) (Truth, Ref) {
	m := w.memory(e)
	if t == True {
		m.is[i], m.cause[i] = true, cause
		return t, cause
	}
	if m.is[i] {
		m.is[i], m.last[i] = false, w.now
	}
	if m.last[i].IsZero() {
		return t, cause
	}
	if end := m.last[i].Add(e.span); w.now.Before(end) {
		w.wake(end)
		return True, m.cause[i]
	}
	m.last[i] = time.Time{}
	return t, cause
}

func (w *walk) compare(e *expr) (Truth, Ref) {
	r, ok := w.readings[e.ref]
	if !ok {
		return Unknown, Ref{}
	}
	var is bool
	switch v := e.value; {
	case r.Rest:
	case e.op == "":
		is = r.Value != 0
	case v.isText:
		is = (r.Text == v.text) == (e.op == "=")
	case v.isFlag:
		is = ((r.Value != 0) == (v.number != 0)) == (e.op == "=")
	default:
		is = compares(r.Value, e.op, v.number)
	}
	if !is {
		return False, Ref{}
	}
	return True, e.ref
}

func compares(a float64, op string, b float64) bool {
	switch op {
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case "=":
		return a == b
	}
	return a != b
}
