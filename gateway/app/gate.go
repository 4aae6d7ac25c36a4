package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// gate leads what outlives a change of the configuration to the App that is there. Between two
// of them what is told waits.
type gate struct {
	ctx context.Context // of what outlives

	lock sync.RWMutex  // read-held while something is told
	app  *App          // guarded by lock; nil between two
	open chan struct{} // guarded by lock: closed when app is set
}

var errNobody = errors.New("the gateway stops")

func newGate(ctx context.Context) gate { return gate{ctx: ctx, open: make(chan struct{})} }

// let makes a the one that is told.
func (g *gate) let(a *App) {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.app = a
	close(g.open)
}

// shut waits until nobody is telling anything any more.
func (g *gate) shut() {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.app != nil {
		g.app, g.open = nil, make(chan struct{})
	}
}

// now runs fn with the App that is there, if one is.
func (g *gate) now(fn func(*App)) {
	g.lock.RLock()
	defer g.lock.RUnlock()
	if g.app != nil {
		fn(g.app)
	}
}

// with runs fn with the App that is there, and waits for one if there is none.
func (g *gate) with(ctx context.Context, fn func(*App) error) error {
	for {
		g.lock.RLock()
		if g.app != nil {
			defer g.lock.RUnlock()
			return fn(g.app)
		}
		open := g.open
		g.lock.RUnlock()
		select {
		case <-open:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errNobody, ctx.Err())
		case <-g.ctx.Done():
			return errNobody
		}
	}
}
