package driver

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// Phase is how a driver, or one device behind it, is doing.
type Phase string

// The phases. Devices are online, silent or failed.
const (
	Loaded    Phase = "loaded"    // made, not yet run
	Skipped   Phase = "skipped"   // what it needs is not on this machine
	Failed    Phase = "failed"    // cannot go on; a device: answers, but with errors
	Silent    Phase = "silent"    // the port is open, and nothing valid is heard
	Online    Phase = "online"    // valid messages arrive
	Refused   Phase = "refused"   // a password is not taken, on one side or the other; of sources of calls
	Unplugged Phase = "unplugged" // the port, or the server, is away
	Stopped   Phase = "stopped"   // ended by its context or by Halt
)

// Status is a phase with its history.
type Status struct {
	Phase Phase
	// Reason is why, in English, for a technician. It holds no secret. It is
	// empty while Online.
	Reason string
	// Since is when the phase began.
	Since time.Time
	// Heard is when the last valid message came; zero if none has.
	Heard time.Time
}

// Counts only grow.
type Counts struct {
	Messages  uint64 // valid payloads handed on
	Rejected  uint64 // frames dropped: checksum, message code, replay, malformed
	Noise     uint64 // bytes that belonged to no frame
	Timeouts  uint64 // requests without an answer
	Opened    uint64 // times that the port was opened
	Discarded uint64 // valid frames of senders that nobody knows, or beyond a limit
}

// State is how a driver is doing, with each device that it has heard of.
type State struct {
	Status
	// Devices are by Message.Device. One dead device on a bus does not change
	// the driver's own phase.
	Devices map[string]Status
	Counts  Counts
	// Strangers are senders that the driver was not told of, by Message.Device, at most
	// MaxStrangers; nil of a driver that hands everybody's messages on, or cannot tell.
	Strangers map[string]Stranger
}

// MaxDevices is how many devices a Tracker keeps. Beyond it the one that was
// heard longest ago is forgotten, as senders on the air can call themselves anything.
const MaxDevices = 4096

// Tracker keeps a driver's State. The zero value is Loaded. Drivers embed it.
type Tracker struct {
	mu        sync.Mutex
	status    Status
	counts    Counts
	devices   map[string]Status
	strangers Strangers
}

// State returns a copy of the state.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := State{Status: t.status, Devices: maps.Clone(t.devices), Counts: t.counts, Strangers: t.strangers.All()}
	if s.Phase == "" {
		s.Phase = Loaded
	}
	return s
}

// Enter sets the driver's phase. Since stays if the phase was the same.
func (t *Tracker) Enter(p Phase, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.enter(p, reason)
}

// Opened says that the port is open, and nothing heard yet.
func (t *Tracker) Opened() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Opened++
	t.status.enter(Silent, "open, nothing heard yet")
}

// Heard says that a valid message of a device was handed on: driver and device
// are online.
func (t *Tracker) Heard(device string) { t.HeardBut(device, "") }

// HeardBut is Heard of a device that has a fault all the same, for instance since it
// refuses other questions. It is Heard if the fault is empty.
func (t *Tracker) HeardBut(device, fault string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Messages++
	t.status.enter(Online, "")
	t.status.Heard = now
	s := t.devices[device]
	if fault == "" {
		s.enter(Online, "")
	} else {
		s.enter(Failed, fault)
	}
	s.Heard = now
	t.keep(device, s)
}

// Device sets the phase of one device.
func (t *Tracker) Device(device string, p Phase, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.devices[device]
	s.enter(p, reason)
	t.keep(device, s)
}

// Count changes the counts.
func (t *Tracker) Count(change func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.counts)
}

// Ended says that Run has returned err, and returns it.
func (t *Tracker) Ended(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrHalted):
		t.Enter(Stopped, "")
	case errors.Is(err, ErrSkipped):
		t.Enter(Skipped, err.Error())
	default:
		t.Enter(Failed, err.Error())
	}
	return err
}

// keep stores a device's status, in place of the one that was heard longest ago if
// there are too many. t.mu is held.
func (t *Tracker) keep(device string, s Status) {
	if t.devices == nil {
		t.devices = map[string]Status{}
	}
	if _, known := t.devices[device]; !known && len(t.devices) >= MaxDevices {
		oldest := ""
		first := true
		for d, o := range t.devices {
			if first || o.Heard.Before(t.devices[oldest].Heard) {
				oldest, first = d, false
			}
		}
		delete(t.devices, oldest)
	}
	t.devices[device] = s
}

func (s *Status) enter(p Phase, reason string) {
	if s.Phase != p || s.Since.IsZero() {
		s.Since = time.Now()
	}
	s.Phase, s.Reason = p, reason
}
