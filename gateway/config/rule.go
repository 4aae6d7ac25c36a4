package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/rule"
	"sentrybox/gateway/strict"
)

// SensorRule joins readings to an alert.
type SensorRule struct {
	ID    string    `yaml:"id"`   // stands as the zone of its alerts
	When  Condition `yaml:"when"` // see package rule
	Until Condition `yaml:"until"`
	// Kind of the alerts; the quantity that When is about, or fault, when empty.
	Kind     string   `yaml:"kind"`
	Sensor   string   `yaml:"sensor"` // of the alerts; the one that made it true when empty
	Grid     string   `yaml:"grid"`
	Severity int      `yaml:"severity"`
	Schedule Schedule `yaml:"schedule"`
	Area     string   `yaml:"area"` // the rule is off while this is disarmed
	Do       Actions  `yaml:"do"`
}

// Condition is one on readings; the zero one is none.
type Condition struct{ *rule.Condition }

// DecodeNode reads a text. It takes no variables.
func (c *Condition) DecodeNode(d *strict.Document, n ast.Node, path string) {
	s, ok := strict.Literal(n)
	if !ok {
		d.Mistyped(path, "config.type.text", n)
		return
	}
	got, err := rule.Parse(s)
	if err != nil {
		d.Fault(path, "config.condition", err)
		return
	}
	c.Condition = got
}

// Action is that an output is on, for its longest time if For is 0.
type Action struct {
	Output string
	For    time.Duration
}

// Actions is one or a list.
type Actions []Action

// DecodeNode reads "siren-1 for 60 s", or a list of such.
func (a *Actions) DecodeNode(d *strict.Document, n ast.Node, path string) {
	items := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		items = list.Values
	}
	for _, item := range items {
		s, ok := strict.Literal(d.Resolve(item, path))
		if !ok {
			d.Mistyped(path, "config.type.text", item)
			return
		}
		output, span, err := rule.ParseAction(s)
		if err != nil {
			d.Fault(path, "config.condition", err)
			return
		}
		*a = append(*a, Action{output, span})
	}
}

const (
	maxSensorRules = 500
	ruleSeverity   = 2
	ruleKind       = "fault"
)

func (d *document) finishRules(c *Config) {
	if len(c.Rules) > maxSensorRules {
		d.Fault("rules", "config.many", len(c.Rules), maxSensorRules)
		return
	}
	first := map[string]string{}
	catalog := c.Catalog()
	for i := range c.Rules {
		r, path := &c.Rules[i], strict.Element("rules", i)
		if !d.Sound(path) {
			continue
		}
		d.name(path+".id", r.ID, false)
		d.unique(first, path+".id", r.ID, path)
		if r.Severity == 0 && !d.Given(path+".severity") {
			r.Severity = ruleSeverity
		}
		d.Between(path+".severity", r.Severity, 1, 4)
		if r.Grid != "" {
			d.name(path+".grid", r.Grid, false)
		}
		if r.Area != "" {
			d.name(path+".area", r.Area, false)
		}
		if r.Sensor != "" && d.Sound(path+".sensor") && !catalog.Known[r.Sensor] {
			d.Fault(path+".sensor", "config.sensor.none", d.Shown(path+".sensor", r.Sensor))
		}
		if d.Required(path+".when", r.When.Condition == nil) && d.Sound("sensors") {
			d.condition(r, path, catalog)
		}
		d.finishKind(r, path)
		d.finishActions(c, r, path)
	}
}

func (d *document) finishKind(r *SensorRule, path string) {
	if r.Kind != "" {
		if d.Sound(path+".kind") && !kindForm.MatchString(r.Kind) {
			d.Fault(path+".kind", "config.kind.form", d.Shown(path+".kind", r.Kind))
		}
		return
	}
	r.Kind = ruleKind
	if r.When.Condition == nil {
		return
	}
	if q, one := r.When.Quantity(); one && kindForm.MatchString(q) {
		r.Kind = q
	}
}

// condition holds a rule's conditions against the sensors.
func (d *document) condition(r *SensorRule, path string, catalog *rule.Catalog) {
	if !d.Sound(path+".when") || !d.Sound(path+".until") {
		return
	}
	about, err := r.When.Sensors(catalog)
	at := path + ".when"
	for _, sensor := range about {
		if err == nil {
			_, err = r.When.Bind(catalog, sensor)
		}
		if err == nil && r.Until.Condition != nil {
			at = path + ".until"
			_, err = r.Until.Bind(catalog, sensor)
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		d.Fault(at, "config.condition", err)
	}
}

func (d *document) finishActions(c *Config, r *SensorRule, path string) {
	at := path + ".do"
	for _, a := range r.Do {
		if !d.Sound(at) || !d.Sound("outputs") {
			return
		}
		names := make([]string, len(c.Outputs))
		known := false
		for i, o := range c.Outputs {
			names[i] = o.ID
			known = known || o.ID == a.Output
			if o.ID == a.Output && a.For > time.Duration(o.MaxOn) {
				d.Fault(at, "config.output.long", a.Output, o.MaxOn.String())
			}
		}
		if known {
			continue
		}
		if near := strict.Nearest(a.Output, names); near != "" {
			d.Fault(at, "config.output.near", strict.Shorten(a.Output), near)
		} else {
			d.Fault(at, "config.output.none", strict.Shorten(a.Output))
		}
	}
}

// unique checks that no other has the name; first has the paths by name.
func (d *document) unique(first map[string]string, at, name, path string) {
	if other, twice := first[name]; twice && d.Sound(at) {
		d.Fault(at, "config.camera.twice", d.Shown(at, name), other)
	} else if name != "" && !twice {
		first[name] = path
	}
}
