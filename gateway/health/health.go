// Package health says how the gateway is doing, in numbers.
package health

import (
	"context"
	"time"

	"sentrybox/gateway/camera"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/spool"
)

// Monitor samples the parts of a running gateway.
type Monitor struct {
	Store   *store.Store
	Outbox  *outbox.Box
	Cameras func() map[string]*camera.Camera // none when nil
	Uplinks func() []Uplink                  // none when nil
	Now     func() time.Time
	Started time.Time
	// More adds points of further parts; nil for none.
	More func(ctx context.Context, add func(labels map[string]string, name string, v float64)) error

	Delivery, Decision Histogram // see HistogramHelp
}

// Uplink is how one way out is doing.
type Uplink struct {
	Name           string
	Phase          string // an mqtt.Phase
	Online         bool   // in use
	Refused        bool   // password or certificate
	Sent, Received uint64 // bytes on the line since the start, protocol included
	Month          uint64 // bytes on the line in this month, both ways
	Budget         string // a budget.Level
}

// Points returns a sample of everything: what Metrics lists, and the histograms as
// _bucket with the label le, _sum and _count.
func (m *Monitor) Points(ctx context.Context) ([]spool.Point, error) {
	all, err := m.sample(ctx)
	if err != nil {
		return nil, err
	}
	now := m.Now()
	for name, h := range map[string]*Histogram{Delivery: &m.Delivery, Decision: &m.Decision} {
		buckets, count, sum := h.Snapshot()
		if count == 0 {
			continue
		}
		for b, n := range buckets {
			all = append(all, spool.Point{Name: name + "_bucket", Labels: map[string]string{"le": le(b)}, Value: float64(n), Time: now})
		}
		all = append(all, spool.Point{Name: name + "_bucket", Labels: map[string]string{"le": "+Inf"}, Value: float64(count), Time: now},
			spool.Point{Name: name + "_sum", Value: sum, Time: now}, spool.Point{Name: name + "_count", Value: float64(count), Time: now})
	}
	return all, nil
}

// sample returns what Metrics lists.
func (m *Monitor) sample(ctx context.Context) ([]spool.Point, error) {
	now := m.Now()
	var all []spool.Point
	add := func(labels map[string]string, name string, v float64) {
		all = append(all, spool.Point{Name: name, Labels: labels, Value: v, Time: now})
	}
	add(nil, "gateway_uptime_seconds", time.Since(m.Started).Round(time.Second).Seconds())
	ReadProcess("/").points(add)
	open, err := m.Store.OpenCount(ctx)
	if err != nil {
		return nil, err
	}
	add(nil, "alerts_open", float64(open))
	lanes, err := m.Outbox.Stats(ctx)
	if err != nil {
		return nil, err
	}
	for l, s := range lanes {
		sampleLane(add, outbox.Lane(l), s, now)
	}
	if m.Uplinks != nil {
		for _, u := range m.Uplinks() {
			sampleUplink(add, &u)
		}
	}
	if m.Cameras != nil {
		for id, c := range m.Cameras() {
			sampleCamera(add, id, c)
		}
	}
	if m.More != nil {
		if err := m.More(ctx, add); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// addPoint takes a figure that is sampled.
type addPoint = func(labels map[string]string, name string, v float64)

func sampleLane(add addPoint, l outbox.Lane, s outbox.LaneStats, now time.Time) {
	lane := map[string]string{"lane": l.String()}
	add(lane, "outbox_depth", float64(s.Depth))
	add(lane, "outbox_bytes", float64(s.Bytes))
	age := 0.0
	if !s.Oldest.IsZero() {
		age = max(now.Sub(s.Oldest), 0).Round(time.Second).Seconds()
	}
	add(lane, "outbox_oldest_seconds", age)
	add(lane, "outbox_dropped", float64(s.Dropped))
	if l == outbox.Metrics {
		add(lane, "outbox_folded", float64(s.Folded))
	}
}

func sampleUplink(add addPoint, u *Uplink) {
	up := map[string]string{"uplink": u.Name}
	add(up, "uplink_online", flag(u.Online))
	add(up, "uplink_refused", flag(u.Refused))
	add(up, "uplink_sent_bytes", float64(u.Sent))
	add(up, "uplink_received_bytes", float64(u.Received))
	add(up, "uplink_month_bytes", float64(u.Month))
}

func sampleCamera(add addPoint, id string, c *camera.Camera) {
	n, cam := c.Counts(), map[string]string{"camera": id}
	add(cam, "camera_online", flag(c.State().Phase == "online"))
	add(cam, "camera_access_units", float64(n.Stream.AccessUnits))
	add(cam, "camera_bytes", float64(n.Stream.Bytes))
	add(cam, "camera_packets_lost", float64(n.Stream.PacketsLost))
	add(cam, "camera_reconnects", float64(n.Stream.Reconnects))
	add(cam, "camera_decoded", float64(n.Decoded))
	add(cam, "camera_analysed", float64(n.Analysed))
	add(cam, "camera_damaged", float64(n.Damaged+n.Stream.Damaged))
	add(cam, "camera_skipped", float64(n.Skipped))
	add(cam, "camera_lag_seconds", c.Lag().Seconds())
	add(cam, "camera_rate", c.State().Rate(fullRate))
	add(cam, "camera_kept_seconds", c.Kept().Seconds())
	add(cam, "camera_vision_restarts", float64(n.Restarts))
	add(cam, "camera_vision_starved", float64(n.Starved))
	add(cam, "camera_events_lost", float64(n.EventsLost))
	add(cam, "camera_confirmations", float64(n.Asked))
	add(cam, "camera_confirmations_over_budget", float64(n.Unasked))
}

// fullRate is how many pictures a second are analysed when the box is not too slow.
const fullRate = 8

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
