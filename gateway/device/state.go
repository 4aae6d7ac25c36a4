package device

import (
	"reflect"
	"slices"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/alert"
)

// Phase is how a sensor, a bus or an output is doing.
type Phase string

// The phases.
const (
	Waiting    Phase = "waiting" // nothing was heard of it since the start
	Online     Phase = "online"
	LowBattery Phase = "low_battery"
	Silent     Phase = "silent"
	Faulty     Phase = "fault"
	Away       Phase = "unplugged" // the port, or the server, of its bus is away
	Off        Phase = "off"       // of outputs
	On         Phase = "on"
)

// State is a sensor, a bus or an output as it is now.
type State struct {
	ID, Type, Name, Grid, Profile, Bus string // Type is sensor, bus or output
	Phase                              Phase
	Reason                             string
	Since                              time.Time
	Heard                              time.Time // zero if it was not
	Values                             map[string]any
	Units                              map[string]string
	Event                              *Event // the last
	RSSI, SNR                          *float64
	Stale                              bool // Values are too old
}

// Event is a moment that a sensor has told of.
type Event struct {
	Sensor   string
	Quantity string
	Value    float64
	Text     string
	At       time.Time
}

// phase says how a sensor is doing: the worst of what is so.
func (h *Hub) phase(s *sensor, now time.Time) (Phase, string) {
	b := h.buses[s.Bus]
	switch {
	case b != nil && b.gone:
		return Away, b.reason
	case s.faulty.active && now.Sub(s.limitedAt) < floodMemory:
		return Faulty, "sends too much"
	case s.faulty.active:
		return Faulty, s.why
	case s.silent.active:
		return Silent, "nothing heard for " + s.Silent.String()
	}
	if b != nil && s.Device != "" {
		if p, reason := b.device(s.Device); p != "" {
			return p, reason
		}
	}
	switch {
	case s.heard.IsZero():
		return Waiting, ""
	case s.lowBattery():
		return LowBattery, ""
	}
	return Online, ""
}

// lowBattery says whether an alarm about the sensor's battery is raised.
func (s *sensor) lowBattery() bool {
	return slices.ContainsFunc(s.battery, func(a *alarm) bool { return a.active })
}

// tell publishes a sensor's state if its phase has changed.
func (h *Hub) tell(s *sensor, now time.Time) {
	phase, reason := h.phase(s, now)
	if s.told.Phase == phase && s.told.Reason == reason {
		return
	}
	since := s.told.Since
	if s.told.Phase != phase {
		since = now
	}
	s.told = State{Phase: phase, Reason: reason, Since: since}
	if h.OnState != nil {
		h.OnState(h.state(s))
	}
}

// state is a sensor with all that is known of it.
func (h *Hub) state(s *sensor) State {
	st := s.told
	st.ID, st.Type, st.Name, st.Grid, st.Profile, st.Bus = s.ID, "sensor", s.Name, s.Grid, s.Profile, s.Bus
	st.Heard, st.RSSI, st.SNR, st.Stale = s.heard, s.rssi, s.snr, s.stale
	st.Values, st.Units = map[string]any{}, map[string]string{}
	for name, r := range s.values {
		st.Values[name] = rounded(r.Value)
		if r.Text != "" {
			st.Values[name] = alert.Printable(r.Text, maxText)
		}
		if q, ok := s.quantity(name); ok && q.Unit != "" {
			st.Units[name] = q.Unit
		}
	}
	if s.lastEvent != (Event{}) {
		e := s.lastEvent
		st.Event = &e
	}
	return st
}

// States returns every sensor, bus and output as it is now.
func (h *Hub) States() []State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stateList()
}

// stateList is States with mu held.
func (h *Hub) stateList() []State {
	var all []State
	for _, s := range h.Sensors {
		all = append(all, h.state(h.sensors[s.ID]))
	}
	for _, b := range h.Buses {
		all = append(all, h.buses[b.ID].state())
	}
	for _, o := range h.outputs.list() {
		all = append(all, o.state())
	}
	return all
}

// Counts returns what has been counted of each sensor.
func (h *Hub) Counts() map[string]Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[string]Counts, len(h.sensors))
	for id, s := range h.sensors {
		all[id] = s.counts
	}
	return all
}

// BusCounts returns what the drivers have counted, by bus, and how many messages came of
// senders that are no sensor of ours.
func (h *Hub) BusCounts() map[string]BusCounts {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[string]BusCounts, len(h.buses))
	for id, b := range h.buses {
		all[id] = BusCounts{b.Driver.State().Counts, b.unknown}
	}
	return all
}

// BusCounts is what is counted of a bus.
type BusCounts struct {
	driver.Counts
	Unknown uint64
}

// Lost returns how many alarms were given up before they were durable.
func (h *Hub) Lost() uint64 { return h.deliver.LostSoFar() }

// Same says whether two states differ in nothing but their times.
func Same(a, b State) bool {
	a.Since, a.Heard, b.Since, b.Heard = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return reflect.DeepEqual(a, b)
}
