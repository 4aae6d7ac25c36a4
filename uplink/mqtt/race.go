package mqtt

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errNoAnswer is why a broker was passed over for one that answered.
var errNoAnswer = errors.New("no answer in time")

// failure is an attempt at a broker that came to nothing.
type failure struct {
	target int
	err    error
}

// arrival is the end of a race: a link, or nil, and who failed on the way.
type arrival struct {
	link   *link
	failed []failure
}

// race connects to the first broker of order, and to each next one beside those
// that have not answered after Timing.Stagger or as soon as one has failed. The
// first link counts. When it returns, nothing of the others is running any more.
func (c *Client) race(ctx context.Context, order []int) (a arrival) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		i    int
		link *link
		err  error
	}
	results := make(chan result, len(order))
	began, running := 0, 0
	next := func() {
		i := order[began]
		began, running = began+1, running+1
		go func() { // waited for by running
			l, err := c.connect(ctx, c.targets[i])
			results <- result{i, l, err}
		}()
	}
	for running > 0 || a.link == nil && began < len(order) && ctx.Err() == nil {
		if running == 0 {
			next()
		}
		var more <-chan time.Time
		if a.link == nil && began < len(order) {
			more = time.After(c.cfg.Timing.Stagger)
		}
		select {
		case <-more:
			next()
		case r := <-results:
			running--
			switch {
			case r.link != nil && a.link == nil:
				a.link = r.link
				cancel()
			case r.link != nil:
				r.link.drop(errAborted) // too late
			case a.link != nil:
				a.failed = append(a.failed, failure{r.i, fmt.Errorf("connect to %s: %w", c.targets[r.i].name, errNoAnswer)})
			default:
				a.failed = append(a.failed, failure{r.i, r.err})
			}
		}
	}
	return a
}

// note keeps and reports who failed in a race.
func (c *Client) note(ctx context.Context, failed []failure) {
	for _, f := range failed {
		if ctx.Err() != nil { // told to end
			return
		}
		v := connectVerdict(f.err)
		c.brokers.ended(f.target, time.Now(), v, 0)
		c.contests[f.target].cuts, c.contests[f.target].look = 0, 0
		c.setState(State{Phase: phaseOf(v, f.err), Broker: c.targets[f.target].name, Uplink: f.target, Err: f.err})
	}
}
