// Package poll decides which device on a bus is asked next, so that each is
// asked at its interval, and a dead one does not slow the others down.
//
// A device that did not answer DeadAfter times in a row is dead. It is asked
// again after a wait that doubles up to MaxWait, and dead devices together take
// at most a tenth of the bus's time from the living. While the bus is idle
// they may have more.
package poll

import (
	"fmt"
	"time"
)

// Limits of the schedule.
const (
	DeadAfter = 3                // answers missed in a row
	FirstWait = time.Second      // after a missed answer, or the task's interval if that is shorter
	MaxWait   = 30 * time.Second // between tries of a dead device
	deadShare = 10               // one part in so many of a busy bus is for the dead
)

// Task is something to ask of a device again and again.
type Task struct {
	Device string
	Every  time.Duration // from one question to the next; above 0
}

// Schedule says what to ask next. It is not for use by several goroutines.
type Schedule struct {
	tasks   []task
	devices map[string]*device
	// deadFrom is when the dead may next take time from the living.
	deadFrom time.Time
}

type task struct {
	Task
	device *device
	due    time.Time
	missed int // in a row
}

type device struct {
	missed int
	retry  time.Time     // when dead, the next try
	cost   time.Duration // of the last missed answer
}

func (d *device) dead() bool { return d.missed >= DeadAfter }

// New returns a schedule whose tasks are all due now.
func New(tasks []Task, now time.Time) (*Schedule, error) {
	s := &Schedule{devices: map[string]*device{}}
	for _, t := range tasks {
		if t.Every <= 0 {
			return nil, fmt.Errorf("interval of device %q: %v", t.Device, t.Every)
		}
		d := s.devices[t.Device]
		if d == nil {
			d = &device{}
			s.devices[t.Device] = d
		}
		s.tasks = append(s.tasks, task{Task: t, device: d, due: now})
	}
	return s, nil
}

// Next returns which task is next, by its index, and when. It is -1 if there are none.
func (s *Schedule) Next(now time.Time) (index int, at time.Time) {
	live, dead := s.earliest(false), s.earliest(true)
	if dead < 0 {
		if live < 0 {
			return -1, time.Time{}
		}
		return live, s.at(live)
	}
	deadAt := s.at(dead)
	if live < 0 {
		return dead, deadAt
	}
	liveAt := s.at(live)
	// A dead device goes first if there is time until a living one is due, or if it is the turn of the dead.
	begin := later(now, deadAt)
	if idle := liveAt.Sub(begin) > s.tasks[dead].device.cost; idle {
		return dead, deadAt
	}
	if turn := later(deadAt, s.deadFrom); !turn.After(now) || turn.Before(liveAt) {
		return dead, turn
	}
	return live, liveAt
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// at is when a task is to be done.
func (s *Schedule) at(index int) time.Time {
	t := s.tasks[index]
	if t.device.dead() {
		return t.device.retry
	}
	return t.due
}

// earliest returns which task of the living or of the dead comes first; -1 if there is none.
func (s *Schedule) earliest(dead bool) int {
	best := -1
	for i, t := range s.tasks {
		if t.device.dead() != dead {
			continue
		}
		if best < 0 || s.at(i).Before(s.at(best)) || s.at(i).Equal(s.at(best)) && t.due.Before(s.tasks[best].due) {
			best = i
		}
	}
	return best
}

// Answered says that a task was done at the time now. All tasks of a device that was dead are due.
func (s *Schedule) Answered(index int, now time.Time) {
	t := &s.tasks[index]
	if t.device.dead() {
		for i := range s.tasks {
			if s.tasks[i].device == t.device {
				s.tasks[i].due = now
			}
		}
	}
	t.device.missed, t.missed = 0, 0
	t.due = t.due.Add(t.Every)
	if t.due.Before(now) {
		t.due = now // late: the next at once, without those in between
	}
}

// Missed says that a task, begun and ended then, had no answer. It returns how many the device
// has missed in a row.
func (s *Schedule) Missed(index int, began, ended time.Time) int {
	t := &s.tasks[index]
	d := t.device
	d.missed++
	t.missed++
	d.cost = ended.Sub(began)
	if t.missed < DeadAfter {
		t.due = ended.Add(min(t.Every, FirstWait))
	} else { // a device that answers all but this is asked this less and less
		t.due = ended.Add(max(t.Every, wait(t.missed)))
	}
	if d.dead() {
		d.retry = ended.Add(wait(d.missed))
		s.deadFrom = ended.Add((deadShare - 1) * d.cost)
	}
	return d.missed
}

// wait is how long after the missed answer of that number, DeadAfter or more, the next try is.
func wait(missed int) time.Duration { return min(MaxWait, FirstWait<<min(missed-DeadAfter, 10)) }

// Dead tells whether a device is dead.
func (s *Schedule) Dead(name string) bool {
	d := s.devices[name]
	return d != nil && d.dead()
}

// Again has a task be done once more as soon as can be.
func (s *Schedule) Again(index int, now time.Time) { s.tasks[index].due = now }
