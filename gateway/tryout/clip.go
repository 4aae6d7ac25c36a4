package tryout

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/gateway/evidence"
)

const (
	maxClip = 24 << 20 // bytes of pictures
	maxLeap = 5 * time.Second
)

// Clip cuts what a camera sent from before until after a moment out of its past, as an MP4
// file. It returns ErrNothing if that is not kept any more.
func Clip(p Past, at time.Time, before, after time.Duration) ([]byte, error) {
	next := p.Read(at.Add(-before))
	var units []media.AccessUnit
	size := 0
	for {
		au, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if n := len(units); n == 0 && !au.Keyframe {
			continue
		} else if n > 0 && !continues(units[n-1], au) {
			if au.Wall.After(at) {
				break
			}
			units, size = nil, 0 // another session, nearer to it
			if !au.Keyframe {
				continue
			}
		}
		if size += len(au.Data); au.Wall.Sub(at) > after || size > maxClip {
			break
		}
		units = append(units, au)
	}
	if len(units) == 0 || units[len(units)-1].Wall.Before(at.Add(-before)) {
		return nil, ErrNothing
	}
	var buf bytes.Buffer
	if err := evidence.WriteClip(&buf, units); err != nil {
		return nil, fmt.Errorf("cut a clip: %w", err)
	}
	return buf.Bytes(), nil
}

// continues says whether b may follow a in one clip.
func continues(a, b media.AccessUnit) bool {
	return a.Codec == b.Codec && b.PTS > a.PTS-time.Second && b.PTS < a.PTS+maxLeap
}
