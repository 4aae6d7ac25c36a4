package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"sentrybox/uplink/outbox"
)

// board holds the newest state of every device until it is in the outbox. A
// camera that tells its state never waits for the database.
type board struct {
	put func(context.Context, outbox.Item) error
	log *slog.Logger

	mu    sync.Mutex
	last  map[string][]byte // guarded by mu, as is all that follows: by device
	dirty map[string]bool
	more  chan struct{} // holds one token when dirty has something
}

func newBoard(put func(context.Context, outbox.Item) error, log *slog.Logger) *board {
	return &board{put: put, log: log, last: map[string][]byte{}, dirty: map[string]bool{}, more: make(chan struct{}, 1)}
}

// post takes a device's new state.
func (b *board) post(id string, state any) {
	payload, err := json.Marshal(state)
	if err != nil {
		b.log.Error("a device's state could not be encoded", "device", id, "error", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[id] = payload
	b.touch(id)
}

// drop takes back the state of a device that is no more.
func (b *board) drop(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[id] = nil
	b.touch(id)
}

// again queues every state once more.
func (b *board) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.last {
		b.touch(id)
	}
}

// touch is called with mu held.
func (b *board) touch(id string) {
	b.dirty[id] = true
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// retryPost is how long after a failure the states are queued again.
const retryPost = 5 * time.Second

// run queues states until ctx ends, each until it is queued.
func (b *board) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.more:
		}
		if b.flush(ctx) {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPost):
		}
		b.mu.Lock()
		for id := range b.dirty {
			b.touch(id)
		}
		b.mu.Unlock()
	}
}

// flush queues what is dirty and reports whether all of it was.
func (b *board) flush(ctx context.Context) bool {
	b.mu.Lock()
	dirty := b.dirty
	b.dirty = map[string]bool{}
	b.mu.Unlock()
	ok := true
	for id := range dirty {
		b.mu.Lock()
		payload := b.last[id]
		b.mu.Unlock()
		topic := "device/" + id
		err := b.put(ctx, outbox.Item{Lane: outbox.State, Topic: topic, Key: topic, Retain: true, Payload: payload})
		if err == nil {
			b.forget(id)
			continue
		}
		ok = false
		b.log.Error("a device's state could not be queued, trying again", "device", id, "error", err)
		b.mu.Lock()
		b.dirty[id] = true
		b.mu.Unlock()
	}
	return ok
}

// forget lets go of a device whose state has been taken back.
func (b *board) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.last[id]) == 0 {
		delete(b.last, id)
	}
}
