package web

import (
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/rule"
	"sentrybox/gateway/text"
)

// number writes a number, nothing for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// say says a value: v is a float64 or a string.
func say(p *profile.Profile, name string, v any, l text.Lang) valueView {
	out := valueView{Name: name, Text: text.Reading(l, name)}
	var f *profile.Field
	if p != nil {
		f = p.Field(name)
	}
	if f != nil {
		if words := f.Text.In(l); words != "" {
			out.Text = words
		}
	}
	n, isNumber := v.(float64)
	t, _ := v.(string)
	switch {
	case f != nil:
		out.Says = profile.Value{Field: f, Number: n, Text: t}.Format(l)
	case isNumber:
		out.Says = profile.FormatNumber(n)
	default:
		out.Says = t
	}
	return out
}

// fieldName is what people call a field.
func fieldName(p *profile.Profile, name string, l text.Lang) string {
	return say(p, name, "", l).Text
}

// sensorRules says what a sensor raises: its own alerts, and those of its profile for fields
// about which it has none.
func sensorRules(c *config.Sensor, l text.Lang) []string {
	p, own, all := c.Model(), map[string]bool{}, []string{}
	for i := range c.Alerts {
		t := &c.Alerts[i]
		own[t.Field] = true
		if t.Off {
			continue
		}
		name, when := fieldName(p, t.Field, l), ""
		value := func(v float64) string { return say(p, t.Field, v, l).Says }
		switch {
		case t.Above != nil:
			when = text.T(l, "rule.say.above", name, value(*t.Above))
		case t.Below != nil:
			when = text.T(l, "rule.say.below", name, value(*t.Below))
		case t.Is != nil:
			when = text.T(l, "rule.say.is", name, text.T(l, "sn.quoted", value(*t.Is)))
		}
		all = append(all, raises(text.Kind(l, t.Kind), when, time.Duration(t.For), t.Severity, l))
	}
	if p != nil {
		all = append(all, profileRules(p, own, l)...)
	}
	if c.Heartbeat > 0 {
		all = append(all, text.T(l, "sn.silent", rule.Span(l, time.Duration(c.Heartbeat)), silentSeverity(p)))
	} else if p != nil && p.Heartbeat != nil {
		all = append(all, text.T(l, "sn.silent", rule.Span(l, p.Heartbeat.Silence()), silentSeverity(p)))
	}
	return all
}

// silentSeverity is that of the alert that a sensor is silent, as gateway/app has it.
func silentSeverity(p *profile.Profile) int {
	if p != nil && p.Heartbeat != nil && p.Heartbeat.Severity != 0 {
		return p.Heartbeat.Severity
	}
	return 3
}

// profileRules says what a profile raises, besides what is about the fields of own.
func profileRules(p *profile.Profile, own map[string]bool, l text.Lang) []string {
	all := []string{}
	for i := range p.Alerts {
		if a := &p.Alerts[i]; !own[a.Field] {
			all = append(all, alertRule(p, a, l))
		}
	}
	if b := p.Battery; b != nil {
		low := say(p, b.Field, b.Low.V, l)
		all = append(all, raises(text.Kind(l, "battery"), text.T(l, "rule.say.below", low.Text, low.Says), 0, b.Severity, l))
	}
	return all
}

func alertRule(p *profile.Profile, a *profile.Alert, l text.Lang) string {
	name, when := fieldName(p, a.Field, l), ""
	switch {
	case a.Above.Set:
		when = text.T(l, "rule.say.above", name, say(p, a.Field, a.Above.V, l).Says)
	case a.Below.Set:
		when = text.T(l, "rule.say.below", name, say(p, a.Field, a.Below.V, l).Says)
	default:
		var any []string
		for _, s := range a.Is {
			any = append(any, label(p.Field(a.Field), s, l))
		}
		when = text.T(l, "rule.say.is", name, text.T(l, "sn.quoted", strings.Join(any, text.T(l, "sn.orelse"))))
	}
	return raises(a.Title(l), when, time.Duration(a.For), a.Severity, l)
}

// label says what a profile compares a field with.
func label(f *profile.Field, s profile.Scalar, l text.Lang) string {
	if f == nil || f.IsText() {
		return s.Text
	}
	if !s.IsText {
		return profile.Value{Field: f, Number: s.Number}.Format(l)
	}
	for _, w := range f.Labels {
		if w.EN == s.Text || w.ZH == s.Text {
			return w.In(l)
		}
	}
	return s.Text
}

// raises says that something is an alert.
func raises(kind, when string, span time.Duration, severity int, l text.Lang) string {
	if span > 0 {
		when = text.T(l, "rule.say.for", when, rule.Span(l, span))
	}
	return text.T(l, "sn.raises", when, kind, severity)
}

// ruleViews says the rules of a configuration.
func ruleViews(cfg *config.Config, l text.Lang) []ruleView {
	names := map[string]string{}
	for _, s := range cfg.Sensors {
		names[s.ID] = s.ID
		if s.Name != "" {
			names[s.ID] = s.Name
		}
	}
	for _, o := range cfg.Outputs {
		names[o.ID] = o.ID
		if o.Name != "" {
			names[o.ID] = o.Name
		}
	}
	name := func(id string) string { return names[id] }
	all := []ruleView{}
	for i := range cfg.Rules {
		r := &cfg.Rules[i]
		all = append(all, ruleView{r.ID, ruleSays(cfg, r, name, l)})
	}
	return all
}

// ruleSays says a rule in a sentence.
func ruleSays(cfg *config.Config, r *config.SensorRule, name func(id string) string, l text.Lang) string {
	parts := []string{text.T(l, "sn.raises", r.When.Words(l, name), text.Kind(l, r.Kind), r.Severity)}
	for _, d := range r.Do {
		span := d.For
		for _, o := range cfg.Outputs {
			if o.ID == d.Output && span == 0 {
				span = time.Duration(o.MaxOn)
			}
		}
		parts = append(parts, text.T(l, "sn.do", name(d.Output), rule.Span(l, span)))
	}
	if r.Until.Condition != nil {
		parts = append(parts, text.T(l, "sn.until", r.Until.Words(l, name)))
	}
	if !r.Schedule.Always() {
		parts = append(parts, text.T(l, "sn.schedule", r.Schedule.String()))
	}
	if r.Area != "" {
		parts = append(parts, text.T(l, "sn.area", r.Area))
	}
	return strings.Join(parts, "")
}
