// Package profile describes sensors as data. A profile is a YAML file that says
// how a device is reached, what its messages mean, when it is alarming and how
// it is switched; docs/profiles.md is its manual. A technician adds a device by
// writing one.
//
// # From bytes to values
//
// A driver delivers a payload: a frame of a serial line, the registers of one
// Modbus request, the FRMPayload of a LoRaWAN uplink, an MQTT message. Parse
// reads a profile, NewDecoder prepares it with the parameters of one device, and
// Decode turns each payload into values. Payloads are hostile: Decode reads
// nothing beyond them, takes time in proportion to their length, and returns an
// error where they are not what the profile says.
package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// Format is the version of the format that this package reads.
const Format = 1

// Duration is a time span such as 30s or 5m.
type Duration = strict.Duration

// Profile is one kind of device. The doc tags are the descriptions of the JSON
// schema.
type Profile struct {
	Format int      `yaml:"format" doc:"Version of this format: 1."`
	ID     string   `yaml:"id" doc:"Name of the profile for configurations: lower-case letters, digits, - and _. The file is called id.yaml."`
	Name   Words    `yaml:"name" doc:"What the device is, in Chinese and English."`
	Maker  string   `yaml:"maker" doc:"Who makes the device."`
	Models []string `yaml:"models" doc:"Model numbers that the profile holds for."`
	Source []Source `yaml:"source" doc:"The public manuals that the profile was written from."`
	Notes  Words    `yaml:"notes" doc:"What whoever mounts the device must know."`

	Modbus  *Modbus  `yaml:"modbus" doc:"Reached by Modbus RTU or TCP. Exactly one of modbus, serial, lora, lorawan, mqtt and gpio is given."`
	Serial  *Serial  `yaml:"serial" doc:"Talks on a serial line, in frames or lines."`
	LoRa    *LoRa    `yaml:"lora" doc:"Sends LoRa packets without LoRaWAN, which an E22, E32 or RAK3172 module receives."`
	LoRaWAN *LoRaWAN `yaml:"lorawan" doc:"A LoRaWAN device, heard through a packet forwarder or ChirpStack."`
	MQTT    *MQTT    `yaml:"mqtt" doc:"Publishes to the gateway's MQTT broker."`
	GPIO    *GPIO    `yaml:"gpio" doc:"A contact on an input pin."`

	Order      Order       `yaml:"order" doc:"Byte order of all fields that have none of their own: big (the default), little, word_swap or byte_swap."`
	Transform  []Transform `yaml:"transform" doc:"What is done to every payload before it is looked at."`
	Parameters []Parameter `yaml:"parameters" doc:"Numbers that depend on where a device is mounted; a configuration gives them and expressions use them."`
	Messages   []Message   `yaml:"messages" doc:"What the device sends. The first message that a payload matches decodes it."`

	Derived []Field `yaml:"derived" doc:"Values that expressions make of others, whatever message these came in. One is there if all that its expression uses is."`

	Alerts    []Alert    `yaml:"alerts" doc:"When a value is an alert."`
	Battery   *Battery   `yaml:"battery" doc:"Which value is the battery, and when it is low."`
	Heartbeat *Heartbeat `yaml:"heartbeat" doc:"How often the device must be heard."`
	Outputs   []Output   `yaml:"outputs" doc:"What can be switched: a siren, a lamp, a lock."`
	Examples  []Example  `yaml:"examples" doc:"Payloads and the values that they must decode to."`

	fields      []*Field // of all messages by their first appearance, hidden ones too
	byName      map[string]*Field
	expressions bool // there are some
	usesPayload bool // one of them takes the payload as text
	programs    []*program
	version     string
}

// Source is where the facts of a profile come from.
type Source struct {
	Title    string `yaml:"title" doc:"Title of the manual."`
	Revision string `yaml:"revision" doc:"Its revision or date."`
	URL      string `yaml:"url" doc:"Where it is published."`
}

// Parameter is a number that differs from one mounting place to the next.
type Parameter struct {
	Name    string `yaml:"name" doc:"Its name in expressions and configurations."`
	Text    Words  `yaml:"text" doc:"What it is, in Chinese and English."`
	Unit    string `yaml:"unit" doc:"Its unit."`
	Default Float  `yaml:"default" doc:"Its value where a configuration gives none."`
	Range   Range  `yaml:"range" doc:"Least and greatest value."`
}

// Parse reads the content of the file called name, which is used in problems
// only. The error is a *strict.Problems with every problem and its line.
func Parse(name string, data []byte) (*Profile, error) {
	d := &document{Document: strict.New(name, nil)}
	d.LoneElements()
	p := new(Profile)
	if d.Read(data, p) {
		d.finish(p)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	p.version = hex.EncodeToString(sum[:8])
	return p, nil
}

// Version returns what differs where two profiles of one name do.
func (p *Profile) Version() string { return p.version }

// Load reads the file at path, as Parse does.
func Load(path string) (*Profile, error) {
	data, err := strict.ReadFile(path)
	if err != nil {
		return nil, strict.Unreadable(path, err)
	}
	return Parse(path, data)
}

// Fields returns every value that the device can send, in the order of the file.
// Those of one name in several messages are one, the first. Hidden ones are left
// out.
func (p *Profile) Fields() []*Field {
	var all []*Field
	for _, f := range p.fields {
		if !f.Hidden {
			all = append(all, f)
		}
	}
	return all
}

// Field returns the value called name, or nil.
func (p *Profile) Field(name string) *Field {
	if f := p.byName[name]; f != nil && !f.Hidden {
		return f
	}
	return nil
}

// Output returns the output called name, or nil.
func (p *Profile) Output(name string) *Output {
	for i := range p.Outputs {
		if p.Outputs[i].Name == name {
			return &p.Outputs[i]
		}
	}
	return nil
}

// Transport returns the key of how the device is reached: modbus, serial, lora,
// lorawan, mqtt or gpio.
func (p *Profile) Transport() string {
	for _, t := range p.transports() {
		if t.given {
			return t.name
		}
	}
	return ""
}

type transport struct {
	name  string
	given bool
}

func (p *Profile) transports() []transport {
	return []transport{
		{"modbus", p.Modbus != nil}, {"serial", p.Serial != nil}, {"lora", p.LoRa != nil},
		{"lorawan", p.LoRaWAN != nil}, {"mqtt", p.MQTT != nil}, {"gpio", p.GPIO != nil},
	}
}

// Battery says which value is the battery.
type Battery struct {
	Field    string `yaml:"field" doc:"The value: a level in % or a voltage."`
	Low      Float  `yaml:"low" doc:"Below this the battery is low."`
	Severity int    `yaml:"severity" doc:"Of the alert that the battery is low, 1 (gravest) to 4; 4 if not given."`
}

// Heartbeat says how often a device speaks when nothing happens.
type Heartbeat struct {
	Every    Duration `yaml:"every" doc:"The longest time between two messages of a healthy device."`
	Missed   int      `yaml:"missed" doc:"How many messages may be missed before silence is an alert; 2 if not given."`
	Severity int      `yaml:"severity" doc:"Of the alert that the device is silent, 1 (gravest) to 4; 3 if not given."`
}

// Silence is how long a device may be silent.
func (h *Heartbeat) Silence() time.Duration {
	return time.Duration(h.Every) * time.Duration(h.Missed+1)
}

// Alert says when a value is an alert. One of Above, Below and Is is given.
type Alert struct {
	Kind     string   `yaml:"kind" doc:"What the alert is about."`
	Field    string   `yaml:"field" doc:"The value that is looked at."`
	Above    Float    `yaml:"above" doc:"Alarming above this."`
	Below    Float    `yaml:"below" doc:"Alarming below this."`
	Is       Scalars  `yaml:"is" doc:"Alarming where the value is this, or one of these."`
	Clear    Float    `yaml:"clear" doc:"The alarm is over at this value, or beyond; with above or below, so that a value that trembles raises one alert."`
	For      Duration `yaml:"for" doc:"How long the value must be alarming before it is an alert."`
	Severity int      `yaml:"severity" doc:"1 (gravest) to 4."`
	Text     Words    `yaml:"text" doc:"What happened, in Chinese and English; the words of kind if not given."`
}

// Alarming reports whether v, a value of the alert's field, is alarming. raised
// says whether the alert is raised already, so that Clear decides.
func (a *Alert) Alarming(v Value, raised bool) bool {
	switch {
	case a.Above.Set && raised && a.Clear.Set:
		return v.Number > a.Clear.V
	case a.Above.Set:
		return v.Number > a.Above.V
	case a.Below.Set && raised && a.Clear.Set:
		return v.Number < a.Clear.V
	case a.Below.Set:
		return v.Number < a.Below.V
	}
	return slices.ContainsFunc(a.Is, v.Is)
}

// Condition returns when the alert is alarming, in the terms of rules.
func (a *Alert) Condition() string {
	var b strings.Builder
	b.WriteString(a.Field)
	switch {
	case a.Above.Set:
		b.WriteString(" > " + FormatNumber(a.Above.V))
	case a.Below.Set:
		b.WriteString(" < " + FormatNumber(a.Below.V))
	}
	for i, s := range a.Is {
		b.WriteString(map[bool]string{true: " = ", false: " | "}[i == 0] + s.Text)
	}
	if a.For > 0 {
		b.WriteString(" for " + a.For.String())
	}
	return b.String()
}

// Kinds returns the kinds of alert that a sensor can raise. Each has its words
// in gateway/text.
func Kinds() []string {
	return []string{
		"smoke", "fire", "gas", "carbon_monoxide", "water_level", "water_leak", "flow", "door", "window", "panic", "tilt", "vibration",
		"temperature", "humidity", "air", "noise", "light", "power", "pressure", "presence", "patrol", "disassembly", "fault", "test",
	}
}

// Title returns the words of the alert.
func (a *Alert) Title(l text.Lang) string {
	if s := a.Text.In(l); s != "" {
		return s
	}
	return text.Kind(l, a.Kind)
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

var profileID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
