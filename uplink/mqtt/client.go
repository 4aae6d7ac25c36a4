package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// holdTime is how long an item that could not be rendered waits.
const holdTime = time.Minute

// Client carries an outbox to the brokers. Its methods may be called from
// several goroutines; Run by one at a time.
type Client struct {
	cfg     Config
	targets []target
	brokers *brokers
	inbox   *inbox
	count   counters
	sent    atomic.Uint64
	acked   atomic.Uint64

	// Of Run alone; all of it outlives connections.
	state State
	// acked but not yet removed from the source: not to be sent again.
	unremoved map[int64]struct{}
	held      map[int64]time.Time // not to be sent before
}

// Stats is what a Client has counted since New.
type Stats struct {
	Sent      uint64 // publications handed to a connection, repetitions too
	Acked     uint64 // items acknowledged
	Dropped   uint64 // incoming messages that nobody wanted or had time for
	Oversized uint64 // incoming messages longer than MaxIncoming
	StrayAcks uint64 // acknowledgements of what was not sent
}

// New checks the configuration and returns a client that does nothing until
// Run. The error names every problem, and no password.
func New(cfg Config) (*Client, error) {
	err := cfg.check()
	c := &Client{unremoved: map[int64]struct{}{}, held: map[int64]time.Time{}}
	for _, b := range cfg.Brokers {
		t, terr := newTarget(b)
		if terr != nil {
			err = errors.Join(err, terr)
		}
		c.targets = append(c.targets, t)
	}
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Timing = cfg.Timing.withDefaults()
	c.cfg = cfg
	c.brokers = newBrokers(len(c.targets), cfg.Timing, rand.Float64)
	c.inbox = newInbox(cfg)
	return c, nil
}

// Stats returns what has been counted.
func (c *Client) Stats() Stats {
	return Stats{Sent: c.sent.Load(), Acked: c.acked.Load(), Dropped: c.inbox.dropped.Load(),
		Oversized: c.count.oversized.Load(), StrayAcks: c.count.strayAcks.Load()}
}

// Run connects and carries the outbox until ctx ends, and returns nil then.
// When it returns, nothing of it is running any more, and what was not
// acknowledged is in the outbox.
func (c *Client) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.inbox.run(ctx) })
	for {
		i, wait := c.brokers.pick(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if ctx.Err() != nil {
			return nil
		}
		v, lived, err := c.serve(ctx, c.targets[i])
		c.brokers.ended(i, time.Now(), v, lived)
		if ctx.Err() != nil {
			c.setState(State{Phase: Offline, Broker: c.targets[i].name})
			return nil
		}
		c.setState(State{Phase: phaseOf(v, err), Broker: c.targets[i].name, Err: err})
	}
}

// setState reports a state that differs from the last.
func (c *Client) setState(s State) {
	if s.Phase == c.state.Phase && s.Broker == c.state.Broker && fmt.Sprint(s.Err) == fmt.Sprint(c.state.Err) {
		return
	}
	c.state = s
	if s.Err != nil {
		c.cfg.Log.Warn("mqtt broker", "state", s.Phase, "broker", s.Broker, "err", s.Err)
	} else {
		c.cfg.Log.Info("mqtt broker", "state", s.Phase, "broker", s.Broker)
	}
	if c.cfg.OnState != nil {
		c.cfg.OnState(s)
	}
}

// skip returns what must not be asked of the source now, apart from what is on
// its way.
func (c *Client) skip(now time.Time) map[int64]struct{} {
	skip := make(map[int64]struct{}, len(c.unremoved)+len(c.held))
	for seq := range c.unremoved {
		skip[seq] = struct{}{}
	}
	for seq, until := range c.held {
		if until.After(now) {
			skip[seq] = struct{}{}
		} else {
			delete(c.held, seq)
		}
	}
	return skip
}
