package profile

import (
	"time"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

func textKey(s string) text.Key { return text.Key(s) }

func (d *document) alerts() {
	for i := range d.p.Alerts {
		a, path := &d.p.Alerts[i], strict.Element("alerts", i)
		if d.Required(path+".kind", a.Kind == "") {
			d.OneOf(path+".kind", a.Kind, Kinds()...)
		}
		if d.Required(path+".severity", a.Severity == 0) {
			d.Between(path+".severity", a.Severity, 1, 4)
		}
		d.wordsIf(path+".text", a.Text)
		d.Span(path+".for", a.For, 0, Duration(24*time.Hour))
		f := d.shownField(path+".field", a.Field)
		if f == nil || !d.Sound(path) {
			continue
		}
		d.condition(a, f, path)
	}
}

// condition checks when an alert is alarming.
func (d *document) condition(a *Alert, f *Field, path string) {
	given := 0
	for _, is := range []bool{a.Above.Set, a.Below.Set, len(a.Is) > 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		d.Fault(path, "profile.alert.one")
	case f.IsText() && len(a.Is) == 0:
		d.Fault(path, "profile.alert.text", f.Name)
	case a.Clear.Set && len(a.Is) > 0:
		d.Fault(path+".clear", "profile.alert.clear")
	case a.Above.Set && a.Clear.Set && a.Clear.V > a.Above.V, a.Below.Set && a.Clear.Set && a.Clear.V < a.Below.V:
		d.Fault(path+".clear", "profile.alert.beyond")
	case f.Event && a.For > 0:
		d.Fault(path+".for", "profile.alert.event", f.Name)
	}
	for i, s := range a.Is {
		if s.IsText && !f.IsText() && !f.hasLabel(s.Text) {
			d.Fault(strict.Element(path+".is", i), "profile.alert.label", s.Text, f.Name)
		}
	}
}

func (f *Field) hasLabel(s string) bool {
	for _, w := range f.prog.labels {
		if w.EN == s || w.ZH == s {
			return true
		}
	}
	return false
}

func (d *document) battery() {
	if b := d.p.Battery; b != nil {
		if f := d.shownField("battery.field", b.Field); f != nil && f.IsText() {
			d.Fault("battery.field", "profile.alert.text", f.Name)
		}
		d.Required("battery.low", !b.Low.Set)
		d.severity("battery.severity", &b.Severity, 4)
	}
}

func (d *document) heartbeat() {
	if h := d.p.Heartbeat; h != nil {
		if d.Required("heartbeat.every", h.Every == 0) {
			d.Span("heartbeat.every", h.Every, Duration(time.Second), Duration(7*24*time.Hour))
		}
		if h.Missed == 0 && !d.Given("heartbeat.missed") {
			h.Missed = 2
		}
		d.Between("heartbeat.missed", h.Missed, 0, 100)
		d.severity("heartbeat.severity", &h.Severity, 3)
	}
}

func (d *document) outputs() {
	taken := map[string]bool{}
	for i := range d.p.Outputs {
		o, path := &d.p.Outputs[i], strict.Element("outputs", i)
		d.match(path+".name", o.Name, identifier, "profile.name")
		if d.Sound(path+".name") && taken[o.Name] {
			d.Fault(path+".name", "profile.name.taken", o.Name)
		}
		taken[o.Name] = true
		d.words(path+".text", o.Text)
		d.usual(&o.MaxOn, path+".max_on", 3*time.Minute)
		d.Span(path+".max_on", o.MaxOn, Duration(time.Second), Duration(24*time.Hour))
		if !o.On.Set {
			o.On = Scalar{Text: "1", Number: 1, Set: true}
		}
		if !o.Off.Set {
			o.Off = Scalar{Text: "0", Set: true}
		}
		if d.Sound(path) {
			d.outputWay(o, path)
		}
	}
}

func (d *document) outputWay(o *Output, path string) {
	given := 0
	for _, is := range []bool{o.Coil != nil, o.Register != nil, o.Send, o.Pin} {
		if is {
			given++
		}
	}
	modbus := o.Coil != nil || o.Register != nil
	switch {
	case given != 1, modbus && d.p.Modbus == nil, o.Send && d.p.Serial == nil, o.Pin && d.p.GPIO == nil:
		d.Fault(path, "profile.output.way")
		return
	}
	for _, s := range []struct {
		key   string
		value Scalar
	}{{"on", o.On}, {"off", o.Off}} {
		at := path + "." + s.key
		if o.Send {
			if p, ok := parsePattern(s.value.Text); !ok || !s.value.IsText || Bytes(p.value).String() == "" {
				d.Fault(at, "profile.bytes", d.Shown(at, s.value.Text))
			}
		} else if v := s.value.Number; s.value.IsText || v < 0 || v > 65535 || v != float64(int(v)) || o.Register == nil && v > 1 {
			d.Fault(at, "config.range", 0, map[bool]int{true: 1, false: 65535}[o.Register == nil])
		}
	}
}

func (d *document) examples() {
	if !d.Required("examples", len(d.p.Examples) == 0) {
		return
	}
	for i := range d.p.Examples {
		e, path := &d.p.Examples[i], strict.Element("examples", i)
		given := 0
		for _, is := range []bool{len(e.Bytes) > 0, e.Text != "", e.Object != ""} {
			if is {
				given++
			}
		}
		outcomes, none := 0, d.Given(path+".values")
		for _, is := range []bool{len(e.Values) > 0 || none && !e.Ignored && !e.Error, e.Ignored, e.Error} {
			if is {
				outcomes++
			}
		}
		if !d.Sound(path) {
			continue
		}
		if given != 1 {
			d.Fault(path, "profile.example.one")
		}
		if outcomes != 1 {
			d.Fault(path, "profile.example.outcome")
		}
		for name := range e.Values {
			d.shownField(strict.Member(path+".values", name), name)
		}
		if e.Read == "" && d.p.Modbus != nil && len(d.p.Modbus.Reads) > 0 {
			e.Read = d.p.Modbus.Reads[0].Name
		}
	}
}
