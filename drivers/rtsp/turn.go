package rtsp

import (
	"sync"
	"time"
)

// turn is the time that the camera has for its next answer.
type turn struct {
	mu    sync.Mutex
	timer *time.Timer // guarded by mu; nil while no answer is awaited
	limit time.Duration
}

func (t *turn) begin(limit time.Duration, late func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit, t.timer = limit, time.AfterFunc(limit, late)
}

// again says that an answer has come, after which another may be awaited.
func (t *turn) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Reset(t.limit)
	}
}

func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer.Stop()
	t.timer = nil
}
