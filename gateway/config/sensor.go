package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/rule"
	"sentrybox/gateway/strict"
)

// Sensor is one sensor. What it does not say is as its profile has it.
type Sensor struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"` // for people
	Grid    string `yaml:"grid"`
	Profile string `yaml:"profile"` // none: numbers that it publishes at the gateway's broker
	Bus     string `yaml:"bus"`     // may be left out where one bus alone fits

	// How the bus knows it.
	Unit    int    `yaml:"unit"`     // Modbus: address, 1 to 247
	Number  int    `yaml:"number"`   // LoRa: number of the device, 1 to 65535
	EUI     string `yaml:"eui"`      // LoRaWAN: DevEUI, 16 hexadecimal digits
	DevAddr string `yaml:"dev_addr"` // LoRaWAN without a network server: 8 hexadecimal digits
	Pin     string `yaml:"pin"`      // GPIO: number or name of the line
	Topic   string `yaml:"topic"`    // at a broker: its name in the profile's topics; the id when empty

	// Keys are hexadecimal; each may be in a file instead.
	Key         Secret `yaml:"key"` // LoRa
	KeyFile     string `yaml:"key_file"`
	AppSKey     Secret `yaml:"app_skey"` // LoRaWAN without a network server, both
	AppSKeyFile string `yaml:"app_skey_file"`
	NwkSKey     Secret `yaml:"nwk_skey"`
	NwkSKeyFile string `yaml:"nwk_skey_file"`

	// AllowReset takes a LoRaWAN device back whose counter has begun anew, with its batteries.
	AllowReset bool `yaml:"allow_reset"`

	Every      Duration           `yaml:"every"`      // how often it is asked
	Heartbeat  Duration           `yaml:"heartbeat"`  // longer silence is an alert
	Parameters map[string]float64 `yaml:"parameters"` // of its profile
	Alerts     []Threshold        `yaml:"alerts"`     // in the place of its profile's for the same field

	profile *profile.Profile
}

// Threshold says when a value is an alert. One of Above, Below and Is is given.
type Threshold struct {
	Field    string   `yaml:"field"`
	Kind     string   `yaml:"kind"` // the name of the field when empty
	Above    *float64 `yaml:"above"`
	Below    *float64 `yaml:"below"`
	Is       *float64 `yaml:"is"`
	Clear    *float64 `yaml:"clear"` // it is over at this value, or beyond
	For      Duration `yaml:"for"`
	Severity int      `yaml:"severity"`
	Off      bool     `yaml:"off"` // the profile's alerts for the field do not count
}

// Model returns the sensor's profile, or nil if it has none.
func (s *Sensor) Model() *profile.Profile { return s.profile }

// Transport returns how the sensor is reached: as Profile.Transport says, or mqtt.
func (s *Sensor) Transport() string {
	if s.profile == nil {
		return "mqtt"
	}
	return s.profile.Transport()
}

const (
	maxSensors    = 2000
	maxParameters = 64
)

var (
	hexEUI  = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)
	hexAddr = regexp.MustCompile(`^[0-9a-fA-F]{8}$`)
	hexKey  = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	loraKey = regexp.MustCompile(`^(?:[0-9a-fA-F]{2}){16,64}$`)
)

// Catalog returns what rules can read.
func (c *Config) Catalog() *rule.Catalog {
	all := &rule.Catalog{Quantities: map[rule.Ref]rule.Quantity{}, Free: map[string]bool{}, Known: map[string]bool{}}
	for i := range c.Sensors {
		s := &c.Sensors[i]
		all.Known[s.ID] = true
		if s.profile == nil {
			all.Free[s.ID] = true
			continue
		}
		for _, f := range s.profile.Fields() {
			all.Quantities[rule.Ref{Sensor: s.ID, Quantity: f.Name}] = rule.Quantity{Unit: f.Unit, Event: f.Event, Text: f.IsText()}
		}
	}
	return all
}

// finishDevices checks everything about sensors and outputs.
func (d *document) finishDevices(c *Config) {
	first := map[string]string{c.Gateway.ID: "gateway"}
	for i := range c.Cameras {
		first[c.Cameras[i].ID] = strict.Element("cameras", i)
	}
	if c.Profiles != "" {
		c.Profiles = d.absolute(c.Profiles)
		d.profiles = c.Profiles
	}
	c.Buses, c.Sensors, c.Outputs, c.Rules = some(c.Buses), some(c.Sensors), some(c.Outputs), some(c.Rules)
	d.finishBuses(c, first)
	d.finishSensors(c, first)
	d.finishOutputs(c, first)
	d.finishRadios(c, first)
	d.finishRules(c)
}

// some is a list, or nil if nothing is in it.
func some[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func (d *document) finishSensors(c *Config, first map[string]string) {
	if len(c.Sensors) > maxSensors {
		d.Fault("sensors", "config.many", len(c.Sensors), maxSensors)
		return
	}
	taken, speaks := map[string]string{}, map[string]string{}
	for i := range c.Sensors {
		s, path := &c.Sensors[i], strict.Element("sensors", i)
		if !d.Sound(path) {
			continue
		}
		d.name(path+".id", s.ID, true)
		d.unique(first, path+".id", s.ID, path)
		if s.Name != "" {
			d.name(path+".name", s.Name, false)
		}
		if s.Grid != "" {
			d.name(path+".grid", s.Grid, false)
		}
		s.profile = d.profile(path+".profile", s.Profile)
		if s.Profile != "" && s.profile == nil {
			continue
		}
		s.Bus = d.busOf(c, path+".bus", s.Bus, s.profile)
		if s.Bus == "" && s.Transport() == "mqtt" && d.Sound(path+".bus") && c.Broker.Listen == "" && d.Sound("broker.listen") {
			d.Fault(path+".bus", "config.sensor.local")
		}
		d.oneProtocol(s, path, speaks)
		d.finishAddress(c, s, path)
		d.finishSensorKeys(c, s, path)
		d.finishParameters(s, path+".parameters")
		if d.Given(path + ".heartbeat") {
			d.Span(path+".heartbeat", s.Heartbeat, Duration(time.Second), Duration(30*24*time.Hour))
		}
		if d.Given(path + ".every") {
			d.Span(path+".every", s.Every, Duration(100*time.Millisecond), Duration(24*time.Hour))
		}
		d.finishThresholds(s, path+".alerts")
		if key := s.address(); key != "" && d.Sound(path) {
			if other, twice := taken[s.Bus+" "+key+" "+s.Profile]; twice {
				d.Fault(path, "config.sensor.address", other)
			}
			taken[s.Bus+" "+key+" "+s.Profile] = path
		}
	}
}

// addressed says whether the sensor's frames on a serial line say whose they are.
func (s *Sensor) addressed() bool {
	return s.profile != nil && s.profile.Serial != nil && s.profile.Serial.Frame.Address != nil
}

// oneProtocol checks that a serial line has devices of one profile only.
func (d *document) oneProtocol(s *Sensor, path string, speaks map[string]string) {
	if s.Transport() != "serial" || s.Bus == "" {
		return
	}
	if other := speaks[s.Bus]; other != "" && other != s.Profile && d.Sound(path+".profile") {
		d.Fault(path+".profile", "config.bus.protocol", d.Shown(path+".profile", s.Bus), other)
		return
	}
	speaks[s.Bus] = s.Profile
}

// address is how the sensor's bus knows it, or "".
func (s *Sensor) address() string {
	switch s.Transport() {
	case "modbus":
		return strings.Repeat("m", s.Unit)
	case "lorawan":
		return strings.ToLower(s.EUI + "/" + s.DevAddr)
	case "gpio":
		return s.Pin
	}
	return ""
}

// finishAddress checks that the sensor says how its bus knows it.
func (d *document) finishAddress(c *Config, s *Sensor, path string) {
	kind := s.Transport()
	for _, use := range []struct {
		key   string
		given bool
		by    string
	}{
		{".unit", s.Unit != 0 && !s.addressed(), "modbus"}, {".number", s.Number != 0, "lora"}, {".eui", s.EUI != "", "lorawan"},
		{".topic", s.Topic != "", "mqtt"}, {".dev_addr", s.DevAddr != "", "lorawan"}, {".pin", s.Pin != "", "gpio"},
		{".key", s.Key.Reveal() != "" || s.KeyFile != "", "lora"},
	} {
		if use.given && use.by != kind {
			d.Fault(path+use.key, "config.sensor.key", use.by, kind)
		}
	}
	switch kind {
	case "serial":
		if s.addressed() && d.Required(path+".unit", s.Unit == 0) {
			d.Between(path+".unit", s.Unit, 1, 65535)
		}
	case "modbus":
		if s.Unit == 0 {
			s.Unit = s.profile.Modbus.Address
		}
		d.Between(path+".unit", s.Unit, 1, 247)
	case "lora":
		if s.profile.LoRa.Frame != "raw" {
			d.Between(path+".number", s.Number, 1, 1<<31-1)
		}
	case "lorawan":
		d.finishLoRaWAN(c, s, path)
	case "gpio":
		d.Required(path+".pin", s.Pin == "")
	case "mqtt":
		if s.Topic == "" {
			s.Topic = s.ID
		} else if d.Sound(path+".topic") && (!validTopicFilter(s.Topic) || strings.ContainsAny(s.Topic, "+#")) {
			d.Fault(path+".topic", "config.sensor.topic")
		}
	}
}

func (d *document) finishLoRaWAN(c *Config, s *Sensor, path string) {
	b := c.bus(s.Bus)
	if b != nil && b.Kind() == "chirpstack" {
		if d.Required(path+".eui", s.EUI == "") && d.Sound(path+".eui") && !hexEUI.MatchString(s.EUI) {
			d.Fault(path+".eui", "config.hex", 16)
		}
	} else {
		if s.EUI != "" && d.Sound(path+".eui") && !hexEUI.MatchString(s.EUI) {
			d.Fault(path+".eui", "config.hex", 16)
		}
		if d.Required(path+".dev_addr", s.DevAddr == "") && d.Sound(path+".dev_addr") && !hexAddr.MatchString(s.DevAddr) {
			d.Fault(path+".dev_addr", "config.hex", 8)
		}
	}
	s.EUI, s.DevAddr = strings.ToLower(s.EUI), strings.ToLower(s.DevAddr)
}

// finishSensorKeys reads keys from their files and checks those that are needed.
func (d *document) finishSensorKeys(c *Config, s *Sensor, path string) {
	d.secretFile(path, "key", &s.Key, "key_file", &s.KeyFile)
	d.secretFile(path, "app_skey", &s.AppSKey, "app_skey_file", &s.AppSKeyFile)
	d.secretFile(path, "nwk_skey", &s.NwkSKey, "nwk_skey_file", &s.NwkSKeyFile)
	b := c.bus(s.Bus)
	if b == nil {
		return
	}
	need := func(key string, v Secret, form *regexp.Regexp) {
		at, hex := path+"."+key, strings.TrimSpace(v.Reveal())
		if d.Required(at, hex == "") && d.Sound(at) && !form.MatchString(hex) {
			d.Fault(at, "config.hex", 32)
		}
	}
	switch {
	case !d.Sound(path + ".bus"):
	case b.Kind() == "lorawan":
		need("app_skey", s.AppSKey, hexKey)
		need("nwk_skey", s.NwkSKey, hexKey)
	case s.Transport() == "lora" && s.profile.LoRa.Frame != "raw":
		need("key", s.Key, loraKey)
	}
}

func (d *document) finishParameters(s *Sensor, path string) {
	if len(s.Parameters) == 0 || !d.Sound(path) {
		return
	}
	if s.profile == nil {
		d.Fault(path, "config.sensor.parameters")
		return
	}
	if len(s.Parameters) > maxParameters {
		d.Fault(path, "config.many", len(s.Parameters), maxParameters)
		return
	}
	for _, name := range names(s.Parameters) {
		i := slices.IndexFunc(s.profile.Parameters, func(p profile.Parameter) bool { return p.Name == name })
		at := strict.Member(path, name)
		if i < 0 {
			d.Fault(at, "config.sensor.parameter", s.Profile)
		} else if r := s.profile.Parameters[i].Range; !r.Has(s.Parameters[name]) {
			d.Fault(at, "config.sensor.range", r.Least, r.Most)
		}
	}
}

func (d *document) finishThresholds(s *Sensor, path string) {
	if len(s.Alerts) > maxRules {
		d.Fault(path, "config.many", len(s.Alerts), maxRules)
		return
	}
	for i := range s.Alerts {
		t, at := &s.Alerts[i], strict.Element(path, i)
		if !d.Sound(at) || !d.Required(at+".field", t.Field == "") {
			continue
		}
		if s.profile != nil && s.profile.Field(t.Field) == nil {
			d.Fault(at+".field", "config.sensor.field", d.Shown(at+".field", t.Field), s.Profile)
			continue
		}
		if t.Off {
			continue
		}
		if t.Kind == "" {
			t.Kind = t.Field
		}
		if !kindForm.MatchString(t.Kind) {
			d.Fault(at+".kind", "config.kind.form", d.Shown(at+".kind", t.Kind))
		}
		if t.Severity == 0 && !d.Given(at+".severity") {
			t.Severity = ruleSeverity
		}
		d.Between(at+".severity", t.Severity, 1, 4)
		d.inSense(t, at)
	}
}

// inSense checks that one limit is given, and that what ends the alert is on its other side.
func (d *document) inSense(t *Threshold, at string) {
	given := 0
	for _, v := range []*float64{t.Above, t.Below, t.Is} {
		if v != nil {
			given++
		}
	}
	switch {
	case given != 1 && d.Sound(at+".above") && d.Sound(at+".below") && d.Sound(at+".is"):
		d.Fault(at, "config.sensor.one")
	case t.Clear == nil || !d.Sound(at+".clear"):
	case t.Is != nil:
		d.Fault(at+".clear", "config.sensor.clear")
	case t.Above != nil && *t.Clear > *t.Above, t.Below != nil && *t.Clear < *t.Below:
		d.Fault(at+".clear", "config.sensor.clear")
	}
}
