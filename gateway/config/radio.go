package config

import (
	"regexp"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

// Radio is a radio system or a family of intercoms. Exactly one of the last group is given.
type Radio struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	Grid string `yaml:"grid"` // of its alerts, where the unit has none of its own
	// Severity is that of its emergencies, unless a rule says otherwise.
	Severity int `yaml:"severity"`
	// Units are those who call, by what they are on the air or the line: a DMR id, a code of
	// tones, a SIP user. Others are known by that alone.
	Units map[string]Unit `yaml:"units"`
	// Groups are names of those that are called, in the same way.
	Groups map[string]string `yaml:"groups"`
	// Emergency says which events are alerts. The first that fits counts; after these come
	// those that hold everywhere, see defaultCalls.
	Emergency []CallRule `yaml:"emergency"`
	// Fold is how long after an event the same again is not told again.
	Fold Duration `yaml:"fold"`

	Homebrew *Homebrew `yaml:"homebrew"`
	Analogue *Analogue `yaml:"analogue"`
	SIP      *SIP      `yaml:"sip"`
	ISAPI    *ISAPI    `yaml:"isapi"`
	ONVIF    *ONVIF    `yaml:"onvif"`
	MMDVM    *MMDVM    `yaml:"mmdvm"`
}

// Unit is somebody or something that calls.
type Unit struct {
	Name  string `yaml:"name"`
	Grid  string `yaml:"grid"`
	Place string `yaml:"place"` // where it is, if it stays there
}

// CallRule makes an alert of an event, or has none be made of it.
type CallRule struct {
	// On is what happens: emergency, begin (of a call), page, check, digits, text, status, voice or input.
	On string `yaml:"on"`
	// Code is the digits or the status number, a word of the text, or the input's name; any when empty.
	Code     string `yaml:"code"`
	From     string `yaml:"from"`    // who; anybody when empty
	To       string `yaml:"to"`      // to whom; anybody when empty
	Station  string `yaml:"station"` // that hears it; any when empty
	Kind     string `yaml:"kind"`    // of the alert
	Severity int    `yaml:"severity"`
	Off      bool   `yaml:"off"` // no alert
}

const (
	maxRadios    = 32
	maxUnits     = 2000
	maxGroups    = 500
	maxCallRules = 100
	maxUnitName  = 48 // bytes, of names that stand in an alert beside six others
	defaultFold  = Duration(time.Minute)
)

var (
	onAir     = regexp.MustCompile(`^[^\s"\\\x00-\x1f]{1,64}$`)
	callCode  = regexp.MustCompile(`^[0-9A-F*#]{1,64}$`)
	inputName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// radioDriver is one key that says what a radio is reached by.
type radioDriver struct {
	name   string
	given  bool
	finish func(d *document, c *Config, r *Radio, path string) // checks what is under the key, at path
}

// drivers lists every way to reach a radio or an intercom.
func (r *Radio) drivers() []radioDriver {
	return []radioDriver{
		{"homebrew", r.Homebrew != nil, (*document).finishHomebrew},
		{"analogue", r.Analogue != nil, (*document).finishAnalogue},
		{"sip", r.SIP != nil, (*document).finishSIP},
		{"isapi", r.ISAPI != nil, (*document).finishISAPI},
		{"onvif", r.ONVIF != nil, (*document).finishONVIF},
		{"mmdvm", r.MMDVM != nil, (*document).finishMMDVM},
	}
}

// Driver returns the key that says how the radio is reached.
func (r *Radio) Driver() string {
	for _, k := range r.drivers() {
		if k.given {
			return k.name
		}
	}
	return ""
}

// defaultCalls are the alerts of every radio and intercom.
func defaultCalls(r *Radio) []CallRule {
	kind, _ := kindOf(&CallRule{On: "emergency"}, r)
	return []CallRule{
		{On: "emergency", Kind: kind, Severity: r.Severity},
		{On: "input", Code: "door_forced", Kind: "door_forced", Severity: 2},
		{On: "input", Code: "tamper", Kind: "disassembly", Severity: 2},
		{On: "input", Code: "alarm", Kind: "alarm_input", Severity: 2},
		{On: "input", Code: "lost", Kind: "silence", Severity: 3},
	}
}

// kindOf returns the kind of a rule's alerts, if it names none, and their severity.
func kindOf(c *CallRule, r *Radio) (kind string, grave int) {
	switch c.On {
	case "begin":
		return "help_point", r.Severity
	case "page":
		return "call_alert", 3
	case "check":
		return "radio_check", 4
	case "voice":
		return "radio_voice", 3
	case "input":
		switch c.Code {
		case "tamper":
			return "disassembly", 2
		case "alarm":
			return "alarm_input", 2
		case "lost":
			return "silence", 3
		}
		return c.Code, 2
	default:
		if r.intercom() {
			return "help_point", r.Severity
		}
		return "emergency_call", r.Severity
	}
}

// finishRadios checks radios and intercoms, which are one list under two names.
func (d *document) finishRadios(c *Config, first map[string]string) {
	d.finishRadioList(c, first, "radios", c.Radios)
	d.finishRadioList(c, first, "intercoms", c.Intercoms)
	c.Radios, c.Intercoms = some(append(c.Radios, c.Intercoms...)), nil
}

func (d *document) finishRadioList(c *Config, first map[string]string, key string, list []Radio) {
	if len(list) > maxRadios {
		d.Fault(key, "config.many", len(list), maxRadios)
		return
	}
	for i := range list {
		r, path := &list[i], strict.Element(key, i)
		if !d.Sound(path) {
			continue
		}
		d.name(path+".id", r.ID, true)
		d.unique(first, path+".id", r.ID, path)
		if r.Name != "" {
			d.name(path+".name", r.Name, false)
		}
		if r.Grid != "" {
			d.name(path+".grid", r.Grid, false)
		}
		if r.Severity == 0 && !d.Given(path+".severity") {
			r.Severity = 1
		}
		d.Between(path+".severity", r.Severity, 1, 4)
		if r.Fold == 0 && d.Sound(path+".fold") {
			r.Fold = defaultFold
		}
		d.Span(path+".fold", r.Fold, Duration(time.Second), Duration(time.Hour))
		d.finishUnits(r, path)
		if r.Analogue != nil {
			r.heardInCapitals()
		}
		d.finishCallRules(r, path+".emergency")
		d.finishRadioDriver(c, r, path)
	}
}

// finishRadioDriver checks the one key that says how the radio is reached.
func (d *document) finishRadioDriver(c *Config, r *Radio, path string) {
	var all []string
	given := 0
	for _, k := range r.drivers() {
		all = append(all, k.name)
		if at := path + "." + k.name; k.given || d.Faulty(at) {
			given++
			if k.given && d.Sound(at) {
				k.finish(d, c, r, at)
			}
		}
	}
	if given != 1 {
		d.Fault(path, "config.bus.one", strings.Join(all, ", "))
	}
}

func (d *document) finishUnits(r *Radio, path string) {
	if len(r.Units) > maxUnits {
		d.Fault(path+".units", "config.many", len(r.Units), maxUnits)
		return
	}
	if len(r.Groups) > maxGroups {
		d.Fault(path+".groups", "config.many", len(r.Groups), maxGroups)
		return
	}
	first := map[string]string{}
	for _, id := range names(r.Units) {
		u, at := r.Units[id], strict.Member(path+".units", id)
		d.identity(at, id)
		d.unitName(at+".name", u.Name)
		if other := first[u.Name]; other != "" && d.Sound(at+".name") { // two of one name would be one alert
			d.Fault(at+".name", "config.radio.twice", d.Shown(at+".name", u.Name), other)
		}
		first[u.Name] = at
		if u.Place != "" {
			d.unitName(at+".place", u.Place)
		}
		if u.Grid != "" {
			d.name(at+".grid", u.Grid, false)
		}
	}
	for _, id := range names(r.Groups) {
		at := strict.Member(path+".groups", id)
		d.identity(at, id)
		d.unitName(at, r.Groups[id])
	}
}

// heardInCapitals writes ids as the decoders of tones and of MDC 1200 do, whose letters are capitals: 1a2b is 1A2B.
func (r *Radio) heardInCapitals() {
	for _, id := range names(r.Units) {
		if heard := strings.ToUpper(id); heard != id {
			r.Units[heard] = r.Units[id]
			delete(r.Units, id)
		}
	}
	for i := range r.Emergency {
		c := &r.Emergency[i]
		c.From, c.To = strings.ToUpper(c.From), strings.ToUpper(c.To)
	}
}

// identity checks who somebody is on the air or the line.
func (d *document) identity(path, id string) {
	if d.Sound(path) && !onAir.MatchString(id) {
		d.Fault(path, "config.radio.identity")
	}
}

func (d *document) unitName(path, s string) {
	d.name(path, s, false)
	if len(s) > maxUnitName && len(s) <= maxName && d.Sound(path) {
		d.Fault(path, "config.name.long", maxUnitName)
	}
}

func (d *document) finishCallRules(r *Radio, path string) {
	if len(r.Emergency) > maxCallRules {
		d.Fault(path, "config.many", len(r.Emergency), maxCallRules)
		return
	}
	for i := range r.Emergency {
		c, at := &r.Emergency[i], strict.Element(path, i)
		if !d.Sound(at) || !d.Required(at+".on", c.On == "") ||
			!d.OneOf(at+".on", c.On, "emergency", "begin", "page", "check", "digits", "text", "status", "voice", "input") {
			continue
		}
		d.finishCode(c, at+".code")
		for _, who := range []struct{ key, id string }{{".from", c.From}, {".to", c.To}, {".station", c.Station}} {
			if who.id != "" {
				d.identity(at+who.key, who.id)
			}
		}
		kind, severity := kindOf(c, r)
		if c.Kind == "" {
			c.Kind = kind
		}
		if c.Severity == 0 && !d.Given(at+".severity") {
			c.Severity = severity
		}
		if !c.Off && d.Sound(at+".code") && d.Sound(at+".kind") {
			d.kind(at+".kind", c.Kind)
		}
		d.Between(at+".severity", c.Severity, 1, 4)
	}
	r.Emergency = append(r.Emergency, defaultCalls(r)...)
}

// finishCode checks what the event must say.
func (d *document) finishCode(c *CallRule, at string) {
	switch c.On {
	case "digits", "status":
		if d.Required(at, c.Code == "") && d.Sound(at) && !callCode.MatchString(c.Code) {
			d.Fault(at, "config.radio.digits")
		}
	case "text":
		if d.Required(at, c.Code == "") {
			d.name(at, c.Code, false)
		}
	case "input":
		if d.Required(at, c.Code == "") && d.Sound(at) && !inputName.MatchString(c.Code) {
			d.Fault(at, "config.radio.input")
		}
	default:
		if c.Code != "" && d.Sound(at) {
			d.Fault(at, "config.radio.code", c.On)
		}
	}
}
