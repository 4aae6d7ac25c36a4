package config

import (
	"encoding/json"

	"sentrybox/gateway/strict"
)

// Plans say what to do about a kind of alerts; the kind "any" is for those without a
// plan of their own.
type Plans map[string]Plan

// Plan is for one kind of alerts: whom to call and what to do first.
type Plan struct {
	Call  []Contact `yaml:"call" json:"call,omitempty"`
	Steps []string  `yaml:"steps" json:"steps,omitempty"`
}

// Contact is somebody to call.
type Contact struct {
	Name  string `yaml:"name" json:"name"`
	Phone string `yaml:"phone" json:"phone"`
}

const (
	// maxPlans is how long all plans together may be as they are published, in bytes.
	maxPlans = 16 << 10
	maxCalls = 10
	maxSteps = 12
	maxStep  = 300 // bytes
)

// JSON returns the plans as they are published, nil if there are none.
func (p Plans) JSON() []byte {
	if len(p) == 0 {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil { // texts alone
		return nil
	}
	return b
}

func (d *document) finishPlans(plans Plans) {
	for kind, p := range plans {
		at := strict.Member("plans", kind)
		d.kind(at, kind)
		if len(p.Call) > maxCalls {
			d.Fault(at+".call", "config.many", len(p.Call), maxCalls)
		}
		for i, c := range p.Call {
			who := strict.Element(at+".call", i)
			d.name(who+".name", c.Name, false)
			if d.Required(who+".phone", c.Phone == "") && !phone(c.Phone) {
				d.Fault(who+".phone", "config.plans.phone", d.Shown(who+".phone", c.Phone))
			}
		}
		if len(p.Steps) > maxSteps {
			d.Fault(at+".steps", "config.many", len(p.Steps), maxSteps)
		}
		for i, s := range p.Steps {
			if step := strict.Element(at+".steps", i); len(s) > maxStep {
				d.Fault(step, "config.name.long", maxStep)
			}
		}
		if len(p.Call) == 0 && len(p.Steps) == 0 && d.Sound(at) && d.Sound(at+".call") && d.Sound(at+".steps") {
			d.Fault(at, "config.plans.empty")
		}
	}
	if n := len(plans.JSON()); n > maxPlans {
		d.Fault("plans", "config.plans.long", n, maxPlans)
	}
}

// phone reports whether s can be dialled: digits, and what people put between them.
func phone(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0, r == ' ', r == '-', r == '(', r == ')':
		default:
			return false
		}
	}
	return digits >= 2 && digits <= 20
}
