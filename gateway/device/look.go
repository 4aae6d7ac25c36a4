package device

import (
	"sync"
	"sync/atomic"
	"time"

	"sentrybox/drivers/driver"
)

// Heard is what came by a bus while somebody looked: a message, or bytes as they were on the
// line.
type Heard struct {
	At  time.Time
	Bus string // empty: the local broker
	// Message is what the driver handed on, if Wire is nil.
	Message driver.Message
	// Read is what every sensor with the address made of it; nothing of a sender that nobody
	// knows.
	Read []Read
	// Wire is bytes of the line, framing, noise and all, and Sent says that they went.
	Wire []byte
	Sent bool
}

// Read is what a sensor made of a message.
type Read struct {
	Sensor string
	Values []Value
	Err    error // why it means nothing
}

// looks are those who look.
type looks struct {
	n   atomic.Int32 // how many
	mu  sync.RWMutex
	all map[*func(Heard)]struct{} // guarded by mu
}

// Look has hear be told of everything that comes by the buses and the local broker, until stop
// is called. hear must not wait, nor keep or change what it is given.
func (h *Hub) Look(hear func(Heard)) (stop func()) {
	l := &h.looks
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*func(Heard)]struct{}{}
	}
	l.all[&hear] = struct{}{}
	l.n.Add(1)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, &hear)
		l.n.Add(-1)
	})
}

// show shows what was heard to who looks.
func (h *Hub) show(x Heard) {
	if h.looks.n.Load() == 0 {
		return
	}
	h.looks.mu.RLock()
	defer h.looks.mu.RUnlock()
	for hear := range h.looks.all {
		(*hear)(x)
	}
}

// Wire shows bytes of a bus's line to who looks.
func (h *Hub) Wire(bus string, sent bool, b []byte) {
	if h.looks.n.Load() > 0 {
		h.show(Heard{At: time.Now(), Bus: bus, Wire: b, Sent: sent})
	}
}

// Strangers returns who was heard by a bus and is no sensor of it, by what the driver calls
// them.
func (h *Hub) Strangers(bus string) map[string]driver.Stranger {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.buses[bus]
	if b == nil {
		return nil
	}
	all := b.others.All()
	for id, s := range b.Driver.State().Strangers {
		if all == nil {
			all = map[string]driver.Stranger{}
		}
		all[id] = s
	}
	return all
}
