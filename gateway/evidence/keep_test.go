package evidence

import (
	"context"
	"errors"
	"testing"

	"sentrybox/drivers/media"
)

// TestTooMuchAtOnce: of one more alert than a camera is recorded for at once there is still the
// picture, and afterwards there is room again.
func TestTooMuchAtOnce(t *testing.T) {
	r := newRig(t)
	end := make(chan struct{})
	keep := func(id string, until <-chan struct{}) {
		r.keeper.Keep(t.Context(), Request{
			Alert: id, Device: "gate",
			Picture: func(context.Context) []byte { return []byte("jpeg") },
			Record: func(context.Context) ([]media.AccessUnit, error) {
				<-until
				return nil, errors.New("nothing came")
			},
		})
	}
	var ids []string
	for i := range maxRecordings + 1 {
		ids = append(ids, r.raise(string(rune('a'+i))))
	}
	gates := make([]chan struct{}, maxRecordings)
	for i := range gates {
		gates[i] = make(chan struct{})
		keep(ids[i], gates[i])
	}
	keep(ids[maxRecordings], end)
	if _, lost := r.keeper.Counts(); lost != 1 {
		t.Errorf("%d lost, want the clip of the last", lost)
	}
	for _, g := range gates {
		close(g)
	}
	r.keeper.Wait()
	for _, id := range ids {
		if _, ok := r.file(id, Picture); !ok {
			t.Errorf("no picture of %s", id)
		}
	}
	close(end)
	if again := r.keeper.admit(&Request{Alert: "x", Device: "gate"}); again == nil {
		t.Error("no room after all has ended")
	}
}
