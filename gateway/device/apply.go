package device

import (
	"context"
	"reflect"
	"slices"
	"time"

	"sentrybox/gateway/rule"
)

// Apply makes the sensors, rules, buses, outputs, areas and the location those of c; the rest
// of c is not looked at. What is the same as before goes on as it was; what is another is
// begun anew, after the old one has ended. Alarms of rules that are no more are over.
func (h *Hub) Apply(ctx context.Context, c Config) {
	h.applying.Lock()
	defer h.applying.Unlock()
	armed, err := h.readArmed(ctx, c.areas())
	if err != nil { // who does not know guards
		h.Log.Error("areas that are new here are armed", "error", err)
	}
	h.endOutputs(c.Outputs) // while their buses still run
	h.endBuses(c.Buses)
	h.mu.Lock()
	now := time.Now()
	h.install(c, armed, nil, now)
	for _, a := range h.alarms {
		h.follow(a, now)
	}
	h.mu.Unlock()
	h.begin()
}

// endOutputs ends the outputs that are not the same in the list, and endBuses the buses.
func (h *Hub) endOutputs(list []Output) {
	var ending []*output
	for _, o := range h.outputs.list() {
		if !slices.ContainsFunc(list, func(c Output) bool { return c.ID == o.ID && o.same(c) }) {
			ending = append(ending, o)
			if o.stop != nil {
				o.stop()
			}
		}
	}
	for _, o := range ending {
		o.halt()
	}
}

func (h *Hub) endBuses(list []Bus) {
	var ending []*bus
	for _, b := range h.buses {
		if !slices.ContainsFunc(list, func(c Bus) bool { return c.ID == b.ID && b.same(c) }) {
			ending = append(ending, b)
			if b.stop != nil {
				b.stop()
			}
		}
	}
	for _, b := range ending {
		b.halt()
	}
}

// begin starts what does not run, if the Hub runs. It is called with applying held.
func (h *Hub) begin() {
	if h.busesCtx == nil {
		return
	}
	for _, b := range h.buses {
		if b.stop == nil {
			b.start(h.busesCtx)
		}
	}
	for _, o := range h.outputs.list() {
		if o.stop == nil {
			o.start(h.outputsCtx)
		}
	}
	select { // everything is looked at again
	case h.wake <- struct{}{}:
	default:
	}
}

// install puts everything of c in the place of what there was. heard says when sensors were
// heard in earlier runs. It is called with mu held.
func (h *Hub) install(c Config, armed map[string]bool, heard map[string]time.Time, now time.Time) {
	old := map[string]*alarm{}
	for _, a := range h.alarms {
		old[a.ID] = a
	}
	h.alarms, h.by = nil, map[rule.Ref][]*alarm{}
	h.Location = c.Location
	h.installBuses(c.Buses, old)
	changed := h.installSensors(c.Sensors, heard, old, now)
	h.installOutputs(c.Outputs, old)
	h.installRules(c.Rules, old)
	h.setArmed(armed)
	for _, a := range h.alarms {
		delete(old, a.ID)
	}
	for _, a := range old {
		if a.active {
			h.over(a, now)
		}
	}
	if h.OnState != nil {
		for _, s := range changed {
			h.OnState(h.state(s))
		}
	}
}

// add adds an alarm, which is raised if it was before.
func (h *Hub) add(a *alarm, old map[string]*alarm) {
	if was := old[a.ID]; was != nil && was != a {
		a.active, a.device = was.active, was.device
		if reflect.DeepEqual(a.When, was.When) && reflect.DeepEqual(a.Until, was.Until) && a.momentary == was.momentary {
			a.when, a.until, a.spent, a.next = was.when, was.until, was.spent, was.next
		}
	}
	h.alarms = append(h.alarms, a)
}

func (h *Hub) installBuses(list []Bus, old map[string]*alarm) {
	buses := map[string]*bus{}
	for _, c := range list {
		b := h.buses[c.ID]
		if b != nil && b.same(c) {
			b.Name, b.sensors = c.Name, nil
		} else {
			b = newBus(h, c)
		}
		buses[c.ID] = b
		h.add(b.away, old)
	}
	h.Buses, h.buses = list, buses
}

// installSensors returns those that people call by another name or that are in another place.
func (h *Hub) installSensors(list []Sensor, heard map[string]time.Time, old map[string]*alarm, now time.Time) (changed []*sensor) {
	sensors, readings := map[string]*sensor{}, rule.Readings{}
	for _, c := range list {
		s, was := newSensor(c, heard[c.ID], now), h.sensors[c.ID]
		for _, q := range c.Quantities {
			if q.Event {
				readings[rule.Ref{Sensor: c.ID, Quantity: q.Name}] = rule.Reading{Rest: true}
			}
		}
		if was != nil && was.is(c) {
			s.goOn(was, now)
			for name := range was.values {
				ref := rule.Ref{Sensor: c.ID, Quantity: name}
				if r, known := h.readings[ref]; known {
					readings[ref] = r
				}
			}
			if was.Name != c.Name || was.Grid != c.Grid {
				changed = append(changed, s)
			}
		}
		sensors[c.ID] = s
		if b := h.buses[c.Bus]; b != nil {
			b.sensors = append(b.sensors, s)
		}
		h.add(s.silent, old)
		h.add(s.faulty, old)
	}
	h.Sensors, h.sensors, h.readings = list, sensors, readings
	return changed
}

// is says whether the sensor is the same device as another, read in the same way.
func (s *Sensor) is(as Sensor) bool {
	return s.Bus == as.Bus && s.Device == as.Device && s.Profile == as.Profile && s.Version == as.Version && s.Free == as.Free
}

// goOn takes over what is known of the sensor.
func (s *sensor) goOn(was *sensor, now time.Time) {
	s.counts, s.values, s.lastEvent, s.heard = was.counts, was.values, was.lastEvent, was.heard
	s.rssi, s.snr, s.tokens, s.filled, s.limitedAt = was.rssi, was.snr, was.tokens, was.filled, was.limitedAt
	s.bad, s.why, s.stale, s.told = was.bad, was.why, was.stale, was.told
	switch {
	case s.Silent == was.Silent:
		s.deadline = was.deadline
	case s.Silent > 0 && !s.heard.IsZero():
		s.deadline = s.heard.Add(s.Silent)
		if s.stale && now.Before(s.deadline) { // its readings were forgotten: they come back with the next
			s.stale = false
		}
	}
}

func (h *Hub) installOutputs(list []Output, old map[string]*alarm) {
	var all []*output
	for _, c := range list {
		o := h.outputs.find(c.ID)
		if o == nil || !o.same(c) {
			o = newOutput(h, c)
		}
		o.reach(h.buses[c.Bus], c)
		o.stuck.Grid = c.Grid
		all = append(all, o)
		h.add(o.stuck, old)
	}
	h.Outputs = list
	h.outputs.set(all)
}

func (h *Hub) installRules(list []Rule, old map[string]*alarm) {
	events := map[rule.Ref]bool{}
	for _, s := range h.Sensors {
		for _, q := range s.Quantities {
			if q.Event {
				events[rule.Ref{Sensor: s.ID, Quantity: q.Name}] = true
			}
		}
	}
	for _, r := range list {
		a := newAlarm(r, events)
		h.add(a, old)
		if s := h.sensors[r.Sensor]; s != nil && r.Kind == Battery {
			s.battery = append(s.battery, a)
		}
		for _, ref := range a.refs() {
			if !slices.Contains(h.by[ref], a) {
				h.by[ref] = append(h.by[ref], a)
			}
		}
	}
	h.Rules = list
}

// setArmed makes the areas those of armed, as they are now where they were there before.
func (h *Hub) setArmed(armed map[string]bool) {
	for area, on := range h.armed {
		if _, there := armed[area]; there {
			armed[area] = on
		}
	}
	h.armed = armed
}

// Renote notes once more which rules are raised, after the database has been put back from
// what was left of it.
func (h *Hub) Renote() { h.deliver.Add(delivery{again: true}) }

// Tell has OnState hear of everything, after what it tells has begun anew.
func (h *Hub) Tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.OnState == nil {
		return
	}
	for _, st := range h.stateList() {
		if st.Phase != "" {
			h.OnState(st)
		}
	}
}
