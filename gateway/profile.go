package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

type profileCmd struct {
	Test   profileTestCmd   `cmd:"" help:"${help_profile_test}"`
	List   profileListCmd   `cmd:"" help:"${help_profile_list}"`
	Show   profileShowCmd   `cmd:"" help:"${help_profile_show}"`
	Decode profileDecodeCmd `cmd:"" help:"${help_profile_decode}"`
	Schema profileSchemaCmd `cmd:"" help:"${help_profile_schema}"`
	Radio  profileRadioCmd  `cmd:"" help:"${help_profile_radio}"`
}

// library is where a command finds profiles by their ids.
type library struct {
	Folder string `type:"path" placeholder:"DIR" help:"${help_profile_folder}"`
}

// open reads a profile: a file, or one of the library by its id.
func (l library) open(name string) (*profile.Profile, error) {
	if !strings.ContainsAny(name, "./\\") {
		if _, err := os.Stat(name); err != nil {
			p, err := profile.Library{Folder: l.Folder}.Get(name)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, &sentence{"profile.absent", []any{name}}
			}
			return p, err
		}
	}
	return profile.Load(name)
}

type profileTestCmd struct {
	library

	Profile []string `arg:"" help:"${help_profile_file}"`
}

func (c *profileTestCmd) Run(e *env) error {
	p := &printer{w: e.out, lang: e.lang}
	examples, wrong, broken := 0, 0, 0
	for _, name := range c.Profile {
		prof, err := c.open(name)
		if err != nil {
			e.complain(err)
			broken++
			continue
		}
		p.line("profile.head", prof.ID, prof.Name.In(e.lang))
		for i, o := range prof.Test() {
			examples++
			if len(o.Wrong) > 0 {
				wrong++
			}
			printOutcome(p, prof, i+1, o)
		}
	}
	if p.err != nil {
		return p.err
	}
	if wrong > 0 || broken > 0 {
		return &sentence{"profile.tested.wrong", []any{examples, wrong, broken}}
	}
	p.line("profile.tested", examples)
	return p.err
}

// printOutcome prints what an example has become: one line if all is well.
func printOutcome(p *printer, prof *profile.Profile, n int, o profile.Outcome) {
	mark := "✓"
	if len(o.Wrong) > 0 {
		mark = "✗"
	}
	name := o.Example.Name
	if name == "" {
		name = text.T(p.lang, "profile.example", n)
	}
	var parts []string
	switch {
	case o.Err != nil:
		parts = append(parts, text.T(p.lang, "profile.refused", profile.Reason(p.lang, o.Err)))
	case o.Message != nil && o.Message.Ignore:
		parts = append(parts, text.T(p.lang, "profile.ignored"))
	}
	for _, v := range o.Values {
		parts = append(parts, v.Field.Title(p.lang)+" "+v.Format(p.lang))
	}
	p.line("profile.outcome", mark, n, name, strings.Join(parts, text.T(p.lang, "profile.comma")))
	for _, a := range prof.Alarming(o.Values) {
		p.line("profile.alarming", a.Title(p.lang), a.Severity)
	}
	for _, d := range o.Wrong {
		p.line("profile.wrong", d.Text(p.lang))
	}
}

type profileListCmd struct{ library }

func (c *profileListCmd) Run(e *env) error {
	ids, err := profile.Library{Folder: c.Folder}.IDs()
	if err != nil {
		return err
	}
	p := &printer{w: e.out, lang: e.lang}
	broken := false
	for _, id := range ids {
		prof, err := c.open(id)
		if err != nil {
			e.complain(err)
			broken = true
			continue
		}
		p.line("profile.entry", id, prof.Transport(), prof.Name.In(e.lang), strings.TrimSpace(prof.Maker+" "+strings.Join(prof.Models, ", ")))
	}
	if broken && p.err == nil {
		return &sentence{"profile.broken", nil}
	}
	return p.err
}

type profileDecodeCmd struct {
	library

	Port    int      `placeholder:"N" help:"${help_profile_port}"`
	Read    string   `placeholder:"NAME" help:"${help_profile_read}"`
	Text    bool     `help:"${help_profile_text}"`
	Profile string   `arg:"" help:"${help_profile_file}"`
	Payload []string `arg:"" help:"${help_profile_payload}"`
}

func (c *profileDecodeCmd) Run(e *env) error {
	prof, err := c.open(c.Profile)
	if err != nil {
		return err
	}
	data := []byte(strings.Join(c.Payload, " "))
	if !c.Text {
		digits := strings.NewReplacer(" ", "", ",", "", "0x", "", ":", "", "-", "").Replace(string(data))
		if data, err = hex.DecodeString(digits); err != nil {
			return &sentence{"profile.hex", nil}
		}
	}
	o := prof.Try(data, profile.Input{Port: c.Port, Section: c.Read})
	if o.Err != nil {
		return &sentence{"profile.refused", []any{profile.Reason(e.lang, o.Err)}}
	}
	p := &printer{w: e.out, lang: e.lang}
	if o.Message.Ignore {
		p.line("profile.ignored")
	}
	for _, v := range o.Values {
		p.line("profile.value", v.Field.Name, v.Format(e.lang), v.Field.Title(e.lang))
	}
	for _, a := range prof.Alarming(o.Values) {
		p.line("profile.alarming", a.Title(e.lang), a.Severity)
	}
	return p.err
}

type profileSchemaCmd struct{}

func (profileSchemaCmd) Run(e *env) error {
	s, err := profile.Schema()
	if err == nil {
		_, err = fmt.Fprintf(e.out, "%s\n", s)
	}
	return err
}

type profileShowCmd struct {
	library

	Profile string `arg:"" help:"${help_profile_file}"`
}

func (c *profileShowCmd) Run(e *env) error {
	prof, err := c.open(c.Profile)
	if err != nil {
		return err
	}
	p := &printer{w: e.out, lang: e.lang}
	p.line("profile.head", prof.ID, prof.Name.In(e.lang))
	if prof.Maker != "" || len(prof.Models) > 0 {
		p.line("profile.maker", strings.TrimSpace(prof.Maker+" "+strings.Join(prof.Models, ", ")))
	}
	for _, s := range prof.Source {
		p.line("profile.source", strings.TrimSpace(s.Title+" "+s.Revision+" "+s.URL))
	}
	if s := prof.Notes.In(e.lang); s != "" {
		p.line("profile.notes", s)
	}
	p.line("profile.reached", reached(prof))
	for _, q := range prof.Parameters {
		p.line("profile.parameter", q.Name, q.Text.In(e.lang), profile.FormatNumber(q.Default.V), q.Unit)
	}
	showValues(p, prof)
	return p.err
}

func showValues(p *printer, prof *profile.Profile) {
	for _, f := range prof.Fields() {
		kind := f.Unit
		switch {
		case f.Event:
			kind = strings.TrimSpace(kind + " " + text.T(p.lang, "profile.event"))
		case f.IsText():
			kind = text.T(p.lang, "config.type.text")
		}
		p.line("profile.value", f.Name, kind, f.Title(p.lang))
	}
	for i := range prof.Alerts {
		a := &prof.Alerts[i]
		p.line("profile.alert", a.Title(p.lang), a.Severity, a.Condition())
	}
	if b := prof.Battery; b != nil {
		p.line("profile.battery", b.Field, profile.FormatNumber(b.Low.V), b.Severity)
	}
	if h := prof.Heartbeat; h != nil {
		p.line("profile.heartbeat", h.Every.String(), profile.Duration(h.Silence()).String(), h.Severity)
	}
	for _, o := range prof.Outputs {
		p.line("profile.output", o.Name, o.Text.In(p.lang), o.MaxOn.String())
	}
}

// reached says in a few words how a device is reached.
func reached(p *profile.Profile) string {
	line := func(l profile.Line) string {
		return fmt.Sprintf("%d %d%s%d", l.Baud, l.DataBits, strings.ToUpper(l.Parity[:1]), l.StopBits)
	}
	switch {
	case p.Modbus != nil:
		return fmt.Sprintf("Modbus %s, %d", line(p.Modbus.Line), p.Modbus.Address)
	case p.Serial != nil:
		return "serial " + line(p.Serial.Line)
	case p.LoRa != nil:
		return "LoRa " + strings.ToUpper(p.LoRa.Module)
	case p.LoRaWAN != nil:
		return "LoRaWAN " + p.LoRaWAN.Class + " " + p.LoRaWAN.Version
	case p.MQTT != nil:
		return "MQTT " + strings.Join(p.MQTT.Topics, ", ")
	}
	return "GPIO, " + strconv.FormatBool(p.GPIO.ActiveLow)
}
