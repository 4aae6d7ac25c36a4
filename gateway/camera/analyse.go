package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media/keep"
)

const (
	restartFirst = 100 * time.Millisecond
	restartMost  = 800 * time.Millisecond
	provenAfter  = 30 * time.Second // a process that lived so long failed by chance
	blindAfter   = 3                // failures in a row
	eventTooOld  = 10 * time.Minute // a detection's wall clock is believed within this
	eventTooNew  = 5 * time.Second

	// What one camera may raise: more is a process out of its mind.
	eventBurst = 30
	eventEvery = 2 * time.Second

	// quietLate and asleepLate are how late pictures may be.
	quietLate  = 250 * time.Millisecond
	asleepLate = 500 * time.Millisecond

	// batchBytes is about how much is handed to the vision process at once.
	batchBytes = 64 << 10
	// maxHold is how much media time is held back at most until a keyframe comes.
	maxHold = 5 * time.Second
	// maxBehind is how long the vision process may take for what it was given before
	// it is given more. It reports every half second.
	maxBehind = 1500 * time.Millisecond

	// A process that cannot even start is tried less and less often.
	startFailures = 20
	startWait     = 10 * time.Second
)

// bucket is a token bucket.
type bucket struct {
	tokens float64
	last   time.Time
}

func (b *bucket) allow(now time.Time) bool {
	b.tokens = min(b.tokens+now.Sub(b.last).Seconds()/eventEvery.Seconds(), eventBurst)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// run is one life of a vision process.
type run struct {
	key   uint64 // the keyframe that it began with
	last  uint64 // the last access unit that it was handed
	begun time.Time
}

// analyse keeps a vision process fed until ctx ends.
func (c *Camera) analyse(ctx context.Context) error {
	var seen uint64   // access units up to here have been handed to some process
	var poison uint64 // the keyframe whose pictures ended the last process
	failures, starved := 0, 0
	for {
		from := c.ring.lastKeyframe()
		if poison != 0 && from <= poison {
			from = c.ring.next() // those pictures have ended one process too many
		}
		r, err := c.session(ctx, from, seen, failures, starved > 0)
		seen = max(seen, r.last)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(r.begun) > provenAfter {
			failures, starved = 0, 0
		}
		failures++
		// The same pictures may have caused it: they get one more chance, then
		// the next keyframe has to do.
		if key := c.ring.lastKeyframe(); failures > 1 && r.last != 0 {
			poison = max(r.key, min(key, r.last))
		}
		c.failed(failures, err)
		wait := min(restartFirst<<min(failures-1, 4), restartMost)
		if r.last == 0 && failures > startFailures {
			wait = startWait
		}
		if errors.Is(err, ErrNoMemory) {
			starved++
			wait = starvedWait(starved)
		}
		if err := keep.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Camera) failed(failures int, err error) {
	if failures&(failures-1) == 0 { // the first, the second, the fourth: not each of thousands
		c.Log.Error("vision process failed, starting it again", "error", err, "failures", failures)
	}
	c.mu.Lock()
	c.counts.Restarts++
	if errors.Is(err, ErrNoMemory) {
		c.counts.Starved++
	}
	c.mu.Unlock()
	if failures < blindAfter {
		return
	}
	c.setState(func(st *State) {
		if st.Phase == "online" {
			st.Phase, st.Reason = Blind, err.Error()
		}
		if st.Phase == Blind {
			st.Starved = errors.Is(err, ErrNoMemory)
		}
	})
}

// session starts a process once there is something to see and feeds it until it
// fails or ctx ends. It begins at the first keyframe from the access unit from on.
// Once two processes have failed, the people detector is left out too. yields is as of ProcessConfig.
func (c *Camera) session(ctx context.Context, from, seen uint64, failures int, yields bool) (run, error) {
	r := run{begun: time.Now()}
	au, seq, err := c.ring.read(ctx, from, maxLag)
	for err == nil && !au.Keyframe {
		au, seq, err = c.ring.read(ctx, seq+1, maxLag)
	}
	if err != nil {
		return r, err
	}
	r.key, r.begun = seq, time.Now()
	plan := c.plan.Load()
	cfg := *plan.wire
	cfg.Armed = plan.armed(r.begun.In(c.Location))
	cfg.Legacy = c.Legacy != nil && failures < 2 // it may be to blame
	how := c.process(&cfg, failures)
	how.Yields = yields
	p, err := StartProcess(ctx, how)
	if err != nil {
		return r, err
	}
	c.attach(p, plan, cfg.Armed)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		c.take(p)
	}()
	err = c.feed(ctx, p, &r, seen)
	p.Kill()
	<-taken
	c.detach(p)
	if why := p.Err(); why != nil && ctx.Err() == nil {
		err = why
	}
	return r, err
}

// attach makes p the camera's process. What has changed while it started is told
// to it now.
func (c *Camera) attach(p *Process, begun *plan, armed []bool) {
	c.attend(wire.Awake)
	c.asking.Lock()
	defer c.asking.Unlock()
	c.mu.Lock()
	c.vision = p
	now, pace, looks := c.armed, c.state.Pace, len(c.looks) > 0
	c.mu.Unlock()
	if looks {
		_ = p.Show(true) // one that cannot be told is about to be replaced
	}
	if pace != (wire.Pace{}) {
		_ = p.Pace(pace)
	}
	if plan := c.plan.Load(); plan != begun {
		_ = p.Revise(plan.wire, now)
	} else if !slices.Equal(now, armed) {
		_ = p.Arm(now)
	}
	if p.Hello().NoHardware {
		c.Log.Warn("no hardware decoder can be opened here, decoding in software")
	}
	c.setState(func(st *State) { st.Sandbox = p.Hello().Sandbox })
	c.detector(p)
}

func (c *Camera) detach(p *Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vision = nil
	c.counts.add(p)
}

// feed hands access units to p, from r.key on. Those up to seen are marked as
// handed over before.
func (c *Camera) feed(ctx context.Context, p *Process, r *run, seen uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process, which session kills
		<-p.Done()
		cancel()
	}()
	want := r.key
	c.ring.hand(want)
	defer c.ring.hand(0)
	lost := false
	read := batch{spare: c.buffers()}
	var batch []wire.AccessUnit
	for {
		if err := c.await(ctx, p); err != nil {
			return err
		}
		seq, more, err := c.ring.readSome(ctx, want, batchBytes, p.patience, func(there []unit) bool { return hold(p, there) }, &read)
		if err != nil {
			return err
		}
		if p.Behind() > maxBehind {
			continue // meanwhile
		}
		if seq != want {
			c.mu.Lock()
			c.counts.Skipped += seq - want
			c.mu.Unlock()
		}
		batch = batch[:0]
		for i, au := range read.units {
			n := seq + uint64(i)
			batch = append(batch, wire.AccessUnit{
				Seq: n, PTS: au.PTS, Wall: au.Wall, Codec: uint8(au.Codec), Keyframe: au.Keyframe,
				Gap: au.Gap || i == 0 && seq != want, CatchUp: n <= seen, Data: au.Data,
				More: more || i+1 < len(read.units),
			})
		}
		if err = p.Send(batch...); err != nil {
			return fmt.Errorf("hand a picture to the vision process: %w", err)
		}
		r.last = batch[len(batch)-1].Seq
		want = r.last + 1
		c.ring.hand(want)
		clear(batch)
		read.release()
		if time.Since(r.begun) > provenAfter {
			c.seeing()
		}
		if !lost && p.Progress().Confirmed.Lost {
			lost = true
			c.detector(p)
		}
	}
}

// buffers are where the data of access units are on their way; nil for the heap.
func (c *Camera) buffers() *wire.Buffers {
	if c.Memory == nil {
		return nil
	}
	return &c.Memory.buffers
}

// hold says whether access units wait for more: a process that looks at keyframes alone
// needs not be woken for what is between them.
func hold(p *Process, there []unit) bool {
	if p.Progress().Attention != wire.Asleep || there[len(there)-1].PTS-there[0].PTS > maxHold {
		return false
	}
	return !slices.ContainsFunc(there, func(u unit) bool { return u.Keyframe || u.Gap })
}

// patience is how far a process may fall behind in media time: what is held back on
// purpose is no lag.
func (p *Process) patience() time.Duration {
	if p.Progress().Attention == wire.Asleep {
		return maxLag + maxHold
	}
	return maxLag
}

// await waits while the process has not handled what it was given long ago: what is not
// in its pipe yet can still be passed over.
func (c *Camera) await(ctx context.Context, p *Process) error {
	for p.Behind() > maxBehind {
		if err := keep.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// attend has the stream looked after as closely as the process watches it.
func (c *Camera) attend(a wire.Attention) {
	c.mu.Lock()
	c.late = lateness(a)
	c.relax()
	c.mu.Unlock()
	c.ring.flush() // what was held back for a keyframe
}

// lateness is how late pictures may be to a process that watches so closely. Asleep it looks every keyframe's interval, and
// an event may take that and a second to be seen.
func lateness(a wire.Attention) time.Duration {
	switch a {
	case wire.Quiet:
		return quietLate
	case wire.Asleep:
		return asleepLate
	}
	return 0
}

// seeing takes back that the camera is blind: its process has lived long enough.
func (c *Camera) seeing() {
	c.setState(func(st *State) {
		if st.Phase == Blind {
			st.Phase, st.Reason, st.Starved = "online", "", false
		}
	})
}

// believe returns t if it is near now: it comes from a process that a stranger's
// video may have taken over.
func believe(t, now time.Time) time.Time {
	if age := now.Sub(t); age > eventTooOld || age < -eventTooNew {
		return now
	}
	return t
}
