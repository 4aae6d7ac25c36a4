package camera

import (
	"errors"
	"testing"
	"time"

	"sentrybox/drivers/media"
)

// TestStill: a picture is as old as the keyframe that it was made of, whatever the camera's
// clock says, and there is none before the first.
func TestStill(t *testing.T) {
	r := newRig(t)
	if _, _, err := r.Still(t.Context(), 0); !errors.Is(err, ErrNoPicture) {
		t.Errorf("before the first picture: %v", err)
	}
	wrong := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 31 { // ten a second
		at := time.Duration(i) * 100 * time.Millisecond
		r.source.units <- media.AccessUnit{Codec: media.H264, PTS: at, Wall: wrong.Add(at), Keyframe: i == 0, Data: []byte("x")}
	}
	eventually(t, "a process that has seen all", time.Minute, func() bool {
		p := r.process()
		return p != nil && p.Progress().Seen == 31
	})
	jpeg, age, err := r.Still(t.Context(), 0)
	if err != nil || string(jpeg) != "still" || age < 3*time.Second || age > time.Minute {
		t.Errorf("%q, %v old, %v", jpeg, age, err)
	}
}
