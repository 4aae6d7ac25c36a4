package app

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/lora"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/rule"
)

// newSensor makes a sensor of its configuration and profile, and the rules of its
// thresholds.
func newSensor(c *config.Sensor) (device.Sensor, []device.Rule, error) {
	s := device.Sensor{
		ID: c.ID, Name: c.Name, Grid: c.Grid, Profile: c.Profile, Bus: c.Bus, Device: address(c), Silent: time.Duration(c.Heartbeat),
		Asked: asked(c),
	}
	p := c.Model()
	if p == nil {
		s.Free = true
		s.Decode = device.Plain
		return s, thresholds(c, nil), nil
	}
	s.Version = p.Version()
	for _, f := range p.Fields() {
		s.Quantities = append(s.Quantities, device.Quantity{Name: f.Name, Unit: f.Unit, Event: f.Event, Text: f.IsText()})
	}
	if h := p.Heartbeat; h != nil {
		s.SilentSeverity = h.Severity
		if s.Silent == 0 {
			s.Silent = h.Silence()
		}
	}
	dec, err := p.NewDecoder(c.Parameters)
	if err != nil {
		return s, nil, err
	}
	s.Decode = decoder(dec)
	rules := thresholds(c, p)
	if b := p.Battery; b != nil {
		ref := rule.Ref{Sensor: c.ID, Quantity: b.Field}
		rules = append(rules, device.Rule{
			ID: c.ID + "/battery", Sensor: c.ID, Grid: c.Grid, Kind: device.Battery, Severity: b.Severity, Closes: true,
			When: rule.Threshold(ref, "<", b.Low.V), Until: rule.Threshold(ref, ">=", b.Low.V*batteryClear),
		})
	}
	return s, rules, nil
}

// batteryClear is how far above low a battery must be not to be low any more.
const batteryClear = 1.1

// asked says whether the gateway asks the sensor, and so sets the pace.
func asked(c *config.Sensor) bool {
	p := c.Model()
	return p != nil && (p.Modbus != nil || p.Serial != nil && len(p.Serial.Polls) > 0)
}

// address is what the driver of the sensor's bus calls it.
func address(c *config.Sensor) string {
	switch c.Transport() {
	case "modbus":
		return strconv.Itoa(c.Unit)
	case "serial":
		if c.Unit != 0 {
			return strconv.Itoa(c.Unit)
		}
	case "lora":
		if c.Number == 0 {
			return ""
		}
		return lora.Name(uint32(c.Number)) // the config has been checked
	case "lorawan":
		if c.EUI != "" {
			return c.EUI
		}
		return c.DevAddr
	case "gpio", "mqtt":
		return c.ID
	}
	return ""
}

// decoder makes a Decoder of a profile's.
func decoder(dec *profile.Decoder) device.Decoder {
	var mu sync.Mutex // the local broker has many clients
	var buf []profile.Value
	return func(m driver.Message) ([]device.Value, error) {
		mu.Lock()
		defer mu.Unlock()
		got, _, err := dec.Decode(buf[:0], profile.Input{
			Section: m.Section, Port: m.Port, Data: m.Data, Values: m.Values, RSSI: m.RSSI, SNR: m.SNR,
		})
		if err != nil {
			return nil, err
		}
		buf = got
		all := make([]device.Value, 0, len(got))
		for _, v := range got {
			all = append(all, device.Value{Quantity: v.Field.Name, Number: v.Number, Text: v.Text})
		}
		for _, v := range dec.Outside() {
			all = append(all, device.Value{Quantity: v.Field.Name, Number: v.Number, Impossible: true})
		}
		return all, nil
	}
}

// thresholds makes the rules of a sensor's own alerts, and of those of its profile for
// fields about which it has none.
func thresholds(c *config.Sensor, p *profile.Profile) []device.Rule {
	var all []device.Rule
	own := map[string]bool{}
	for i, t := range c.Alerts {
		own[t.Field] = true
		if t.Off {
			continue
		}
		ref := rule.Ref{Sensor: c.ID, Quantity: t.Field}
		r := device.Rule{ID: fmt.Sprintf("%s/%s/%d", c.ID, t.Field, i), Sensor: c.ID, Grid: c.Grid, Kind: t.Kind, Severity: t.Severity}
		switch {
		case t.Above != nil:
			r.When, r.Until = limit(ref, ">", *t.Above, "<=", t.Clear)
		case t.Below != nil:
			r.When, r.Until = limit(ref, "<", *t.Below, ">=", t.Clear)
		default:
			r.When = rule.Threshold(ref, "=", *t.Is)
		}
		r.When = r.When.For(time.Duration(t.For))
		all = append(all, r)
	}
	if p == nil {
		return all
	}
	for i := range p.Alerts {
		if t := &p.Alerts[i]; !own[t.Field] {
			all = append(all, profileRule(c, p, t, i))
		}
	}
	return all
}

func limit(ref rule.Ref, op string, v float64, clearOp string, clearAt *float64) (when, until *rule.Bound) {
	when = rule.Threshold(ref, op, v)
	if clearAt != nil {
		until = rule.Threshold(ref, clearOp, *clearAt)
	}
	return when, until
}

func profileRule(c *config.Sensor, p *profile.Profile, t *profile.Alert, i int) device.Rule {
	ref := rule.Ref{Sensor: c.ID, Quantity: t.Field}
	r := device.Rule{
		ID: fmt.Sprintf("%s/%s/%s/%d", c.ID, p.ID, t.Field, i), Sensor: c.ID, Grid: c.Grid, Kind: t.Kind, Severity: t.Severity,
	}
	var clearAt *float64
	if t.Clear.Set {
		clearAt = &t.Clear.V
	}
	switch {
	case t.Above.Set:
		r.When, r.Until = limit(ref, ">", t.Above.V, "<=", clearAt)
	case t.Below.Set:
		r.When, r.Until = limit(ref, "<", t.Below.V, ">=", clearAt)
	default:
		var any []*rule.Bound
		f := p.Field(t.Field)
		for _, s := range t.Is {
			any = append(any, is(ref, f, s))
		}
		r.When = rule.Any(any...)
	}
	r.When = r.When.For(time.Duration(t.For))
	return r
}

// is returns the condition that a field is s: a number, a text, or the label of a number.
func is(ref rule.Ref, f *profile.Field, s profile.Scalar) *rule.Bound {
	if f.IsText() {
		return rule.Text(ref, s.Text)
	}
	if !s.IsText {
		return rule.Threshold(ref, "=", s.Number)
	}
	for number, w := range f.Labels {
		if w.EN == s.Text || w.ZH == s.Text {
			if v, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil {
				return rule.Threshold(ref, "=", v)
			}
		}
	}
	return rule.Text(ref, s.Text) // the profile has been checked
}

// newRules makes a rule for each sensor that it is about.
func newRules(c *config.SensorRule, catalog *rule.Catalog) ([]device.Rule, error) {
	about, err := c.When.Sensors(catalog)
	if err != nil {
		return nil, err
	}
	var all []device.Rule
	for _, sensor := range about {
		r := device.Rule{
			ID: "rule/" + c.ID, Sensor: c.Sensor, Kind: c.Kind, Zone: c.ID, Grid: c.Grid, Severity: c.Severity,
			Schedule: c.Schedule, Area: c.Area,
		}
		if sensor != "" {
			r.ID += "/" + sensor
		}
		if r.When, err = c.When.Bind(catalog, sensor); err != nil {
			return nil, err
		}
		if c.Until.Condition != nil {
			if r.Until, err = c.Until.Bind(catalog, sensor); err != nil {
				return nil, err
			}
		}
		for _, d := range c.Do {
			r.Do = append(r.Do, device.Action{Output: d.Output, For: d.For})
		}
		all = append(all, r)
	}
	return all, nil
}
