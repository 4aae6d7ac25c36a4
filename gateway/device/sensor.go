package device

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sentrybox/gateway/deliver"
	"sentrybox/gateway/rule"
)

const (
	badLimit    = 8                // messages without a meaning, one after the other, until a sensor counts as faulty
	floodMemory = time.Minute      // how long a flood counts after it has ended
	saveEvery   = time.Hour        // how often it is noted who was heard
	graceMost   = 10 * time.Minute // that a sensor gets after a start, if it was heard long ago
)

// Message is what a sensor has sent, decoded.
type Message struct {
	Values []Value
	Err    error // why it means nothing
	// RSSI in dBm and SNR in dB; nil if unknown.
	RSSI, SNR *float64
}

// Counts only grow.
type Counts struct {
	Messages   uint64 // taken
	Readings   uint64 // values used
	Impossible uint64 // values outside of what the profile allows
	Rejected   uint64 // messages that mean nothing
	Limited    uint64 // messages dropped since they were too many
}

// sensor is a Sensor as it is now. All of it is guarded by the Hub's mu.
type sensor struct {
	Sensor
	counts    Counts
	values    map[string]rule.Reading
	lastEvent Event
	heard     time.Time // of a message with a meaning; zero if none was
	deadline  time.Time // when it counts as silent; zero for never
	rssi, snr *float64
	tokens    float64 // see Rate
	filled    time.Time
	limitedAt time.Time // of the last message that was dropped
	bad       int       // messages without a meaning, one after the other
	why       string    // the last of them had none
	stale     bool      // its readings are unknown
	told      State

	silent, faulty *alarm
	battery        []*alarm // of its battery
}

func newSensor(s Sensor, heard, now time.Time) *sensor {
	if s.SilentSeverity == 0 {
		s.SilentSeverity = 3
	}
	r := &sensor{Sensor: s, values: map[string]rule.Reading{}, tokens: Burst, filled: now}
	r.silent = &alarm{Rule: Rule{ID: "silence/" + s.ID, Sensor: s.ID, Kind: Silence, Grid: s.Grid, Severity: s.SilentSeverity, Closes: true}}
	r.faulty = &alarm{Rule: Rule{ID: "fault/" + s.ID, Sensor: s.ID, Kind: Fault, Grid: s.Grid, Severity: 3, Closes: true}}
	if s.Silent > 0 {
		r.deadline = now.Add(s.Silent)
		// A sensor that speaks once a day must be missed even if the box is restarted
		// every night.
		if left := s.Silent - now.Sub(heard); !heard.IsZero() && heard.Before(now) {
			r.deadline = now.Add(max(left, min(s.Silent, graceMost)))
		}
	}
	return r
}

// limited takes a token from the sensor's bucket, and is true if there is none.
func (s *sensor) limited(now time.Time) bool {
	s.tokens = min(s.tokens+now.Sub(s.filled).Seconds()*Rate, Burst)
	s.filled = now
	if s.tokens < 1 {
		s.counts.Limited++
		s.limitedAt = now
		return true
	}
	s.tokens--
	return false
}

// take takes a message of a sensor.
func (h *Hub) take(s *sensor, m Message, now time.Time) {
	if !s.Asked && s.limited(now) {
		h.lookAt(s, now)
		return
	}
	s.counts.Messages++
	used, why := 0, m.Err
	for _, v := range m.Values {
		q, ok := s.quantity(v.Quantity)
		switch {
		case !ok:
		case v.Impossible || q.Bounded && v.Text == "" && (v.Number < q.Least || v.Number > q.Most):
			s.counts.Impossible++
			why = fmt.Errorf("%s of %v is impossible", q.Name, rounded(v.Number))
		default:
			used++
			s.counts.Readings++
			h.put(s, q, v, now)
		}
	}
	if used == 0 && why != nil {
		s.counts.Rejected++
		s.bad++
		s.why = why.Error()
		h.lookAt(s, now)
		return
	}
	s.bad, s.stale, s.heard = 0, false, now
	if m.RSSI != nil {
		s.rssi, s.snr = m.RSSI, m.SNR
	}
	if s.Silent > 0 {
		s.deadline = now.Add(s.Silent)
	}
	h.lookAt(s, now)
}

// lookAt brings the state of a sensor up to date.
func (h *Hub) lookAt(s *sensor, now time.Time) {
	b := h.buses[s.Bus]
	away := b != nil && b.gone
	silent := !s.deadline.IsZero() && !now.Before(s.deadline)
	if silent && !s.stale {
		s.stale = true
		h.forget(s, now)
	}
	flood := !s.limitedAt.IsZero() && now.Sub(s.limitedAt) < floodMemory
	switch {
	case !silent:
		h.set(s.silent, false, now)
	case !away: // else the bus is told, and not each of its sensors
		h.set(s.silent, true, now)
	}
	if flood || s.bad >= badLimit || s.bad == 0 {
		h.set(s.faulty, flood || s.bad >= badLimit, now)
	}
	h.tell(s, now)
}

// readHeard reads when sensors were heard in earlier runs.
func (h *Hub) readHeard(ctx context.Context) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	err := each(ctx, h.Store, "read when sensors were heard", `SELECT sensor, at FROM device_heard`, func(scan func(...any) error) error {
		var id string
		var at int64
		err := scan(&id, &at)
		all[id] = time.UnixMilli(at)
		return err
	})
	return all, err
}

func (h *Hub) saveDue(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.saved.IsZero() {
		h.saved = now
	}
	return now.Sub(h.saved) >= saveEvery
}

// saveHeard notes when sensors were heard, once an hour and at the end: more often would
// only wear out the flash.
func (h *Hub) saveHeard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deliver.LastTry)
	defer cancel()
	h.mu.Lock()
	h.saved = time.Now()
	heard := map[string]time.Time{}
	for id, s := range h.sensors {
		if s.Silent > 0 && !s.heard.IsZero() {
			heard[id] = s.heard
		}
	}
	h.mu.Unlock()
	err := h.Store.Tx(ctx, func(tx *sql.Tx) error {
		for id, at := range heard {
			_, err := tx.ExecContext(ctx, `INSERT INTO device_heard (sensor, at) VALUES (?, ?)
				ON CONFLICT (sensor) DO UPDATE SET at = excluded.at`, id, at.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.Log.Error("it is not noted when sensors were heard", "error", err)
	}
}
