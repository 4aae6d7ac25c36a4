// Package calltest is the suite that every source of calls passes.
package calltest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
)

// Rig is a source with the far side that a test gives it.
type Rig struct {
	// Source is fresh: made, and not run.
	Source call.Source
	// Say has the far side say something of which at least one Event comes. It is called
	// again until one arrives.
	Say func()
	// Valid tells whether an Event is one of what the far side said. Whether it is as the
	// contract has it is looked at besides.
	Valid func(call.Event) bool
	// Noise puts bytes on the wire towards the source; nil if that cannot be.
	Noise func([]byte)
	// Unplug takes the line, the server or the far side away, and Replug brings it back; nil
	// if that cannot be.
	Unplug, Replug func()
}

// Conform holds a source to the contract of package call, which is that of package driver
// with other words. build makes a fresh rig, and cleans up by t.Cleanup.
func Conform(t *testing.T, build func(t *testing.T) Rig) {
	t.Helper()
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		r := build(t)
		s := &source{Source: r.Source, t: t, valid: r.Valid, began: map[string]bool{}}
		return drivertest.Rig{
			Driver: s, Say: r.Say, Noise: r.Noise, Unplug: r.Unplug, Replug: r.Replug,
			Valid: func(driver.Message) bool { return true }, // looked at before
		}
	})
}

// source is a Source as the suite of drivers takes it.
type source struct {
	call.Source
	t     *testing.T
	valid func(call.Event) bool
	busy  atomic.Bool

	mu    sync.Mutex
	began map[string]bool // guarded by mu: calls, and whether they go on
}

// Run runs the source, and looks at what it emits.
func (s *source) Run(ctx context.Context, emit func(driver.Message)) error {
	return s.Source.Run(ctx, func(e call.Event) {
		if !s.busy.CompareAndSwap(false, true) {
			s.t.Error("two calls of emit overlap")
		}
		defer s.busy.Store(false)
		s.look(e)
		emit(driver.Message{Device: e.From, At: e.At})
	})
}

func (s *source) look(e call.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := e.Check(); err != nil {
		s.t.Errorf("%v in %+v", err, e)
	}
	if !s.valid(e) {
		s.t.Errorf("an event that nobody caused: %+v", e)
	}
	on, known := s.began[e.Call]
	switch {
	case e.Kind == call.Begin && known:
		s.t.Errorf("a call that begins twice: %+v", e)
	case e.Kind == call.End && !on:
		s.t.Errorf("the end of a call that has not begun, or is over: %+v", e)
	}
	if e.Kind == call.Begin || e.Kind == call.End {
		s.began[e.Call] = e.Kind == call.Begin
	}
}
