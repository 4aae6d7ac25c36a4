// Package watchdog has the box, or systemd, begin anew when the gateway no longer does its
// main job, which is more than that its process lives: pictures arrive and are looked at, alerts are
// committed, and what waits goes out while there is a line.
//
// Each part of the job has a Check. While all of them have been good within their patience, the
// feeders are fed: systemd's watchdog (sd_notify(3)) and a hardware watchdog (/dev/watchdog). What is
// wrong with the world and not with the gateway, such as a camera that is off or a line that is
// down, is for the checks to tell apart.
package watchdog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sentrybox/gateway/beat"
)

// Check is one part of the main job.
type Check struct {
	Name string
	// Every is how often it looks; the watchdog's own Every when 0.
	Every time.Duration
	// Patience is for how long it may fail or not come back; the watchdog's own when 0.
	Patience time.Duration
	// Look returns nil while the part works. One that never returns counts as one that fails.
	Look func(ctx context.Context) error
}

// Feeder is a watchdog that acts when it has not been fed for its time.
type Feeder interface {
	// Feed tells it that all is well.
	Feed() error
	// Status says to a person how things are; a feeder may pass over it.
	Status(text string)
	// Close lets go of it so that it does not act, for an orderly end.
	Close() error
}

// Watchdog watches checks and feeds feeders. Set the fields, then Run.
type Watchdog struct {
	Feeders  []Feeder
	Every    time.Duration // between two feedings
	Patience time.Duration // for how long a part may not work until feeding ends
	Log      *slog.Logger

	mu     sync.Mutex
	states map[string]*state // guarded by mu: of the checks that are watched
	told   string            // guarded by mu: what is stuck, as it was last told
}

// state is how a check is doing.
type state struct {
	good     time.Time // when it was last so, or when watching began
	patience time.Duration
	err      error // of the last look
}

// Watch looks at the checks until ctx ends. Until it is called, and after it, only the process is
// watched, with the same patience five times over: a database that is put right takes its time.
func (w *Watchdog) Watch(ctx context.Context, checks []Check) {
	now := time.Now()
	w.mu.Lock()
	w.states = map[string]*state{}
	for _, c := range checks {
		w.states[c.Name] = &state{good: now, patience: or(c.Patience, w.Patience)}
	}
	w.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range checks {
		wg.Go(func() { w.look(ctx, c) })
	}
	wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = map[string]*state{starting: {good: time.Now(), patience: 5 * w.Patience, err: errors.New("the gateway is starting or stopping")}}
}

// starting is the part that there is while no other is watched.
const starting = "start"

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// look calls one check again and again.
func (w *Watchdog) look(ctx context.Context, c Check) {
	for every := or(c.Every, w.Every); ; {
		err := c.Look(ctx)
		if ctx.Err() != nil {
			return
		}
		w.note(c.Name, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(beat.Until(time.Now(), every)):
		}
	}
}

func (w *Watchdog) note(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.states[name]
	if s == nil {
		return
	}
	if s.err = err; err == nil {
		s.good = time.Now()
	}
}

// Stuck returns what has not worked for longer than it may, and why; nothing while all is well.
func (w *Watchdog) Stuck() (parts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stuck()
}

// stuck is called with mu held.
func (w *Watchdog) stuck() (parts []string) {
	for _, name := range slices.Sorted(maps.Keys(w.states)) {
		s := w.states[name]
		if since := time.Since(s.good); since > s.patience {
			why := "it does not answer"
			if s.err != nil {
				why = s.err.Error()
			}
			parts = append(parts, fmt.Sprintf("%s: %s (for %v)", name, why, since.Round(time.Second)))
		}
	}
	return parts
}

// Run feeds until ctx ends, and then lets go of the feeders.
func (w *Watchdog) Run(ctx context.Context) error {
	w.mu.Lock()
	if w.states == nil {
		w.states = map[string]*state{starting: {good: time.Now(), patience: 5 * w.Patience, err: errors.New("the gateway is starting")}}
	}
	w.mu.Unlock()
	for {
		w.tick()
		select {
		case <-ctx.Done():
			var err error
			for _, f := range w.Feeders {
				err = errors.Join(err, f.Close())
			}
			return err
		case <-time.After(beat.Until(time.Now(), w.Every)):
		}
	}
}

// tick feeds, unless something is stuck.
func (w *Watchdog) tick() {
	w.mu.Lock()
	parts := w.stuck()
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i], _, _ = strings.Cut(p, ":")
	}
	news := w.told != strings.Join(names, ", ")
	w.told = strings.Join(names, ", ")
	w.mu.Unlock()
	if news && len(parts) > 0 {
		w.Log.Error("the main job does not work: watchdogs are no longer fed", "stuck", parts)
		w.status("stuck: " + strings.Join(parts, "; "))
	} else if news {
		w.Log.Info("the main job works again: watchdogs are fed")
		w.status("running")
	}
	if len(parts) > 0 {
		return
	}
	for _, f := range w.Feeders {
		if err := f.Feed(); err != nil {
			w.Log.Error("a watchdog cannot be fed", "error", err)
		}
	}
}

func (w *Watchdog) status(text string) {
	for _, f := range w.Feeders {
		f.Status(text)
	}
}
