package driver

import (
	"maps"
	"time"
)

// MaxStrangers is how many strangers are kept. Beyond it the one that was heard longest ago is
// forgotten, as senders on the air can call themselves anything.
const MaxStrangers = 32

// Stranger is a sender that was heard and that nobody knows: what it says of itself has not
// been verified.
type Stranger struct {
	Heard time.Time // last
	Count uint64    // how often
	// The last Message of it, as far as it can be read without its keys.
	Message Message
}

// Strangers are those that were heard last, by what they call themselves. The zero value is
// empty and ready.
type Strangers struct{ all map[string]Stranger }

// Add notes that m was heard of a stranger.
func (s *Strangers) Add(m Message) {
	if s.all == nil {
		s.all = map[string]Stranger{}
	}
	one, known := s.all[m.Device]
	if !known && len(s.all) >= MaxStrangers {
		oldest := m.Device
		for d, o := range s.all {
			if oldest == m.Device || o.Heard.Before(s.all[oldest].Heard) {
				oldest = d
			}
		}
		delete(s.all, oldest)
	}
	one.Heard, one.Message = m.At, m
	if one.Heard.IsZero() {
		one.Heard = time.Now()
	}
	one.Count++
	s.all[m.Device] = one
}

// All returns a copy.
func (s *Strangers) All() map[string]Stranger { return maps.Clone(s.all) }

// Stranger notes a message of a sender that the driver was not told of.
func (t *Tracker) Stranger(m Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Discarded++
	t.strangers.Add(m)
}
