package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
	"sentrybox/gateway/homeassistant"
	"sentrybox/uplink/outbox"
)

const (
	// valuesEvery is how often the newest values go to the local broker, and
	// valuesOutside how often they go out: the metrics have them each minute.
	valuesEvery   = time.Minute
	valuesOutside = time.Hour
)

// buildDevices makes the sensors, buses and outputs of the configuration.
func (a *App) buildDevices(ctx context.Context) error {
	if err := a.estate.build(ctx, a); err != nil {
		return err
	}
	a.hub, a.radios, a.announcers = a.estate.hub, a.estate.waves.hub, a.estate.waves.say
	a.commands.Handlers["arm"], a.commands.Handlers["disarm"] = a.hub.HandleArm, a.hub.HandleDisarm
	a.commands.Handlers["output"] = a.hub.HandleOutput
	a.commands.Accepted = a.carry
	return nil
}

// carry carries out a command that has been accepted, and tells who asked how it went.
func (a *App) carry(r command.Request) {
	if !slices.Contains([]string{"arm", "disarm", "output"}, r.Type) {
		return
	}
	a.hub.Carry(r, func(failed error) {
		state, detail := "done", map[string]any{}
		if failed != nil {
			state = "failed"
			detail["error"], detail["message"] = "device", failed.Error()
		}
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		if err := a.commands.Finish(ctx, r, state, detail); err != nil {
			a.Log.Error("the end of a command is not told", "id", r.ID, "error", err)
		}
	})
	if r.Type != "output" {
		a.postGateway()
	}
}

// thing is the payload of device/{id} for a sensor, a bus or an output.
type thing struct {
	ID      string            `json:"id"`
	Type    string            `json:"type"`
	Name    string            `json:"name,omitempty"`
	Grid    string            `json:"grid,omitempty"`
	Profile string            `json:"profile,omitempty"`
	Bus     string            `json:"bus,omitempty"`
	State   device.Phase      `json:"state"`
	Since   alert.Time        `json:"since"`
	Reason  string            `json:"reason,omitempty"`
	HeardAt alert.Time        `json:"heard_at,omitzero"`
	Values  map[string]any    `json:"values,omitempty"`
	Units   map[string]string `json:"units,omitempty"`
	Event   *moment           `json:"event,omitempty"`
	RSSI    *float64          `json:"rssi,omitempty"`
	SNR     *float64          `json:"snr,omitempty"`
}

// moment is an event of a sensor, on event/{id} too.
type moment struct {
	Device   string     `json:"device,omitempty"`
	Quantity string     `json:"quantity"`
	Value    any        `json:"value"`
	At       alert.Time `json:"at"`
}

func newMoment(e device.Event) *moment {
	m := &moment{Quantity: e.Quantity, Value: e.Value, At: alert.Time{Time: e.At}}
	if e.Text != "" {
		m.Value = e.Text
	}
	return m
}

func newThing(s device.State) thing {
	t := thing{
		ID: s.ID, Type: s.Type, Name: s.Name, Grid: s.Grid, Profile: s.Profile, Bus: s.Bus, State: s.Phase,
		Since: alert.Time{Time: s.Since}, Reason: s.Reason, HeardAt: alert.Time{Time: s.Heard},
		Values: s.Values, Units: s.Units, RSSI: s.RSSI, SNR: s.SNR,
	}
	if s.Event != nil {
		t.Event = newMoment(*s.Event)
	}
	return t
}

// postDevice publishes the state of a sensor, a bus or an output that has changed.
func (a *App) postDevice(s device.State) {
	level := a.Log.Info
	if s.Phase == device.Faulty || s.Phase == device.Away || s.Phase == device.Silent {
		level = a.Log.Warn
	}
	level("device", "device", s.ID, "type", s.Type, "state", s.Phase, "reason", s.Reason)
	a.board.post(s.ID, newThing(s))
}

// publishValues publishes the newest values, until ctx ends.
func (a *App) publishValues(ctx context.Context) error {
	tick := time.NewTicker(valuesEvery)
	defer tick.Stop()
	before := map[string]device.State{}
	out := map[string]device.State{}
	told := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			all := a.hub.States()
			if now.Sub(told) >= valuesOutside {
				told = now
				for _, s := range all {
					if old, there := out[s.ID]; !there || !device.Same(old, s) {
						a.board.post(s.ID, newThing(s))
					}
					out[s.ID] = s
				}
			}
			if a.local != nil {
				a.valuesHere(all, before)
			}
		}
	}
}

// valuesHere publishes at the local broker what differs from before.
func (a *App) valuesHere(all []device.State, before map[string]device.State) {
	for _, s := range all {
		if old, there := before[s.ID]; there && device.Same(old, s) {
			continue
		}
		before[s.ID] = s
		if payload, err := json.Marshal(newThing(s)); err == nil {
			a.publishLocal("device/"+s.ID, true, payload)
		}
	}
}

// takeSensor takes a message on sensors/….
func (a *App) takeSensor(topic string, payload []byte) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(topic, "sensors/"), "/")
	if s, ok := a.estate.waves.local[id]; ok {
		if rest == "json" { // it has a log, too
			s.Take(payload)
		}
		return
	}
	if !a.hub.TakeLocal(id, driver.Message{Device: id, Section: topic, Data: payload, At: time.Now()}) {
		a.readings.Take(topic, payload, time.Now())
	}
}

// measureDevices adds the metrics of sensors, buses and outputs.
func (a *App) measureDevices(add func(labels map[string]string, name string, v float64)) {
	for _, s := range a.hub.States() {
		labels := map[string]string{"device": s.ID}
		add(labels, "device_online", number(s.Phase == device.Online || s.Phase == device.LowBattery || s.Phase == device.Off || s.Phase == device.On))
		if s.Type != "sensor" || s.Stale {
			continue
		}
		for name, v := range s.Values {
			if x, ok := v.(float64); ok {
				add(map[string]string{"device": s.ID, "quantity": name}, "reading", x)
			}
		}
		if s.RSSI != nil {
			add(labels, "device_rssi", *s.RSSI)
		}
	}
	for id, c := range a.hub.Counts() {
		labels := map[string]string{"device": id}
		add(labels, "device_messages", float64(c.Messages))
		add(labels, "device_readings", float64(c.Readings))
		add(labels, "device_impossible", float64(c.Impossible))
		add(labels, "device_rejected", float64(c.Rejected))
		add(labels, "device_limited", float64(c.Limited))
	}
	for id, c := range a.hub.BusCounts() {
		labels := map[string]string{"bus": id}
		add(labels, "bus_messages", float64(c.Messages))
		add(labels, "bus_rejected", float64(c.Rejected+c.Discarded+c.Unknown))
		add(labels, "bus_noise_bytes", float64(c.Noise))
		add(labels, "bus_timeouts", float64(c.Timeouts))
		add(labels, "bus_opened", float64(c.Opened))
	}
	add(nil, "alarms_lost", float64(a.hub.Lost()))
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// homeDevices returns the sensors and outputs for Home Assistant.
func (a *App) homeDevices() []homeassistant.Device {
	var all []homeassistant.Device
	for _, s := range a.hub.States() {
		d := homeassistant.Device{ID: s.ID, Name: s.Name, Kind: s.Type, Profile: s.Profile, Stated: true}
		for name := range s.Values {
			d.Quantities = append(d.Quantities, homeassistant.Quantity{Name: name, Unit: s.Units[name]})
		}
		slices.SortFunc(d.Quantities, func(x, y homeassistant.Quantity) int { return cmp.Compare(x.Name, y.Name) })
		all = append(all, d)
	}
	return all
}

// removed returns the ids of sensors, buses, outputs and radios that was has and will has not.
func removed(was, will *config.Config) []string {
	ids := func(c *config.Config) map[string]bool {
		all := map[string]bool{c.Gateway.ID: true}
		for _, s := range c.Sensors {
			all[s.ID] = true
		}
		for _, b := range c.Buses {
			all[b.ID] = true
		}
		for _, o := range c.Outputs {
			all[o.ID] = true
		}
		for _, r := range c.Radios {
			all[r.ID] = true
		}
		return all
	}
	old, now := ids(was), ids(will)
	var gone []string
	for id := range old {
		if !now[id] {
			gone = append(gone, id)
		}
	}
	return gone
}

// configured says whether the config has a sensor of the name.
func configured(c *config.Config, id string) bool {
	return slices.ContainsFunc(c.Sensors, func(s config.Sensor) bool { return s.ID == id })
}

// maxEvents bounds the events that wait to be queued.
const maxEvents = 1000

var errEvents = errors.New("too many wait already")

// events holds what sensors have told of until it is in the outbox.
type events struct {
	items chan outbox.Item
}

func newEvents() events { return events{make(chan outbox.Item, maxEvents)} }

// post takes what is no state: a card that was read, a button.
func (e events) post(ev device.Event) error {
	m := newMoment(ev)
	m.Device = ev.Sensor
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case e.items <- outbox.Item{Lane: outbox.State, Topic: "event/" + ev.Sensor, Payload: payload}:
		return nil
	default:
		return errEvents
	}
}

// runEvents queues events until ctx ends.
func (a *App) runEvents(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case it := <-a.estate.events.items:
			if err := a.put(ctx, it); err != nil && ctx.Err() == nil {
				a.Log.Error("an event is not published", "topic", it.Topic, "error", err)
			}
		}
	}
}
