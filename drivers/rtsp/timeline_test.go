package rtsp

import (
	"testing"
	"time"
)

func TestTimeline(t *testing.T) {
	type step struct {
		ts   uint32
		wait time.Duration // since the step before
		pts  time.Duration
		jump bool
		key  bool
	}
	const ms, s = time.Millisecond, time.Second
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"steady", []step{{1000, 0, 0, false, false}, {4600, 40 * ms, 40 * ms, false, false}, {8200, 41 * ms, 80 * ms, false, false}}},
		{"wrap", []step{{0xfffff000, 0, 0, false, false}, {0xfffff000 + 3600, 40 * ms, 40 * ms, false, false}, {3104, 40 * ms, 80 * ms, false, false}}},
		{"B-pictures", []step{{0, 0, 0, false, false}, {10800, 40 * ms, 120 * ms, false, false}, {3600, 40 * ms, 40 * ms, false, false}, {7200, 40 * ms, 80 * ms, false, false}, {21600, 40 * ms, 240 * ms, false, false}}},
		{"burst", []step{{0, 0, 0, false, false}, {90000 * 8, ms, 8 * s, false, false}}},
		{"short leap back at a keyframe", []step{{90000, 0, 0, false, true}, {180000, s, s, false, false}, {90000, 40 * ms, 1040 * ms, true, true}, {93600, 40 * ms, 1080 * ms, false, false}}},
		{"uneven keyframe", []step{{90000, 0, 0, false, true}, {180000, s, s, false, false}, {179100, 40 * ms, 990 * ms, false, true}}},
		{"leap ahead", []step{{0, 0, 0, false, false}, {90000 * 60, 40 * ms, 40 * ms, true, false}, {90000*60 + 3600, 40 * ms, 80 * ms, false, false}}},
		{"leap back", []step{{90000 * 60, 0, 0, false, false}, {0, 40 * ms, 40 * ms, true, false}, {3600, 40 * ms, 80 * ms, false, false}}},
		{"pause", []step{{0, 0, 0, false, false}, {90000 * 60, 60 * s, 60 * s, false, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l timeline
			l.begin(90000)
			now := time.Unix(1e9, 0)
			for i, st := range c.steps {
				now = now.Add(st.wait)
				pts, jump := l.at(st.ts, now, st.key)
				if pts != st.pts || jump != st.jump {
					t.Errorf("step %d: got %v, %v, want %v, %v", i, pts, jump, st.pts, st.jump)
				}
			}
		})
	}
}

// A camera at 90000/1001 ticks a picture must not drift by rounding, over a
// timestamp wrap after 13 hours.
func TestTimelineDoesNotDrift(t *testing.T) {
	var l timeline
	l.begin(90000)
	now, ts := time.Unix(1e9, 0), uint32(0)
	const n = 15 * 3600 * 24 // at 24000/1001 pictures a second
	var pts time.Duration
	for i := range n {
		if i > 0 {
			ts += 3754 - uint32(i%4)/3
			now = now.Add(41700 * time.Microsecond)
		}
		var jump bool
		if pts, jump = l.at(ts, now, false); jump {
			t.Fatalf("jump at picture %d, %v", i, pts)
		}
	}
	ticks := int64(0)
	for i := 1; i < n; i++ {
		ticks += 3754 - int64(i%4)/3
	}
	want := time.Duration(float64(ticks) / 90000 * float64(time.Second))
	if d := (pts - want).Abs(); d > time.Microsecond {
		t.Errorf("off by %v after %v", d, want)
	}
}

func TestTimelineSessions(t *testing.T) {
	var l timeline
	now := time.Unix(1e9, 0)
	l.begin(90000)
	l.at(77, now, true)
	l.at(77+3600, now.Add(40*time.Millisecond), false)
	for _, ts := range []uint32{0, 0xfffffff0, 77} {
		high := l.high
		l.begin(90000)
		now = now.Add(7 * time.Second)
		pts, jump := l.at(ts, now, false)
		if !jump || pts <= high || pts < 6*time.Second {
			t.Errorf("session from %d: %v, %v after %v", ts, pts, jump, high)
		}
	}
}

// Timestamps that stand still, and ones at another rate than announced.
func TestTimelineGivesUpOnBadTimestamps(t *testing.T) {
	for name, rate := range map[string]int{"still": 0, "milliseconds": 40, "ten times": 36000} {
		var l timeline
		l.begin(90000)
		now, high := time.Unix(1e9, 0), time.Duration(0)
		at := func(i int) time.Duration {
			now = now.Add(40 * time.Millisecond)
			pts, _ := l.at(uint32(i*rate), now, false)
			if pts < high-reorder {
				t.Fatalf("%s: went back from %v to %v", name, high, pts)
			}
			high = max(high, pts)
			return pts
		}
		for i := range 300 {
			at(i)
		}
		before, start := at(300), now
		for i := range 250 {
			at(301 + i)
		}
		check(t, name, high-before, now.Sub(start))
	}
}
