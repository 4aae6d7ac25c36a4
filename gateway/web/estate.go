package web

import (
	"context"
	"time"
)

// Field is the sensors, buses, outputs and areas of the box, as the page looks at them and tries
// them.
type Field interface {
	// Estate returns how all of them are.
	Estate() Estate
	// Look has hear be told of what comes by buses until stop is called. hear does not wait.
	Look(hear func(Heard)) (stop func())
	// Switch turns an output on for a while, or off, and returns when the device has obeyed.
	// ErrNoDevice: there is no such output.
	Switch(ctx context.Context, output string, on bool, span time.Duration, who string) error
	// Arm arms or disarms an area; ErrNoDevice if there is no such area.
	Arm(ctx context.Context, area string, on bool) error
	// Ports returns the serial ports of the box by names that they have again.
	Ports() []string
}

// Estate is how sensors, buses and outputs are, without words.
type Estate struct {
	At      time.Time
	Devices []DeviceState
	Armed   map[string]bool // by area
}

// DeviceState is a sensor, a bus or an output.
type DeviceState struct {
	Device
	Heard     time.Time
	Readings  map[string]any // float64 or string, by quantity
	Stale     bool           // Readings are too old
	Event     *EventState    // the last
	RSSI, SNR *float64       // dBm, dB

	// Of a bus.
	Messages, Rejected, Noise, Timeouts uint64
	Strangers                           []Stranger
}

// EventState is a moment that a sensor told of.
type EventState struct {
	Quantity string
	Number   float64
	Text     string
	At       time.Time
}

// Stranger is a sender that nobody knows. What it says has not been verified.
type Stranger struct {
	Address string // as its bus calls it
	Heard   time.Time
	Count   uint64
	Payload Payload
}

// Payload is a message as a driver hands it on.
type Payload struct {
	Section   string
	Port      int
	Data      []byte
	Values    map[string]any
	RSSI, SNR *float64
}

// Heard is what came by a bus: a message, or bytes of its line.
type Heard struct {
	At      time.Time
	Bus     string
	Address string
	Payload Payload
	Read    []ReadState
	Wire    []byte // as they were on the line, framing and all; nil of a message
	Sent    bool   // they went
}

// ReadState is what a sensor made of a message.
type ReadState struct {
	Sensor string
	Values []ValueState
	Err    error // why it means nothing
}

// ValueState is one value of a message.
type ValueState struct {
	Quantity   string
	Number     float64
	Text       string
	Impossible bool // outside of what the profile allows
}
