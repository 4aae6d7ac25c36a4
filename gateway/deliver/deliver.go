// Package deliver makes durable what sensors and radios have to tell: in its order, one after the other, and
// each again and again until it is.
package deliver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sentrybox/gateway/alert"
)

// LastTry is how long what is left may take when the gateway stops.
const LastTry = 5 * time.Second

const tryAgain = time.Second

// Queue holds what is to be made durable. Set the fields, then Run. Every method may be called by several
// goroutines; the zero value of what is not exported is an empty queue.
type Queue[T any] struct {
	// Try makes x durable. An error that is alert.ErrInvalid cannot be helped, and x is lost; with any other it
	// is called again a second later. Run alone calls it.
	Try func(ctx context.Context, x T) error
	// Most is how many may wait for x to be taken in.
	Most func(x T) int
	// Lost, if not nil, hears of what is given up, with the queue locked.
	Lost func(x T)
	// Log hears of what fails, in the words of What ("an alarm") and with About's attribute.
	Log   *slog.Logger
	What  string
	About func(x T) slog.Attr

	mu    sync.Mutex
	queue []T           // guarded by mu
	lost  uint64        // guarded by mu
	added uint64        // guarded by mu: to the queue so far
	moved chan struct{} // guarded by mu: closed when one is taken out; nil if nobody waits for that
	more  chan struct{} // guarded by mu: made by the first who needs it
}

// Add queues x. It does not wait.
func (q *Queue[T]) Add(x T) {
	q.mu.Lock()
	if len(q.queue) >= q.Most(x) {
		q.giveUp(x)
		q.mu.Unlock()
		return
	}
	q.queue = append(q.queue, x)
	q.added++
	more := q.signal()
	q.mu.Unlock()
	select {
	case more <- struct{}{}:
	default:
	}
}

// signal is called with mu held.
func (q *Queue[T]) signal() chan struct{} {
	if q.more == nil {
		q.more = make(chan struct{}, 1)
	}
	return q.more
}

// giveUp is called with mu held.
func (q *Queue[T]) giveUp(x T) {
	q.lost++
	if q.Lost != nil {
		q.Lost(x)
	}
}

// Mark returns how many have been added so far, for Wait.
func (q *Queue[T]) Mark() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.added
}

// Wait waits until the first n that were added are durable or lost, but for most at the longest.
func (q *Queue[T]) Wait(n uint64, most time.Duration) {
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for {
		q.mu.Lock()
		if q.added-uint64(len(q.queue)) >= n {
			q.mu.Unlock()
			return
		}
		if q.moved == nil {
			q.moved = make(chan struct{})
		}
		moved := q.moved
		q.mu.Unlock()
		select {
		case <-moved:
		case <-timeout.C:
			return
		}
	}
}

// LostSoFar returns how many were given up.
func (q *Queue[T]) LostSoFar() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// Run delivers until ctx ends, and then once more what is left, within LastTry.
func (q *Queue[T]) Run(ctx context.Context) {
	q.mu.Lock()
	more := q.signal()
	q.mu.Unlock()
	for ctx.Err() == nil {
		x, ok := q.first()
		if !ok {
			select {
			case <-ctx.Done():
			case <-more:
			}
			continue
		}
		if err := q.try(ctx, x); err != nil {
			if ctx.Err() != nil {
				break
			}
			q.Log.Error(q.What+" is not durable yet, trying again", q.About(x), "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(tryAgain):
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LastTry)
	defer cancel()
	for {
		x, ok := q.first()
		if !ok {
			return
		}
		if err := q.try(ctx, x); err != nil {
			q.Log.Error(q.What+" was not durable before the end", q.About(x), "error", err)
			q.drop(true)
		}
	}
}

// try delivers the first of the queue, and takes it out if it need not be tried again.
func (q *Queue[T]) try(ctx context.Context, x T) error {
	err := q.Try(ctx, x)
	if errors.Is(err, alert.ErrInvalid) {
		q.Log.Error(q.What+" cannot be told", q.About(x), "error", err)
		q.drop(true)
		return nil
	}
	if err == nil {
		q.drop(false)
	}
	return err
}

func (q *Queue[T]) first() (x T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		return x, false
	}
	return q.queue[0], true
}

// drop takes the first out.
func (q *Queue[T]) drop(lost bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if lost {
		q.giveUp(q.queue[0])
	}
	var none T
	q.queue[0] = none // what it refers to need not stay
	q.queue = q.queue[1:]
	if q.moved != nil {
		close(q.moved)
		q.moved = nil
	}
}
