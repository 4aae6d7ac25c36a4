package rtsptest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
)

// lookAhead is how many pictures are read ahead to learn their order: the most
// that H.264 and H.265 can reorder.
const lookAhead = 16

// player reads a clip over and over on one timeline.
type player struct {
	file  io.Closer
	clip  *mp4.Reader
	lead  time.Duration // moves the first picture of the clip to 0
	base  time.Duration // where on the timeline this round of the clip begins
	round int           // pictures read in this round
	queue []media.AccessUnit
	due   []time.Duration // times of the queue's pictures, in order
	delay time.Duration   // the most that a picture was decoded before it is shown
}

// newPlayer opens a clip whose first picture, the first keyframe from offset
// on, comes at start.
func newPlayer(c Clip, offset, start time.Duration) (*player, error) {
	if c == nil {
		return nil, errors.New("it has no clip")
	}
	f, err := c()
	if err != nil {
		return nil, fmt.Errorf("open the clip: %w", err)
	}
	r, err := mp4.Open(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open the clip: %w", err)
	}
	p := &player{file: f, clip: r}
	if err := p.seek(offset, start); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

func (p *player) close() { p.file.Close() }

// seek measures the clip's beginning and goes to a keyframe.
func (p *player) seek(offset, start time.Duration) error {
	first := time.Duration(math.MaxInt64)
	for range lookAhead {
		au, err := p.clip.Next()
		if err != nil {
			break
		}
		first = min(first, au.PTS)
	}
	if first == math.MaxInt64 {
		return errors.New("its first picture cannot be read")
	}
	p.lead = -first
	p.clip.Rewind()
	period := p.clip.Duration() + p.lead
	if period <= 0 {
		return fmt.Errorf("the clip lasts %v", period)
	}
	if offset %= period; offset < 0 {
		offset += period
	}
	for range 2 * p.clip.Len() { // once to the offset, and once from the beginning if there is no keyframe after it
		au, err := p.read()
		if err != nil {
			return err
		}
		if au.Keyframe && au.PTS >= offset {
			p.base += start - au.PTS
			au.PTS = start
			p.queue = append(p.queue, au)
			p.due = append(p.due, start)
			return nil
		}
	}
	return errors.New("it has no keyframe with its parameter sets")
}

// read returns the clip's next picture on the timeline, from its beginning again after its end.
func (p *player) read() (media.AccessUnit, error) {
	for {
		au, err := p.clip.Next()
		var bad *mp4.SampleError
		switch {
		case err == nil:
			p.round++
			au.PTS += p.base + p.lead
			return au, nil
		case errors.As(err, &bad): // a camera cannot play it either
		case p.round == 0:
			return au, fmt.Errorf("read the clip: %w", err)
		default: // its end, or where it was cut off
			p.base += p.clip.Duration() + p.lead
			p.round = 0
			p.clip.Rewind()
		}
	}
}

// next returns the next picture in decoding order, and the time at which a
// live camera sends it: evenly, and never before it has seen the picture.
func (p *player) next() (media.AccessUnit, time.Duration, error) {
	for len(p.queue) <= lookAhead {
		au, err := p.read()
		if err != nil {
			return au, 0, err
		}
		p.queue = append(p.queue, au)
		i, _ := slices.BinarySearch(p.due, au.PTS)
		p.due = slices.Insert(p.due, i, au.PTS)
	}
	au, due := p.queue[0], p.due[0]
	p.queue[0].Data = nil
	p.queue, p.due = p.queue[1:], p.due[1:]
	p.delay = max(p.delay, au.PTS-due)
	return au, due + p.delay, nil
}
