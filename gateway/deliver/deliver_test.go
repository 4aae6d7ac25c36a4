package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/gateway/alert"
)

func queue(try func(context.Context, int) error) *Queue[int] {
	return &Queue[int]{
		Try: try, Most: func(int) int { return 1000 },
		Log: slog.New(slog.DiscardHandler), What: "a number", About: func(x int) slog.Attr { return slog.Int("number", x) },
	}
}

// run runs q until the function that it returns is called, which waits for its end.
func run(t *testing.T, q *Queue[int]) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); q.Run(ctx) }()
	return func() { cancel(); <-ended }
}

// TestOrder: what fails is tried again, and holds up what comes after it.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		fails := 3
		q := queue(func(_ context.Context, x int) error {
			if x == 2 && fails > 0 {
				fails--
				return errors.New("no room")
			}
			got = append(got, x)
			return nil
		})
		for x := range 5 {
			q.Add(x)
		}
		begin := time.Now()
		stop := run(t, q)
		q.Wait(q.Mark(), time.Minute)
		if took := time.Since(begin); took != 3*tryAgain {
			t.Errorf("took %v", took)
		}
		q.Add(5)
		q.Wait(q.Mark(), time.Minute)
		stop()
		if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(got, want) || q.LostSoFar() != 0 {
			t.Errorf("got %v, %d lost, want %v", got, q.LostSoFar(), want)
		}
	})
}

// TestInvalid: what cannot be helped holds nothing up.
func TestInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got, lost []int
		var log bytes.Buffer
		q := queue(func(_ context.Context, x int) error {
			if x == 0 {
				return fmt.Errorf("%w: odd", alert.ErrInvalid)
			}
			got = append(got, x)
			return nil
		})
		q.Lost = func(x int) { lost = append(lost, x) }
		q.Log = slog.New(slog.NewTextHandler(&log, nil))
		stop := run(t, q)
		q.Add(0)
		q.Add(1)
		q.Wait(2, time.Minute)
		stop()
		if !slices.Equal(got, []int{1}) || !slices.Equal(lost, []int{0}) || q.LostSoFar() != 1 {
			t.Errorf("got %v, lost %v, %d", got, lost, q.LostSoFar())
		}
		if !strings.Contains(log.String(), "a number cannot be told") || !strings.Contains(log.String(), "number=0") {
			t.Errorf("log: %s", &log)
		}
	})
}

// TestBound: what does not fit is lost at once, and what may be more is taken in.
func TestBound(t *testing.T) {
	q := queue(func(context.Context, int) error { return nil })
	q.Most = func(x int) int { return 10 + 10*(x%2) }
	for range 30 {
		q.Add(0)
	}
	if n := q.LostSoFar(); q.Mark() != 10 || n != 20 {
		t.Errorf("%d added, %d lost", q.Mark(), n)
	}
	for range 30 {
		q.Add(1)
	}
	if n := q.LostSoFar(); q.Mark() != 20 || n != 40 {
		t.Errorf("%d added, %d lost", q.Mark(), n)
	}
}

// TestEnd: what is left at the end has one more try, however many fail, and Wait does not wait for ever.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := map[int]int{}
		q := queue(func(ctx context.Context, x int) error {
			tries[x]++
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= LastTry && x != 0 {
				return nil
			}
			return errors.New("no room")
		})
		for x := range 3 {
			q.Add(x)
		}
		stop := run(t, q)
		begin := time.Now()
		q.Wait(3, 2500*time.Millisecond)
		if took := time.Since(begin); took != 2500*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		stop()
		if tries[0] != 4 || tries[1] != 1 || tries[2] != 1 || q.LostSoFar() != 1 {
			t.Errorf("tries %v, %d lost", tries, q.LostSoFar())
		}
	})
}
