// Package clock says how far the wall clock can be believed. A box without a
// battery starts in 1970, or where it was switched off, until somebody sets its
// clock; until then only the time since it was started is right.
//
// The distance between the wall clock and that time, the offset, is the same while
// nobody sets the clock, but for what a time service slews: 0.5 ms a second at
// most (adjtimex(2)). A moment that was taken down with its offset can therefore be
// corrected once the right one is known.
package clock

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/gateway/beat"
)

// Floor is before any box was built, in seconds of Unix time: a clock below it was
// never set.
const Floor = 1_735_689_600 // 2025-01-01 UTC

// Step is how far the offset moves when a clock is set rather than slewed.
const Step = time.Second

// Leap is how far ahead a clock may be found or set that no time service keeps right, before what is
// deleted by its age waits for Hold.
const (
	Leap = 48 * time.Hour
	Hold = 72 * time.Hour
)

const (
	every     = time.Second
	beatEvery = time.Minute      // while the clock is wrong
	noteEvery = 30 * time.Minute // while it is right, for the flash's sake
)

// Source is a machine's clocks.
type Source interface {
	// Wall is the wall clock.
	Wall() time.Time
	// Boot is the time since the machine was started, suspension included
	// (CLOCK_BOOTTIME).
	Boot() time.Duration
	// BootID is another one after each start.
	BootID() string
	// Synced reports whether the kernel knows of a time service that keeps the wall
	// clock right (no STA_UNSYNC).
	Synced() bool
}

// Stamp goes with a moment that may have to be corrected.
type Stamp struct {
	Boot   string
	Offset time.Duration // of the wall clock, from the time since the start
	Set    bool          // the wall clock has been set
	Synced bool          // and is kept right, so that no correction will be needed
}

// Beat is the last sign of life of one run of the machine.
type Beat struct {
	Boot  string
	Up    time.Duration // since the start
	Wall  time.Time
	Known bool // the wall clock was set
}

// Clock watches a machine's clocks.
type Clock struct {
	source Source

	mu     sync.Mutex
	known  time.Time     // guarded by mu: it is later than this
	offset time.Duration // guarded by mu: at the last look
	judged time.Duration // guarded by mu: the same, when it was last asked whether it has leapt
	leapt  time.Duration // guarded by mu: when, since the machine was started, it was found far ahead; 0 for not
}

// New returns a clock. known is a moment that has passed, such as the last that an
// earlier process saw: a wall clock before it is wrong.
func New(source Source, known time.Time) *Clock {
	c := &Clock{source: source, known: known}
	c.offset = c.offsetNow()
	c.judged = c.offset
	if !known.IsZero() {
		c.leap(source.Wall().Sub(known))
	}
	return c
}

// judge is called with mu held.
func (c *Clock) judge() {
	now := c.offsetNow()
	c.leap(now - c.judged)
	c.judged = now
}

// leap is called with mu held, or by New, with how far the clock has been set.
func (c *Clock) leap(by time.Duration) {
	if by > Leap {
		c.leapt = max(c.source.Boot(), 1)
	} else if by < -Leap {
		c.leapt = 0 // it has been put right
	}
}

// Aged says whether what is old by the wall clock may be deleted. A clock that has leapt ahead makes
// everything old: unless a time service keeps it right, somebody has three days to put it right. A box that was
// switched off for longer than [Leap] waits, too.
func (c *Clock) Aged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judge()
	return c.leapt == 0 || c.source.Synced() || c.source.Boot()-c.leapt >= Hold
}

func (c *Clock) offsetNow() time.Duration {
	// The wall clock may be set between the two readings: the next look finds it. A machine that
	// stood still between them is asked again, for that is no step.
	for tries := 0; ; tries++ {
		before, wall, up := c.source.Boot(), c.source.Wall(), c.source.Boot()
		if up-before < Step/10 || tries == 10 {
			return time.Duration(wall.UnixNano()) - up
		}
	}
}

// Stamp returns what goes with a moment of now.
func (c *Clock) Stamp() Stamp {
	wall := c.source.Wall()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stamp{Boot: c.source.BootID(), Offset: c.offsetNow(), Synced: c.source.Synced()}
	s.Set = wall.Unix() >= Floor && (s.Synced || !wall.Before(c.known))
	return s
}

// Least is a moment that is not later than now, whatever the wall clock says: the
// machine has run for some time since the last moment that is known to have passed.
func (c *Clock) Least(passed time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed.Before(c.known) {
		passed = c.known
	}
	return passed.Add(c.source.Boot())
}

// Beat returns a sign of life.
func (c *Clock) Beat() Beat {
	s := c.Stamp()
	return Beat{Boot: s.Boot, Up: c.source.Boot(), Wall: c.source.Wall(), Known: s.Set}
}

// Run watches until ctx ends. changed is called at the begin and whenever the clock
// has been set; what it could not do is tried again. beat is called now and then,
// to take down that the machine lives.
func (c *Clock) Run(ctx context.Context, changed func(context.Context, Stamp) error, beat func(context.Context, Beat) error) error {
	tick := time.NewTimer(wait(every))
	defer tick.Stop()
	pending, last, synced := true, time.Duration(-1), c.source.Synced()
	for {
		s := c.Stamp()
		if c.moved(s.Offset) || s.Synced != synced {
			pending, synced = true, s.Synced
		}
		if pending {
			pending = changed(ctx, s) != nil
		}
		gap := beatEvery
		if s.Set {
			gap = noteEvery
		}
		if up := c.source.Boot(); last < 0 || up-last >= gap {
			if beat(ctx, c.Beat()) == nil {
				last = up
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			tick.Reset(wait(every))
		}
	}
}

// wait returns how long until all that is done every so often is done.
func wait(every time.Duration) time.Duration { return beat.Until(time.Now(), every) }

// moved reports whether the clock has been set since the last look.
func (c *Clock) moved(now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := now - c.offset
	c.offset = now
	c.judge()
	if d < Step && d > -Step {
		return false
	}
	c.known = time.Time{} // somebody has just set it, and knew better
	return true
}

// System returns this machine's clocks.
func System() (Source, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("read the machine's boot id: %w", err)
	}
	return system{strings.TrimSpace(string(id))}, nil
}

type system struct{ boot string }

func (s system) BootID() string { return s.boot }

func (system) Wall() time.Time { return time.Unix(0, time.Now().UnixNano()) } // without the monotonic clock

func (system) Boot() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0 // not known to happen
	}
	return time.Duration(ts.Nano())
}

func (system) Synced() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
