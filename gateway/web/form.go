package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"sentrybox/gateway/revision"
)

// formKey is a key of an entry in the file, and where a form has it.
type formKey struct {
	key  string
	text *string
	kind keyKind
}

type keyKind int

const (
	word    keyKind = iota
	numeral         // written as a number where it is one
	hidden          // never sent to a browser; empty: as it was
)

// read fills a form from an entry, and returns which hidden keys are given there.
func readKeys(f revision.Fields, keys []formKey) (given []string) {
	given = []string{}
	for _, k := range keys {
		v := f.Text(k.key)
		if k.kind != hidden {
			*k.text = v
		} else if v != "" || f.Text(k.key+"_file") != "" {
			given = append(given, k.key)
		}
	}
	return given
}

// writeKeys puts a form into an entry. What is empty is left out.
func writeKeys(f revision.Fields, keys []formKey) revision.Fields {
	for _, k := range keys {
		v := strings.TrimSpace(*k.text)
		n, err := strconv.Atoi(v)
		switch {
		case k.kind == hidden && v != "":
			f = f.Set(k.key, strings.ReplaceAll(v, "${", "$${")).Set(k.key+"_file", nil)
		case k.kind == hidden:
		case k.kind == numeral && err == nil && strconv.Itoa(n) == v:
			f = f.Set(k.key, int64(n))
		default:
			f = f.Set(k.key, v)
		}
	}
	return f
}

// busForm is a bus as a form has it.
type busForm struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`  // modbus, serial, e22, e32, rak3172, lorawan, chirpstack, mqtt or gpio
	Where       string   `json:"where"` // a port, or an address without user and password
	Baud        string   `json:"baud"`
	Parity      string   `json:"parity"`
	StopBits    string   `json:"stop_bits"`
	DataBits    string   `json:"data_bits"`
	Channel     string   `json:"channel"`
	NetID       string   `json:"net_id"`
	AirRate     string   `json:"air_rate"`
	Frequency   string   `json:"frequency"`
	ModeCommand string   `json:"mode_command"`
	Answer      string   `json:"answer"`
	User        string   `json:"user"`
	Password    string   `json:"password"` // never sent to a browser; empty: as it was
	Given       []string `json:"given,omitempty"`
}

func (b *busForm) keys() []formKey {
	return []formKey{
		{"id", &b.ID, word}, {"name", &b.Name, word}, {"baud", &b.Baud, numeral}, {"parity", &b.Parity, word},
		{"stop_bits", &b.StopBits, numeral}, {"data_bits", &b.DataBits, numeral}, {"channel", &b.Channel, numeral},
		{"net_id", &b.NetID, numeral}, {"air_rate", &b.AirRate, numeral}, {"frequency", &b.Frequency, numeral},
		{"mode_command", &b.ModeCommand, numeral}, {"answer", &b.Answer, word},
	}
}

// kindsOfBus are the keys that say what a bus is.
func kindsOfBus() []string {
	return []string{"modbus", "serial", "e22", "e32", "rak3172", "lorawan", "chirpstack", "mqtt", "gpio"}
}

func (b *busForm) from(f revision.Fields) {
	b.Given = readKeys(f, b.keys())
	for _, kind := range kindsOfBus() {
		if v := f.Text(kind); v != "" {
			var password string
			b.Kind, b.Where = kind, v
			if kind == "chirpstack" || kind == "mqtt" {
				b.Where, b.User, password = apart(v)
				b.User = unescape(b.User)
			}
			if b.User == "" {
				b.User = f.Text("username")
			}
			if password != "" || f.Text("password") != "" || f.Text("password_file") != "" {
				b.Given = append(b.Given, "password")
			}
		}
	}
}

func (b *busForm) into(f revision.Fields) revision.Fields {
	_, user, password := apart(f.Text(b.Kind))
	where := strings.TrimSpace(b.Where)
	f = f.Set("id", strings.TrimSpace(b.ID))
	for _, kind := range kindsOfBus() {
		if kind != b.Kind {
			f = f.Set(kind, nil)
		}
	}
	if !slices.Contains(kindsOfBus(), b.Kind) { // the check says that one is needed
		return writeKeys(f, b.keys())
	}
	if b.Kind != "chirpstack" && b.Kind != "mqtt" {
		return writeKeys(f.Set(b.Kind, where), b.keys())
	}
	if b.Password == "" && user != "" && unescape(user) == strings.TrimSpace(b.User) {
		return writeKeys(f.Set(b.Kind, together(where, user, password)), b.keys())
	}
	f = writeKeys(f.Set(b.Kind, where).Set("username", strings.TrimSpace(b.User)), b.keys())
	switch {
	case b.Password != "":
		f = f.Set("password", strings.ReplaceAll(b.Password, "${", "$${")).Set("password_file", nil)
	case strings.TrimSpace(b.User) == "":
		f = f.Set("password", nil).Set("password_file", nil)
	case password != "":
		f = f.Set("password", unescape(password))
	}
	return f
}

// sensorForm is a sensor as a form has it. Keys are never sent to a browser.
type sensorForm struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Grid      string   `json:"grid"`
	Profile   string   `json:"profile"`
	Bus       string   `json:"bus"`
	Unit      string   `json:"unit"`
	Number    string   `json:"number"`
	EUI       string   `json:"eui"`
	DevAddr   string   `json:"dev_addr"`
	Pin       string   `json:"pin"`
	Topic     string   `json:"topic"`
	Every     string   `json:"every"`
	Heartbeat string   `json:"heartbeat"`
	Key       string   `json:"key"` // empty: as it was, as with the two that follow
	NwkSKey   string   `json:"nwk_skey"`
	AppSKey   string   `json:"app_skey"`
	Off       []string `json:"off"`             // fields about which the profile's alerts do not count
	Given     []string `json:"given,omitempty"` // keys that it has
}

func (x *sensorForm) keys() []formKey {
	return []formKey{
		{"id", &x.ID, word}, {"name", &x.Name, word}, {"grid", &x.Grid, word}, {"profile", &x.Profile, word}, {"bus", &x.Bus, word},
		{"unit", &x.Unit, numeral}, {"number", &x.Number, numeral}, {"eui", &x.EUI, word}, {"dev_addr", &x.DevAddr, word},
		{"pin", &x.Pin, word}, {"topic", &x.Topic, word}, {"every", &x.Every, word}, {"heartbeat", &x.Heartbeat, word},
		{"key", &x.Key, hidden}, {"nwk_skey", &x.NwkSKey, hidden}, {"app_skey", &x.AppSKey, hidden},
	}
}

func (x *sensorForm) from(f revision.Fields) {
	x.Given, x.Off = readKeys(f, x.keys()), []string{}
	for _, a := range entries(f.Get("alerts")) {
		if off, _ := a.Get("off").(bool); off {
			x.Off = append(x.Off, a.Text("field"))
		}
	}
}

func (x *sensorForm) into(f revision.Fields) revision.Fields {
	f = writeKeys(f, x.keys())
	var alerts []any
	own := map[string]bool{}
	for _, a := range entries(f.Get("alerts")) {
		if off, _ := a.Get("off").(bool); !off {
			alerts = append(alerts, yaml.MapSlice(a))
			own[a.Text("field")] = true
		}
	}
	for _, field := range x.Off {
		if !own[field] {
			alerts = append(alerts, yaml.MapSlice{{Key: "field", Value: field}, {Key: "off", Value: true}})
		}
	}
	return set(f, "alerts", alerts, len(alerts))
}

// entries returns the mappings of a list in the file.
func entries(v any) (all []revision.Fields) {
	list, _ := v.([]any)
	for _, e := range list {
		if m, ok := e.(yaml.MapSlice); ok {
			all = append(all, revision.Fields(m))
		}
	}
	return all
}

// outputForm is an output as a form has it.
type outputForm struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Grid    string `json:"grid"`
	Profile string `json:"profile"`
	Bus     string `json:"bus"`
	Unit    string `json:"unit"`
	Output  string `json:"output"` // of the profile
	Coil    string `json:"coil"`   // without a profile
	Pin     string `json:"pin"`
	MaxOn   string `json:"max_on"`
}

func (o *outputForm) keys() []formKey {
	return []formKey{
		{"id", &o.ID, word}, {"name", &o.Name, word}, {"grid", &o.Grid, word}, {"profile", &o.Profile, word}, {"bus", &o.Bus, word},
		{"unit", &o.Unit, numeral}, {"output", &o.Output, word}, {"coil", &o.Coil, numeral}, {"pin", &o.Pin, word}, {"max_on", &o.MaxOn, word},
	}
}

func (o *outputForm) from(f revision.Fields)                 { readKeys(f, o.keys()) }
func (o *outputForm) into(f revision.Fields) revision.Fields { return writeKeys(f, o.keys()) }

// ruleForm is a rule as a form has it.
type ruleForm struct {
	ID       string `json:"id"`
	When     string `json:"when"`
	Until    string `json:"until"`
	Kind     string `json:"kind"`
	Grid     string `json:"grid"`
	Severity string `json:"severity"`
	Schedule string `json:"schedule"`
	Area     string `json:"area"`
	Do       string `json:"do"`
}

func (x *ruleForm) keys() []formKey {
	return []formKey{
		{"id", &x.ID, word}, {"when", &x.When, word}, {"until", &x.Until, word}, {"kind", &x.Kind, word}, {"grid", &x.Grid, word},
		{"severity", &x.Severity, numeral}, {"schedule", &x.Schedule, word}, {"area", &x.Area, word},
	}
}

func (x *ruleForm) from(f revision.Fields) {
	readKeys(f, x.keys())
	if list, ok := f.Get("do").([]any); ok {
		var all []string
		for _, d := range list {
			if s, ok := d.(string); ok {
				all = append(all, s)
			}
		}
		x.Do = strings.Join(all, "; ")
	} else {
		x.Do = f.Text("do")
	}
}

func (x *ruleForm) into(f revision.Fields) revision.Fields {
	var all []any
	for part := range strings.SplitSeq(x.Do, ";") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	f = writeKeys(f, x.keys())
	if len(all) == 1 {
		return f.Set("do", all[0])
	}
	return set(f, "do", all, len(all))
}
