package broker

import (
	"sync"
	"sync/atomic"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// retaining keeps what retains a message and what looks for retained ones apart: mochi
// v2.7.9 writes the former without a lock that the latter takes (topics.go, RetainMessage and
// scanMessages). Its hooks are called at both ends of each: a message is retained between OnPublish
// and OnRetainMessage, and looked for between OnPacketSent of a SUBACK and OnPacketProcessed. Nothing
// in between waits for a client.
type retaining struct {
	mu      sync.RWMutex
	holder  atomic.Pointer[mochi.Client] // of mu, for writing
	readers sync.Map                     // *mochi.Client that hold mu for reading
}

// begin is called at the end of OnPublish.
func (r *retaining) begin(cl *mochi.Client, pk packets.Packet) {
	if pk.FixedHeader.Retain {
		r.mu.Lock()
		r.holder.Store(cl)
	}
}

// end is called by OnRetainMessage, for last wills too, which did not begin.
func (r *retaining) end(cl *mochi.Client) {
	if r.holder.CompareAndSwap(cl, nil) {
		r.mu.Unlock()
	}
}

// OnPacketSent is part of mochi's Hook.
func (h *hook) OnPacketSent(cl *mochi.Client, pk packets.Packet, _ []byte) {
	if pk.FixedHeader.Type == packets.Suback {
		h.retaining.mu.RLock()
		h.retaining.readers.Store(cl, nil)
	}
}

// OnPacketProcessed is part of mochi's Hook.
func (h *hook) OnPacketProcessed(cl *mochi.Client, pk packets.Packet, _ error) {
	if pk.FixedHeader.Type != packets.Subscribe {
		return
	}
	if _, held := h.retaining.readers.LoadAndDelete(cl); held {
		h.retaining.mu.RUnlock()
	}
}
