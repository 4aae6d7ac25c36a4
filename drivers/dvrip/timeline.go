package dvrip

import "time"

const (
	// pull is the part of the difference between media time and arrival by which each
	// picture's time is moved: enough for a device that sends fewer pictures in the dark
	// than it says, too little for the jitter of arrival to show.
	pull = 0.1
	// slack is the difference beyond which media time jumps to arrival.
	slack = 1500 * time.Millisecond
	// minStep keeps media time growing.
	minStep = time.Millisecond
)

// timeline makes media time of arrivals and of the rate that a device states: the
// protocol has no times but seconds, and these on keyframes only.
type timeline struct {
	started bool
	began   time.Time // arrival of the first picture
	pts     time.Duration
}

// at returns the media time of a picture that arrived at now in a stream of fps
// pictures a second, 0 if that is not known.
func (t *timeline) at(now time.Time, fps int) time.Duration {
	if !t.started {
		t.started, t.began = true, now
		return 0
	}
	arrival := now.Sub(t.began)
	if fps < 1 {
		t.pts = max(arrival, t.pts+minStep)
		return t.pts
	}
	step := time.Second / time.Duration(fps)
	off := arrival - (t.pts + step)
	if off > slack || off < -slack {
		t.pts = max(arrival, t.pts+minStep)
		return t.pts
	}
	t.pts += max(step+time.Duration(pull*float64(off)), minStep)
	return t.pts
}
