// Package health says how the gateway is doing, in numbers.
package health

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// Report is one sample, as it is published on metrics. Counters only grow, from
// the start of the program.
type Report struct {
	At         alert.Time        `json:"at"`
	Uptime     float64           `json:"uptime_seconds"`
	OpenAlerts int               `json:"open_alerts"`
	Outbox     map[string]Lane   `json:"outbox"` // by lane
	Cameras    map[string]Camera `json:"cameras"`
}

// Lane is what waits in a lane of the outbox.
type Lane struct {
	Depth   int     `json:"depth"`
	Age     float64 `json:"oldest_seconds"`
	Dropped uint64  `json:"dropped"`
}

// Camera is what one camera has done.
type Camera struct {
	AccessUnits    uint64 `json:"access_units"`
	Bytes          uint64 `json:"bytes"`
	PacketsLost    uint64 `json:"packets_lost"`
	Reconnects     uint64 `json:"reconnects"`
	Decoded        uint64 `json:"decoded"`
	Analysed       uint64 `json:"analysed"`
	Damaged        uint64 `json:"damaged"`
	Skipped        uint64 `json:"skipped"`
	VisionRestarts uint64 `json:"vision_restarts"`
	EventsLost     uint64 `json:"events_lost"`
}

// Monitor samples the parts of a running gateway.
type Monitor struct {
	Store   *store.Store
	Outbox  *outbox.Box
	Cameras map[string]*camera.Camera
	Now     func() time.Time
	Started time.Time
}

// Sample returns a report, encoded.
func (m *Monitor) Sample(ctx context.Context) ([]byte, error) {
	now := m.Now()
	r := Report{
		At: alert.Time{Time: now}, Uptime: time.Since(m.Started).Round(time.Second).Seconds(),
		Outbox: map[string]Lane{}, Cameras: map[string]Camera{},
	}
	var err error
	if r.OpenAlerts, err = m.Store.OpenCount(ctx); err != nil {
		return nil, err
	}
	for l := range outbox.Lane(outbox.Lanes) {
		n, oldest, err := m.Outbox.Depth(ctx, l)
		if err != nil {
			return nil, err
		}
		lane := Lane{Depth: n, Dropped: m.Outbox.Dropped(l)}
		if n > 0 {
			lane.Age = max(now.Sub(oldest), 0).Round(time.Second).Seconds()
		}
		r.Outbox[l.String()] = lane
	}
	for id, c := range m.Cameras {
		n := c.Counts()
		r.Cameras[id] = Camera{
			AccessUnits: n.Stream.AccessUnits, Bytes: n.Stream.Bytes, PacketsLost: n.Stream.PacketsLost, Reconnects: n.Stream.Reconnects,
			Decoded: n.Decoded, Analysed: n.Analysed, Damaged: n.Damaged + n.Stream.Damaged, Skipped: n.Skipped,
			VisionRestarts: n.Restarts, EventsLost: n.EventsLost,
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the health report: %w", err)
	}
	return b, nil
}
