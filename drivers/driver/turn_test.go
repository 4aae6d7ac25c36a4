package driver_test

import (
	"context"
	"errors"
	"testing"

	"sentrybox/drivers/driver"
)

// TestTurns: turns come in their order, but for those for which nobody waits any more.
func TestTurns(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	var q driver.Turns[int]
	for i := range 5 {
		ctx := t.Context()
		if i%2 == 1 {
			ctx = gone
		}
		q = append(q, driver.NewTurn(ctx, i))
	}
	first := q.Next()
	leave()
	if first.Do != 0 {
		t.Fatalf("the first is %d", first.Do)
	}
	failed := errors.New("no answer")
	first.Done(failed)
	if err := first.Wait(); !errors.Is(err, failed) {
		t.Errorf("the first: %v", err)
	}
	late := q[0]
	if second := q.Next(); second.Do != 2 {
		t.Errorf("the second is %d", second.Do)
	}
	if err := late.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("who has left: %v", err)
	}
	last := q[1]
	q.End()
	if err := last.Wait(); !errors.Is(err, driver.ErrNotRunning) || q.Next() != nil {
		t.Errorf("the last: %v, and then %v", err, q.Next())
	}
}
