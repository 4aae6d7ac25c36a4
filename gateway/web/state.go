package web

import (
	"context"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/health"
)

// Gateway is what the page shows and asks of the gateway that it belongs to.
type Gateway interface {
	// State returns how everything is.
	State(ctx context.Context) (State, error)
	// Answer carries out what somebody says of an alert; alert.ErrInvalid if it cannot.
	Answer(ctx context.Context, id string, a alert.Answer) error
	// Picture returns the JPEG of an alert, nil if there is none.
	Picture(ctx context.Context, id string) ([]byte, error)
}

// State is how everything is, without words.
type State struct {
	At       time.Time
	Gateway  string
	Started  time.Time
	ClockSet bool
	Disk     string // a store.DiskState
	Vitals   health.Vitals
	Cameras  []Camera
	Devices  []Device
	Uplinks  []Uplink
	Lanes    []Lane
	// Delay is the median and the 95th percentile of the time from an alert to its
	// acknowledgement by the broker, by the histogram's bounds; 0 without any.
	Delay95, Delay50 time.Duration
	Alerts           []alert.Alert // open ones, the newest first
	OpenAlerts       int           // of which Alerts are all of severity 1 and 2, and the newest
}

// Camera is how a camera is doing.
type Camera struct {
	ID, Grid      string
	Phase         string // a camera.Phase
	Since         time.Time
	Reason        string
	Detector      string // why the people detector is not used
	Codec         string
	Width, Height int
	FPS           float64
	Rules         int // that it may raise alerts by
}

// Device is how a sensor, a bus or an output is doing.
type Device struct {
	ID, Name string
	Type     string // sensor, bus or output
	Phase    string // a device.Phase
	Since    time.Time
	Reason   string
	Readings map[string]any    // what it measured last: a float64 or a string each; none if that is too old
	Units    map[string]string // of those without a profile
}

// Uplink is how a way out is doing.
type Uplink struct {
	Name   string
	Phase  string // an mqtt.Phase, or an mqtt.Contest if there is one
	Since  time.Time
	Reason string
	Month  uint64 // bytes, both ways
}

// Lane is what waits for the uplink.
type Lane struct {
	Name    string // an outbox.Lane
	Depth   int
	Bytes   int64
	Oldest  time.Time
	Dropped uint64
}
