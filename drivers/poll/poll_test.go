package poll

import (
	"fmt"
	"testing"
	"time"
)

// bus plays a schedule for a time: a question costs a living device 20 ms, and a dead one 500 ms.
func bus(t *testing.T, tasks []Task, dead map[string]bool, length time.Duration) (asked map[string]int, spentOnDead time.Duration) {
	t.Helper()
	now := time.Unix(0, 0)
	end := now.Add(length)
	s, err := New(tasks, now)
	if err != nil {
		t.Fatal(err)
	}
	asked = map[string]int{}
	for now.Before(end) {
		i, at := s.Next(now)
		if at.After(now) {
			now = at
			continue
		}
		d := tasks[i].Device
		asked[d]++
		if began := now; dead[d] {
			now = now.Add(500 * time.Millisecond)
			s.Missed(i, began, now)
			spentOnDead += now.Sub(began)
		} else {
			now = now.Add(20 * time.Millisecond)
			s.Answered(i, now)
		}
	}
	return asked, spentOnDead
}

func TestEachAtItsInterval(t *testing.T) {
	asked, _ := bus(t, []Task{{"1", time.Second}, {"2", 5 * time.Second}, {"3", 250 * time.Millisecond}}, nil, time.Minute)
	for d, want := range map[string]int{"1": 60, "2": 12, "3": 240} {
		if got := asked[d]; got < want-1 || got > want+1 {
			t.Errorf("device %s asked %d times a minute, want %d", d, got, want)
		}
	}
}

// A bus with no time to spare: the dead take a tenth of it.
func TestDeadDoNotSlowTheLiving(t *testing.T) {
	var tasks []Task
	dead := map[string]bool{}
	for i := range 20 {
		tasks = append(tasks, Task{fmt.Sprint(i), 200 * time.Millisecond}) // 10 living need all of the time
		dead[fmt.Sprint(i)] = i >= 10
	}
	const length = 10 * time.Minute
	asked, spent := bus(t, tasks, dead, length)
	for i := range 10 {
		// Nine tenths of 5 a second.
		if got := asked[fmt.Sprint(i)]; got < 2600 {
			t.Errorf("living device %d asked %d times in %v, want 2700 or so", i, got, length)
		}
	}
	for i := 10; i < 20; i++ {
		if got := asked[fmt.Sprint(i)]; got < 8 {
			t.Errorf("dead device %d asked %d times in %v, and would not be missed", i, got, length)
		}
	}
	if share := float64(spent) / float64(length); share > 0.13 {
		t.Errorf("the dead took %.0f %% of the time", 100*share)
	}
}

// An idle bus finds a dead device again soon, and hardly waits for it.
func TestIdleBusRetriesAtMaxWait(t *testing.T) {
	asked, _ := bus(t, []Task{{"1", 10 * time.Second}, {"2", 10 * time.Second}}, map[string]bool{"2": true}, 10*time.Minute)
	if asked["1"] < 59 || asked["2"] < 20 {
		t.Errorf("asked %v", asked)
	}
}

func TestRecovery(t *testing.T) {
	now := time.Unix(0, 0)
	s, _ := New([]Task{{"1", time.Hour}, {"1", time.Hour}}, now)
	for range DeadAfter {
		i, at := s.Next(now)
		if at.After(now) {
			now = at
		}
		s.Missed(i, now, now.Add(time.Second))
		now = now.Add(time.Second)
	}
	if !s.Dead("1") {
		t.Fatal("alive after three missed answers")
	}
	i, at := s.Next(now)
	if wait := at.Sub(now); wait != FirstWait {
		t.Errorf("the first try of the dead after %v, want %v", wait, FirstWait)
	}
	s.Answered(i, at)
	if s.Dead("1") {
		t.Error("dead after an answer")
	}
	if j, next := s.Next(at); j == i || next.After(at) {
		t.Errorf("the device's other task waits until %v", next)
	}
	if _, err := New([]Task{{"1", 0}}, now); err == nil {
		t.Error("an interval of 0 was taken")
	}
}

// A device that answers one question and never another is not dead, and the
// other costs less and less.
func TestAQuestionThatIsNeverAnswered(t *testing.T) {
	now := time.Unix(0, 0)
	end := now.Add(10 * time.Minute)
	s, _ := New([]Task{{"1", 10 * time.Second}, {"1", 10 * time.Second}}, now)
	asked := [2]int{}
	for now.Before(end) {
		i, at := s.Next(now)
		if at.After(now) {
			now = at
			continue
		}
		asked[i]++
		if i == 0 {
			s.Answered(i, now)
		} else {
			s.Missed(i, now, now.Add(time.Second))
			now = now.Add(time.Second)
		}
	}
	if asked[0] < 59 || asked[1] > 26 || asked[1] < 18 {
		t.Errorf("asked %v times", asked)
	}
}
