// Package mqttsensor hears devices that publish to an MQTT broker of their own:
// Zigbee2MQTT, Tasmota, ESPHome, and whatever else has topics.
//
// A message is what was published: its device, the topic as its section, and the
// payload as it was, be it JSON, a number or a word. What it means is for others to
// say. Which topics are a device's is configured; for the usual conventions:
//
//	                topics                          availability
//	Zigbee2MQTT     zigbee2mqtt/NAME                zigbee2mqtt/NAME/availability   online, offline, or {"state":"…"}
//	Tasmota         tele/NAME/SENSOR, stat/NAME/+   tele/NAME/LWT                   Online, Offline
//	ESPHome         NAME/+/+/state                  NAME/status                     online, offline
//
// A message that the broker has retained was published nobody knows when: an alarm
// button that was pressed last year would be pressed again. It is not handed on,
// unless the device says by [Sensor.Retained] that it publishes states, and not events.
package mqttsensor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/subscribe"
)

// Config says which broker to hear, and whom.
type Config struct {
	// Broker is the broker. With a ClientID, what is published while the gateway is
	// down waits there.
	Broker  subscribe.Broker
	Sensors []Sensor
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Sensor is a device.
type Sensor struct {
	// Device is what messages call it.
	Device string
	// Topics are filters, with + and #, of what it publishes.
	Topics []string
	// Availability is the topic where it, or who speaks for it, says whether it is
	// there; empty if there is none.
	Availability string
	// Online and Offline are what it says there; online and offline, in any case, if
	// empty. In a JSON object it is member "state".
	Online, Offline string
	// Retained hands retained messages on.
	Retained bool
}

// maxSensors keeps the subscription in bounds.
const maxSensors = 400

// Driver hears one broker.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg    Config
	client *subscribe.Client
}

// New checks the configuration.
func New(cfg Config) (*Driver, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Broker.Log == nil {
		cfg.Broker.Log = cfg.Log
	}
	if len(cfg.Sensors) == 0 || len(cfg.Sensors) > maxSensors {
		return nil, fmt.Errorf("%d sensors: want 1 to %d", len(cfg.Sensors), maxSensors)
	}
	var filters []string
	cfg.Sensors = append([]Sensor(nil), cfg.Sensors...)
	for i := range cfg.Sensors {
		s := &cfg.Sensors[i]
		if s.Device == "" || len(s.Topics) == 0 {
			return nil, errors.New("a sensor without a name or without topics")
		}
		for _, f := range s.Topics {
			if !validFilter(f) {
				return nil, fmt.Errorf("sensor %s: %q is no topic filter", s.Device, f)
			}
		}
		filters = append(filters, s.Topics...)
		if s.Availability != "" {
			if !validFilter(s.Availability) || strings.ContainsAny(s.Availability, "+#") {
				return nil, fmt.Errorf("sensor %s: %q is no topic", s.Device, s.Availability)
			}
			filters = append(filters, s.Availability)
		}
		if s.Online == "" {
			s.Online = "online"
		}
		if s.Offline == "" {
			s.Offline = "offline"
		}
	}
	d := &Driver{cfg: cfg}
	var err error
	d.client, err = subscribe.New(cfg.Broker, filters, &d.Tracker)
	return d, err
}

// Run hears the broker until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.Ended(d.client.Run(ctx, func(m subscribe.Message) { d.take(m, emit) }))
}

// take takes what was published. Filters of several sensors may match.
func (d *Driver) take(m subscribe.Message, emit func(driver.Message)) {
	known := false
	for i := range d.cfg.Sensors {
		s := &d.cfg.Sensors[i]
		if s.Availability == m.Topic {
			known = true
			d.available(s, m.Payload)
			continue
		}
		if !matches(s.Topics, m.Topic) {
			continue
		}
		known = true
		if len(m.Payload) == 0 || m.Retained && !s.Retained {
			continue // empty clears what was retained
		}
		emit(driver.Message{Device: s.Device, Section: m.Topic, Data: append([]byte(nil), m.Payload...), At: time.Now()})
		d.Heard(s.Device)
	}
	if !known { // of an older session's subscription
		d.Count(func(c *driver.Counts) { c.Discarded++ })
	}
}

// available notes what a device says of itself.
func (d *Driver) available(s *Sensor, payload []byte) {
	said := strings.TrimSpace(string(payload))
	var object struct {
		State string `json:"state"`
	}
	if strings.HasPrefix(said, "{") && json.Unmarshal(payload, &object) == nil {
		said = object.State
	}
	switch {
	case strings.EqualFold(said, s.Online):
		d.Device(s.Device, driver.Online, "")
	case strings.EqualFold(said, s.Offline):
		d.Device(s.Device, driver.Silent, "it says that it is offline")
	case said != "":
		d.Count(func(c *driver.Counts) { c.Rejected++ })
	}
}

// validFilter is MQTT 3.1.1, 4.7.1.
func validFilter(f string) bool {
	levels := strings.Split(f, "/")
	for i, l := range levels {
		if l == "#" && i < len(levels)-1 || len(l) > 1 && strings.ContainsAny(l, "+#") {
			return false
		}
	}
	return f != "" && len(f) <= 1024 && !strings.Contains(f, "\x00")
}

// matches says whether a topic fits one of the filters (MQTT 3.1.1, 4.7.1).
func matches(filters []string, topic string) bool {
	for _, f := range filters {
		if match(f, topic) {
			return true
		}
	}
	return false
}

func match(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") != strings.HasPrefix(filter, "$") { // 4.7.2
		return false
	}
	for {
		f, restF, moreF := strings.Cut(filter, "/")
		t, restT, moreT := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != t:
			return false
		case !moreF || !moreT:
			return moreF == moreT || moreF && restF == "#"
		}
		filter, topic = restF, restT
	}
}
