package radio

import (
	"slices"
	"time"

	"sentrybox/drivers/call"
)

// Entry is a call or another event, for people. Names are those of the configuration; what only
// the air or the line says stands in Text.
type Entry struct {
	System   string    `json:"system"`
	Kind     call.Kind `json:"kind"` // begin for a call
	At       time.Time `json:"at"`
	From     string    `json:"from,omitempty"`
	FromName string    `json:"from_name,omitempty"`
	Place    string    `json:"place,omitempty"` // of From
	To       string    `json:"to,omitempty"`
	ToName   string    `json:"to_name,omitempty"`
	Private  bool      `json:"private,omitempty"`
	Station  string    `json:"station,omitempty"`
	Channel  string    `json:"channel,omitempty"`
	Active   bool      `json:"active,omitempty"` // of what begins and ends; a call goes on
	Seconds  float64   `json:"seconds,omitempty"`
	Lost     bool      `json:"lost,omitempty"` // the call broke off
	Urgent   bool      `json:"urgent,omitempty"`
	Digits   string    `json:"digits,omitempty"`
	Text     string    `json:"text,omitempty"`
	Input    string    `json:"input,omitempty"`
	Lat      *float64  `json:"lat,omitempty"`
	Lon      *float64  `json:"lon,omitempty"`
	RSSI     *float64  `json:"rssi,omitempty"`
	Alert    string    `json:"alert,omitempty"` // kind of the alert that it is, or was part of
}

// recent keeps the newest entries. It is guarded by the Hub's mu.
type recent struct {
	ring  [maxEntries]Entry
	next  uint64            // of all there ever were
	calls map[string]uint64 // that go on, by system and call: their entry
}

// add keeps an entry and returns it.
func (r *recent) add(e Entry) *Entry {
	at := &r.ring[r.next%maxEntries]
	*at = e
	r.next++
	return at
}

// begin keeps a call that goes on. Of too many it forgets the oldest.
func (r *recent) begin(key string, e Entry) *Entry {
	if len(r.calls) >= maxCalls {
		oldest, first := "", r.next
		for k, n := range r.calls {
			if n < first {
				oldest, first = k, n
			}
		}
		delete(r.calls, oldest)
	}
	r.calls[key] = r.next
	return r.add(e)
}

// end notes that a call is over.
func (r *recent) end(key string, e call.Event) {
	n, ok := r.calls[key]
	delete(r.calls, key)
	if !ok || r.next-n > maxEntries {
		return
	}
	at := &r.ring[n%maxEntries]
	at.Active, at.Lost = false, e.Lost
	at.Seconds = max(e.At.Sub(at.At).Round(100*time.Millisecond).Seconds(), 0)
}

// named adds what a caller says of itself in the middle of a call.
func (r *recent) named(key, text string) {
	if n, ok := r.calls[key]; ok && r.next-n <= maxEntries {
		r.ring[n%maxEntries].Text = text
	}
}

// Recent returns the newest calls and other events, the newest first.
func (h *Hub) Recent() []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(h.recent.next, maxEntries)
	all := make([]Entry, 0, n)
	for i := range n {
		all = append(all, h.recent.ring[(h.recent.next-1-i)%maxEntries])
	}
	return slices.Clip(all)
}
