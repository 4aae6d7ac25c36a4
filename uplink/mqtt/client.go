package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
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
	reach   func(context.Context, target, Timing) (net.Conn, error)
	sent    atomic.Uint64
	acked   atomic.Uint64

	failback failback

	mu      sync.Mutex
	uplinks []State // guarded by mu: the newest of each broker

	// Of Run alone; all of it outlives connections.
	state State
	swept int // the broker whose kept messages were looked through last, or -1
	// acked but not yet removed from the source: not to be sent again.
	unremoved map[int64]struct{}
	held      map[int64]time.Time // not to be sent before
	echoes    []echoes            // by broker
	contests  []contest           // by broker
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
	c := &Client{reach: reach, swept: -1, failback: failback{hold: map[int]time.Duration{}, to: -1}, unremoved: map[int64]struct{}{}, held: map[int64]time.Time{}}
	for _, b := range cfg.Brokers {
		t, terr := newTarget(b)
		if terr != nil {
			err = errors.Join(err, terr)
		}
		t.index = len(c.targets)
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
	c.uplinks = make([]State, len(c.targets))
	for i, t := range c.targets {
		c.uplinks[i] = State{Broker: t.name, Uplink: i}
	}
	c.brokers = newBrokers(len(c.targets), cfg.Timing, rand.Float64)
	c.inbox = newInbox(cfg)
	c.echoes = make([]echoes, len(c.targets))
	c.contests = make([]contest, len(c.targets))
	return c, nil
}

// Stats returns what has been counted.
func (c *Client) Stats() Stats {
	return Stats{Sent: c.sent.Load(), Acked: c.acked.Load(), Dropped: c.inbox.dropped.Load(),
		Oversized: c.count.oversized.Load(), StrayAcks: c.count.strayAcks.Load()}
}

// Uplinks returns the newest state of each broker, in the order of preference. A
// broker that is not in use has the state in which it was left.
func (c *Client) Uplinks() []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.uplinks)
}

// Run connects and carries the outbox until ctx ends, and returns nil then.
// When it returns, nothing of it is running any more, and what was not
// acknowledged is in the outbox.
func (c *Client) Run(ctx context.Context) error {
	if len(c.targets) == 0 {
		<-ctx.Done()
		return nil
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.inbox.run(ctx) })
	want := -1 // the broker to try first, whatever its standing
	var l *link
	for {
		if l == nil {
			if l = c.establish(ctx, want); ctx.Err() != nil {
				if l != nil {
					l.drop(errAborted)
				}
				return nil
			}
			want = -1
			if l == nil {
				continue
			}
		}
		i := l.target.index
		end := c.serve(ctx, l)
		c.brokers.ended(i, time.Now(), end.verdict, end.lived)
		c.failback.ended(i, end.lived, c.cfg.Timing)
		l, want = end.link, end.yield
		if ctx.Err() != nil {
			c.setState(State{Phase: Offline, Broker: c.targets[i].name, Uplink: i})
			return nil
		}
		if want >= 0 {
			c.failback.went(want)
			c.setState(State{Phase: Standby, Broker: c.targets[i].name, Uplink: i})
			continue
		}
		c.setState(State{Phase: phaseOf(end.verdict, end.err), Broker: c.targets[i].name, Uplink: i, Err: end.err})
		c.contested(ctx, i, end)
	}
}

// establish waits until a broker may be tried and tries, want first if that is
// one. It returns nil if none answered.
func (c *Client) establish(ctx context.Context, want int) *link {
	if want < 0 {
		i, wait := c.brokers.pick(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if want = i; ctx.Err() != nil {
			return nil
		}
	}
	a := c.race(ctx, c.brokers.order(want, -1, time.Now()))
	c.note(ctx, a.failed)
	return a.link
}

// setState reports a state that differs from the last.
func (c *Client) setState(s State) {
	s.Contest = c.contests[s.Uplink].is
	if s.Phase == c.state.Phase && s.Contest == c.state.Contest && s.Uplink == c.state.Uplink && s.Broker == c.state.Broker && fmt.Sprint(s.Err) == fmt.Sprint(c.state.Err) {
		return
	}
	c.state = s
	c.mu.Lock()
	c.uplinks[s.Uplink] = s
	c.mu.Unlock()
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
