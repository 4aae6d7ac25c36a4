package rtsp

import "time"

const (
	// reorder is how far a picture may lie before the latest one: more than any
	// camera's B-pictures need.
	reorder = 2 * time.Second
	// jitter is how far a keyframe may: some cameras stamp pictures unevenly.
	jitter = 100 * time.Millisecond
	// lead is how far media time may run ahead of arrival in one step: a server
	// that sends what it has buffered.
	lead = 10 * time.Second
	// rateWindow is the time over which the pace of timestamps is judged.
	rateWindow = 10 * time.Second
	// fastest and slowest are the bounds of that pace.
	fastest, slowest = 4, 0.25
)

// timeline turns RTP timestamps into media time that outlives wraps, jumps and
// sessions. Its zero value needs a rate.
type timeline struct {
	rate     int64 // ticks a second
	started  bool  // a picture has been seen, in any session
	fresh    bool  // none has been seen in this session
	byClock  bool  // this session's timestamps are useless
	last     uint32
	pts      time.Duration // of the picture before
	high     time.Duration // the highest so far
	arrival  time.Time     // of the picture before
	residue  int64         // ticks × second lost to rounding since base
	winStart time.Time
	winPTS   time.Duration
}

// begin starts a session at the given clock rate.
func (t *timeline) begin(rate int) {
	t.rate = int64(rate)
	t.fresh = true
	t.byClock = false
}

// at returns the media time of a picture with timestamp ts that arrived at now.
// key says that it is one that decoding can start with, and so is shown after
// everything before it. jump says that the timestamps were not continuous with
// those before.
func (t *timeline) at(ts uint32, now time.Time, key bool) (pts time.Duration, jump bool) {
	if !t.started {
		t.started, t.fresh = true, false
		t.anchor(ts, now, 0)
		return 0, false
	}
	elapsed := max(now.Sub(t.arrival), 0)
	if t.fresh {
		t.fresh = false
		t.anchor(ts, now, t.high+max(elapsed, time.Millisecond))
		return t.pts, true
	}
	if t.byClock {
		t.arrival, t.last = now, ts
		t.move(t.high + elapsed)
		return t.pts, false
	}
	step := t.duration(int64(int32(ts - t.last)))
	pts = t.pts + step
	back := t.high - pts
	if back > reorder || (key && back > jitter) || step > elapsed+lead {
		t.anchor(ts, now, t.high+max(elapsed, time.Millisecond))
		return t.pts, true
	}
	t.last, t.arrival = ts, now
	t.move(pts)
	t.judge(now)
	return t.pts, false
}

// duration converts ticks, and carries what rounding leaves over to the next.
func (t *timeline) duration(ticks int64) time.Duration {
	n := ticks*int64(time.Second) + t.residue
	d := n / t.rate
	t.residue = n - d*t.rate
	return time.Duration(d)
}

func (t *timeline) anchor(ts uint32, now time.Time, pts time.Duration) {
	t.last, t.arrival, t.residue = ts, now, 0
	t.move(pts)
	t.winStart, t.winPTS = now, t.high
}

func (t *timeline) move(pts time.Duration) {
	t.pts = pts
	t.high = max(t.high, pts)
}

// judge gives up on timestamps that do not keep pace with the clock. A server's
// first burst of buffered pictures stays within the bounds.
func (t *timeline) judge(now time.Time) {
	window := now.Sub(t.winStart)
	if window < rateWindow {
		return
	}
	pace := float64(t.high-t.winPTS) / float64(window)
	if pace < slowest || pace > fastest {
		t.byClock = true
	}
	t.winStart, t.winPTS = now, t.high
}
