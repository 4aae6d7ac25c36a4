package mp4

import (
	"fmt"
	"math"
	"time"

	amp4 "github.com/abema/go-mp4"
)

// edit is what an edit list (ISO/IEC 14496-12 8.6.6) makes of the track's time:
// the media from start to end, in ticks of the track, is shown after delay.
type edit struct {
	delay      time.Duration
	start, end int64
	listed     bool // false: start is the track's own 0
}

// readEdit reads an elst box. Empty edits in front and one stretch of media,
// which may be given in pieces that follow on each other, are what cameras,
// recorders and ffmpeg write; anything else is refused instead of shown wrongly.
func (f *file) readEdit(b box, movieScale, trackScale uint32) (edit, error) {
	e := edit{end: math.MaxInt64}
	var l amp4.Elst
	if err := f.decode(b, &l); err != nil {
		return e, err
	}
	if movieScale == 0 && len(l.Entries) > 0 {
		return e, fmt.Errorf("%s: the mvhd box has a time scale of 0", b)
	}
	var empty int64
	for i, v := range l.Entries {
		duration, start := int64(v.SegmentDurationV0), int64(v.MediaTimeV0)
		if l.GetVersion() == 1 {
			duration, start = int64(min(v.SegmentDurationV1, math.MaxInt64)), v.MediaTimeV1
		}
		if duration/int64(movieScale) > maxSeconds || start > maxTicks || start < -1 {
			return e, fmt.Errorf("%s: entry %d: duration %d, media time %d", b, i+1, duration, start)
		}
		end := int64(math.MaxInt64)
		if duration != 0 {
			end = start + rescale(duration, trackScale, movieScale)
		}
		switch {
		case start == -1 && !e.listed:
			if empty += duration; empty/int64(movieScale) > maxSeconds {
				return e, fmt.Errorf("%s: empty edits of %d ticks in all", b, empty)
			}
		case start == -1 && i == len(l.Entries)-1:
		case !e.listed:
			e.listed, e.start, e.end = true, start, end
		case abs(start-e.end) <= 1:
			e.end = end
		default:
			return e, fmt.Errorf("%s: %w: it cuts and joins the film, in %d entries; convert it: %s",
				b, ErrUnsupported, len(l.Entries), reencode)
		}
	}
	e.delay = ticks(empty, movieScale)
	return e, nil
}

func abs(v int64) int64 { return max(v, -v) }

// rescale turns v ticks into another time scale, and what is more than maxTicks into that.
func rescale(v int64, to, from uint32) int64 {
	s, rest := v/int64(from), v%int64(from)
	if s >= maxTicks/int64(to) {
		return maxTicks
	}
	return s*int64(to) + rest*int64(to)/int64(from)
}

// ticks turns v ticks, which are at most maxSeconds, into a duration, to the nearest nanosecond.
func ticks(v int64, scale uint32) time.Duration {
	s, rest := v/int64(scale), v%int64(scale)
	half := int64(scale) / 2
	if rest < 0 {
		half = -half
	}
	return time.Duration(s)*time.Second + time.Duration((rest*int64(time.Second)+half)/int64(scale))
}
