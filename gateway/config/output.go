package config

import (
	"time"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/strict"
)

// Output is a siren, a lamp or the like.
type Output struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Grid    string `yaml:"grid"`
	Profile string `yaml:"profile"` // none: a coil of Modbus, or a pin
	Bus     string `yaml:"bus"`     // may be left out where one bus alone fits
	Unit    int    `yaml:"unit"`    // Modbus
	Output  string `yaml:"output"`  // of the profile; may be left out where it has but one
	Coil    *int   `yaml:"coil"`    // Modbus without a profile
	Pin     string `yaml:"pin"`     // GPIO
	// ActiveLow says that the output of a pin is on at 0 V.
	ActiveLow bool     `yaml:"active_low"`
	MaxOn     Duration `yaml:"max_on"` // it is switched off after so long, whoever forgets to

	profile *profile.Profile
}

// Model returns the output's profile, or nil if it has none.
func (o *Output) Model() *profile.Profile { return o.profile }

// Switched returns the profile's output, or nil without a profile.
func (o *Output) Switched() *profile.Output {
	if o.profile == nil {
		return nil
	}
	return o.profile.Output(o.Output)
}

const (
	maxOutputs   = 256
	defaultMaxOn = Duration(3 * time.Minute)
)

func (d *document) finishOutputs(c *Config, first map[string]string) {
	if len(c.Outputs) > maxOutputs {
		d.Fault("outputs", "config.many", len(c.Outputs), maxOutputs)
		return
	}
	for i := range c.Outputs {
		o, path := &c.Outputs[i], strict.Element("outputs", i)
		if !d.Sound(path) {
			continue
		}
		d.name(path+".id", o.ID, true)
		d.unique(first, path+".id", o.ID, path)
		if o.Name != "" {
			d.name(path+".name", o.Name, false)
		}
		if o.Grid != "" {
			d.name(path+".grid", o.Grid, false)
		}
		if o.profile = d.profile(path+".profile", o.Profile); o.profile != nil {
			d.finishProfiled(c, o, path)
		} else if o.Profile == "" {
			d.finishPlain(c, o, path)
		}
		if o.MaxOn == 0 && d.Sound(path+".max_on") {
			o.MaxOn = defaultMaxOn
		}
		d.Span(path+".max_on", o.MaxOn, Duration(100*time.Millisecond), Duration(24*time.Hour))
	}
}

// finishProfiled is for an output that a profile describes.
func (d *document) finishProfiled(c *Config, o *Output, path string) {
	o.Bus = d.busOf(c, path+".bus", o.Bus, o.profile)
	if o.profile.Modbus != nil {
		if o.Unit == 0 {
			o.Unit = o.profile.Modbus.Address
		}
		d.Between(path+".unit", o.Unit, 1, 247)
	}
	if o.Output == "" && len(o.profile.Outputs) == 1 {
		o.Output = o.profile.Outputs[0].Name
	}
	out := o.profile.Output(o.Output)
	if out == nil && d.Sound(path+".output") {
		d.Fault(path+".output", "config.output.which", o.Profile)
	}
	if o.Coil != nil {
		d.Fault(path+".coil", "config.output.profile")
	}
	if out != nil && out.Pin {
		d.Required(path+".pin", o.Pin == "")
	}
	if out != nil && o.MaxOn == 0 {
		o.MaxOn = out.MaxOn
	}
}

// finishPlain is for a coil or a pin.
func (d *document) finishPlain(c *Config, o *Output, path string) {
	at := path + ".bus"
	if !d.Required(at, o.Bus == "") || !d.Sound("buses") || !d.Sound(at) {
		return
	}
	switch b := c.bus(o.Bus); {
	case b == nil:
		d.Fault(at, "config.bus.none", d.Shown(at, o.Bus))
	case b.Kind() == "modbus":
		d.Between(path+".unit", o.Unit, 1, 247)
		if d.Required(path+".coil", o.Coil == nil) {
			d.Between(path+".coil", *o.Coil, 0, 65535)
		}
	case b.Kind() == "gpio":
		d.Required(path+".pin", o.Pin == "")
	default:
		d.Fault(at, "config.output.bus", d.Shown(at, o.Bus))
	}
}
