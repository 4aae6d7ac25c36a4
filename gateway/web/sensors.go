package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

// estateView is the page of sensors as JSON.
type estateView struct {
	At      time.Time    `json:"at"`
	Buses   []busView    `json:"buses"`
	Sensors []sensorView `json:"sensors"`
	Outputs []outputView `json:"outputs"`
	Areas   []areaView   `json:"areas"`
	Rules   []ruleView   `json:"rules"`
}

type busView struct {
	ID        string         `json:"id"`
	Name      string         `json:"name,omitempty"`
	Kind      string         `json:"kind"`
	KindText  string         `json:"kind_text"`
	Where     string         `json:"where"` // a port, or an address without user and password
	State     Line           `json:"state"`
	Sensors   int            `json:"sensors"` // and outputs
	Heard     time.Time      `json:"heard,omitzero"`
	Messages  uint64         `json:"messages"`
	Rejected  uint64         `json:"rejected"`
	Noise     uint64         `json:"noise_bytes"`
	Timeouts  uint64         `json:"timeouts"`
	Strangers []strangerView `json:"strangers"`
}

type sensorView struct {
	ID          string      `json:"id"`
	Name        string      `json:"name,omitempty"`
	Grid        string      `json:"grid,omitempty"`
	Profile     string      `json:"profile,omitempty"`
	ProfileText string      `json:"profile_text"`
	Bus         string      `json:"bus,omitempty"` // empty: the local broker
	Address     string      `json:"address"`
	State       Line        `json:"state"`
	Heard       time.Time   `json:"heard,omitzero"`
	Values      []valueView `json:"values"` // the last
	Stale       bool        `json:"stale"`  // they are too old
	Event       *eventView  `json:"event,omitempty"`
	Battery     *valueView  `json:"battery,omitempty"` // one of the values
	RSSI        *float64    `json:"rssi,omitempty"`    // dBm
	SNR         *float64    `json:"snr,omitempty"`     // dB
	Rules       []string    `json:"rules"`             // what it raises, in sentences
}

type valueView struct {
	Name string `json:"name"`
	Text string `json:"text"` // the name in words
	Says string `json:"says"` // the value with its unit, or its label
}

type eventView struct {
	valueView
	At time.Time `json:"at"`
}

type outputView struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Grid  string `json:"grid,omitempty"`
	Bus   string `json:"bus"`
	State Line   `json:"state"`
	On    bool   `json:"on"`
	MaxOn string `json:"max_on"`
}

type areaView struct {
	Area  string `json:"area"`
	Armed bool   `json:"armed"`
}

type ruleView struct {
	ID   string `json:"id"`
	Says string `json:"says"` // in a sentence
}

func (s *Server) sensorsPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "sensors", map[string]any{
		"Kinds": kindsOfBus(), "Bauds": []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400},
	})
}

func (s *Server) listSensors(r *http.Request) (any, error) { return s.estate(from(r).lang), nil }

// estate says how everything is.
func (s *Server) estate(l text.Lang) estateView {
	st, cfg := s.Field.Estate(), s.Running()
	byID := map[string]*DeviceState{}
	for i := range st.Devices {
		byID[st.Devices[i].ID] = &st.Devices[i]
	}
	v := estateView{
		At: st.At.UTC(), Buses: []busView{}, Sensors: []sensorView{}, Outputs: []outputView{}, Areas: []areaView{}, Rules: ruleViews(cfg, l),
	}
	for i := range cfg.Buses {
		v.Buses = append(v.Buses, s.busView(cfg, &cfg.Buses[i], byID[cfg.Buses[i].ID], l))
	}
	for i := range cfg.Sensors {
		v.Sensors = append(v.Sensors, newSensorView(&cfg.Sensors[i], byID[cfg.Sensors[i].ID], l))
	}
	for i := range cfg.Outputs {
		o := &cfg.Outputs[i]
		out := outputView{ID: o.ID, Name: o.Name, Grid: o.Grid, Bus: o.Bus, MaxOn: o.MaxOn.String()}
		out.State = stateLine(byID[o.ID], o.ID, o.Name, "output", l)
		out.On = byID[o.ID] != nil && byID[o.ID].Phase == "on"
		v.Outputs = append(v.Outputs, out)
	}
	for area, armed := range st.Armed {
		v.Areas = append(v.Areas, areaView{area, armed})
	}
	slices.SortFunc(v.Areas, func(a, b areaView) int { return strings.Compare(a.Area, b.Area) })
	return v
}

// stateLine says how a device is; d is nil of one that is left alone.
func stateLine(d *DeviceState, id, name, kind string, l text.Lang) Line {
	if d != nil {
		return deviceLine(&d.Device, l)
	}
	line := deviceLine(&Device{ID: id, Name: name, Type: kind, Phase: "unused"}, l)
	line.Level, line.Since = Warn, time.Time{}
	return line
}

func (s *Server) busView(cfg *config.Config, b *config.Bus, d *DeviceState, l text.Lang) busView {
	where, _, _ := apart(b.Where())
	v := busView{
		ID: b.ID, Name: b.Name, Kind: b.Kind(), KindText: text.T(l, text.Key("bus."+b.Kind())), Where: where,
		State: stateLine(d, b.ID, b.Name, "bus", l), Strangers: []strangerView{},
	}
	for _, x := range cfg.Sensors {
		if x.Bus == b.ID {
			v.Sensors++
		}
	}
	for _, o := range cfg.Outputs {
		if o.Bus == b.ID {
			v.Sensors++
		}
	}
	if d == nil {
		return v
	}
	v.Heard, v.Messages, v.Rejected, v.Noise, v.Timeouts = d.Heard, d.Messages, d.Rejected, d.Noise, d.Timeouts
	for i := range d.Strangers {
		v.Strangers = append(v.Strangers, s.strangerView(b, &d.Strangers[i], l))
	}
	slices.SortFunc(v.Strangers, func(a, b strangerView) int { return b.Heard.Compare(a.Heard) })
	return v
}

func newSensorView(c *config.Sensor, d *DeviceState, l text.Lang) sensorView {
	p := c.Model()
	v := sensorView{
		ID: c.ID, Name: c.Name, Grid: c.Grid, Profile: c.Profile, Bus: c.Bus, Address: addressOf(c), State: stateLine(d, c.ID, c.Name, "sensor", l),
		Values: []valueView{}, Rules: sensorRules(c, l), ProfileText: text.T(l, "sn.noprofile"),
	}
	if p != nil {
		v.ProfileText = p.Name.In(l)
	}
	if d == nil {
		return v
	}
	v.Heard, v.Stale, v.RSSI, v.SNR = d.Heard, d.Stale, d.RSSI, d.SNR
	for _, name := range ordered(p, d.Readings) {
		one := say(p, name, d.Readings[name], l)
		v.Values = append(v.Values, one)
		if p != nil && p.Battery != nil && p.Battery.Field == name {
			v.Battery = &one
		}
	}
	if e := d.Event; e != nil {
		var x any = e.Number
		if e.Text != "" {
			x = e.Text
		}
		v.Event = &eventView{say(p, e.Quantity, x, l), e.At.UTC()}
	}
	return v
}

// used says whether something is reached by a bus.
func used(cfg *config.Config, bus string) bool {
	return slices.ContainsFunc(cfg.Sensors, func(x config.Sensor) bool { return x.Bus == bus }) ||
		slices.ContainsFunc(cfg.Outputs, func(o config.Output) bool { return o.Bus == bus })
}

// addressOf is how the sensor's bus knows it.
func addressOf(c *config.Sensor) string {
	switch c.Transport() {
	case "modbus", "serial":
		return number(c.Unit)
	case "lora":
		return number(c.Number)
	case "lorawan":
		return strings.TrimSpace(c.EUI + " " + c.DevAddr)
	case "gpio":
		return c.Pin
	}
	return c.Topic
}

// ordered returns the names of readings, in the order of the profile.
func ordered(p *profile.Profile, readings map[string]any) []string {
	var all []string
	if p != nil {
		for _, f := range p.Fields() {
			if _, there := readings[f.Name]; there && !slices.Contains(all, f.Name) {
				all = append(all, f.Name)
			}
		}
	}
	var rest []string
	for name := range readings {
		if !slices.Contains(all, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(all, rest...)
}
