package health

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"sentrybox/gateway/payload"
)

const (
	maxReadings   = 1000
	maxQuantity   = 64        // bytes
	readingsFresh = time.Hour // older ones are no reading of now
)

// Readings keeps the newest readings of sensors that publish at the local broker:
// a number on sensors/{device}/{quantity}, or a JSON object of numbers and
// booleans on sensors/{device}. What is neither is passed over.
type Readings struct {
	mu   sync.Mutex
	last map[[2]string]reading // guarded by mu: by device and quantity
}

type reading struct {
	value float64
	own   bool // on a topic of its own
	at    time.Time
}

// Take takes a message, by its topic below the prefix.
func (r *Readings) Take(topic string, data []byte, now time.Time) {
	parts := strings.Split(topic, "/")
	switch {
	case len(parts) == 3 && parts[0] == "sensors":
		if v, ok := payload.Number(string(data)); ok {
			r.put(parts[1], parts[2], true, v, now)
		}
	case len(parts) == 2 && parts[0] == "sensors":
		var all map[string]any
		if json.Unmarshal(data, &all) != nil {
			return
		}
		for quantity, v := range all {
			switch x := v.(type) {
			case float64:
				r.put(parts[1], quantity, false, x, now)
			case bool:
				r.put(parts[1], quantity, false, flag(x), now)
			}
		}
	}
}

func (r *Readings) put(device, quantity string, own bool, v float64, now time.Time) {
	if device == "" || quantity == "" || len(quantity) > maxQuantity {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[[2]string]reading{}
	}
	key := [2]string{device, quantity}
	if _, there := r.last[key]; !there && len(r.last) >= maxReadings {
		for k, old := range r.last {
			if now.Sub(old.at) > readingsFresh {
				delete(r.last, k)
			}
		}
		if len(r.last) >= maxReadings {
			return
		}
	}
	r.last[key] = reading{v, own, now}
}

// Each calls f with every reading that is fresh. own says that it was published on
// a topic of its own. f must not call the Readings.
func (r *Readings) Each(now time.Time, f func(device, quantity string, own bool, v float64)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, v := range r.last {
		if now.Sub(v.at) <= readingsFresh {
			f(k[0], k[1], v.own, v.value)
		}
	}
}
