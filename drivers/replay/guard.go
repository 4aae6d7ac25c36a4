package replay

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Store keeps a few bytes for each device over restarts. Its methods may be called
// from several goroutines.
type Store interface {
	// Load returns what was saved for a device, nil if there is nothing.
	Load(device string) ([]byte, error)
	// Save keeps all of state or, with an error, none of it. When it returns nil, a
	// power cut takes nothing back.
	Save(state map[string][]byte) error
}

// DefaultSaveAfter is how long counters may be newer in memory than in the Store.
const DefaultSaveAfter = time.Minute

// Guard holds the windows of devices. Set the fields, then use it from any
// goroutine, and let Run run.
//
// Not every counter is worth a write to flash: those of ordinary messages are
// saved together, SaveAfter after the first of them. Only a crash within that time
// lets a message be taken twice, and never one be lost. Those of events are
// saved at once.
type Guard struct {
	// Store keeps the windows; nil for memory alone.
	Store Store
	// Prefix stands before a device's id in the Store, to keep drivers apart.
	Prefix string
	// SaveAfter, see above; DefaultSaveAfter if 0.
	SaveAfter time.Duration
	// Log gets a line when the Store fails; nil for none.
	Log *slog.Logger

	mu      sync.Mutex
	windows map[string]*Window // guarded by mu
	dirty   map[string]bool    // guarded by mu
	wake    chan struct{}      // guarded by mu when it is made
	saving  sync.Mutex         // one Save at a time, so that an older state never overwrites a newer
}

// Highest returns the highest counter accepted of a device; false if there is
// none. An error means that the Store cannot tell, and so that nobody can.
func (g *Guard) Highest(device string) (uint32, bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w, err := g.window(device)
	if err != nil {
		return 0, false, err
	}
	n, ok := w.Highest()
	return n, ok, nil
}

// Accept reports whether the counter is new for the device, and accepts it then.
// An error means that the Store cannot tell: the message must not be taken.
func (g *Guard) Accept(device string, counter uint32) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w, err := g.window(device)
	if err != nil || !w.Accept(counter) {
		return false, err
	}
	if len(g.dirty) == 0 {
		select {
		case g.waker() <- struct{}{}:
		default:
		}
	}
	if g.dirty == nil {
		g.dirty = map[string]bool{}
	}
	g.dirty[g.Prefix+device] = true
	return true, nil
}

// waker is called with mu held.
func (g *Guard) waker() chan struct{} {
	if g.wake == nil {
		g.wake = make(chan struct{}, 1)
	}
	return g.wake
}

// window is called with mu held.
func (g *Guard) window(device string) (*Window, error) {
	key := g.Prefix + device
	if w := g.windows[key]; w != nil {
		return w, nil
	}
	w := &Window{}
	if g.Store != nil {
		b, err := g.Store.Load(key)
		if err == nil && b != nil {
			err = w.UnmarshalBinary(b)
		}
		if err != nil {
			return nil, fmt.Errorf("counter of %s: %w", device, err)
		}
	}
	if g.windows == nil {
		g.windows = map[string]*Window{}
	}
	g.windows[key] = w
	return w, nil
}

// Forget makes a device new: its next message is taken whatever its counter. For
// a device that a technician has reset.
func (g *Guard) Forget(device string) error {
	g.mu.Lock()
	if g.windows == nil {
		g.windows = map[string]*Window{}
	}
	if g.dirty == nil {
		g.dirty = map[string]bool{}
	}
	g.windows[g.Prefix+device] = &Window{}
	g.dirty[g.Prefix+device] = true
	g.mu.Unlock()
	return g.Flush()
}

// Flush saves what has changed. After an event, and before the driver ends.
func (g *Guard) Flush() error {
	g.saving.Lock()
	defer g.saving.Unlock()
	g.mu.Lock()
	state := make(map[string][]byte, len(g.dirty))
	for key := range g.dirty {
		b, err := g.windows[key].MarshalBinary()
		if err != nil {
			g.mu.Unlock()
			return err
		}
		state[key] = b
	}
	g.dirty = nil
	g.mu.Unlock()
	if g.Store == nil || len(state) == 0 {
		return nil
	}
	err := g.Store.Save(state)
	if err == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dirty == nil {
		g.dirty = map[string]bool{}
	}
	for key := range state {
		g.dirty[key] = true
	}
	return fmt.Errorf("saving counters: %w", err)
}

// Run saves what Accept has changed until ctx ends, and then what is left.
func (g *Guard) Run(ctx context.Context) {
	g.mu.Lock()
	wake := g.waker()
	g.mu.Unlock()
	after := g.SaveAfter
	if after <= 0 {
		after = DefaultSaveAfter
	}
	log := g.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for {
		select {
		case <-ctx.Done():
		case <-wake:
			timer := time.NewTimer(after)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			timer.Stop()
		}
		err := g.Flush()
		if err != nil {
			log.Error("what sensors were heard last was not kept", "error", err)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil { // again in a while
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	}
}
