package port

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentrybox/drivers/driver"
)

// How long Keep waits before it tries again to open a line.
const (
	FirstRetry = 250 * time.Millisecond
	MaxRetry   = 5 * time.Second
)

// ErrReopen is what a session returns to have its line closed and opened again at
// once, for instance to be rid of an answer that may still come.
var ErrReopen = errors.New("open again")

// Keep opens a line and hands it to session, again and again until ctx ends,
// and then returns nil. It closes the line when session returns, and when ctx
// ends, which wakes session's reads. It tells t what becomes of the line: Opened,
// Unplugged with its reason.
//
// A session that fails with driver.ErrPermanent or driver.ErrSkipped ends Keep
// with that error, and so does such an error of open. After any other the
// line is opened again, at once after ErrReopen, and otherwise after a wait that grows from
// FirstRetry to MaxRetry while opening fails.
func Keep(ctx context.Context, open Open, t *driver.Tracker, session func(context.Context, Port) error) error {
	return KeepFor(ctx, 0, open, t, session)
}

// KeepFor is Keep for a session that has something to write when ctx ends: the
// line stays open for that long after it, or until session returns. It is for session to
// see that ctx has ended, as its reads are not woken before.
func KeepFor(ctx context.Context, linger time.Duration, open Open, t *driver.Tracker, session func(context.Context, Port) error) error {
	wait := FirstRetry
	again := false // opened for ErrReopen, which is no news
	for {
		p, err := open(ctx)
		if err == nil {
			wait = FirstRetry
			if !again {
				t.Opened()
			}
			err = use(ctx, linger, p, session)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, driver.ErrPermanent) || errors.Is(err, driver.ErrSkipped):
			return err
		case errors.Is(err, ErrReopen):
			again = true
			continue
		case err == nil:
			err = fmt.Errorf("%w: session ended", ErrUnplugged)
		}
		again = false
		t.Enter(driver.Unplugged, err.Error())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, MaxRetry)
	}
}

// use runs session on an open line, and closes the line.
func use(ctx context.Context, linger time.Duration, p Port, session func(context.Context, Port) error) error {
	ended, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		defer p.Close()
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		if linger == 0 {
			return
		}
		select {
		case <-ended:
		case <-time.After(linger):
		}
	}()
	defer func() {
		close(ended)
		<-closed
	}()
	return session(ctx, p)
}
