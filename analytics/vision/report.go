//go:build cgo

package main

import (
	"fmt"
	"sync"
	"time"

	"sentrybox/analytics/wire"
)

// reportEvery is how long the gateway waits for a Progress at most while there
// is any, well within the second it is promised.
const reportEvery = 500 * time.Millisecond

// reporter tells the gateway how far the process has come: within reportEvery
// of every access unit, and nothing while there is none. It never says more than
// what is done, so that a decoder that hangs falls silent.
type reporter struct {
	out    *wire.Writer
	replay bool
	// next is filled by the session's goroutine alone and published by done.
	next wire.Progress

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool          // the timer runs; guarded by mu
	ready   wire.Progress // what the timer sends; guarded by mu
	err     error         // of the timer's write; guarded by mu
	closed  bool          // guarded by mu
	sent    time.Time     // when the last was sent; guarded by mu
	second  int64         // of media time, of the last Progress in replay
}

func newReporter(out *wire.Writer, replay bool) *reporter {
	r := &reporter{out: out, replay: replay, second: -1}
	r.timer = time.AfterFunc(time.Hour, r.fire)
	r.timer.Stop()
	return r
}

// done publishes what was counted, after an access unit of media time pts. more says that
// another is there already.
func (r *reporter) done(pts time.Duration, more bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.ready = r.next
	if second := int64(pts / time.Second); r.replay && second != r.second {
		r.second = second
		return r.send()
	}
	if now := time.Now(); !more && now.Sub(r.sent) >= reportEvery {
		r.timer.Stop() // this saves being woken for it
		r.waiting = false
		return r.send()
	}
	if !r.waiting {
		r.waiting = true
		r.timer.Reset(reportEvery)
	}
	return nil
}

// now answers a ping.
func (r *reporter) now() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = r.next
	return r.send()
}

// fire runs in the timer's goroutine. Its write holds mu, so that close and
// done wait for it.
func (r *reporter) fire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting && !r.closed && r.err == nil { // done may have been first
		r.err = r.send()
	}
	r.waiting = false
}

func (r *reporter) send() error {
	r.sent = time.Now()
	if err := r.out.JSON(wire.TypeProgress, &r.ready); err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	return nil
}

// summary is the last message.
func (r *reporter) summary() error {
	r.close()
	if err := r.out.JSON(wire.TypeSummary, &r.next); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// close stops the timer and waits for a write under way.
func (r *reporter) close() {
	r.timer.Stop()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
}
