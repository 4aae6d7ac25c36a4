package config

import (
	"regexp"
	"time"

	"sentrybox/gateway/strict"
)

// Alerts says how alerts behave.
type Alerts struct {
	// Level is the first to hear of an alert: grid, community or street.
	// Severity 1 goes to all three.
	Level         string   `yaml:"level"`
	RespondWithin Duration `yaml:"respond_within"`
	HandleWithin  Duration `yaml:"handle_within"`
	// CoolDown is how long after an event further ones of the same rule are
	// folded into its alert.
	CoolDown Duration `yaml:"cool_down"`
	// Kinds, and after them Severities ("1" to "4"), say what is different for some.
	Kinds      map[string]Terms `yaml:"kinds"`
	Severities map[string]Terms `yaml:"severities"`
}

// Terms are what differs for some alerts. What is left out is as for the others.
type Terms struct {
	Level         string   `yaml:"level"`
	RespondWithin Duration `yaml:"respond_within"`
	HandleWithin  Duration `yaml:"handle_within"`
}

func defaultAlerts() Alerts {
	return Alerts{
		Level:         "community",
		RespondWithin: Duration(5 * time.Minute),
		HandleWithin:  Duration(30 * time.Minute),
		CoolDown:      Duration(time.Minute),
	}
}

const (
	maxRespond = Duration(24 * time.Hour)
	maxHandle  = 7 * maxRespond
	maxKinds   = 64
)

// kindForm is what a kind of alert looks like.
var kindForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func (d *document) finishAlerts(a *Alerts) {
	d.OneOf("alerts.level", a.Level, "grid", "community", "street")
	d.Span("alerts.respond_within", a.RespondWithin, Duration(time.Second), maxRespond)
	d.Span("alerts.handle_within", a.HandleWithin, Duration(time.Second), maxHandle)
	d.Span("alerts.cool_down", a.CoolDown, 0, maxRespond)
	d.inOrder("alerts", a.RespondWithin, a.HandleWithin)
	if len(a.Kinds) > maxKinds {
		d.Fault("alerts.kinds", "config.many", len(a.Kinds), maxKinds)
	}
	for kind, t := range a.Kinds {
		d.kind(strict.Member("alerts.kinds", kind), kind)
		d.finishTerms(strict.Member("alerts.kinds", kind), t, a)
	}
	for severity, t := range a.Severities {
		at := strict.Member("alerts.severities", severity)
		if len(severity) != 1 || severity < "1" || severity > "4" {
			d.Fault(at, "config.value", d.Shown(at, severity), "1, 2, 3, 4")
		}
		d.finishTerms(at, t, a)
	}
}

// kind checks the name of a kind of alerts, which stands as a key at path.
func (d *document) kind(path, kind string) {
	if !kindForm.MatchString(kind) {
		d.Fault(path, "config.kind.form", d.Shown(path, kind))
	}
}

func (d *document) finishTerms(path string, t Terms, a *Alerts) {
	if t.Level != "" {
		d.OneOf(path+".level", t.Level, "grid", "community", "street")
	}
	respond, handle := a.RespondWithin, a.HandleWithin
	if d.Given(path + ".respond_within") {
		respond = t.RespondWithin
		d.Span(path+".respond_within", respond, Duration(time.Second), maxRespond)
	}
	if d.Given(path + ".handle_within") {
		handle = t.HandleWithin
		d.Span(path+".handle_within", handle, Duration(time.Second), maxHandle)
	}
	if d.Given(path+".handle_within") || d.Given(path+".respond_within") {
		d.inOrder(path, respond, handle)
	}
}

// inOrder checks that nobody has to handle an alert before having to respond.
func (d *document) inOrder(path string, respond, handle Duration) {
	if !d.Sound(path+".respond_within") || !d.Sound(path+".handle_within") || handle >= respond {
		return
	}
	at := path + ".handle_within"
	if !d.Given(at) {
		at = path + ".respond_within"
	}
	d.Fault(at, "config.alerts.order")
}
